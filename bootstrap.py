"""Makes every script work straight after a clone: if `alphapente` cannot be imported, the script restarts in `.venv`.

`.venv` is created first if necessary, from `constraints.txt`, which takes a few minutes once. This file uses only the
standard library and no new syntax, so that an old Python can report that it is too old.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from typing import IO, NoReturn

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin", "python")
MARKER = os.path.join(VENV, "alphapente-ready.json")
COMPILER = ("numpy", "numba", "pydantic")
"""The packages that alphapente.selfplay.compilation needs; pip installs them in a few seconds."""
LOCK = os.path.join(ROOT, ".venv.lock")
OLDEST = (3, 11)
GUARD = "ALPHAPENTE_SET_UP_DONE"
"""Set for the script restarted in `.venv`, to prevent endless restarts."""

# Run by the Python of `.venv`: exit status 0 if it can be used.
CHECK_PYTHON = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
# Run by the Python of `.venv`: exit status 0 if all requirements of the project in this folder are installed there.
CHECK_INSTALLED = """
import importlib.metadata, importlib.util, os, re, sys
extras = sys.argv[2].split()
spec = importlib.util.find_spec("alphapente")
if spec is None or not os.path.realpath(spec.origin).startswith(os.path.realpath(sys.argv[1]) + os.sep):
    sys.exit(1)
try:
    wanted = ["alphapente"] + [
        re.match(r"[\\w.-]+", line).group()
        for line in importlib.metadata.requires("alphapente") or []
        if "extra ==" not in line or any('"%s"' % extra in line for extra in extras)
    ]
    [importlib.metadata.distribution(name) for name in wanted]
except importlib.metadata.PackageNotFoundError:
    sys.exit(1)
"""


class SetUpError(Exception):
    """The set-up cannot continue; the text says why and what to do."""


def run(*command: str) -> NoReturn:
    """Run `alphapente` with this subcommand and the script's arguments, in `.venv` if necessary. Never returns."""
    try:
        ensure_importable()
    except SetUpError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        say("interrupted; run the same command again to restart the set-up")
        sys.exit(130)
    from alphapente.cli.app import main

    main([*command, *sys.argv[1:]])
    sys.exit(0)


def ensure_importable() -> None:
    """Return if `alphapente` can be imported; otherwise restart this script in `.venv`."""
    check_python()
    # typer too: PYTHONPATH may contain the package while its libraries are not installed.
    if all(importlib.util.find_spec(name) is not None for name in ("alphapente", "typer")):
        os.environ.pop(GUARD, None)
        return
    if GUARD in os.environ:
        raise SetUpError(f"alphapente cannot be imported even in {VENV}: delete that folder and try again")
    if os.path.realpath(sys.prefix) == os.path.realpath(VENV) and os.path.exists(MARKER):
        os.remove(MARKER)  # it says that .venv is complete, which is wrong
    prepare(dev=False)
    os.environ[GUARD] = "1"
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(VENV_PYTHON, [VENV_PYTHON, *sys.orig_argv[1:]])


def prepare(dev: bool) -> None:
    """Create or complete `.venv`; `dev` adds the tools of the tests. Other processes wait meanwhile."""
    check_python()
    if is_ready(dev):
        return
    with open(LOCK, "a") as lock:
        wait_for(lock)
        if is_ready(dev):
            return
        started = time.monotonic()
        marked = os.path.exists(MARKER)
        if not (usable() and looks_complete(dev=False)):
            create_venv()
        elif not marked and looks_complete(dev):
            mark(dev)
            return
        else:
            say("completing .venv (about a minute)")
            if marked:
                os.remove(MARKER)
        say("installing alphapente and its requirements" + (", with the tools of the tests" if dev else ""))
        pip("-e", ROOT + ("[dev]" if dev else "[int8]"))
        mark(dev)
        say(f"ready after {time.monotonic() - started:.0f} s")


