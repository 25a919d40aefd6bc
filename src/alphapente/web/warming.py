"""Loads the default network and compiles all kernels that the page needs, before the first request."""

from alphapente.rules.game import Game
from alphapente.rules.position import GOMOKU, VARIANTS
from alphapente.search import Solver
from alphapente.selfplay.compilation import compile_kernels
from alphapente.web.parts import Parts
from alphapente.web.searches import SOLVER_POSITIONS, Search, SearchSnapshot, SearchSpec
from alphapente.web.views import view_position

_SIMULATIONS = 24


def warm_up(parts: Parts) -> None:
    """Runs short searches in the calling thread. Raises what the network raises."""
    compile_kernels()
    size = parts.config.game.board_size
    parts.networks.entries()
    game = Game(VARIANTS[GOMOKU], size)  # no opening rule: any point is legal
    for move in range(5):
        game.play(size * size // 2 + 2 * (move % 2) + size * (move // 2))
    view_position(game)
    network = parts.networks.load(parts.networks.find(None))
    solver = Solver(SOLVER_POSITIONS)
    for analyse in (True, False):
        reports: list[SearchSnapshot | Exception] = []
        spec = SearchSpec(network, game, _SIMULATIONS, analyse=analyse, every_s=0.0)
        search = Search(spec, parts.networks, parts.engines.trees, reports.append)
        while not search.run_slice(solver, 1.0):
            pass
    further = Game.from_moves([*game.moves, game.legal_points()[0]], game.variant, size)
    search = Search(SearchSpec(network, further, _SIMULATIONS), parts.networks, parts.engines.trees, reports.append)
    while not search.run_slice(solver, 1.0):
        pass
