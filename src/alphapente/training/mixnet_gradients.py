"""The kernels that train `mixnet` on a CPU: a position's policy and pooled features, and the gradients of the weights.

One position after the other, so that its activations stay in the second-level cache. The forward pass keeps of each
position only the pooled features and which policy channels are positive; the backward pass computes the rest again.
That costs less than writing 184 KB a position to memory and reading them back.

Channels lie in blocks of LANES, a block's points side by side. Arrays are float32 and flat unless stated otherwise.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.network.patterns import MAX_CAPTURED, LineInputs
from alphapente.network.vectors import (
    LANES,
    add,
    larger,
    load,
    multiply,
    positive_bits,
    relu,
    spread,
    store,
    subtract,
    total,
    where_bits,
    where_larger,
)

Floats = NDArray[np.float32]


class Weights(NamedTuple):
    """Trunk and policy head of a network of C channels and H policy channels."""

    table: Floats  # [NUM_PATTERNS, C]
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

    table: Floats  # [NUM_PATTERNS, C]
    captured: Floats  # [2, MAX_CAPTURED + 1, C]
    taps: Floats  # [C / LANES, 9, LANES]
    bias: Floats  # [C]
    point: Floats  # [H, C] still to be multiplied by the weight of each policy channel
    policy: Floats  # [H] what comes from `shift`; the rest is `point` times the weights of the points, summed
    shift: Floats  # [B, H]
    far: Floats  # [1]


class Workspace(NamedTuple):
    """Memory of the kernels for one position on a board of S x S = P points."""

    features: Floats  # [C / LANES, (S + 2) ** 2, LANES] with a border of zeros
    points: Floats  # [C / LANES, P, LANES]
    points_gradient: Floats  # as `features`, border too
    features_gradient: Floats  # as `points`
    pooled: Floats  # [2 C]
    near: NDArray[np.int64]  # [P] the near points
    hidden_gradient: Floats  # [P, H] for each near point the logit's gradient where a policy channel is positive
    hidden_sum: Floats  # [H]


def new_workspace(channels: int, outputs: int, size: int) -> Workspace:
    """Memory for positions on boards of `size` x `size` points, `outputs` being the policy channels."""
    points, padded = size * size, (size + 2) ** 2

    def zeros(count: int) -> Floats:
        return np.zeros(count, np.float32)

    return Workspace(
        features=zeros(channels * padded),
        points=zeros(channels * points),
        points_gradient=zeros(channels * padded),
        features_gradient=zeros(channels * points),
        pooled=zeros(2 * channels),
        near=np.zeros(points, np.int64),
        hidden_gradient=zeros(points * outputs),
        hidden_sum=zeros(outputs),
    )


@kernel
def _look_up(weights: Weights, patterns: NDArray[np.int16], own: int, enemy: int, size: int, work: Workspace) -> None:
    """Writes each point's features: the rows of its four patterns and of the captured stones, added, and ReLU."""
    channels, side = len(weights.bias), size + 2
    table, features = weights.table, work.features
    own_row, enemy_row = own * channels, (MAX_CAPTURED + 1 + enemy) * channels
    for row in range(size):
        for column in range(size):
            point = np.uint64(row * size + column)
            at = ((row + 1) * side + column + 1) * LANES
            first, second = np.int64(patterns[point, 0]) * channels, np.int64(patterns[point, 1]) * channels
            third, fourth = np.int64(patterns[point, 2]) * channels, np.int64(patterns[point, 3]) * channels
            for channel in range(0, channels, LANES):
                one = add(load(table, first + channel), load(table, second + channel))
                other = add(load(table, third + channel), load(table, fourth + channel))
                both = add(load(weights.captured, own_row + channel), load(weights.captured, enemy_row + channel))
                store(features, at, relu(add(add(one, other), both)))
                at += side * side * LANES


@inlined
def _tap(features: Floats, at: int, weight, sum_):  # type: ignore[no-untyped-def]
    return add(sum_, multiply(load(features, at), weight))


