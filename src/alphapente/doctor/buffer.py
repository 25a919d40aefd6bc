"""Checks of what self-play has put into the database: is it there, fresh, varied, and worth learning from?"""

import time
from collections.abc import Iterable, Sequence

import numpy as np

from alphapente.arena.match import wilson_interval
from alphapente.doctor.findings import Finding, NotSeenError, Outcome, Severity, Well
from alphapente.doctor.patient import Patient
from alphapente.records.model import StoredGame
from alphapente.rules.position import CAPTURES_TO_WIN, NEVER, variant_index
from alphapente.rules.symmetry import SYMMETRIES

ENOUGH_GAMES = 50
"""Fewer say nothing about shares."""
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


def records_there(patient: Patient) -> Outcome:
    """An empty buffer, or one that holds fewer records than a training asks for."""
    asked = patient.config.training.data_sample_size
    try:
        pool = patient.pool
    except NotSeenError as reason:
        return _empty(patient, str(reason))
    text = f"{pool.records:,} records of {pool.games - pool.imported_games:,} games of {patient.pool_name}"
    if pool.records < asked:
        return Finding(
            Severity.HINT,
            "Trainings draw on fewer records than they ask for",
            f"{text}; training.data_sample_size is {asked:,}",
            "Nothing to do in the first cycles; if it stays so, generate more in each cycle.",
            (f"generation.record_limit={max(patient.config.generation.record_limit, asked // 4)}",),
        )
    return Well(text)


def _empty(patient: Patient, reason: str) -> Finding:
    others: list[str] = []
    settings: tuple[str, ...] = ()
    try:
        held = [pool for pool in patient.stats.pools if pool.records]
    except NotSeenError:
        held = []
    if held:
        others = [f"{pool.records:,} of {pool.variant} {pool.board_size}x{pool.board_size}" for pool in held]
        most = max(held, key=lambda pool: pool.records)
        settings = (f"game.variant={most.variant}", f"game.board_size={most.board_size}")
    return Finding(
        Severity.CRITICAL,
        f"There is nothing to learn from: no records of {patient.pool_name}",
        f"{patient.config.records.database} holds {', '.join(others)}" if others else reason,
        "Ask for the game whose records are there, or generate some: `alphapente generate`."
        if others
        else "Generate some with `alphapente generate`, or name the right file with records.database.",
        settings,
    )


def records_fresh(patient: Patient) -> Outcome:
    """A stale buffer: the network has moved on and self-play has not."""
    own = [game for game in patient.games if game.model_type == patient.model_type]
    age_s = patient.checkpoint_at - patient.games[-1].created_at
    if age_s > DAY_S:
        return _stale(f"the newest game is {age_s / 3600:,.0f} hours older than the checkpoint")
    if not own:
        raise NotSeenError(f"none of the newest {len(patient.games):,} games was played by {patient.model_type}")
    hours = (time.time() - patient.games[-1].created_at) / 3600
    found = _under_promotion(patient, own) if patient.config.pipeline.promotion != "off" else _by_steps(patient, own)
    return found if isinstance(found, Finding) else Well(f"{found}; {hours:,.1f} hours old")


def _by_steps(patient: Patient, own: Sequence[StoredGame]) -> Finding | str:
    """Whether the newest game's network is far behind the checkpoint; the numbers where it is not."""
    newest, step = own[-1], patient.checkpoint.step
    behind = step - newest.network_step
    a_training = patient.steps_per_training
    text = (
        f"the newest game was played by step {newest.network_step:,}, the checkpoint is at step {step:,} "
        f"({behind / a_training:.1f} trainings of {a_training:,} steps later)"
    )
    if behind <= (STALE_TRAININGS + patient.config.pipeline.training_cycles_per_generation) * a_training:
        return text
    return _unused(f"{text}; it was played by a fresh network", patient) if newest.network_step == 0 else _stale(text)


def _under_promotion(patient: Patient, own: Sequence[StoredGame]) -> Finding | str:
    """Whether games since the promotion were played by the network before; the numbers where they were not.

    The checkpoint may be far ahead: what it was trained to since is still to be tested, or was found no stronger.
    """
    step, promoted_at = patient.promoted
    since = [game for game in own if game.created_at > promoted_at]
    text = (
        f"the newest game was played by step {own[-1].network_step:,}, the promoted network is of step {step:,}, "
        f"the checkpoint at step {patient.checkpoint.step:,}"
    )
    if len(since) >= ENOUGH_GAMES and max(game.network_step for game in since) < step:
        return _unused(f"{text}; {len(since):,} games were played since the promotion", patient)
    return text


def _unused(evidence: str, patient: Patient) -> Finding:
    return Finding(
        Severity.CRITICAL,
        "Self-play does not use what training learns",
        evidence,
        "Give self-play and training the same model and the same pipeline.checkpoint_dir.",
        (f"generation.model_type={patient.model_type}",),
    )


