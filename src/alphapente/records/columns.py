"""The columns of a training record, defined once.

The table and its migrations, the encoding of rows, the Parquet export and the check follow COLUMNS. Tests compare
`model.RecordBatch` and docs/records.md with it. To add a column: add it here with the next schema version, append a
step to `schema.MIGRATIONS`, and add its array to `RecordBatch`.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from alphapente.records.model import RecordBatch

SqlType = Literal["{key}", "{blob}", "{real}", "SMALLINT", "INTEGER", "BIGINT"]
"""A type in SQL. Those in braces (a primary key, bytes, a number of 8 bytes) are named by `schema`."""
Origin = Literal["store", "search", "game"]
"""What a value comes from: the store's numbering, a field of `SearchRecord`, or the whole game."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table `records`, of the same name in exports."""

    name: str
    sql_type: SqlType
    origin: Origin
    array: str
    """The array of `RecordBatch` with its values (a policy has several, see POLICY_ARRAYS)."""
    dtype: type[np.generic]
    meaning: str
    encoding: Literal["number", "board", "policy"] = "number"
    part: int | None = None
    """Where an array holds two columns: the place of this one on its second axis."""
    unknown: float | None = None
    """The number in the array for NULL. None: the column is never NULL."""
    unit: int = 1
    """A number x is stored as round(x * unit)."""
    allowed: tuple[float, float] | None = None
    """The smallest and the largest number; NaN is outside of every range. None: any number."""
    rounding: float = 0.0
    """How far a number may exceed its range, as rounded means of values do."""
    since: int = 1
    """The schema version that added it."""
    constraint: str = ""
    """What follows the type in SQL. A DEFAULT is the value of records that are older than the column."""

    def values(self, batch: "RecordBatch") -> NDArray[Any]:
        """The numbers of a column of encoding "number": dtype[n], a view."""
        numbers: NDArray[Any] = getattr(batch, self.array)
        return numbers if self.part is None else numbers[:, self.part]

    def is_null(self, numbers: NDArray[Any]) -> NDArray[np.bool_]:
        """bool[n]: which numbers stand for NULL."""
        if self.unknown is None:
            return np.zeros(len(numbers), np.bool_)
        return np.asarray(np.isnan(numbers) if math.isnan(self.unknown) else numbers == self.unknown, np.bool_)

    def is_outside(self, numbers: NDArray[Any]) -> NDArray[np.bool_]:
        """bool[n]: which numbers are not allowed. None of them may stand for NULL."""
        low, high = self.allowed or (-math.inf, math.inf)
        return ~((numbers >= low - self.rounding) & (numbers <= high + self.rounding))

    def refusal(self, number: float) -> str:
        """What to say of a number that is not allowed."""
        low, high = self.allowed or (-math.inf, math.inf)
        return f"is {number}: allowed is {low:g} to {high:g}"


def _later(name: str, array: str, meaning: str, part: int | None = None) -> Column:
    """A column for what happened after the position. Records of older versions do not have it."""
    return Column(name, "SMALLINT", "game", array, np.int16, meaning, part=part, unknown=-1, since=3)


_VALUE_ROUNDING = 1e-4

COLUMNS = (
    Column("id", "{key}", "store", "ids", np.int64, "its key"),
    Column("game_id", "BIGINT", "store", "game_ids", np.int64, "its game", constraint="REFERENCES games (id)"),
    Column("ply", "SMALLINT", "search", "ply", np.int16, "number of moves before it"),
    Column("board", "{blob}", "search", "boards", np.int8, "the stones, packed", encoding="board"),
    Column("captured1", "SMALLINT", "search", "captured", np.int16, "stones captured by player 1", part=0),
    Column("captured2", "SMALLINT", "search", "captured", np.int16, "stones captured by player 2", part=1),
    Column("to_move", "SMALLINT", "search", "to_move", np.int8, "the player to move", allowed=(1, 2)),
    Column("policy", "{blob}", "search", "points", np.int16, "the listed points, packed", encoding="policy"),
    Column("rest", "{real}", "search", "unlisted", np.float32, "probability of all other points", allowed=(0, 1)),
    Column(
        "search_value",
        "{real}",
        "search",
        "search_value",
        np.float32,
        "value of the search",
        allowed=(-1, 1),
        rounding=_VALUE_ROUNDING,
    ),
    Column(
        "random_value",
        "{real}",
        "search",
        "random_value",
        np.float32,
        "the search's value at the first later ply that was played at random; NULL: none",
        unknown=math.nan,
        allowed=(-1, 1),
        rounding=_VALUE_ROUNDING,
    ),
    Column("outcome", "SMALLINT", "game", "outcome", np.int8, "1 won, 0 drawn, -1 lost"),
    Column("simulations", "INTEGER", "search", "simulations", np.int32, "simulations of the search"),
    Column(
        "policy_weight",
        "{real}",
        "search",
        "policy_weight",
        np.float32,
        "weight of the policy target; 0: the search was too small",
        allowed=(0, 1),
        since=3,
        constraint="DEFAULT 1",
    ),
    Column(
        "surprise",
        "SMALLINT",
        "search",
        "surprise",
        np.float32,
        "Kullback-Leibler divergence of the policy from the network's own, in thousandths of a nat; NULL: unknown",
        unknown=math.nan,
        unit=1000,
        allowed=(-math.inf, math.inf),
        since=3,
    ),
    _later("next_point", "next_point", "the opponent's reply; NULL: the game was over"),
    _later("plies_left", "plies_left", "plies to the end of the game, 1 before its last move"),
    _later("end_captured1", "end_captured", "as `captured1`, at the end of the game", 0),
    _later("end_captured2", "end_captured", "as `captured2`, at the end of the game", 1),
)
"""In the order of the table. The two that the store sets come first."""

ENCODED = tuple(column for column in COLUMNS if column.origin != "store")
"""The columns that `codec.encode_records` returns; the store adds the row's id and game."""
OF_GAME = tuple(column for column in COLUMNS if column.origin == "game")

Arrays = dict[str, type[np.generic]]
POLICY_ARRAYS: Arrays = {"points": np.int16, "visits": np.int32, "targets": np.float32, "offsets": np.int64}
ARRAYS: Arrays = {column.array: column.dtype for column in COLUMNS} | POLICY_ARRAYS
"""The type of each array of `RecordBatch`."""
