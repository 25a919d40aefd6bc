"""An external engine for tests: speaks GTP, plays the lowest legal point, and fails as its arguments say.

    python stand_in_engine.py [FAULT [AT]]

At its AT-th `genmove` of a game (default 5, which is after the warm-up and would win) it: "crash"es with a message on
standard error, is "silent", plays an "illegal" point, says "nonsense", "refuse"s or "resign"s. "stillborn" ends
before its first response, "chatty" adds lines that are no responses, "deaf" refuses every `play`.

It checks moves with the tests' oracle, which imports nothing, so that it starts fast.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "rules"))
from oracle import Oracle  # type: ignore[import-not-found]

COLUMNS = "ABCDEFGHJKLMNOPQRST"


def main() -> None:
    fault = sys.argv[1] if len(sys.argv) > 1 else ""
    at = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    game, asked = Oracle("pente", 19), 0
    if fault == "stillborn":
        print("no weights here", file=sys.stderr)
        sys.exit(3)
    for line in sys.stdin:
        words, answer, status = line.split(), "", "="
        if fault == "chatty":
            print("thinking...", flush=True)
        if words[0] == "boardsize":
            game = Oracle("pente", int(words[1]))
        elif words[0] == "clear_board":
            game, asked = Oracle("pente", game.size), 0
        elif words[0] == "play":
            if fault == "deaf":
                status, answer = "?", "illegal move"
            else:
                point = (COLUMNS.index(words[2][0]) + 1, int(words[2][1:]))
                assert point in game.legal()
                game.play(point)
        elif words[0] == "name":
            answer = "Stand-in"
        elif words[0] == "genmove":
            assert {"B": 0, "W": 1}[words[1]] == game.ply % 2
            asked += 1
            answer = misbehave(fault) if fault and asked == at else ""
            if not answer:
                point = game.legal()[0]
                game.play(point)
                answer = f"{COLUMNS[point[0] - 1]}{point[1]}"
            elif answer == "refuse":
                status, answer = "?", "I am tired"
        print(f"{status} {answer}\n", flush=True)
        if words[0] == "quit":
            break


def misbehave(fault: str) -> str:
    if fault == "crash":
        print("out of luck", file=sys.stderr)
        sys.exit(9)
    if fault == "silent":
        time.sleep(60)
    return {"illegal": "A9", "nonsense": "maybe", "refuse": "refuse", "resign": "resign"}.get(fault, "")


if __name__ == "__main__":
    main()
