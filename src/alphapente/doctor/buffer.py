"""Checks of the replay buffer: are there enough records, are they recent and varied, are their targets useful?"""

import time
from collections.abc import Iterable, Sequence

import numpy as np

from alphapente.arena.confidence import wilson_interval
from alphapente.doctor.findings import CheckResult, Finding, NotAvailableError, Passed, Severity
from alphapente.doctor.keys import softer_outcome
from alphapente.doctor.run_data import RunData, batches_of, target_entropy
from alphapente.records.model import StoredGame
from alphapente.rules.position import CAPTURES_TO_WIN, DRAW, NEVER, PLAYER_1, variant_index
from alphapente.rules.queries import moves_key

ENOUGH_GAMES = 50
"""Games needed to judge a share."""
DISTINCT_GAMES = 0.9
DISTINCT_OPENINGS = 0.3
OPENING_PLIES = 8
CUT_LABELS = 0.3
ONE_SIDED = 0.85
MANY_DRAWS = 0.5
BY_CAPTURES = 0.9
SHORT_GAME = 12.0
LONG_GAME = 0.6
DRIFT = 2.0
STALE_TRAININGS = 2
DAY_S = 86_400
SURE = 0.99
SATURATED = 0.3
FLAT_TARGETS = 0.9


def records_present(run: RunData) -> CheckResult:
    """Reports an empty buffer, or one with fewer records than training.data_sample_size."""
    sample_size = run.config.training.data_sample_size
    try:
        pool = run.pool
    except NotAvailableError as reason:
        return _empty(run, str(reason))
    text = f"{pool.records:,} records of {pool.games - pool.imported_games:,} games of {run.pool_name}"
    if pool.records < sample_size:
        return Finding(
            Severity.HINT,
            "There are fewer records than a training samples",
            f"{text}; training.data_sample_size is {sample_size:,}",
            "This is normal in the first cycles. If it persists, generate more records in each cycle.",
            (f"generation.record_limit={max(run.config.generation.record_limit, sample_size // 4)}",),
        )
    return Passed(text)


def _empty(run: RunData, reason: str) -> Finding:
    others: list[str] = []
    settings: tuple[str, ...] = ()
    try:
        held = [pool for pool in run.stats.pools if pool.records]
    except NotAvailableError:
        held = []
    if held:
        others = [f"{pool.records:,} of {pool.variant} {pool.board_size}x{pool.board_size}" for pool in held]
        most = max(held, key=lambda pool: pool.records)
        settings = (f"game.variant={most.variant}", f"game.board_size={most.board_size}")
    return Finding(
        Severity.CRITICAL,
        f"There are no records of {run.pool_name}",
        f"{run.config.records.database} contains {', '.join(others)}" if others else reason,
        "Configure the game whose records exist, or generate records with `alphapente generate`."
        if others
        else "Generate records with `alphapente generate`, or set records.database to the right file.",
        settings,
    )


def records_fresh(run: RunData) -> CheckResult:
    """Reports a stale buffer: the checkpoint is newer than the records."""
    own = [game for game in run.games if game.model_type == run.model_type]
    age_s = run.checkpoint_at - run.games[-1].created_at
    if age_s > DAY_S:
        return _stale(f"the newest game is {age_s / 3600:,.0f} hours older than the checkpoint")
    if not own:
        raise NotAvailableError(f"none of the newest {len(run.games):,} games was played by {run.model_type}")
    hours = (time.time() - run.games[-1].created_at) / 3600
    found = _under_promotion(run, own) if run.config.pipeline.promotion != "off" else _by_steps(run, own)
    return found if isinstance(found, Finding) else Passed(f"{found}; {hours:,.1f} hours old")


def _by_steps(run: RunData, own: Sequence[StoredGame]) -> Finding | str:
    """A finding if the newest game's network is far behind the checkpoint, else the numbers."""
    newest, step = own[-1], run.checkpoint.step
    behind = step - newest.network_step
    training_steps = run.steps_per_training
    text = (
        f"the newest game's network is at step {newest.network_step:,}, the checkpoint at step {step:,} "
        f"({behind / training_steps:.1f} trainings of {training_steps:,} steps later)"
    )
    if behind <= (STALE_TRAININGS + run.config.pipeline.training_cycles_per_generation) * training_steps:
        return text
    return _unused(f"{text}; it was played by a fresh network", run) if newest.network_step == 0 else _stale(text)