def _stale(evidence: str) -> Finding:
    return Finding(
        Severity.WARNING,
        "The buffer is stale: training goes on and self-play does not",
        evidence,
        "Generate before you train again; let fewer trainings follow each generation.",
        ("pipeline.training_cycles_per_generation=1",),
    )


def games_distinct(patient: Patient) -> Outcome:
    """Too few distinct games, or too few distinct openings, up to symmetry."""
    games = _enough(patient.games)
    whole = _distinct(games, None) / len(games)
    openings = _distinct(games, OPENING_PLIES) / len(games)
    text = (
        f"of the newest {len(games):,} games {whole:.0%} are distinct up to symmetry, "
        f"{openings:.0%} by their first {OPENING_PLIES} plies"
    )
    settings = patient.config.generation
    if whole < DISTINCT_GAMES:
        return Finding(
            Severity.CRITICAL,
            "Self-play repeats itself",
            text,
            "Open games with more random plies and let the choice of moves stray more.",
            _more_variety(settings.opening_plies, settings.mcts_temperature),
        )
    if openings < DISTINCT_OPENINGS:
        return Finding(
            Severity.WARNING,
            "The openings are too few",
            text,
            "Open games with more random plies.",
            _more_variety(settings.opening_plies, settings.mcts_temperature),
        )
    return Well(text)


def _more_variety(opening_plies: int, temperature: float) -> tuple[str, ...]:
    found = [f"generation.opening_plies={max(4, opening_plies + 2)}"]
    if temperature < 0.5:
        found.append("generation.mcts_temperature=1.0")
    return tuple(found)


def _distinct(games: Sequence[StoredGame], plies: int | None) -> int:
    return len({_canonical(game.moves[:plies], game.board_size) for game in games})


def _canonical(moves: Sequence[int], size: int) -> bytes:
    """The same for games that are one up to symmetry."""
    landed = SYMMETRIES[size][:, np.asarray(moves, np.int64)]
    smallest: bytes = min(row.tobytes() for row in landed)
    return smallest


def labels_clean(patient: Patient) -> Outcome:
    """Label noise: how many records lie before a move drawn at random, so that the outcome is not theirs."""
    records = patient.records
    cut = float(np.mean(~np.isnan(records.random_value)))
    rate = patient.config.generation.random_move_rate
    random_games = np.mean([bool(game.random_plies) for game in patient.games])
    text = (
        f"{cut:.0%} of the newest {len(records):,} records lie before a move drawn at random, "
        f"in {random_games:.0%} of the games; generation.random_move_rate is {rate:g}"
    )
    if cut > CUT_LABELS:
        return Finding(
            Severity.WARNING,
            "Random moves cost labels",
            text,
            "Their value label is the search's own opinion instead of the game's outcome, or the network would learn "
            "from blunders that nobody chose. Vary games by their openings and by the temperature instead.",
            ("generation.random_move_rate=0",),
        )
    return Well(text)


def sides_balanced(patient: Patient) -> Outcome:
    """One side that always wins, or games that are mostly drawn: outcomes that teach nothing."""
    games = _enough(patient.games)
    firsts, draws = (sum(game.winner == winner for game in games) for winner in (1, 0))
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
            "A full board decides little: play on a larger one, or let games open with more random plies.",
            (f"game.board_size={min(19, patient.config.game.board_size + 4)}",),
        )
    if not 1 - ONE_SIDED <= share <= ONE_SIDED:
        side = 1 if share > 0.5 else 2
        return Finding(
            Severity.WARNING,
            f"Player {side} always wins",
            text,
            "The value then learns who moves first, and little else: open games with more random plies, so that both "
            "sides get good positions.",
            (f"generation.opening_plies={patient.config.generation.opening_plies + 4}",),
        )
    return Well(text)


def captures_happen(patient: Patient) -> Outcome:
    """Captures that never decide a game, or always."""
    variant = patient.config.game.variant
    if CAPTURES_TO_WIN[variant_index(variant)] == NEVER:
        raise NotSeenError(f"nothing is captured in {variant}")
    games = _enough(patient.games)
    won = sum(game.won_by == "captures" for game in games) / len(games)
    taken = float(np.mean(patient.records.captured.sum(1) > 0))
    text = (
        f"{won:.0%} of the newest {len(games):,} games were won by captures; "
        f"stones had been captured in {taken:.0%} of the newest {len(patient.records):,} positions"
    )
    if taken == 0:
        return Finding(
            Severity.CRITICAL,
            "Nothing is ever captured",
            text,
            "Captures come up even in random games: look whether the records are what they should be with "
            "`alphapente records check`, and whether games last long enough.",
        )
    if won == 0 or won > BY_CAPTURES:
        return Finding(
            Severity.HINT,
            "No game is won by captures" if won == 0 else "Nearly every game is won by captures",
            text,
            "The network sees one way of winning only, and knows little about the other: let games stray more.",
            (f"generation.opening_plies={patient.config.generation.opening_plies + 2}",),
        )
    return Well(text)


