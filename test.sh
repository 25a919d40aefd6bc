#!/usr/bin/env bash
# Runs the same checks by hand as in CI: style, types, layers, tests, and a tiny run of the real pipeline. --slow adds the
# tests that play whole runs and thousands of proofs, which take a quarter of an hour more. The page's JavaScript is checked
# only after `npm ci`.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")" || exit 1
root=$PWD

stage() {  # stage NAME COMMAND...: run it, print its duration, exit at the first failure
    local name=$1 from=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    if "$@"; then
        printf '== %s: passed in %d s\n' "$name" "$((SECONDS - from))"
    else
        printf '== %s: FAILED after %d s\n' "$name" "$((SECONDS - from))"
        exit 1
    fi
}

set_up() {
    local python
    for python in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$python" bootstrap.py --dev
            return
        fi
    done
    echo "error: AlphaPente needs Python 3.11 or newer, and none was found" >&2
    return 2
}

dry_run() {  # the real pipeline, tiny: in a temporary folder or in the folder that CI names
    local place=${ALPHAPENTE_DRY_RUN_FOLDER:-} status=0
    [[ -n $place ]] || place=$(mktemp -d)
    (
        cd "$place" &&
            "$root/schedule_v2.sh" --set game.board_size=9 \
                --set generation.simulations=4 --set generation.record_limit=60 --set generation.games_per_worker=4 \
                --set training.num_epochs=1 --set models.simple.channels=8 \
                --set pipeline.generation_cycles=2 --set pipeline.total_records_target=120 &&
            test -s checkpoints/simple_model.pt &&
            test -s data/records.db &&
            touch logs/dry_run_passed
    ) || status=$?
    [[ -n ${ALPHAPENTE_DRY_RUN_FOLDER:-} ]] || rm -rf "$place"
    return "$status"
}

matches() {  # compile the kernels of rollouts and of the clock, which self-play does not use, once and in one process
    local pair
    for pair in "tactical rollouts@20" "heuristic@8 heuristic@0.02s"; do
        # shellcheck disable=SC2086 -- two players
        python -m alphapente arena $pair --games 2 --board-size 9 --no-store || return
    done
}

use_it() {  # the real pipeline and matches: the tests use the kernels that they compile
    dry_run && matches
}

show_output() {  # wait for the background job and print its output
    local status=0
    wait "$job" || status=$?
    cat "$output"
    return "$status"
}

stage "set-up" set_up
export PATH="$root/.venv/bin:$PATH"
output=$(mktemp)
set -m  # a separate process group, so that all its processes can be ended
use_it >"$output" 2>&1 &  # mostly compiling and waiting for processes: the checks run meanwhile
job=$!
set +m
trap 'kill -- "-$job" 2>/dev/null; rm -f "$output"' EXIT
stage "format (ruff format)" python -m ruff format --check .
stage "lint (ruff check)" python -m ruff check .
stage "types (mypy)" python -m mypy
stage "layers (import-linter)" lint-imports
if [[ -d node_modules ]] && command -v npm >/dev/null; then
    stage "page (prettier, tsc, types from OpenAPI)" npm run --silent check
else
    printf '\n== page: its JavaScript is not checked, which needs npm and "npm ci"\n'
fi
# Without the tests of game texts, which run kernels only to replay the games read.
stage "rules as plain Python (numba off)" env NUMBA_DISABLE_JIT=1 python -m pytest tests/rules -m "not slow" \
    --ignore-glob='*/test_gametext*.py'
stage "dry run of the pipeline, and a match of each kind" show_output
chosen=(-m "not slow")
[[ ${1:-} == --slow ]] && chosen=()
# Each process takes consecutive tests, which share their modules' fixtures, and then steals from the other's rest.
stage "tests (pytest)" python -m pytest -n 2 --dist worksteal ${chosen[@]+"${chosen[@]}"}
printf '\nall passed in %d s\n' "$SECONDS"
