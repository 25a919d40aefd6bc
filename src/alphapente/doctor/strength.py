"""Checks of what the network has learned: is it right, does search help it, does it know its values?"""

import numpy as np

from alphapente.arena.suite import BUILT_IN, Puzzle, read_suite, run_suite
from alphapente.doctor.findings import Finding, NotSeenError, Outcome, Severity, Well
from alphapente.doctor.patient import Judged, Patient

PUZZLES = 60
"""Positions of the tactical suite that the network is tried on."""
LARGEST_BOARD = 13
BUDGETS = (0, 32, 100)
BY_CHANCE = 2
"""So many positions may be lost by luck."""
SURE = 0.99
SATURATED = 0.3
TOO_SURE = 0.25
"""How much surer values are than what came of them, on average. Soft labels make them less sure: that is no fault."""
BINS = 5
ENOUGH_POSITIONS = 20
NEAR_CHANCE = 0.95


def search_helps(patient: Patient) -> Outcome:
    """Search worse than the raw policy, on positions whose right moves are known."""
    _ = patient.checkpoint
    puzzles = _puzzles(patient.config.game.variant)
    report = run_suite(
        puzzles,
        lambda batch, size: patient.evaluators(batch, size),
        patient.config.search.model_copy(update={"root_solver_nodes": 0}),  # it would hide what the values do
        BUDGETS,
    )
    solved = {trial.simulations: sum(report.solved(trial)) for trial in report.trials}
    text = f"of {len(puzzles)} positions with a known answer, " + ", ".join(
        f"{solved[budget]} are solved {f'at {budget} simulations' if budget else 'by the raw policy'}"
        for budget in BUDGETS
    )
    settings = _of_search(patient)
    if solved[BUDGETS[-1]] < solved[0] - BY_CHANCE:
        return Finding(
            Severity.CRITICAL,
            "Search plays worse than the network without it",
            text,
            "The values mislead the search: soften the value labels, and let unvisited moves count as their parent "
            "less a little. `alphapente suite tactical` shows which positions are lost.",
            (*settings, f"training.outcome_weight={min(0.5, patient.config.training.outcome_weight):g}"),
        )
    if solved[BUDGETS[-1]] < solved[BUDGETS[1]] - BY_CHANCE:
        return Finding(
            Severity.WARNING,
            "More simulations make the search worse",
            text,
            "The search drowns in the values' noise: trust the priors more. `alphapente suite tactical` shows where.",
            settings,
        )
    return Well(text)


def _of_search(patient: Patient) -> tuple[str, ...]:
    search = patient.config.search
    found = []
    if not 0 < search.first_play_reduction <= 0.5:
        found.append("search.first_play_reduction=0.2")
    if search.root != "gumbel":
        found.append("search.root=gumbel")
    if search.root == "gumbel" and search.value_scale > 0.1:
        found.append("search.value_scale=0.1")
    return tuple(found)


def _puzzles(variant: str) -> list[Puzzle]:
    """Some of the tactical suite on the smaller boards: of the variant where there are enough, else of all."""
    small = [puzzle for puzzle in read_suite(BUILT_IN / "tactical.json") if puzzle.board_size <= LARGEST_BOARD]
    own = [puzzle for puzzle in small if puzzle.variant == variant]
    chosen = own if len(own) >= PUZZLES else small
    return chosen[:: max(1, len(chosen) // PUZZLES)][:PUZZLES]


def values_honest(patient: Patient) -> Outcome:
    """Network values that are saturated, or that do not agree with what came of the positions."""
    judged = patient.judged
    if np.count_nonzero(judged.settled) < ENOUGH_POSITIONS:
        raise NotSeenError(f"fewer than {ENOUGH_POSITIONS} recent positions came to their end without a random move")
    sure = float(np.mean(np.abs(judged.value) > SURE))
    too_sure, bins = calibration(judged)
    text = (
        f"of {len(judged.value)} recent positions the network is sure beyond {SURE} of {sure:.0%}; "
        f"value against outcome by fifths: {bins}; too sure by {too_sure:.2f} on average"
    )
    softer = (f"training.outcome_weight={round(min(0.5, 0.7 * patient.config.training.outcome_weight), 2):g}",)
    if sure > SATURATED:
        return Finding(
            Severity.WARNING,
            "The network's values are saturated",
            text,
            "All labels near 1 and -1 drive it there: give the search's own value a greater share of the label, and "
            "train each record less often.",
            softer,
        )
    if too_sure > TOO_SURE:
        return Finding(
            Severity.WARNING,
            "The network is surer of its values than it may be",
            text,
            "It has seen other games than those played now, or its records too often: train on newer records, each "
            "less often.",
            ("training.sample_strategy=recent",),
        )
    return Well(text)


def calibration(judged: Judged) -> tuple[float, str]:
    """How much surer, by size or side, the values are than the outcomes, on average; and their BINS in words.

    The mean over BINS of equal width, weighed by positions; a bin that is less sure than what came counts as 0.
    """
    value, outcome = judged.value[judged.settled], judged.outcome[judged.settled]
    places = np.clip(((value + 1) / 2 * BINS).astype(int), 0, BINS - 1)
    too_sure, words = 0.0, []
    for place in range(BINS):
        chosen = places == place
        if not chosen.any():
            continue
        said, came = float(value[chosen].mean()), float(outcome[chosen].mean())
        too_sure += max(0.0, float(np.sign(said)) * (said - came)) * float(chosen.mean())
        words.append(f"{said:+.2f} came to {came:+.2f} ({np.count_nonzero(chosen)})")
    return too_sure, ", ".join(words)


def policy_learns(patient: Patient) -> Outcome:
    """A policy that knows no more than chance, though it was trained."""
    if patient.checkpoint.step == 0:
        raise NotSeenError("the checkpoint was never trained")
    judged = patient.judged
    loss, chance = judged.of_policy(judged.cross_entropy), judged.of_policy(np.log(judged.num_legal))
    least = judged.of_policy(judged.target_entropy)
    text = (
        f"policy loss {loss:.2f} on {len(judged.value)} recent records; chance is {chance:.2f}, "
        f"the targets' own entropy {least:.2f}"
    )
    if loss > NEAR_CHANCE * chance:
        training = patient.config.training
        return Finding(
            Severity.WARNING,
            "The policy knows hardly more than chance",
            f"{text}; step {patient.checkpoint.step:,}",
            "In the first cycles this passes. If it stays so: the targets may be too flat (more simulations, Gumbel "
            "root), or the learning rate too low.",
            (f"training.learning_rate={min(0.005, 2 * training.learning_rate):g}",),
        )
    return Well(text)
