"""The kernels that train `mixnet` on a CPU: a position's policy and pooled features, and the gradients of the weights.

One position after the other, so that its activations stay in the second-level cache. The forward pass keeps of each
position only the pooled features and which policy channels are positive; the backward pass computes the rest again.
That costs less than writing 184 KB a position to memory and reading them back.

Channels lie in blocks of LANES, a block's points side by side. Arrays are float32 and flat unless stated otherwise.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.network.patterns import MAX_CAPTURED
from alphapente.network.vectors import (
    LANES,
    add,
    larger,
    load,
    load_half,
    multiply,
    positive_bits,
    relu,
    spread,
    spread_half,
    store,
    subtract,
    total,
    where_bits,
    where_larger,
)

Floats = NDArray[np.float32]


class Inputs(NamedTuple):
    """B positions on a board of P points; see LineInputs."""

    numbers: NDArray[np.uint16]  # [B, P, 4] the row of each pattern among the rows of the batch
    captured: NDArray[np.uint8]  # [B, 2]
    near: NDArray[np.uint8]  # [B, P]


class Weights(NamedTuple):
    """Trunk and policy head of a network of C channels and H policy channels."""

    table: Floats  # [rows of the batch, C]
    captured: Floats  # [2, MAX_CAPTURED + 1, C]
    taps: Floats  # [C / LANES, 9, LANES]
    bias: Floats  # [C]
    point: Floats  # [C, H]
    point_bias: Floats  # [H]
    pooled: Floats  # [2 C, H]
    policy: Floats  # [H]
    far: Floats  # [1]


class BackWeights(NamedTuple):
    """The weights of the policy head in the order of the backward pass."""

    point: Floats  # [H, C] times the weight of each policy channel
    pooled: Floats  # [H, 2 C]


class Found(NamedTuple):
    """What the forward pass writes for B positions on a board of P points."""

    logits: Floats  # [B, P]
    pooled: Floats  # [B, 2 C] means and maxima over the board
    shift: Floats  # [B, H] what a board adds to the policy channels of each of its points
    positive: NDArray[np.uint16]  # [B, P, H / LANES] a bit for each policy channel: whether it is positive


class Gradients(NamedTuple):
    """The gradients of the weights, to which the backward pass adds; but it writes `shift`."""

    table: Floats  # [rows of the batch, C]
    captured: Floats  # [2, MAX_CAPTURED + 1, C]
    taps: Floats  # [C / LANES, 9, LANES]
    bias: Floats  # [C]
    point: Floats  # [H, C] still to be multiplied by the weight of each policy channel
    policy: Floats  # [H] what comes from `shift`; the rest is `point` times the weights of the points, summed
    shift: Floats  # [B, H]
    far: Floats  # [1]


class Workspace(NamedTuple):
    """Memory of the kernels for one position on a board of S x S = P points."""

    features: Floats  # [C / LANES, (S + 2) ** 2, LANES] with a border of zeros; then, in their place, their gradient
    points: Floats  # [C / LANES, P, LANES]; in the backward pass only a block
    points_gradient: Floats  # [(S + 2) ** 2, LANES] of a block, with a border of zeros
    captured: Floats  # [C] the sum of the two rows of captured stones
    pooled: Floats  # [2 C]
    near: NDArray[np.int64]  # [P] the near points
    hidden_gradient: Floats  # [P, H] for each near point the logit's gradient where a policy channel is positive
    hidden_sum: Floats  # [H]


def new_workspace(channels: int, outputs: int, size: int) -> Workspace:
    """Memory for positions on boards of `size` x `size` points, `outputs` being the policy channels."""
    points, padded = size * size, (size + 2) ** 2
    return Workspace(
        features=zeros(channels * padded),
        points=zeros(channels * points),
        points_gradient=zeros(LANES * padded),
        captured=zeros(channels),
        pooled=zeros(2 * channels),
        near=np.zeros(points, np.int64),
        hidden_gradient=zeros(points * outputs),
        hidden_sum=zeros(outputs),
    )


def zeros(count: int) -> Floats:
    """Zeros that begin at a cache line, as those of NumPy do not: a vector across two lines takes twice the time."""
    return torch.zeros(count).numpy()


@kernel
def _look_up(weights: Weights, numbers: NDArray[np.uint16], own: int, enemy: int, size: int, work: Workspace) -> None:
    """Writes each point's features: the rows of its four patterns and of the captured stones, added, and ReLU."""
    channels, side = len(weights.bias), size + 2
    table, features, captured = weights.table, work.features, work.captured
    own_row, enemy_row = own * channels, (MAX_CAPTURED + 1 + enemy) * channels
    for channel in range(0, channels, LANES):
        both = add(load(weights.captured, own_row + channel), load(weights.captured, enemy_row + channel))
        store(captured, channel, both)
    for row in range(size):
        for column in range(size):
            point = np.uint64(row * size + column)
            at = ((row + 1) * side + column + 1) * LANES
            first, second = np.int64(numbers[point, 0]) * channels, np.int64(numbers[point, 1]) * channels
            third, fourth = np.int64(numbers[point, 2]) * channels, np.int64(numbers[point, 3]) * channels
            for channel in range(0, channels, LANES):
                one = add(load(table, first + channel), load(table, second + channel))
                other = add(load(table, third + channel), load(table, fourth + channel))
                store(features, at, relu(add(add(one, other), load(captured, channel))))
                at += side * side * LANES