def create_venv() -> None:
    """Create `.venv` with PyTorch in it, in place of an incomplete one."""
    if os.path.lexists(VENV):
        say(".venv is incomplete or was moved here: removing it")
        shutil.rmtree(VENV)
    say(f"first start: making .venv in {ROOT} (2 to 5 minutes, once; 2 to 6 GB of disk)")
    # The base Python: the running one may be that of the incomplete .venv just removed.
    python = getattr(sys, "_base_executable", None) or sys.executable
    if subprocess.call([python, "-m", "venv", VENV]) != 0:
        raise SetUpError("`python -m venv` failed; on Debian and Ubuntu `apt install python3-venv` provides it")
    pip(*COMPILER)
    start_compiling()
    say("installing PyTorch, the largest part, and compiling the search meanwhile")
    pip("torch")


def start_compiling() -> None:
    """Compile the search in the background: pip uses only one core.

    The process ends by itself, or by the same Ctrl-C as the set-up. The first run compiles the rest.
    """
    subprocess.Popen(
        [VENV_PYTHON, "-m", "alphapente.selfplay.compilation"],
        env=dict(os.environ, PYTHONPATH=os.path.join(ROOT, "src")),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def pip(*what: str) -> None:
    """Install with pip in `.venv`, at the versions of constraints.txt."""
    constraints = os.path.join(ROOT, "constraints.txt")
    call = [VENV_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", constraints]
    # Python compiles modules on import; compiling all installed modules took two fifths of the set-up.
    call += ["--no-compile", *what]
    # Standard output belongs to the script; pip prints to standard error.
    if subprocess.call(call, stdout=sys.stderr) != 0:
        raise SetUpError(f"pip could not install {what[-1]} (see above); run the same command again to retry")


def is_ready(dev: bool) -> bool:
    """Whether `.venv` is complete, for this folder and these requirements."""
    try:
        with open(MARKER) as file:
            found = json.load(file)
        return bool(os.path.exists(VENV_PYTHON) and found["of"] == fingerprint() and (found["dev"] or not dev))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def mark(dev: bool) -> None:
    """Record that `.venv` is complete: always the last step."""
    with open(MARKER + ".part", "w") as file:
        json.dump({"of": fingerprint(), "dev": dev}, file)
    os.replace(MARKER + ".part", MARKER)


def fingerprint() -> str:
    """A digest of the requirements and of the project's folder (`.venv` contains absolute paths)."""
    import tomllib  # missing in an old Python, which check_python has refused

    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        project = tomllib.load(file)["project"]
    with open(os.path.join(ROOT, "constraints.txt")) as file:
        pinned = file.read()
    wanted = [project[key] for key in ("dependencies", "optional-dependencies", "scripts")]
    return hashlib.sha256(json.dumps([ROOT, pinned, wanted]).encode()).hexdigest()


def usable() -> bool:
    """Whether the Python of `.venv` runs, has pip, and is new enough."""
    try:
        return subprocess.call([VENV_PYTHON, "-c", CHECK_PYTHON], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def looks_complete(dev: bool) -> bool:
    """Whether all requirements are installed in `.venv` (one created by hand has no marker)."""
    return subprocess.call([VENV_PYTHON, "-c", CHECK_INSTALLED, ROOT, "dev parquet plot int8" if dev else "int8"]) == 0


def wait_for(lock: IO[str]) -> None:
    """Lock the file until it is closed; print a message if another process holds the lock."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        say("another start is making .venv; waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)


def check_python() -> None:
    """Raise SetUpError if this Python is too old."""
    if sys.version_info < OLDEST:
        raise SetUpError(
            "AlphaPente needs Python {}.{} or newer; this is {} ({})".format(
                *OLDEST, sys.version.split()[0], sys.executable
            )
        )


def say(text: str) -> None:
    """Print to standard error; standard output stays clean."""
    sys.stderr.write(f"alphapente set-up: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    if sys.argv[1:] == ["--dev"]:
        try:
            prepare(dev=True)
        except SetUpError as failed:
            sys.exit(f"error: {failed}")
        except KeyboardInterrupt:
            sys.exit(130)
    else:
        run()
