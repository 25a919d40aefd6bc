#!/usr/bin/env bash
# Alternates generation and training until the target: ./schedule_v2.sh [config.json] [--set section.key=value ...]
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

for python in python3 python3.14 python3.13 python3.12 python3.11 python; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        exec "$python" "$root/bootstrap.py" run "$@"
    fi
done
echo "error: AlphaPente needs Python 3.11 or newer, and none was found: install one, or put it on the PATH" >&2
exit 2