@inlined
def _tap(features: Floats, at: int, weight, sum_):  # type: ignore[no-untyped-def]
    return add(sum_, multiply(load_half(features, at), weight))


@inlined
def _nine(source: Floats, at: int, down: int, w, sum_):  # type: ignore[no-untyped-def]
    """`sum_` and the products of nine weights with the vectors of 3x3 points, the first of which is at `at`."""
    sum_ = _tap(source, at + 2 * LANES, w[2], _tap(source, at + LANES, w[1], _tap(source, at, w[0], sum_)))
    at += down
    sum_ = _tap(source, at + 2 * LANES, w[5], _tap(source, at + LANES, w[4], _tap(source, at, w[3], sum_)))
    at += down
    return _tap(source, at + 2 * LANES, w[8], _tap(source, at + LANES, w[7], _tap(source, at, w[6], sum_)))


@inlined
def _load_nine(taps: Floats, at: int):  # type: ignore[no-untyped-def]
    """Half a vector of each of nine taps."""
    top = load_half(taps, at), load_half(taps, at + LANES), load_half(taps, at + 2 * LANES)
    middle = load_half(taps, at + 3 * LANES), load_half(taps, at + 4 * LANES), load_half(taps, at + 5 * LANES)
    bottom = load_half(taps, at + 6 * LANES), load_half(taps, at + 7 * LANES), load_half(taps, at + 8 * LANES)
    return top + middle + bottom


