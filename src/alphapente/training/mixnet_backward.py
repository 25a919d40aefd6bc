"""The backward pass of `mixnet` in training on a CPU: the gradients of the weights, in float32.

Computes one position at a time, and of a position one block of channels at a time. See training/mixnet_forward.py, also
for the layout of the arrays.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.network.mixnet_kernels import add_products
from alphapente.network.patterns import MAX_CAPTURED
from alphapente.network.vectors import (
    LANES,
    add,
    load,
    load_half,
    multiply,
    spread,
    spread_half,
    store,
    subtract,
    where_larger,
)
from alphapente.training.mixnet_forward import (
    Floats,
    Found,
    Inputs,
    Weights,
    Workspace,
    clear_near,
    convolve,
    list_near,
    load_nine,
    mix_neighbours,
    nine,
    place_alone,
    read_features,
    tap,
)


class BackWeights(NamedTuple):
    """The weights of the policy head in the layout for the backward pass."""

    point: Floats  # [H, C]
    pooled: Floats  # [H, 2 C]


class Gradients(NamedTuple):
    """The gradients of the weights, to which the backward pass adds, except `shift`, which it overwrites."""

    table: Floats  # [rows of the batch, C]
    captured: Floats  # [2, MAX_CAPTURED + 1, C]
    taps: Floats  # [C / LANES, 9, LANES]
    bias: Floats  # [C]
    point: Floats  # [H, C]
    near_taps: Floats  # [H / LANES, 9, LANES]
    near_bias: Floats  # [H]
    policy: Floats  # [H]
    shift: Floats  # [B, H]
    far: Floats  # [1]


class OutputGradients(NamedTuple):
    """The gradients of the outputs of the forward pass."""

    logits: Floats  # [B, P]
    pooled: Floats  # [B, 2 C] the backward pass adds the contribution of the logits
    pooled_near: Floats  # [B, 2 H]


@kernel
def _read_outputs(
    weights: Weights, outer: OutputGradients, index: int, count: int, work: Workspace, policy: Floats
) -> None:
    """Writes the contributions of logits, mean and maximum, behind ReLU, to `work.mixed_gradient`.

    A maximum's gradient goes to the first point that has it: `rest` is the gradient not yet assigned. Adds the gradient
    of the policy's weights to `policy` [H].
    """
    outputs, points, zero = len(weights.policy), len(work.near), spread(np.float32(0.0))
    padded = len(work.mixed_gradient) // outputs
    for output in range(0, outputs, LANES):
        at = 2 * index * outputs + output
        mean = multiply(load(outer.pooled_near, at), spread(np.float32(1.0 / points)))
        rest, most = load(outer.pooled_near, at + outputs), load(work.pooled_near, outputs + output)
        weight, whole = load(weights.policy, output), load(policy, output)
        for which in range(count):
            logit = spread(outer.logits[np.uint64(index * points + work.near[np.uint64(which)])])
            mixed = load(work.mixed, which * outputs + output)
            left = where_larger(most, mixed, rest)
            gradient = add(multiply(weight, logit), add(mean, subtract(rest, left)))
            at = output * padded + work.places[np.uint64(which)] * LANES
            store(work.mixed_gradient, at, where_larger(mixed, zero, gradient))
            rest, whole = left, add(whole, multiply(mixed, logit))
        store(policy, output, whole)


@inlined
def _add_near_taps(work: Workspace, start: int, count: int, size: int, sums):  # type: ignore[no-untyped-def]
    """Adds the near points' contributions to the sums of nine taps and of the bias, for half a block from `start`."""
    alone, down = work.alone, (size + 2) * LANES
    g0, g1, g2, g3, g4, g5, g6, g7, g8, bias = sums
    for which in range(count):
        at = start + work.places[np.uint64(which)] * LANES
        here = load_half(work.mixed_gradient, at)
        at -= down + LANES
        g0, g1 = tap(alone, at, here, g0), tap(alone, at + LANES, here, g1)
        g2, g3 = tap(alone, at + 2 * LANES, here, g2), tap(alone, at + down, here, g3)
        g4, g5 = tap(alone, at + down + LANES, here, g4), tap(alone, at + down + 2 * LANES, here, g5)
        g6, g7 = tap(alone, at + 2 * down, here, g6), tap(alone, at + 2 * down + LANES, here, g7)
        g8, bias = tap(alone, at + 2 * down + 2 * LANES, here, g8), add(bias, here)
    return g0, g1, g2, g3, g4, g5, g6, g7, g8, bias


