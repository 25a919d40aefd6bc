"""A foreign engine for tests: speaks GTP, plays the lowest legal point, and misbehaves as its arguments say.

    python stand_in_engine.py [FAULT [AT]]

At its AT-th `genmove` of a game (default 5, which is after the warm-up and would win) it: "crash"es with a word on
standard error, is "silent", plays an "illegal" point, says "nonsense", "refuse"s or "resign"s. "stillborn" ends
before it answers anything, "chatty" adds lines that are no answers, "deaf" refuses every `play`.
"""

import sys
import time

from alphapente.rules.game import Game


def main() -> None:
    fault = sys.argv[1] if len(sys.argv) > 1 else ""
    at = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    game, asked = Game(), 0
    if fault == "stillborn":
        print("no weights here", file=sys.stderr)
        sys.exit(3)
    for line in sys.stdin:
        words, answer, status = line.split(), "", "="
        if fault == "chatty":
            print("thinking...", flush=True)
        if words[0] == "boardsize":
            game = Game(size=int(words[1]))
        elif words[0] == "clear_board":
            game, asked = Game(size=game.size), 0
        elif words[0] == "play":
            if fault == "deaf":
                status, answer = "?", "illegal move"
            else:
                game.play(words[2])
        elif words[0] == "name":
            answer = "Stand-in"
        elif words[0] == "genmove":
            assert {"B": 1, "W": 2}[words[1]] == game.to_move
            asked += 1
            answer = misbehave(fault) if fault and asked == at else ""
            if not answer:
                point = game.play(game.legal_points()[0])
                answer = f"{'ABCDEFGHJKLMNOPQRST'[point % game.size]}{game.size - point // game.size}"
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