def games_long_enough(patient: Patient) -> Outcome:
    """Games that end at once or never, or whose length has drifted far."""
    games = _enough(patient.games)
    new = _mean_plies(games)
    before = _mean_plies(patient.oldest_games) if len(patient.oldest_games) >= ENOUGH_GAMES else None
    text = f"the newest {len(games):,} games last {new:.1f} plies on average"
    if before is not None:
        text += f", the first {len(patient.oldest_games):,} lasted {before:.1f}"
    points = patient.config.game.board_size**2
    if new < SHORT_GAME:
        return Finding(
            Severity.WARNING,
            "Games end before they have begun",
            text,
            "One side does not defend: more simulations see more threats.",
            (f"generation.simulations={2 * patient.config.generation.simulations}",),
        )
    if new > LONG_GAME * points:
        return Finding(
            Severity.WARNING,
            "Games fill the board",
            f"{text}, of {points} points",
            "Nobody finds the win: search more, and play closer to what the search has found.",
            (
                f"generation.simulations={2 * patient.config.generation.simulations}",
                f"generation.temperature_final={min(0.2, patient.config.generation.temperature_final):g}",
            ),
        )
    if before is not None and new > DRIFT * before:
        return Finding(
            Severity.HINT,
            "Games grow longer",
            text,
            "As defence is learned they do; but a network that forgets how to win does so too. Compare checkpoints "
            "with `alphapente arena`.",
        )
    return Well(text)


def search_values_spread(patient: Patient) -> Outcome:
    """Search values that are all but certain where nothing was proven."""
    values = np.abs(patient.records.search_value.astype(np.float64))
    open_ones = values[values < 1.0]  # a proven value is 1 exactly
    if len(open_ones) < ENOUGH_GAMES:
        raise NotSeenError("nearly all values were proven")
    share = float(np.mean(open_ones > SURE))
    text = f"{share:.0%} of {len(open_ones):,} unproven search values lie beyond {SURE}"
    if share > SATURATED:
        return Finding(
            Severity.WARNING,
            "Search values are saturated",
            text,
            "Where every move seems won or lost, the search cannot tell good ones from bad: give the search's own "
            "value a greater share of the label.",
            (f"training.outcome_weight={_softer(patient.config.training.outcome_weight):g}",),
        )
    return Well(text)


def _softer(outcome_weight: float) -> float:
    return round(min(0.5, 0.7 * outcome_weight), 2)


def targets_sharp(patient: Patient) -> Outcome:
    """Policy targets that are hardly sharper than chance: the search finds no difference between moves."""
    records = patient.records
    size, weights = records.board_size**2, records.policy_weight
    if not weights.any():
        raise NotSeenError("the newest records' searches were all too cheap to teach a policy")
    entropy = float(np.average(_target_entropies(patient), weights=weights))
    chances = np.log(size - np.count_nonzero(records.boards, axis=1).clip(0, size - 1))
    share = entropy / float(np.average(chances, weights=weights))
    text = f"the policy targets have {entropy:.2f} nats of entropy, {share:.0%} of what chance has"
    if share > FLAT_TARGETS:
        return Finding(
            Severity.WARNING,
            "The policy targets say next to nothing",
            text,
            "With few simulations, visits are spread thin: search more, with less noise, from a Gumbel root.",
            (f"generation.simulations={2 * patient.config.generation.simulations}", "search.root=gumbel"),
        )
    return Well(text)


def _target_entropies(patient: Patient) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The entropy of each record's policy target in nats, its unlisted rest spread over the free points."""
    records = patient.records
    listed = np.diff(records.offsets)
    parts = records.targets.astype(np.float64)
    own = np.zeros(len(records))
    np.add.at(own, np.repeat(np.arange(len(records)), listed), -parts * np.log(np.maximum(parts, 1e-30)))
    free = records.board_size**2 - np.count_nonzero(records.boards, axis=1) - listed
    rest = records.unlisted.astype(np.float64)
    return own - np.where(rest > 0, rest * np.log(np.maximum(rest, 1e-30) / np.maximum(free, 1)), 0.0)


def _mean_plies(games: Iterable[StoredGame]) -> float:
    return float(np.mean([len(game.moves) for game in games]))


def _enough(games: list[StoredGame]) -> list[StoredGame]:
    if len(games) < ENOUGH_GAMES:
        raise NotSeenError(f"only {len(games)} games of self-play, {ENOUGH_GAMES} are needed")
    return games
