"""Checks of the network's predictions: search against raw policy, calibration of values, policy loss."""

import numpy as np

from alphapente.arena.suites.suite import BUILT_IN, Puzzle, read_suite, run_suite
from alphapente.doctor.findings import CheckResult, Finding, NotAvailableError, Passed, Severity
from alphapente.doctor.keys import softer_outcome
from alphapente.doctor.run_data import RunData

PUZZLES = 60
"""Positions of the tactical suite that the network is tested on."""
LARGEST_BOARD = 13
BUDGETS = (0, 32, 100)
BY_CHANCE = 2
"""A difference of this number of positions counts as chance."""
SURE = 0.99
SATURATED = 0.3
OVERCONFIDENT = 0.25
"""Allowed overconfidence of values, on average. Soft value targets make values less confident: not a fault."""
BINS = 5
ENOUGH_POSITIONS = 20
NEAR_CHANCE = 0.95


def search_helps(run: RunData) -> CheckResult:
    """Reports search that solves fewer positions of the tactical suite than the raw policy."""
    _ = run.checkpoint
    puzzles = _puzzles(run.config.game.variant)
    report = run_suite(
        puzzles,
        lambda batch, size: run.network.evaluators(batch, size, 1),
        run.config.search.model_copy(update={"root_solver_nodes": 0}),  # it would hide errors of the values
        BUDGETS,
    )
    solved = {trial.simulations: sum(report.solved(trial)) for trial in report.trials}
    text = f"of {len(puzzles)} positions with known right moves, " + ", ".join(
        f"{solved[budget]} are solved {f'at {budget} simulations' if budget else 'by the raw policy'}"
        for budget in BUDGETS
    )
    settings = _search_settings(run)
    if solved[BUDGETS[-1]] < solved[0] - BY_CHANCE:
        return Finding(
            Severity.CRITICAL,
            "Search is worse than the raw policy",
            text,
            "The values mislead the search: soften the value targets, and use a small FPU reduction. "
            "`alphapente suite tactical` shows which positions are lost.",
            (*settings, f"training.outcome_weight={min(0.5, run.config.training.outcome_weight):g}"),
        )
    if solved[BUDGETS[-1]] < solved[BUDGETS[1]] - BY_CHANCE:
        return Finding(
            Severity.WARNING,
            "More simulations make the search worse",
            text,
            "The values are too noisy for the search: give the priors more weight. `alphapente suite tactical` shows "
            "which positions are lost.",
            settings,
        )
    return Passed(text)


def _search_settings(run: RunData) -> tuple[str, ...]:
    search = run.config.search
    found = []
    if not 0 < search.first_play_reduction <= 0.5:
        found.append("search.first_play_reduction=0.2")
    if search.root != "gumbel":
        found.append("search.root=gumbel")
    if search.root == "gumbel" and search.value_scale > 0.1:
        found.append("search.value_scale=0.1")
    return tuple(found)


def _puzzles(variant: str) -> list[Puzzle]:
    """Positions of the tactical suite on smaller boards: of this variant if there are enough, else of all variants."""
    small = [puzzle for puzzle in read_suite(BUILT_IN / "tactical.json") if puzzle.board_size <= LARGEST_BOARD]
    own = [puzzle for puzzle in small if puzzle.variant == variant]
    chosen = own if len(own) >= PUZZLES else small
    return chosen[:: max(1, len(chosen) // PUZZLES)][:PUZZLES]


def values_calibrated(run: RunData) -> CheckResult:
    """Reports network values that are saturated or do not agree with the games' outcomes."""
    from alphapente.training.validation import calibration

    predictions = run.predictions
    known = predictions.no_random_moves
    if np.count_nonzero(known) < ENOUGH_POSITIONS:
        raise NotAvailableError(f"fewer than {ENOUGH_POSITIONS} recent positions have no later random move")
    sure = float(np.mean(np.abs(predictions.value) > SURE))
    found = calibration(predictions.value[known], predictions.outcome[known], BINS)
    bins = ", ".join(f"{predicted:+.2f} and {outcome:+.2f} ({count})" for predicted, outcome, count in found.bins)
    text = (
        f"the network's value is beyond {SURE} for {sure:.0%} of {len(predictions.value)} recent positions; "
        f"mean value and outcome by fifths: {bins}; overconfident by {found.overconfidence:.2f} on average"
    )
    if sure > SATURATED:
        return Finding(
            Severity.WARNING,
            "The network's values are saturated",
            text,
            "Value targets near 1 and -1 cause this. Give the search value a larger share of the value target, and "
            "train on each record less often.",
            (softer_outcome(run.config),),
        )
    if found.overconfidence > OVERCONFIDENT:
        return Finding(
            Severity.WARNING,
            "The network's values are overconfident",
            text,
            "The network was trained on other games than those played now, or too often on the same ones. Train on "
            "newer records, and on each less often.",
            ("training.sample_strategy=recent",),
        )
    return Passed(text)


def policy_learns(run: RunData) -> CheckResult:
    """Reports a trained policy that is hardly better than a uniform one."""
    if run.checkpoint.step == 0:
        raise NotAvailableError("the checkpoint was never trained")
    predictions = run.predictions
    loss = predictions.policy_mean(predictions.cross_entropy)
    chance = predictions.policy_mean(np.log(predictions.num_legal))
    least = predictions.policy_mean(predictions.target_entropy)
    text = (
        f"policy loss {loss:.2f} on {len(predictions.value)} recent records; a uniform policy has {chance:.2f}, "
        f"the targets' entropy is {least:.2f}"
    )
    if loss > NEAR_CHANCE * chance:
        training = run.config.training
        return Finding(
            Severity.WARNING,
            "The policy is hardly better than a uniform one",
            f"{text}; step {run.checkpoint.step:,}",
            "This is normal in the first cycles. If it persists, the policy targets may be too flat (use more "
            "simulations and a Gumbel root), or the learning rate too low.",
            (f"training.learning_rate={min(0.005, 2 * training.learning_rate):g}",),
        )
    return Passed(text)