@kernel
def _convolve(weights: Weights, block: int, start: int, size: int, work: Workspace) -> None:
    """The depthwise convolution and ReLU of the block of channels from `block` on.

    Writes the points from `start` on, and their mean and maximum to `work.pooled`.
    """
    points, down = size * size, (size + 2) * LANES
    for channel in range(block, block + LANES, LANES // 2):
        w = _load_nine(weights.taps, 8 * block + channel)
        bias = load_half(weights.bias, channel)
        most, whole = spread_half(np.float32(0.0)), spread_half(np.float32(0.0))
        target = start + channel - block
        for row in range(size):
            at = block * (size + 2) ** 2 + row * down + channel - block
            for _ in range(size):
                found = relu(_nine(work.features, at, down, w, bias))
                store(work.points, target, found)
                most, whole = larger(most, found), add(whole, found)
                at += LANES
                target += LANES
        store(work.pooled, channel, multiply(whole, spread_half(np.float32(1.0 / points))))
        store(work.pooled, len(weights.bias) + channel, most)


@inlined
def _list_near(near: NDArray[np.uint8], work: Workspace) -> int:
    """Writes the near points to `work.near`; returns how many."""
    count = 0
    for point in range(len(near)):
        if near[np.uint64(point)]:
            work.near[np.uint64(count)] = point
            count += 1
    return count


@kernel
def _add_products(numbers: Floats, start: int, count: int, rows: Floats, target: Floats, at: int, width: int) -> None:
    """Adds to `target` [width] from `at` on the `rows` [count, width], each times its of `numbers` from `start` on."""
    for first in range(0, width, LANES):
        sum_ = load(target, at + first)
        for index in range(count):
            sum_ = add(sum_, multiply(spread(numbers[np.uint64(start + index)]), load(rows, index * width + first)))
        store(target, at + first, sum_)


@inlined
def _logit(weights: Weights, found: Found, one, other, index: int, point: int, output: int):  # type: ignore[no-untyped-def]
    """What 2 LANES of a point's policy channels, sums of `_judge_two`, contribute to its logit; notes the positive."""
    outputs = len(weights.policy)
    one = add(one, load(found.shift, index * outputs + output))
    other = add(other, load(found.shift, index * outputs + output + LANES))
    bits = (point * outputs + output) // LANES
    found.positive[np.uint64(bits)] = positive_bits(one)
    found.positive[np.uint64(bits + 1)] = positive_bits(other)
    one = multiply(relu(one), load(weights.policy, output))
    return total(add(one, multiply(relu(other), load(weights.policy, output + LANES))))


@kernel
def _judge_two(weights: Weights, work: Workspace, index: int, here: int, there: int, found: Found) -> None:
    """Writes the logits of two points of position `index`, and which policy channels are positive there."""
    channels, outputs = len(weights.bias), len(weights.policy)
    points, policy, size2 = work.points, weights.point, len(work.near)
    here_logit, there_logit = np.float32(0.0), np.float32(0.0)
    for output in range(0, outputs, 2 * LANES):
        a, b = spread(np.float32(0.0)), spread(np.float32(0.0))
        c, d = spread(np.float32(0.0)), spread(np.float32(0.0))
        at = output
        for first in range(0, channels, LANES):
            for channel in range(LANES):
                one, other = load(policy, at), load(policy, at + LANES)
                mine = spread(points[np.uint64(first * size2 + here * LANES + channel)])
                yours = spread(points[np.uint64(first * size2 + there * LANES + channel)])
                a, b = add(a, multiply(mine, one)), add(b, multiply(mine, other))
                c, d = add(c, multiply(yours, one)), add(d, multiply(yours, other))
                at += outputs
        here_logit += _logit(weights, found, a, b, index, index * size2 + here, output)
        there_logit += _logit(weights, found, c, d, index, index * size2 + there, output)
    found.logits[np.uint64(index * size2 + here)] = here_logit
    found.logits[np.uint64(index * size2 + there)] = there_logit


@kernel
def forward(weights: Weights, inputs: Inputs, size: int, work: Workspace, found: Found) -> None:
    """Writes the policy logits and the pooled features of all positions, and what `backward` needs."""
    channels, outputs, points = len(weights.bias), len(weights.policy), size * size
    for index in range(len(inputs.near)):
        _look_up(weights, inputs.numbers[index], inputs.captured[index, 0], inputs.captured[index, 1], size, work)
        for channel in range(0, channels, LANES):
            _convolve(weights, channel, channel * points, size, work)
        for channel in range(0, 2 * channels, LANES):
            store(found.pooled, index * 2 * channels + channel, load(work.pooled, channel))
        for output in range(0, outputs, LANES):
            store(found.shift, index * outputs + output, load(weights.point_bias, output))
        _add_products(work.pooled, 0, 2 * channels, weights.pooled, found.shift, index * outputs, outputs)
        for point in range(index * points, (index + 1) * points):
            found.logits[np.uint64(point)] = weights.far[0]
        count = _list_near(inputs.near[index], work)
        for which in range(0, count, 2):
            here, there = work.near[which], work.near[min(which + 1, count - 1)]
            _judge_two(weights, work, index, here, there, found)


@kernel
def _read_logits(index: int, count: int, found: Found, logits_gradient: Floats, outputs: int, work: Workspace) -> None:
    """Writes the gradient of each near point's policy channels, not yet times their weights, and its sum."""
    points = len(work.near)
    for output in range(0, outputs, LANES):
        whole = spread(np.float32(0.0))
        for which in range(count):
            point = index * points + work.near[np.uint64(which)]
            gradient = spread(logits_gradient[np.uint64(point)])
            hidden = where_bits(found.positive[np.uint64((point * outputs + output) // LANES)], gradient)
            store(work.hidden_gradient, which * outputs + output, hidden)
            whole = add(whole, hidden)
        store(work.hidden_sum, output, whole)


@kernel
def _spread_pooled(pooled_gradient: Floats, start: int, block: int, size: int, work: Workspace) -> None:
    """Writes to `work.points_gradient` what mean and maximum contribute, and ReLU lets through, for a block.

    A maximum's goes to the first of the points that have it.
    """
    channels, zero, source = len(work.pooled) // 2, spread(np.float32(0.0)), 0
    mean = multiply(load(pooled_gradient, start + block), spread(np.float32(1.0 / (size * size))))
    rest, most = load(pooled_gradient, start + channels + block), load(work.pooled, channels + block)
    for row in range(size):
        at = ((row + 1) * (size + 2) + 1) * LANES
        for _ in range(size):
            point = load(work.points, source)
            left = where_larger(most, point, rest)
            store(work.points_gradient, at, where_larger(point, zero, add(mean, subtract(rest, left))))
            rest = left
            source += LANES
            at += LANES


@kernel
def _add_point_weights(block: int, count: int, outputs: int, work: Workspace, gradient: Floats) -> None:
    """Adds to `gradient` [H, C] the products of the near points' `hidden_gradient` and `points`, for a block."""
    hidden, points, channels = work.hidden_gradient, work.points, len(work.pooled) // 2
    for output in range(0, outputs, 4):
        at = output * channels + block
        a, b = load(gradient, at), load(gradient, at + channels)
        c, d = load(gradient, at + 2 * channels), load(gradient, at + 3 * channels)
        for which in range(count):
            numbers = load(points, work.near[np.uint64(which)] * LANES)
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
def _add_masked(work: Workspace, point: int, size: int, gradient) -> None:  # type: ignore[no-untyped-def]
    """Adds to a point's gradient what ReLU lets through."""
    at = ((point // size + 1) * (size + 2) + point % size + 1) * LANES
    gradient = where_larger(load(work.points, point * LANES), spread(np.float32(0.0)), gradient)
    store(work.points_gradient, at, add(load(work.points_gradient, at), gradient))


@kernel
def _add_policy(back: BackWeights, block: int, count: int, size: int, work: Workspace) -> None:
    """Adds what the policy contributes to the near points' gradients, for a block; four points at a time."""
    hidden, near, outputs = work.hidden_gradient, work.near, len(work.hidden_sum)
    channels = len(work.pooled) // 2
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
        _add_masked(work, near[np.uint64(which)], size, a)
        if which + 1 < count:
            _add_masked(work, near[np.uint64(which + 1)], size, b)
        if which + 2 < count:
            _add_masked(work, near[np.uint64(which + 2)], size, c)
        if which + 3 < count:
            _add_masked(work, near[np.uint64(which + 3)], size, d)


@inlined
def _add_taps(features: Floats, source: int, gradient: Floats, at: int, size: int, sums):  # type: ignore[no-untyped-def]
    """Adds to the sums of nine taps and of the bias what a row of the board contributes.

    Its features are from `source` on, and the gradient of the point below the row and right of it at `at`.
    """
    down = (size + 2) * LANES
    g0, g1, g2, g3, g4, g5, g6, g7, g8, bias = sums
    for _ in range(size):
        feature = load_half(features, source)
        here = load_half(gradient, at - down - LANES)
        g0, g1 = _tap(gradient, at, feature, g0), _tap(gradient, at - LANES, feature, g1)
        g2, g3 = _tap(gradient, at - 2 * LANES, feature, g2), _tap(gradient, at - down, feature, g3)
        g4, g5 = add(g4, multiply(here, feature)), _tap(gradient, at - down - 2 * LANES, feature, g5)
        g6, g7 = _tap(gradient, at - 2 * down, feature, g6), _tap(gradient, at - 2 * down - LANES, feature, g7)
        g8, bias = _tap(gradient, at - 2 * down - 2 * LANES, feature, g8), add(bias, here)
        source += LANES
        at += LANES
    return g0, g1, g2, g3, g4, g5, g6, g7, g8, bias


@kernel
def _convolve_back(weights: Weights, block: int, size: int, work: Workspace, gradients: Gradients) -> None:
    """The gradients of the convolution's weights, and of the features, which it writes over them, for a block.

    Writes to `work.captured` the sum of the latter.
    """
    down, zero = (size + 2) * LANES, spread_half(np.float32(0.0))
    features, gradient = work.features, work.points_gradient
    for channel in range(block, block + LANES, LANES // 2):
        half, tap = channel - block, 8 * block + channel
        w0, w1, w2, w3, w4, w5, w6, w7, w8 = _load_nine(weights.taps, tap)
        sums = _load_nine(gradients.taps, tap) + (load_half(gradients.bias, channel),)
        whole = zero
        for row in range(size):
            source = block * (size + 2) ** 2 + (row + 1) * down + LANES + half
            sums = _add_taps(features, source, gradient, (row + 2) * down + 2 * LANES + half, size, sums)
            at = row * down + half
            for _ in range(size):
                found = _nine(gradient, at, down, (w8, w7, w6, w5, w4, w3, w2, w1, w0), zero)
                found = where_larger(load_half(features, source), zero, found)
                store(features, source, found)
                whole = add(whole, found)
                source += LANES
                at += LANES
        for number in range(9):
            store(gradients.taps, tap + number * LANES, sums[number])
        store(gradients.bias, channel, sums[9])
        store(work.captured, channel, whole)


@inlined
def _add_to(target: Floats, at: int, vector) -> None:  # type: ignore[no-untyped-def]
    store(target, at, add(load(target, at), vector))


@kernel
def _look_up_back(
    numbers: NDArray[np.uint16], own: int, enemy: int, size: int, work: Workspace, gradients: Gradients
) -> None:
    """Adds the features' gradients to those of the rows."""
    channels, side, table = len(gradients.bias), size + 2, gradients.table
    for channel in range(0, channels, LANES):
        whole = load(work.captured, channel)
        _add_to(gradients.captured, own * channels + channel, whole)
        _add_to(gradients.captured, (MAX_CAPTURED + 1 + enemy) * channels + channel, whole)
    for row in range(size):
        for column in range(size):
            point = np.uint64(row * size + column)
            at = ((row + 1) * side + column + 1) * LANES
            first, second = np.int64(numbers[point, 0]) * channels, np.int64(numbers[point, 1]) * channels
            third, fourth = np.int64(numbers[point, 2]) * channels, np.int64(numbers[point, 3]) * channels
            for channel in range(0, channels, LANES):
                gradient = load(work.features, at)
                _add_to(table, first + channel, gradient)
                _add_to(table, second + channel, gradient)
                _add_to(table, third + channel, gradient)
                _add_to(table, fourth + channel, gradient)
                at += side * side * LANES


@kernel
def _read_back(index: int, found: Found, weights: Weights, work: Workspace, gradients: Gradients) -> None:
    """The gradients of a position's shift and, as far as they come from it, of the policy channels' weights."""
    outputs = len(weights.policy)
    for output in range(0, outputs, LANES):
        whole, at = load(work.hidden_sum, output), index * outputs + output
        store(gradients.shift, at, multiply(whole, load(weights.policy, output)))
        _add_to(gradients.policy, output, multiply(whole, load(found.shift, at)))


@kernel
def backward(
    weights: tuple[Weights, BackWeights],
    inputs: Inputs,
    found: Found,
    output_gradients: tuple[Floats, Floats],
    work: Workspace,
    gradients: Gradients,
) -> None:
    """Adds the gradients of the weights from those of the logits [B, P] and of the pooled features [B, 2 C].

    The latter gains what comes from the logits.
    """
    front, back = weights
    logits_gradient, pooled_gradient = output_gradients
    channels, outputs, points = len(front.bias), len(front.policy), len(work.near)
    size = np.int64(round(points**0.5))
    for index in range(len(inputs.near)):
        own, enemy = inputs.captured[index, 0], inputs.captured[index, 1]
        count = _list_near(inputs.near[index], work)
        for point in range(points):
            if not inputs.near[index, point]:
                gradients.far[0] += logits_gradient[index * points + point]
        _read_logits(index, count, found, logits_gradient, outputs, work)
        _read_back(index, found, front, work, gradients)
        at = index * 2 * channels
        _add_products(gradients.shift, index * outputs, outputs, back.pooled, pooled_gradient, at, 2 * channels)
        _look_up(front, inputs.numbers[index], own, enemy, size, work)
        for block in range(0, channels, LANES):
            _convolve(front, block, 0, size, work)
            _spread_pooled(pooled_gradient, at, block, size, work)
            _add_point_weights(block, count, outputs, work, gradients.point)
            _add_policy(back, block, count, size, work)
            _convolve_back(front, block, size, work, gradients)
        _look_up_back(inputs.numbers[index], own, enemy, size, work, gradients)