@kernel
def _convolve(weights: Weights, size: int, work: Workspace) -> None:
    """The depthwise convolution and ReLU; writes the points, and their mean and maximum to `work.pooled`."""
    channels, points = len(weights.bias), size * size
    features, down, taps = work.features, (size + 2) * LANES, weights.taps
    for channel in range(0, channels, LANES):
        at = 9 * channel
        w0, w1, w2 = load(taps, at), load(taps, at + LANES), load(taps, at + 2 * LANES)
        w3, w4, w5 = load(taps, at + 3 * LANES), load(taps, at + 4 * LANES), load(taps, at + 5 * LANES)
        w6, w7, w8 = load(taps, at + 6 * LANES), load(taps, at + 7 * LANES), load(taps, at + 8 * LANES)
        bias = load(weights.bias, channel)
        most, whole = spread(np.float32(0.0)), spread(np.float32(0.0))
        target = channel * points
        for row in range(size):
            at = channel * (size + 2) ** 2 + row * down
            for _ in range(size):
                found = _tap(features, at, w0, bias)
                found = _tap(features, at + LANES, w1, found)
                found = _tap(features, at + 2 * LANES, w2, found)
                found = _tap(features, at + down, w3, found)
                found = _tap(features, at + down + LANES, w4, found)
                found = _tap(features, at + down + 2 * LANES, w5, found)
                found = _tap(features, at + 2 * down, w6, found)
                found = _tap(features, at + 2 * down + LANES, w7, found)
                found = relu(_tap(features, at + 2 * down + 2 * LANES, w8, found))
                store(work.points, target, found)
                most, whole = larger(most, found), add(whole, found)
                at += LANES
                target += LANES
        store(work.pooled, channel, multiply(whole, spread(np.float32(1.0 / points))))
        store(work.pooled, channels + channel, most)


@inlined
def _list_near(near: NDArray[np.uint8], work: Workspace) -> int:
    """Writes the near points to `work.near`; returns how many."""
    count = np.int64(0)
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
def forward(weights: Weights, inputs: LineInputs, size: int, work: Workspace, found: Found) -> None:
    """Writes the policy logits and the pooled features of all positions, and what `backward` needs."""
    channels, outputs, points = len(weights.bias), len(weights.policy), size * size
    for index in range(len(inputs.near)):
        _look_up(weights, inputs.patterns[index], inputs.captured[index, 0], inputs.captured[index, 1], size, work)
        _convolve(weights, size, work)
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
def _read_logits(
    index: int, count: int, found: Found, logits_gradient: Floats, outputs: int, work: Workspace
) -> None:
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
def _spread_pooled(pooled_gradient: Floats, start: int, size: int, work: Workspace) -> None:
    """Writes to `work.points_gradient` what means and maxima contribute, not yet masked by ReLU.

    A maximum's goes to the first of the points that have it.
    """
    channels, points = len(work.pooled) // 2, size * size
    for channel in range(0, channels, LANES):
        mean = multiply(load(pooled_gradient, start + channel), spread(np.float32(1.0 / points)))
        rest, most = load(pooled_gradient, start + channels + channel), load(work.pooled, channels + channel)
        source = channel * points
        for row in range(size):
            at = channel * (size + 2) ** 2 + ((row + 1) * (size + 2) + 1) * LANES
            for _ in range(size):
                left = where_larger(most, load(work.points, source), rest)
                store(work.points_gradient, at, add(mean, subtract(rest, left)))
                rest = left
                source += LANES
                at += LANES


