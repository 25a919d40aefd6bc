"""The games in play that self-play reports for viewers."""

from alphapente.config import load_config
from alphapente.selfplay.loop import SelfPlay
from alphapente.selfplay.worker import counts_of
from alphapente.selfplay.worker_pool import SHOWN_GAMES
from tests.search.evaluators import ScriptedEvaluator, noise_answer

SIZE = 7


def test_the_first_games_are_shown_until_they_are_parked() -> None:
    config = load_config(None, [f"game.board_size={SIZE}", "generation.simulations=2"])
    seeds = iter(range(100, 1000))
    play = SelfPlay(ScriptedEvaluator(12, SIZE, noise_answer(1, SIZE)), config, lambda: next(seeds))
    play.step()
    shown = counts_of(play).shown
    assert [seed for seed, _ in shown] == list(range(100, 100 + SHOWN_GAMES))
    moves = {game.seed: list(game.moves) for game in play.games if game is not None}
    assert all(played == moves[seed] for seed, played in shown)
    play.step()
    assert shown == tuple((seed, moves[seed]) for seed, _ in shown), "a copy that later moves do not change"
    play.park()
    assert counts_of(play).shown == ()
