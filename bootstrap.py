"""Makes every script work straight after a clone: where `alphapente` cannot be imported, it goes on in `.venv`.

`.venv` is made first if it is not there, from `constraints.txt`, which takes a few minutes once. Standard library only,
and no new syntax, so that an old Python can still say what is wrong.
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
"""What alphapente.selfplay.compilation needs: a few seconds of pip."""
LOCK = os.path.join(ROOT, ".venv.lock")
OLDEST = (3, 11)
GUARD = "ALPHAPENTE_SET_UP_DONE"
"""Set for the script started again in `.venv`, so that it cannot go round in circles."""

# Run by the Python of `.venv`: status 0 where it can be used.
PROBE = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
# Run by the Python of `.venv`: status 0 where all that the project in this folder asks for is installed there.
LOOK = """
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
    """The set-up cannot go on; its text says why and what to do."""


def run(*command: str) -> NoReturn:
    """Run `alphapente` with this subcommand and the script's own arguments, in `.venv` where need be. Never returns."""
    try:
        go_on_where_alphapente_is()
    except SetUpError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        say("interrupted; run the same command again, and it starts anew")
        sys.exit(130)
    from alphapente.cli.app import main

    main([*command, *sys.argv[1:]])
    sys.exit(0)


def go_on_where_alphapente_is() -> None:
    """Return if `alphapente` can be imported here, else start this same script again in `.venv`."""
    check_python()
    # typer too: PYTHONPATH may name the package where none of its libraries is installed.
    if all(importlib.util.find_spec(name) is not None for name in ("alphapente", "typer")):
        os.environ.pop(GUARD, None)
        return
    if GUARD in os.environ:
        raise SetUpError(f"alphapente cannot be imported even in {VENV}: delete that folder and try again")
    if os.path.realpath(sys.prefix) == os.path.realpath(VENV) and os.path.exists(MARKER):
        os.remove(MARKER)  # it says finished, and it is not
    prepare(dev=False)
    os.environ[GUARD] = "1"
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(VENV_PYTHON, [VENV_PYTHON, *sys.orig_argv[1:]])


def prepare(dev: bool) -> None:
    """Make or complete `.venv`; `dev` adds what the tests need. One process at a time, the others wait for it."""
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
            make_anew()
        elif not marked and looks_complete(dev):
            mark(dev)
            return
        else:
            say("completing .venv (about a minute)")
            if marked:
                os.remove(MARKER)
        say("installing alphapente and what it needs" + (", with the tools of the tests" if dev else ""))
        pip("-e", ROOT + ("[dev]" if dev else "[int8]"))
        mark(dev)
        say(f"ready after {time.monotonic() - started:.0f} s")


def make_anew() -> None:
    """An empty `.venv` with PyTorch in it, in place of whatever half-made one is there."""
    if os.path.lexists(VENV):
        say(".venv is half-made or was moved here: removing it")
        shutil.rmtree(VENV)
    say(f"first start: making .venv in {ROOT} (2 to 5 minutes, once; 2 to 6 GB of disk)")
    # The Python under a virtual environment: the one running may be the half-made one just removed.
    python = getattr(sys, "_base_executable", None) or sys.executable
    if subprocess.call([python, "-m", "venv", VENV]) != 0:
        raise SetUpError("`python -m venv` failed; on Debian and Ubuntu `apt install python3-venv` provides it")
    pip(*COMPILER)
    start_compiling()
    say("installing PyTorch, the largest part, and compiling the search meanwhile")
    pip("torch")


def start_compiling() -> None:
    """Compile the search in the background: pip leaves all cores but one idle.

    The process ends by itself, or by the same Ctrl-C as the set-up. What it leaves undone, the first run compiles.
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
    # Python compiles what is imported; compiling all that is installed took two fifths of the set-up.
    call += ["--no-compile", *what]
    # What the script itself prints is for its reader: pip talks to the terminal.
    if subprocess.call(call, stdout=sys.stderr) != 0:
        raise SetUpError(f"pip could not install {what[-1]} (see above); run the same command again to try anew")


def is_ready(dev: bool) -> bool:
    """Whether `.venv` is finished, for this place and these requirements."""
    try:
        with open(MARKER) as file:
            found = json.load(file)
        return bool(os.path.exists(VENV_PYTHON) and found["of"] == fingerprint() and (found["dev"] or not dev))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def mark(dev: bool) -> None:
    """Write down that `.venv` is finished: always the last step."""
    with open(MARKER + ".part", "w") as file:
        json.dump({"of": fingerprint(), "dev": dev}, file)
    os.replace(MARKER + ".part", MARKER)


def fingerprint() -> str:
    """Changes with the requirements, and with the project's place (`.venv` holds absolute paths)."""
    import tomllib  # not there in an old Python, which is told so before this

    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        project = tomllib.load(file)["project"]
    with open(os.path.join(ROOT, "constraints.txt")) as file:
        pinned = file.read()
    wanted = [project[key] for key in ("dependencies", "optional-dependencies", "scripts")]
    return hashlib.sha256(json.dumps([ROOT, pinned, wanted]).encode()).hexdigest()


def usable() -> bool:
    """Whether the Python of `.venv` runs, has pip, and is new enough."""
    try:
        return subprocess.call([VENV_PYTHON, "-c", PROBE], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def looks_complete(dev: bool) -> bool:
    """Whether all that the project asks for is installed in `.venv` (one made by hand has no marker)."""
    return subprocess.call([VENV_PYTHON, "-c", LOOK, ROOT, "dev parquet plot int8" if dev else "int8"]) == 0


def wait_for(lock: IO[str]) -> None:
    """Hold the lock file until it is closed, saying so where another process holds it first."""
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
    """Raise SetUpError where this Python is too old."""
    if sys.version_info < OLDEST:
        raise SetUpError(
            "AlphaPente needs Python {}.{} or newer; this is {} ({})".format(
                *OLDEST, sys.version.split()[0], sys.executable
            )
        )


def say(text: str) -> None:
    """Tell the person at the terminal; standard output stays clean."""
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