@kernel
def _add_point_weights(count: int, outputs: int, work: Workspace, gradient: Floats) -> None:
    """Adds to `gradient` [H, C] the products of the near points' `hidden_gradient` and `points`."""
    hidden, points, size2 = work.hidden_gradient, work.points, len(work.near)
    channels = len(work.pooled) // 2
    for channel in range(0, channels, LANES):
        for output in range(0, outputs, 4):
            at = output * channels + channel
            a, b = load(gradient, at), load(gradient, at + channels)
            c, d = load(gradient, at + 2 * channels), load(gradient, at + 3 * channels)
            for which in range(count):
                numbers = load(points, channel * size2 + work.near[np.uint64(which)] * LANES)
                source = which * outputs + output
                a = add(a, multiply(spread(hidden[np.uint64(source)]), numbers))
                b = add(b, multiply(spread(hidden[np.uint64(source + 1)]), numbers))
                c = add(c, multiply(spread(hidden[np.uint64(source + 2)]), numbers))
                d = add(d, multiply(spread(hidden[np.uint64(source + 3)]), numbers))
            store(gradient, at, a)
            store(gradient, at + channels, b)
            store(gradient, at + 2 * channels, c)
            store(gradient, at + 3 * channels, d)


@kernel
def _add_policy(back: BackWeights, count: int, size: int, work: Workspace) -> None:
    """Adds what the policy contributes to the near points' gradients."""
    hidden, target, outputs = work.hidden_gradient, work.points_gradient, len(work.hidden_sum)
    channels, padded = len(work.pooled) // 2, (size + 2) ** 2
    for channel in range(0, channels, LANES):
        for which in range(0, count, 4):
            second, third, fourth = min(which + 1, count - 1), min(which + 2, count - 1), min(which + 3, count - 1)
            here = channel * padded + _inside(work.near[np.uint64(which)], size) * LANES
            there = channel * padded + _inside(work.near[np.uint64(second)], size) * LANES
            over = channel * padded + _inside(work.near[np.uint64(third)], size) * LANES
            last = channel * padded + _inside(work.near[np.uint64(fourth)], size) * LANES
            a, b, c, d = load(target, here), load(target, there), load(target, over), load(target, last)
            for output in range(outputs):
                weight = load(back.point, output * channels + channel)
                a = add(a, multiply(spread(hidden[np.uint64(which * outputs + output)]), weight))
                b = add(b, multiply(spread(hidden[np.uint64(second * outputs + output)]), weight))
                c = add(c, multiply(spread(hidden[np.uint64(third * outputs + output)]), weight))
                d = add(d, multiply(spread(hidden[np.uint64(fourth * outputs + output)]), weight))
            store(target, here, a)
            store(target, there, b)
            store(target, over, c)
            store(target, last, d)


