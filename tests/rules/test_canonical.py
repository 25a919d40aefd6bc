"""Positions that are equal up to symmetry and colours have the same key; all others have different keys."""

import numpy as np
import pytest
from numpy.typing import NDArray

from alphapente.rules.canonical import canonical_symmetry, stone_numbers
from alphapente.rules.kernels import play, random_point
from alphapente.rules.position import IN_PLAY, POSITION, Position, Positions, new_positions, stones
from alphapente.rules.symmetry import SYMMETRIES, transform_positions
from alphapente.rules.tactics import find_tactics, new_bitboards


def symmetry_and_key(position: Position) -> tuple[int, int]:
    """The canonical symmetry and the key."""
    bits, hashes = new_bitboards(), np.zeros(8, np.uint64)
    find_tactics(position, bits, np.zeros(1, POSITION)[0])
    return int(canonical_symmetry(position, bits, stone_numbers(int(position["size"])), hashes)), int(hashes[0])


def random_positions(count: int, size: int, seed: int, most_plies: int = 60) -> Positions:
    """Positions of random games, all in play."""
    state, rng = np.array([seed + 1], np.uint64), np.random.default_rng(seed)
    found = new_positions(count, "pente", size)
    for index in range(count):
        for _ in range(rng.integers(0, most_plies)):
            before = found[index].copy()
            play(found[index], random_point(found[index], state))
            if found[index]["winner"] != IN_PLAY:
                found[index] = before
                break
    return found


def inputs_of(position: Position, symmetry: int) -> bytes:
    """All inputs of a network: own and enemy stones, transformed by the symmetry, and the captures."""
    player, size = int(position["to_move"]), int(position["size"])
    board: NDArray[np.int8] = np.zeros(size * size, np.int8)
    board[SYMMETRIES[size][symmetry]] = stones(position)
    relative = np.where(board == 0, 0, np.where(board == player, 1, 2)).astype(np.int8)
    opening = int(position["ply"] in (0, 2))
    return relative.tobytes() + bytes([position["captured"][player - 1], position["captured"][2 - player], opening])


@pytest.mark.parametrize("size", [7, 13, 19])
def test_all_images_of_a_position_have_one_canonical_position(size: int) -> None:
    positions = random_positions(60, size, seed=size)
    keys = set()
    for index in range(len(positions)):
        images = [transform_positions(positions[index : index + 1], symmetry)[0] for symmetry in range(8)]
        found = [symmetry_and_key(image) for image in images]
        assert len({key for _, key in found}) == 1
        seen = {inputs_of(image, symmetry) for image, (symmetry, _) in zip(images, found, strict=True)}
        assert len(seen) == 1, "its symmetry transforms each image into the canonical position"
        keys.add(found[0][1])
    assert len(keys) > 50


def test_colours_do_not_matter_but_captures_do() -> None:
    one = random_positions(1, 9, seed=5)[0]
    other = one.copy()
    board = other["board"]
    first, second = board == 1, board == 2
    board[first], board[second] = 2, 1
    other["to_move"] = 3 - one["to_move"]
    other["captured"] = one["captured"][::-1]
    assert symmetry_and_key(other) == symmetry_and_key(one)
    other["captured"][0] += 2
    assert symmetry_and_key(other)[1] != symmetry_and_key(one)[1]


def test_different_positions_have_different_keys() -> None:
    """1,000 positions of small boards with many repetitions: exactly equal positions have the same key."""
    positions = random_positions(1000, 7, seed=1, most_plies=5)
    by_key: dict[int, set[bytes]] = {}
    by_inputs: dict[bytes, set[int]] = {}
    for position in positions:
        symmetry, key = symmetry_and_key(position)
        inputs = inputs_of(position, symmetry)
        by_key.setdefault(key, set()).add(inputs)
        by_inputs.setdefault(inputs, set()).add(key)
    assert all(len(found) == 1 for found in by_key.values())
    assert all(len(keys) == 1 for keys in by_inputs.values())
    assert 300 < len(by_key) < 800


def test_even_boards_are_not_transformed_while_the_opening_rule_applies() -> None:
    assert symmetry_and_key(new_positions(1, "pente", 8)[0])[0] == 0
    later = random_positions(20, 8, seed=3, most_plies=30)
    assert {symmetry_and_key(position)[0] for position in later if position["ply"] > 2} > {0}