def _under_promotion(run: RunData, own: Sequence[StoredGame]) -> Finding | str:
    """A finding if games after the promotion were played by the previous network, else the numbers.

    The checkpoint may be far ahead: its later steps are not tested yet, or were not stronger.
    """
    step, promoted_at = run.promoted
    since = [game for game in own if game.created_at > promoted_at]
    text = (
        f"the newest game's network is at step {own[-1].network_step:,}, the promoted network at step {step:,}, "
        f"the checkpoint at step {run.checkpoint.step:,}"
    )
    if len(since) >= ENOUGH_GAMES and max(game.network_step for game in since) < step:
        return _unused(f"{text}; {len(since):,} games were played since the promotion", run)
    return text


def _unused(evidence: str, run: RunData) -> Finding:
    return Finding(
        Severity.CRITICAL,
        "Self-play does not use the trained network",
        evidence,
        "Set the same model and the same pipeline.checkpoint_dir for self-play and training.",
        (f"generation.model_type={run.model_type}",),
    )


def _stale(evidence: str) -> Finding:
    return Finding(
        Severity.WARNING,
        "The buffer is stale: training continues without new games",
        evidence,
        "Generate new games before the next training; run fewer trainings after each generation.",
        ("pipeline.training_cycles_per_generation=1",),
    )


def games_distinct(run: RunData) -> CheckResult:
    """Reports too few distinct games or openings, up to symmetry."""
    games = _enough(run.games)
    whole = _distinct(games, None) / len(games)
    openings = _distinct(games, OPENING_PLIES) / len(games)
    text = (
        f"of the newest {len(games):,} games {whole:.0%} are distinct up to symmetry, "
        f"{openings:.0%} by their first {OPENING_PLIES} plies"
    )
    settings = run.config.generation
    if whole < DISTINCT_GAMES:
        return Finding(
            Severity.CRITICAL,
            "Self-play repeats games",
            text,
            "Start games with more random plies and raise the temperature.",
            _more_variety(settings.opening_plies, settings.mcts_temperature),
        )
    if openings < DISTINCT_OPENINGS:
        return Finding(
            Severity.WARNING,
            "There are too few distinct openings",
            text,
            "Start games with more random plies.",
            _more_variety(settings.opening_plies, settings.mcts_temperature),
        )
    return Passed(text)


def _more_variety(opening_plies: int, temperature: float) -> tuple[str, ...]:
    found = [f"generation.opening_plies={max(4, opening_plies + 2)}"]
    if temperature < 0.5:
        found.append("generation.mcts_temperature=1.0")
    return tuple(found)


def _distinct(games: Sequence[StoredGame], plies: int | None) -> int:
    return len({moves_key(game.moves[:plies], game.board_size) for game in games})


def labels_clean(run: RunData) -> CheckResult:
    """Reports label noise: records before a move drawn at random, so that the game's outcome is not their value."""
    records = run.records
    cut = float(np.mean(~np.isnan(records.random_value)))
    rate = run.config.generation.random_move_rate
    random_games = np.mean([bool(game.random_plies) for game in run.games])
    text = (
        f"{cut:.0%} of the newest {len(records):,} records precede a move drawn at random, "
        f"in {random_games:.0%} of the games; generation.random_move_rate is {rate:g}"
    )
    if cut > CUT_LABELS:
        return Finding(
            Severity.WARNING,
            "Random moves spoil value targets",
            text,
            "The value target of these records is the search value: the outcome would include the effect of random "
            "blunders. Vary games by openings and temperature instead.",
            ("generation.random_move_rate=0",),
        )
    return Passed(text)


def sides_balanced(run: RunData) -> CheckResult:
    """Reports outcomes that carry little information: one side nearly always wins, or most games are drawn."""
    games = _enough(run.games)
    firsts, draws = (sum(game.winner == winner for game in games) for winner in (PLAYER_1, DRAW))
    decided = len(games) - draws
    share = firsts / decided if decided else 0.5
    low, high = wilson_interval(share, decided)
    text = (
        f"player 1 won {share:.0%} of {decided:,} decided games (95%: {low:.0%} to {high:.0%}), "
        f"{draws / len(games):.0%} were drawn"
    )
    if draws / len(games) > MANY_DRAWS:
        return Finding(
            Severity.WARNING,
            "Most games are drawn",
            text,
            "A small board fills up: use a larger one, or start games with more random plies.",
            (f"game.board_size={min(19, run.config.game.board_size + 4)}",),
        )
    if not 1 - ONE_SIDED <= share <= ONE_SIDED:
        side = 1 if share > 0.5 else 2
        return Finding(
            Severity.WARNING,
            f"Player {side} wins nearly every game",
            text,
            "The value then learns little except who moves first. Start games with more random plies, so that both "
            "sides get good positions.",
            (f"generation.opening_plies={run.config.generation.opening_plies + 4}",),
        )
    return Passed(text)


