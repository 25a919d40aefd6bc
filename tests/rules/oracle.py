"""A second, slow and simple implementation of the rules, written from docs/rules.md, to test the kernels.

It shares no code with the kernels: points are (column, row) pairs counted from 1 at the bottom left, the board is a
dict, and everything is computed again after every stone.
"""

Point = tuple[int, int]

LINES = [(1, 0), (0, 1), (1, 1), (1, -1)]
DIRECTIONS = LINES + [(-x, -y) for x, y in LINES]


class Oracle:
    """One game. `events` counts its events, so that a test can check that its games cover all rules."""

    def __init__(self, variant: str, size: int) -> None:
        self.variant = variant
        self.size = size
        self.points = [(column, row) for row in range(size, 0, -1) for column in range(1, size + 1)]
        self.stones: dict[Point, int] = {}
        self.captured = {1: 0, 2: 0}
        self.ply = 0
        self.winner: int | None = None  # 0: a draw
        self.won_by: str | None = None
        self.waiting_five = False
        self.events: dict[str, int] = {}

    def legal(self) -> list[Point]:
        if self.winner is not None:
            return []
        empty = [point for point in self.points if point not in self.stones]
        if self.variant == "gomoku" or self.ply not in (0, 2):
            return empty
        middle = self.size // 2  # points left of the centre, and above it
        centre = (middle + 1, self.size - middle)
        if self.ply == 0:
            return [centre]
        outside = [p for p in empty if abs(p[0] - centre[0]) > 2 or abs(p[1] - centre[1]) > 2]
        if self.variant != "gpente":
            return outside
        banned = {
            (centre[0] + x * far, centre[1] + y * far) for far in (3, 4) for x, y in DIRECTIONS if x == 0 or y == 0
        }
        return [p for p in outside if p not in banned]

    def play(self, point: Point) -> None:
        me = self.ply % 2 + 1
        other = 2 if me == 1 else 1
        waiting, self.waiting_five = self.waiting_five, False
        self.stones[point] = me
        self.ply += 1
        taken = self._flanked(point, me, other)
        poofed = self._own_pairs(point, me, other) if self.variant == "poof" else set()
        for gone in taken | poofed:
            del self.stones[gone]
        self.captured[me] += len(taken)
        self.captured[other] += len(poofed)
        self._count(taken, poofed)
        if self.variant == "boat":
            self._judge_boat(point, me, other, waiting)
        elif self.variant == "poof":
            self._judge_poof(point, me)
        else:
            goal = {"pente": 10, "gpente": 10, "keryo": 15}.get(self.variant)
            if goal is not None and self.captured[me] >= goal:
                self._end(me, "captures")
            elif self._fives(point, me):
                self._end(me, "five")
        if self.winner is None and (all(p in self.stones for p in self.points) or self.ply >= 512):
            self._end(0, "draw")

    def _flanked(self, point: Point, me: int, other: int) -> set[Point]:
        if self.variant == "gomoku":
            return set()
        lengths = (2, 3) if self.variant == "keryo" else (2,)
        found: set[Point] = set()
        directions = 0
        for x, y in DIRECTIONS:
            for length in lengths:
                between = [(point[0] + x * i, point[1] + y * i) for i in range(1, length + 1)]
                beyond = (point[0] + x * (length + 1), point[1] + y * (length + 1))
                if all(self.stones.get(p) == other for p in between) and self.stones.get(beyond) == me:
                    found.update(between)
                    directions += 1
                    self._event("three captured" if length == 3 else "two captured")
        if directions > 1:
            self._event("captures in several directions at once")
        return found

    def _own_pairs(self, point: Point, me: int, other: int) -> set[Point]:
        found: set[Point] = set()
        for x, y in DIRECTIONS:
            before, partner = (point[0] - x, point[1] - y), (point[0] + x, point[1] + y)
            after = (point[0] + 2 * x, point[1] + 2 * y)
            row = [self.stones.get(before), self.stones.get(partner), self.stones.get(after)]
            if row == [other, me, other]:
                found |= {point, partner}
        return found

    def _run(self, point: Point, line: Point, me: int) -> list[Point]:
        """The unbroken line of `me` through `point`, which is one of its stones."""
        x, y = line
        start = point
        while self.stones.get((start[0] - x, start[1] - y)) == me:
            start = (start[0] - x, start[1] - y)
        run = []
        while self.stones.get(start) == me:
            run.append(start)
            start = (start[0] + x, start[1] + y)
        return run

    def _fives(self, point: Point, me: int) -> list[list[Point]]:
        runs = [run for line in LINES if len(run := self._run(point, line, me)) >= 5]
        if any(len(run) > 5 for run in runs):
            self._event("overline")
        return [run for run in runs if len(run) == 5] if self.variant == "gomoku" else runs

    def _capturable(self, stone: Point, me: int, other: int) -> bool:
        """Whether `stone` is in a pair with an enemy stone at one end and an empty point at the other."""
        for x, y in DIRECTIONS:
            if self.stones.get((stone[0] + x, stone[1] + y)) != me:
                continue
            ends = [(stone[0] - x, stone[1] - y), (stone[0] + 2 * x, stone[1] + 2 * y)]
            if all(end in self.points for end in ends):
                holders = {self.stones.get(end) for end in ends}
                if holders == {other, None}:
                    return True
        return False

    def _judge_boat(self, point: Point, me: int, other: int, waiting: bool) -> None:
        if waiting:
            theirs = [p for p, player in self.stones.items() if player == other]
            if any(len(self._run(p, line, other)) >= 5 for p in theirs for line in LINES):
                self._event("waiting five won")
                return self._end(other, "five")
            self._event("waiting five broken")
        fives = self._fives(point, me)
        if any(not any(self._capturable(stone, me, other) for stone in five) for five in fives):
            self._event("five won at once")
            return self._end(me, "five")
        if self.captured[me] >= 10:
            return self._end(me, "captures")
        self.waiting_five = bool(fives)
        return None

    def _judge_poof(self, point: Point, me: int) -> None:
        first, second = self.captured[1], self.captured[2]
        if max(first, second) >= 10:
            if first != second:
                return self._end(1 if first > second else 2, "captures")
            self._event("tie at ten or more")
        if point in self.stones and self._fives(point, me):
            self._end(me, "five")
        return None

    def _end(self, winner: int, won_by: str) -> None:
        self.winner, self.won_by = winner, won_by
        self._event(f"ended by {won_by}")

    def _count(self, taken: set[Point], poofed: set[Point]) -> None:
        if poofed:
            self._event("poof")
            if len(poofed) > 2:
                self._event("poof of several pairs")
            if taken:
                self._event("poof and capture at once")

    def _event(self, name: str) -> None:
        self.events[name] = self.events.get(name, 0) + 1
