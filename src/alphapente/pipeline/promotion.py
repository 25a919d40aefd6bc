"""Promotion (gating): a new network plays for the run once a sequential test finds it stronger than the last one."""

import time
import zlib
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from alphapente.config import Config
from alphapente.errors import FailureError
from alphapente.events import Note, PromotionSummary, ReportFn
from alphapente.files import write_bytes
from alphapente.network.paths import checkpoint_path, promoted_path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from alphapente.arena.ratings.sprt import Bounds, TestedMatch


def first_incumbent(config: Config, untested: bool) -> None:
    """Promotes the network that has played until now, if none was ever promoted.

    Not while that network is itself still to be tested. Raises FailureError if it cannot be copied.
    """
    newest, playing = (path(config, config.training.model_type) for path in (checkpoint_path, promoted_path))
    if untested or playing.exists() or not newest.exists():
        return
    try:
        content = newest.read_bytes()
    except OSError as error:
        raise FailureError(f"cannot read {newest}: {error.strerror}; correct that, and run again") from error
    write_bytes(playing, content)


def promote(
    config: Config, report: ReportFn, stop: Callable[[], bool] = lambda: False, key: str | None = None
) -> PromotionSummary | None:
    """Tests the newest network against the promoted one, stores the match, and promotes it if it is stronger.

    The first network of a run is promoted without a test. `key` names the training: each training has its own
    openings. Returns None, with nothing changed, if `stop` ended the test. Raises CheckpointError for a network that
    cannot be used, DatabaseError if the match cannot be stored.
    """
    from alphapente.network import checkpoint

    newest, playing = (path(config, config.training.model_type) for path in (checkpoint_path, promoted_path))
    candidate = checkpoint.read(newest)
    checkpoint.restore(newest, candidate, config)  # raises for weights that are not finite
    if not playing.exists():
        checkpoint.save(playing, checkpoint.for_play(candidate))
        return PromotionSummary(True, "unopposed", candidate.step, 0)
    old_step = checkpoint.read(playing).step
    if candidate.step == old_step:
        return PromotionSummary(False, "same", candidate.step, old_step)
    began = time.monotonic()
    report(Note(_question(config, candidate.step, old_step)))
    if config.network.precision == "int8":  # quantization differs from start to start, and so would the player
        config = config.model_copy(update={"network": config.network.model_copy(update={"precision": "auto"})})
    found = _test(config, (newest, playing), report, stop, zlib.crc32((key or "").encode()))
    if found is None:
        return None
    promoted = found.verdict == "accept"
    if promoted:
        checkpoint.save(playing, checkpoint.for_play(candidate))
    bounds, total = _bounds(config), found.report.total
    return PromotionSummary(
        promoted=promoted,
        verdict=found.verdict,
        step=candidate.step,
        old_step=old_step,
        wins=total.wins,
        losses=total.losses,
        draws=total.draws,
        llr=found.llr,
        lower=bounds.lower,
        upper=bounds.upper,
        elapsed_s=time.monotonic() - began,
    )


def _bounds(config: Config) -> "Bounds":
    from alphapente.arena.ratings.sprt import Bounds

    settings = config.pipeline
    return Bounds(
        elo0=settings.promotion_elo0,
        elo1=settings.promotion_elo1,
        alpha=settings.promotion_alpha,
        beta=settings.promotion_beta,
    )


def _question(config: Config, step: int, old_step: int) -> str:
    settings = config.pipeline
    return (
        f"testing the network of step {step:,} against that of step {old_step:,}, which plays: is it "
        f"{settings.promotion_elo1:g} Elo stronger, or {settings.promotion_elo0:g}? {settings.promotion_simulations} "
        f"simulations a move, {settings.promotion_max_pairs} pairs of games at most"
    )


def _test(
    config: Config, files: tuple[Path, Path], report: ReportFn, stop: Callable[[], bool], seed: int
) -> "TestedMatch | None":
    """Plays or resumes the match, and stores each pair of games when it ends. None if it was stopped."""
    from alphapente.arena.matches.match import MatchHooks, plan_games
    from alphapente.arena.matches.results import StoredMatch
    from alphapente.arena.players.identity import player_identity
    from alphapente.arena.players.spec import PlayerOptions, make_player
    from alphapente.arena.ratings.sprt import BATCH_PAIRS, play_sequentially
    from alphapente.records.model import Match
    from alphapente.records.store import Store
    from alphapente.selfplay.compilation import compile_for_job

    compile_for_job(report, stop)
    settings, bounds = config.pipeline, _bounds(config)

    def report_batch(pairs: "NDArray[np.int64]", llr: float) -> None:
        counts = " ".join(str(count) for count in pairs)
        report(
            Note(
                f"{pairs.sum()} pairs; with 0, 1/2, 1, 3/2, 2 points {counts}; log-likelihood ratio {llr:.2f}, "
                f"bounds {bounds.lower:.2f} and {bounds.upper:.2f}"
            )
        )

    words = [f"{file}@{settings.promotion_simulations}" for file in files]
    rules = config.game.variant, config.game.board_size
    starts = plan_games(2 * settings.promotion_max_pairs, variant=rules[0], size=rules[1], seed=seed)
    with ExitStack() as stack:
        store = stack.enter_context(Store(config.records.database, config.records.busy_timeout_s))
        players = player_identity(words[0], config), player_identity(words[1], config)
        match = Match(*players, *rules, seed, "promotion", (), store.settings_id(config.dump_json()))
        stored = StoredMatch(store, match, starts)
        one, two = (
            stack.enter_context(closing(make_player(word, config, PlayerOptions(2 * BATCH_PAIRS, seed))))
            for word in words
        )
        hooks = MatchHooks(known=stored.games, on_pair_fn=stored.add, stop=stop)
        return play_sequentially(
            one, two, bounds, starts, rules=rules, seed=seed, on_batch_fn=report_batch, hooks=hooks
        )