def captures_happen(run: RunData) -> CheckResult:
    """Reports captures that never decide a game, or nearly always."""
    variant = run.config.game.variant
    if CAPTURES_TO_WIN[variant_index(variant)] == NEVER:
        raise NotAvailableError(f"{variant} has no captures")
    games = _enough(run.games)
    won = sum(game.won_by == "captures" for game in games) / len(games)
    taken = float(np.mean(run.records.captured.sum(1) > 0))
    text = (
        f"{won:.0%} of the newest {len(games):,} games were won by captures; "
        f"stones had been captured in {taken:.0%} of the newest {len(run.records):,} positions"
    )
    if taken == 0:
        return Finding(
            Severity.CRITICAL,
            "No stones are captured",
            text,
            "Captures occur even in random games. Check the records with `alphapente records check`, and check that "
            "games are long enough.",
        )
    if won == 0 or won > BY_CAPTURES:
        return Finding(
            Severity.HINT,
            "No game is won by captures" if won == 0 else "Nearly every game is won by captures",
            text,
            "The network sees one way of winning only and learns little about the other. Vary the openings more.",
            (f"generation.opening_plies={run.config.generation.opening_plies + 2}",),
        )
    return Passed(text)


def games_long_enough(run: RunData) -> CheckResult:
    """Reports games that are very short, that fill the board, or that have become twice as long."""
    games = _enough(run.games)
    new = _mean_plies(games)
    before = _mean_plies(run.oldest_games) if len(run.oldest_games) >= ENOUGH_GAMES else None
    text = f"the newest {len(games):,} games last {new:.1f} plies on average"
    if before is not None:
        text += f", the first {len(run.oldest_games):,} lasted {before:.1f}"
    points = run.config.game.board_size**2
    if new < SHORT_GAME:
        return Finding(
            Severity.WARNING,
            "Games are very short",
            text,
            "One side does not defend. More simulations find more threats.",
            (f"generation.simulations={2 * run.config.generation.simulations}",),
        )
    if new > LONG_GAME * points:
        return Finding(
            Severity.WARNING,
            "Games fill the board",
            f"{text}, of {points} points",
            "Neither side finds a win. Search more, and lower the temperature.",
            (
                f"generation.simulations={2 * run.config.generation.simulations}",
                f"generation.temperature_final={min(0.2, run.config.generation.temperature_final):g}",
            ),
        )
    if before is not None and new > DRIFT * before:
        return Finding(
            Severity.HINT,
            "Games have become longer",
            text,
            "This happens when the network learns to defend, but also when it forgets how to win. Compare checkpoints "
            "with `alphapente arena`.",
        )
    return Passed(text)


def search_values_spread(run: RunData) -> CheckResult:
    """Reports search values near 1 or -1 that are not proven."""
    values = np.abs(run.records.search_value.astype(np.float64))
    unproven = values[values < 1.0]  # a proven value is exactly 1
    if len(unproven) < ENOUGH_GAMES:
        raise NotAvailableError("nearly all values are proven")
    share = float(np.mean(unproven > SURE))
    text = f"{share:.0%} of {len(unproven):,} unproven search values are beyond {SURE}"
    if share > SATURATED:
        return Finding(
            Severity.WARNING,
            "Search values are saturated",
            text,
            "If every move looks won or lost, the search cannot rank moves. Give the search value a larger share of "
            "the value target.",
            (softer_outcome(run.config),),
        )
    return Passed(text)


def targets_sharp(run: RunData) -> CheckResult:
    """Reports policy targets that are nearly uniform: the search finds no difference between moves."""
    records = run.records
    if not records.policy_weight.any():
        raise NotAvailableError("all newest records are from cheap searches, which have no policy target")
    found = [(target_entropy(batch), np.log(batch.legal.sum(1))) for _, batch in batches_of(records)]
    means = np.average(np.concatenate(found, axis=1), axis=1, weights=records.policy_weight)
    entropy, share = float(means[0]), float(means[0] / means[1])
    text = f"the policy targets have an entropy of {entropy:.2f} nats, {share:.0%} of a uniform policy's"
    if share > FLAT_TARGETS:
        return Finding(
            Severity.WARNING,
            "The policy targets are nearly uniform",
            text,
            "Few simulations give few visits to each move. Use more simulations, less noise and a Gumbel root.",
            (f"generation.simulations={2 * run.config.generation.simulations}", "search.root=gumbel"),
        )
    return Passed(text)


def _mean_plies(games: Iterable[StoredGame]) -> float:
    return float(np.mean([len(game.moves) for game in games]))


def _enough(games: list[StoredGame]) -> list[StoredGame]:
    if len(games) < ENOUGH_GAMES:
        raise NotAvailableError(f"only {len(games)} games of self-play, {ENOUGH_GAMES} are needed")
    return games