@kernel
def _mix_back(weights: Weights, index: int, count: int, size: int, work: Workspace, gradients: Gradients) -> None:
    """Computes the gradients of the neighbours' weights, of `alone`, and of the shift of position `index`.

    The gradient of a convolution's input is the convolution of its output's gradient with the taps in reverse order.
    """
    outputs, down, zero = len(weights.policy), (size + 2) * LANES, spread_half(np.float32(0.0))
    alone, gradient = work.alone, work.mixed_gradient
    for channel in range(0, outputs, LANES // 2):
        half = channel % LANES
        at_taps, start = 9 * (channel - half) + half, (channel - half) * (size + 2) ** 2 + half
        sums = load_nine(gradients.near_taps, at_taps) + (load_half(gradients.near_bias, channel),)
        sums = _add_near_taps(work, start, count, size, sums)
        for number in range(9):
            store(gradients.near_taps, at_taps + number * LANES, sums[number])
        store(gradients.near_bias, channel, sums[9])
        w0, w1, w2, w3, w4, w5, w6, w7, w8 = load_nine(weights.near_taps, at_taps)
        whole = zero
        for which in range(count):
            at = start + work.places[np.uint64(which)] * LANES
            found = load_half(gradient, at)
            found = nine(gradient, at - down - LANES, down, (w8, w7, w6, w5, w4, w3, w2, w1, w0), found)
            found = where_larger(load_half(alone, at), zero, found)
            store(work.alone_gradient, which * outputs + channel, found)
            whole = add(whole, found)
        store(gradients.shift, index * outputs + channel, whole)


@kernel
def _spread_pooled(pooled_gradient: Floats, start: int, block: int, count: int, work: Workspace) -> None:
    """Writes the contributions of mean and maximum, behind ReLU, to `work.points_gradient`, for a block.

    A maximum's gradient goes to the first near point that has it.
    """
    channels, zero = len(work.pooled) // 2, spread(np.float32(0.0))
    mean = multiply(load(pooled_gradient, start + block), spread(np.float32(1.0 / len(work.near))))
    rest, most = load(pooled_gradient, start + channels + block), load(work.pooled, channels + block)
    for which in range(count):
        point = load(work.points, which * LANES)
        left = where_larger(most, point, rest)
        at = work.places[np.uint64(which)] * LANES
        store(work.points_gradient, at, where_larger(point, zero, add(mean, subtract(rest, left))))
        rest = left


@kernel
def _add_point_weights(block: int, count: int, outputs: int, work: Workspace, gradient: Floats) -> None:
    """Adds the products of the near points' `alone_gradient` and `points` to `gradient` [H, C], for a block.

    Four outputs at a time share each load of the points.
    """
    hidden, points, channels = work.alone_gradient, work.points, len(work.pooled) // 2
    for output in range(0, outputs, 4):
        at = output * channels + block
        a, b = load(gradient, at), load(gradient, at + channels)
        c, d = load(gradient, at + 2 * channels), load(gradient, at + 3 * channels)
        for which in range(count):
            numbers = load(points, which * LANES)
            source = which * outputs + output
            a = add(a, multiply(spread(hidden[np.uint64(source)]), numbers))
            b = add(b, multiply(spread(hidden[np.uint64(source + 1)]), numbers))
            c = add(c, multiply(spread(hidden[np.uint64(source + 2)]), numbers))
            d = add(d, multiply(spread(hidden[np.uint64(source + 3)]), numbers))
        store(gradient, at, a)
        store(gradient, at + channels, b)
        store(gradient, at + 2 * channels, c)
        store(gradient, at + 3 * channels, d)


@inlined
def _add_masked(work: Workspace, which: int, gradient) -> None:  # type: ignore[no-untyped-def]
    """Adds `gradient`, masked by ReLU, to a near point's gradient."""
    at = work.places[np.uint64(which)] * LANES
    point = load(work.points, which * LANES)
    gradient = where_larger(point, spread(np.float32(0.0)), gradient)
    store(work.points_gradient, at, add(load(work.points_gradient, at), gradient))


@kernel
def _add_policy(back: BackWeights, block: int, count: int, work: Workspace) -> None:
    """Adds the policy's contribution to the near points' gradients, for a block; four points share each load."""
    hidden, outputs, channels = work.alone_gradient, len(work.shift), len(work.pooled) // 2
    for which in range(0, count, 4):
        first = which * outputs
        second, third = min(which + 1, count - 1) * outputs, min(which + 2, count - 1) * outputs
        fourth = min(which + 3, count - 1) * outputs
        a, b = spread(np.float32(0.0)), spread(np.float32(0.0))
        c, d = spread(np.float32(0.0)), spread(np.float32(0.0))
        for output in range(outputs):
            weight = load(back.point, output * channels + block)
            a = add(a, multiply(spread(hidden[np.uint64(first + output)]), weight))
            b = add(b, multiply(spread(hidden[np.uint64(second + output)]), weight))
            c = add(c, multiply(spread(hidden[np.uint64(third + output)]), weight))
            d = add(d, multiply(spread(hidden[np.uint64(fourth + output)]), weight))
        _add_masked(work, which, a)
        if which + 1 < count:
            _add_masked(work, which + 1, b)
        if which + 2 < count:
            _add_masked(work, which + 2, c)
        if which + 3 < count:
            _add_masked(work, which + 3, d)


@inlined
def _add_taps(features: Floats, block: int, half: int, count: int, size: int, work: Workspace, sums):  # type: ignore[no-untyped-def]
    """Adds the contributions of the near points to the sums of nine taps and of the bias.

    `block` is the index of the block's first feature, `half` 0 or LANES // 2.
    """
    gradient, down = work.points_gradient, (size + 2) * LANES
    g0, g1, g2, g3, g4, g5, g6, g7, g8, bias = sums
    for which in range(count):
        place = work.places[np.uint64(which)] * LANES + half
        feature, here = load_half(features, block + place), load_half(gradient, place)
        at = place + down + LANES
        g0, g1 = tap(gradient, at, feature, g0), tap(gradient, at - LANES, feature, g1)
        g2, g3 = tap(gradient, at - 2 * LANES, feature, g2), tap(gradient, at - down, feature, g3)
        g4, g5 = add(g4, multiply(here, feature)), tap(gradient, at - down - 2 * LANES, feature, g5)
        g6, g7 = tap(gradient, at - 2 * down, feature, g6), tap(gradient, at - 2 * down - LANES, feature, g7)
        g8, bias = tap(gradient, at - 2 * down - 2 * LANES, feature, g8), add(bias, here)
    return g0, g1, g2, g3, g4, g5, g6, g7, g8, bias


@kernel
def _convolve_back(weights: Weights, block: int, size: int, count: int, work: Workspace, gradients: Gradients) -> None:
    """Computes the gradients of the convolution's weights and of the near points' features, for a block.

    Overwrites the features by their gradients, which is safe since each feature is read before. Writes the sum of these
    gradients to `work.captured`.
    """
    down, zero = (size + 2) * LANES, spread_half(np.float32(0.0))
    features, gradient, first = work.features, work.points_gradient, block * (size + 2) ** 2
    for channel in range(block, block + LANES, LANES // 2):
        half, at_taps = channel - block, 8 * block + channel
        w0, w1, w2, w3, w4, w5, w6, w7, w8 = load_nine(weights.taps, at_taps)
        sums = load_nine(gradients.taps, at_taps) + (load_half(gradients.bias, channel),)
        sums = _add_taps(features, first, half, count, size, work, sums)
        whole = zero
        for which in range(count):
            place = work.places[np.uint64(which)] * LANES + half
            found = nine(gradient, place - down - LANES, down, (w8, w7, w6, w5, w4, w3, w2, w1, w0), zero)
            found = where_larger(load_half(features, first + place), zero, found)
            store(features, first + place, found)
            whole = add(whole, found)
        for number in range(9):
            store(gradients.taps, at_taps + number * LANES, sums[number])
        store(gradients.bias, channel, sums[9])
        store(work.captured, channel, whole)


@inlined
def _add_to(target: Floats, at: int, vector) -> None:  # type: ignore[no-untyped-def]
    """Adds a vector to `target` at `at`."""
    store(target, at, add(load(target, at), vector))


@kernel
def _look_up_back(
    numbers: NDArray[np.uint16], own: int, enemy: int, count: int, work: Workspace, gradients: Gradients
) -> None:
    """Adds the near points' gradients to those of the table's rows and the rows of captured stones."""
    channels, table = len(gradients.bias), gradients.table
    block = len(work.features) // channels * LANES
    for channel in range(0, channels, LANES):
        whole = load(work.captured, channel)
        _add_to(gradients.captured, own * channels + channel, whole)
        _add_to(gradients.captured, (MAX_CAPTURED + 1 + enemy) * channels + channel, whole)
    for which in range(count):
        point, at = np.uint64(work.near[np.uint64(which)]), work.places[np.uint64(which)] * LANES
        first, second = np.int64(numbers[point, 0]) * channels, np.int64(numbers[point, 1]) * channels
        third, fourth = np.int64(numbers[point, 2]) * channels, np.int64(numbers[point, 3]) * channels
        for channel in range(0, channels, LANES):
            gradient = load(work.features, at)
            _add_to(table, first + channel, gradient)
            _add_to(table, second + channel, gradient)
            _add_to(table, third + channel, gradient)
            _add_to(table, fourth + channel, gradient)
            at += block


@kernel
def add_gradients(
    weights: tuple[Weights, BackWeights],
    inputs: Inputs,
    found: Found,
    outer: OutputGradients,
    work: Workspace,
    gradients: Gradients,
) -> None:
    """Adds the gradients of the weights, over all positions, to `gradients`; computes the activations again."""
    front, back = weights
    channels, outputs, points, start = len(front.bias), len(front.policy), len(work.near), 0
    size = np.int64(round(points**0.5))
    for index in range(len(inputs.near)):
        own, enemy = inputs.captured[index, 0], inputs.captured[index, 1]
        count = list_near(inputs.near[index], size, work)
        for point in range(points):
            if not inputs.near[index, point]:
                gradients.far[0] += outer.logits[index * points + point]
        place_alone(found.alone, start, count, work)
        mix_neighbours(front, count, size, work)
        _read_outputs(front, outer, index, count, work, gradients.policy)
        _mix_back(front, index, count, size, work, gradients)
        clear_near(work.alone, size, count, work)
        clear_near(work.mixed_gradient, size, count, work)
        at = index * 2 * channels
        shift = gradients.shift[index * outputs : (index + 1) * outputs]
        add_products(shift, back.pooled, outer.pooled[at : at + 2 * channels])
        read_features(front, inputs, index, count, work)
        for block in range(0, channels, LANES):
            convolve(front, block, 0, size, count, work)
            _spread_pooled(outer.pooled, at, block, count, work)
            _add_point_weights(block, count, outputs, work, gradients.point)
            _add_policy(back, block, count, work)
            _convolve_back(front, block, size, count, work, gradients)
        _look_up_back(inputs.numbers[index], own, enemy, count, work, gradients)
        clear_near(work.features, size, count, work)
        clear_near(work.points_gradient, size, count, work)
        start += count