@inlined
def _inside(point: int, size: int) -> int:
    """The number of a point on a board with a border."""
    return (point // size + 1) * (size + 2) + point % size + 1


@kernel
def _mask_points(size: int, work: Workspace, bias: Floats) -> None:
    """ReLU after the convolution: the gradient of the points where they are positive; adds its sum to `bias`."""
    channels, points = len(bias), size * size
    for channel in range(0, channels, LANES):
        whole, source = load(bias, channel), channel * points
        for row in range(size):
            at = channel * (size + 2) ** 2 + ((row + 1) * (size + 2) + 1) * LANES
            for _ in range(size):
                point = load(work.points, source)
                gradient = where_larger(point, spread(np.float32(0.0)), load(work.points_gradient, at))
                store(work.points_gradient, at, gradient)
                whole = add(whole, gradient)
                source += LANES
                at += LANES
        store(bias, channel, whole)


@kernel
def _convolve_back(weights: Weights, size: int, work: Workspace, taps_gradient: Floats) -> None:
    """Writes the gradient of the features, not yet masked by ReLU, and adds that of the convolution's weights.

    A row of the board and a row of taps at a time: more would not fit the registers of AVX2.
    """
    channels, side, taps = len(weights.bias), size + 2, weights.taps
    gradient, features, target = work.points_gradient, work.features, work.features_gradient
    for channel in range(0, channels, LANES):
        for row in range(size):
            for taps_row in range(3):
                tap = 9 * channel + 3 * taps_row * LANES
                w0, w1, w2 = load(taps, tap), load(taps, tap + LANES), load(taps, tap + 2 * LANES)
                g0, g1 = load(taps_gradient, tap), load(taps_gradient, tap + LANES)
                g2 = load(taps_gradient, tap + 2 * LANES)
                at = (channel * size + row * LANES) * size
                source = channel * side * side + ((row + 1) * side + 1) * LANES
                other = channel * side * side + ((row + 2 - taps_row) * side + 1) * LANES
                for _ in range(size):
                    feature = load(features, source)
                    right, here, left = load(gradient, other + LANES), load(gradient, other), load(gradient, other - LANES)
                    g0, g1 = add(g0, multiply(right, feature)), add(g1, multiply(here, feature))
                    g2 = add(g2, multiply(left, feature))
                    sum_ = spread(np.float32(0.0)) if taps_row == 0 else load(target, at)
                    sum_ = add(sum_, multiply(right, w0))
                    store(target, at, add(add(sum_, multiply(here, w1)), multiply(left, w2)))
                    at += LANES
                    source += LANES
                    other += LANES
                store(taps_gradient, tap, g0)
                store(taps_gradient, tap + LANES, g1)
                store(taps_gradient, tap + 2 * LANES, g2)


@inlined
def _add_to(target: Floats, at: int, vector) -> None:  # type: ignore[no-untyped-def]
    store(target, at, add(load(target, at), vector))


@kernel
def _look_up_back(
    patterns: NDArray[np.int16], own: int, enemy: int, size: int, work: Workspace, gradients: Gradients
) -> None:
    """ReLU of the features and the sum of rows: adds the gradients of the rows."""
    channels, side, table = len(gradients.bias), size + 2, gradients.table
    own_row, enemy_row = own * channels, (MAX_CAPTURED + 1 + enemy) * channels
    for row in range(size):
        for column in range(size):
            point = row * size + column
            at = ((row + 1) * side + column + 1) * LANES
            first = np.int64(patterns[np.uint64(point), 0]) * channels
            second = np.int64(patterns[np.uint64(point), 1]) * channels
            third = np.int64(patterns[np.uint64(point), 2]) * channels
            fourth = np.int64(patterns[np.uint64(point), 3]) * channels
            for channel in range(0, channels, LANES):
                gradient = load(work.features_gradient, channel * size * size + point * LANES)
                gradient = where_larger(load(work.features, at), spread(np.float32(0.0)), gradient)
                _add_to(table, first + channel, gradient)
                _add_to(table, second + channel, gradient)
                _add_to(table, third + channel, gradient)
                _add_to(table, fourth + channel, gradient)
                _add_to(gradients.captured, own_row + channel, gradient)
                _add_to(gradients.captured, enemy_row + channel, gradient)
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
    inputs: LineInputs,
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
    channels, outputs = len(front.bias), len(front.policy)
    points = len(work.near)
    size = np.int64(round(points**0.5))
    for index in range(len(inputs.near)):
        own, enemy = inputs.captured[index, 0], inputs.captured[index, 1]
        _look_up(front, inputs.patterns[index], own, enemy, size, work)
        _convolve(front, size, work)
        count = _list_near(inputs.near[index], work)
        for point in range(points):
            if not inputs.near[index, point]:
                gradients.far[0] += logits_gradient[index * points + point]
        _read_logits(index, count, found, logits_gradient, outputs, work)
        _read_back(index, found, front, work, gradients)
        at = index * 2 * channels
        _add_products(gradients.shift, index * outputs, outputs, back.pooled, pooled_gradient, at, 2 * channels)
        _spread_pooled(pooled_gradient, at, size, work)
        _add_point_weights(count, outputs, work, gradients.point)
        _add_policy(back, count, size, work)
        _mask_points(size, work, gradients.bias)
        _convolve_back(front, size, work, gradients.taps)
        _look_up_back(inputs.patterns[index], own, enemy, size, work, gradients)
