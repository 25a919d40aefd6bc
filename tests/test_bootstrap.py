"""The set-up: what it creates, what it keeps, and what it prints, with a fake `.venv`."""

import importlib.util
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, set to a separate project whose `.venv` consists of plain files; `made` lists its actions."""
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", ROOT / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    venv = tmp_path / ".venv"
    for name, path in [("ROOT", tmp_path), ("VENV", venv), ("VENV_PYTHON", venv / "python")]:
        monkeypatch.setattr(module, name, str(path))
    monkeypatch.setattr(module, "MARKER", str(venv / "alphapente-ready.json"))
    monkeypatch.setattr(module, "LOCK", str(tmp_path / ".venv.lock"))
    (tmp_path / "constraints.txt").write_text("numpy==2.4.6\n")
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    made: list[str] = []

    def create_venv() -> None:
        venv.mkdir(exist_ok=True)
        (venv / "python").touch()
        made.append("anew")

    monkeypatch.setattr(module, "real_create_venv", module.create_venv, raising=False)
    monkeypatch.setattr(module, "made", made, raising=False)
    monkeypatch.setattr(module, "create_venv", create_venv)
    monkeypatch.setattr(module, "pip", lambda *what: made.append(what[-1].rpartition("/")[2]))
    monkeypatch.setattr(module, "usable", lambda: (venv / "python").exists())
    monkeypatch.setattr(module, "looks_complete", lambda dev: (venv / ("dev" if dev else "plain")).exists())
    return module


def test_a_first_start_creates_everything_once(bootstrap: ModuleType, tmp_path: Path) -> None:
    bootstrap.prepare(dev=False)
    bootstrap.prepare(dev=False)
    assert bootstrap.made == ["anew", tmp_path.name + "[int8]"]


def test_the_search_is_compiled_while_the_largest_part_is_installed(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap.subprocess, "call", lambda _command: 0)
    monkeypatch.setattr(bootstrap, "start_compiling", lambda: bootstrap.made.append("compiling"))
    bootstrap.real_create_venv()
    assert bootstrap.made == ["pydantic", "compiling", "torch"]


def test_the_tools_of_the_tests_complete_it(bootstrap: ModuleType, tmp_path: Path) -> None:
    bootstrap.prepare(dev=False)
    (tmp_path / ".venv" / "plain").touch()
    bootstrap.prepare(dev=True)
    bootstrap.prepare(dev=True)
    bootstrap.prepare(dev=False)
    assert bootstrap.made == ["anew", tmp_path.name + "[int8]", tmp_path.name + "[dev]"]


def test_an_incomplete_one_is_created_again(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*what: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "pip", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bootstrap.prepare(dev=False)
    assert not bootstrap.is_ready(dev=False)
    bootstrap.prepare(dev=False)
    assert bootstrap.made == ["anew", "anew", tmp_path.name + "[int8]"]


def test_one_created_by_hand_is_used_unchanged(bootstrap: ModuleType, tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    for name in ("python", "plain", "dev"):
        (tmp_path / ".venv" / name).touch()
    bootstrap.prepare(dev=True)
    assert bootstrap.made == []
    assert bootstrap.is_ready(dev=True)


def test_new_requirements_and_another_folder_are_detected(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap.prepare(dev=False)
    (tmp_path / ".venv" / "plain").touch()
    (tmp_path / "constraints.txt").write_text("numpy==2.4.7\n")
    assert not bootstrap.is_ready(dev=False)
    bootstrap.prepare(dev=False)
    assert bootstrap.made == ["anew", *[tmp_path.name + "[int8]"] * 2]
    monkeypatch.setattr(bootstrap, "ROOT", str(ROOT))
    assert not bootstrap.is_ready(dev=False)


def test_a_broken_marker_is_no_marker(bootstrap: ModuleType) -> None:
    bootstrap.prepare(dev=False)
    for text in ("", "[]", "{}", "null", "\0"):
        Path(bootstrap.MARKER).write_text(text)
        assert not bootstrap.is_ready(dev=False)


def test_a_second_start_waits_and_says_so(bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    fcntl = pytest.importorskip("fcntl")
    with open(bootstrap.LOCK, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = threading.Thread(target=bootstrap.prepare, kwargs={"dev": False})
        second.start()
        second.join(0.3)
        assert second.is_alive()
        assert bootstrap.made == []
    second.join(10)
    assert bootstrap.made[0] == "anew"
    assert "another start is making .venv; waiting for it" in capsys.readouterr().err


def test_an_old_python_is_refused(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))
    with pytest.raises(bootstrap.SetUpError, match=r"needs Python 3\.11 or newer; this is"):
        bootstrap.prepare(dev=False)


def test_a_package_without_its_libraries_is_no_installed_one(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda name: None if name == "typer" else object())
    monkeypatch.setattr(bootstrap.os, "execv", lambda path, _words: started.append(path))
    monkeypatch.setenv(bootstrap.GUARD, "")
    monkeypatch.delenv(bootstrap.GUARD)
    bootstrap.ensure_importable()
    assert bootstrap.made
    assert started == [bootstrap.VENV_PYTHON]


def test_it_does_not_restart_endlessly(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(bootstrap.GUARD, "1")
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(bootstrap.SetUpError, match="delete that folder"):
        bootstrap.ensure_importable()
