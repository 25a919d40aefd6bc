"""Whole matches of players of ours."""

from alphapente.arena.matches.match import NO_HOOKS, MatchHooks, MatchReport, plan_games, play_planned
from alphapente.arena.players.base import Player


def play_match(
    player_a: Player,
    player_b: Player,
    num_games: int,
    *,
    variant: str = "pente",
    size: int = 19,
    seed: int = 0,
    hooks: MatchHooks = NO_HOOKS,
) -> MatchReport:
    """Plans and plays `num_games`; raises as `plan_games` and `play_planned`."""
    starts = plan_games(num_games, variant=variant, size=size, seed=seed)
    return play_planned(player_a, player_b, starts, (variant, size), seed, hooks)
