"""The games of a match as text in a file. Each is written when it ends."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from alphapente.arena.matches.games import PlayedGame
from alphapente.errors import FailureError
from alphapente.files import StrPath, appending, is_regular, real_path
from alphapente.rules.gametext import RESULTS_BY_WINNER, GameText, write_game


class SavedGames:
    """The file of a match's finished games. It is opened before the match, so that a wrong path is reported early.

    The file's earlier content is kept until `begin`. A file that was created without `begin` is deleted. Missing
    folders are created. Raises FailureError for a path that cannot be written.
    """

    def __init__(self, path: StrPath) -> None:
        self.path = path = Path(path)
        self.games = 0
        self._begun = False
        self._is_regular = is_regular(path)
        self._created = self._is_regular and not os.path.exists(path)
        self._file = appending(path)

    def begin(self, names: tuple[str, str], rules: tuple[str, int], known: Mapping[int, PlayedGame]) -> None:
        """Empties the file, then writes the `known` games, by their index in the match.

        `names` are those of players A and B, `rules` are variant and board size. Raises FailureError.
        """
        plain = ["".join(char for char in name.replace('"', "'") if char.isprintable()) for name in names]
        self._names, self._rules, self._begun = (plain[0], plain[1]), rules, True
        if self._is_regular:
            self._file.truncate(0)
        for index, game in known.items():
            self.write(index, game)

    def write(self, index: int, game: PlayedGame) -> None:
        """Appends a game by its index in the match. The header Round is its number. Raises FailureError."""
        one, two = self._names if game.first == "a" else self._names[::-1]
        headers = {"Round": str(index + 1), "Player 1 Name": one, "Player 2 Name": two}
        text = write_game(GameText(headers, list(game.moves), RESULTS_BY_WINNER[game.winner], *self._rules))
        try:
            self._file.write(("\n" * (self.games > 0) + text).encode())
            self._file.flush()
        except OSError as error:
            raise FailureError(
                f"cannot write game {index + 1} to {self.path}: {error.strerror or error}; it holds the {self.games} "
                "games before it"
            ) from error
        self.games += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        with contextlib.suppress(OSError):  # `write` has reported the error already
            self._file.close()
        if self._created and not self._begun:
            real_path(self.path).unlink(missing_ok=True)
