"""Files written atomically: through links, into pipes and devices, with permissions, and without leftovers."""

import contextlib
import os
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alphapente.errors import FailureError
from alphapente.files import (
    check_writable,
    is_regular,
    real_path,
    remove_leftovers,
    write_bytes,
    write_text,
    writing,
    writing_text,
)
from alphapente.pipeline.state import Locks
from alphapente.records.store import Store
from alphapente.training.lock import CheckpointLock


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file can grow beyond `size` bytes, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_only_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "out.txt"
    write_text(path, "before")
    with writing_text(path) as file:
        file.write("straße\n")
        file.flush()
        assert path.read_text(encoding="utf-8") == "before"
    assert path.read_bytes() == "straße\n".encode()
    assert names(path.parent) == ["out.txt"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, FailureError, ValueError])
def test_an_error_in_the_block_leaves_the_old_file(tmp_path: Path, kind: type[BaseException]) -> None:
    path = tmp_path / "out.txt"
    write_text(path, "before")

    def half() -> None:
        with writing_text(path) as file:
            file.write("half")
            raise kind("by the caller")

    with pytest.raises(kind, match="by the caller"):
        half()
    assert path.read_text() == "before"
    assert names(tmp_path) == ["out.txt"]


@pytest.mark.parametrize("link", ["kept/out.txt", "{}/kept/out.txt", "second"])
@pytest.mark.parametrize("exists", [True, False])
def test_links_are_followed_and_stay(tmp_path: Path, link: str, exists: bool) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "second").symlink_to("kept/out.txt")
    (tmp_path / "out.txt").symlink_to(link.format(tmp_path))
    if exists:
        (tmp_path / "kept" / "out.txt").write_text("before")
    write_text(tmp_path / "out.txt", "after")
    assert (tmp_path / "out.txt").is_symlink()
    assert (tmp_path / "second").is_symlink()
    assert (tmp_path / "kept" / "out.txt").read_text() == "after"
    assert names(tmp_path / "kept") == ["out.txt"]
    assert real_path(tmp_path / "out.txt") == tmp_path.resolve() / "kept" / "out.txt"


def test_links_through_linked_folders(tmp_path: Path) -> None:
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "short").symlink_to("a/deep")
    (tmp_path / "a" / "deep" / "link").symlink_to("../out.txt")
    write_text(tmp_path / "short" / "link", "after")
    assert (tmp_path / "a" / "out.txt").read_text() == "after"


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to("missing/out.txt")
    with pytest.raises(FailureError, match=r"gone cannot be written \(No such file or directory\): create the folder"):
        write_text(tmp_path / "gone", "x")
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(FailureError, match="form a circle"):
        write_text(tmp_path / "circle", "x")
    assert names(tmp_path) == ["circle", "gone"]


def test_permissions_stay_and_a_new_file_has_those_of_the_umask(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("before")
    old.chmod(0o640)
    before = os.umask(0o027)
    try:
        write_text(old, "after")
        write_text(new, "after")
    finally:
        os.umask(before)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    write_text(new, "again")
    assert stat.S_IMODE(new.stat().st_mode) == 0o640


def test_a_pipe_gets_the_content_and_stays_a_pipe(tmp_path: Path) -> None:
    fifo, link = tmp_path / "fifo", tmp_path / "link"
    os.mkfifo(fifo)
    link.symlink_to("fifo")
    with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE) as reader:
        write_bytes(link, b"content" * 20_000)
        assert reader.stdout is not None
        assert reader.stdout.read() == b"content" * 20_000
    assert fifo.is_fifo()
    assert names(tmp_path) == ["fifo", "link"]
    assert not is_regular(link)


def test_a_pipe_whose_reader_leaves_raises_broken_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with (
        subprocess.Popen(["head", "-c1", tmp_path / "fifo"], stdout=subprocess.DEVNULL),
        pytest.raises(BrokenPipeError),
    ):
        write_bytes(tmp_path / "fifo", b"content" * 200_000)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_devices_are_written_and_stay_devices(tmp_path: Path) -> None:
    (tmp_path / "null").symlink_to("/dev/null")
    write_text(tmp_path / "null", "x")
    assert Path("/dev/null").is_char_device()
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(FailureError, match=r"full cannot be written \(No space left on device\): free some space"):
        write_text(tmp_path / "full", "x" * 100_000)
    assert Path("/dev/full").is_char_device()


WRITE = "import sys; from alphapente.files import write_text; print('a', flush=True); write_text(sys.argv[1], 'b\\n')"


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="needs /dev/stdout")
def test_standard_output_is_written_at_its_position(tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    out.write_text("first\n")
    command = [sys.executable, "-c", WRITE, "/dev/stdout"]
    with out.open("a") as file:
        subprocess.run(command, stdout=file, check=True)
    assert out.read_text() == "first\na\nb\n"
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "a\nb\n"
    assert names(tmp_path) == ["out.txt"]
    assert not is_regular("/dev/stdout")


def test_a_disk_that_is_full_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    write_bytes(path, b"before")
    with largest_file(1_000), pytest.raises(FailureError, match=r"out\.bin cannot be written \(File too large\)"):
        write_bytes(path, b"x" * 100_000)
    assert path.read_bytes() == b"before"
    assert names(tmp_path) == ["out.bin"]


def test_paths_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, problem in (
        (tmp_path, "is a folder: name a file in it"),
        (tmp_path / "file" / "out.txt", r"cannot be written \(Not a directory\)"),
        (tmp_path / "file" / "deep" / "out.txt", r"cannot be written \(Not a directory\)"),
        (tmp_path / ("x" * 300), r"cannot be written \(File name too long\): choose a shorter name"),
        (f"{tmp_path}/a\0b", "no possible file name"),
    ):
        with pytest.raises(FailureError, match=problem):
            write_text(path, "x")
        if "x" * 300 not in str(path):
            with pytest.raises(FailureError, match=problem):
                check_writable(path)
    assert names(tmp_path) == ["file"]


AS_NOBODY = """
import os, sys
from alphapente import files
os.setuid(65534)
for one in (lambda path: files.write_text(path, "x"), files.check_writable):
    try:
        one(sys.argv[1])
    except files.FailureError as error:
        print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its user")
def test_a_folder_without_write_permission() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        done = subprocess.run([sys.executable, "-c", AS_NOBODY, f"{folder}/out"], capture_output=True, text=True)
    line = f"{folder}/out cannot be written (Permission denied): "
    line += "name another file, or give yourself write permission for its folder"
    assert done.stdout.splitlines() == [line, line], done.stderr


def test_check_writable_changes_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "folder" / "out.txt")
    check_writable(str(tmp_path / "out.txt"))
    check_writable("/dev/null")
    assert names(tmp_path) == []


def test_longest_names_and_names_in_any_encoding(tmp_path: Path) -> None:
    wanted = sorted(["x" * 255, "ß" * 127, "s p a c e", os.fsdecode(b"\xff\xfe")])
    for name in wanted:
        write_text(os.fspath(tmp_path / name), "text")
    assert names(tmp_path) == wanted


def test_many_threads_write_one_file_and_each_read_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    write_bytes(path, b"0" * 50_000)

    def write(digit: bytes) -> None:
        for _ in range(20):
            write_bytes(path, digit * 50_000, durable=False)

    threads = [threading.Thread(target=write, args=(str(digit).encode(),)) for digit in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        content = path.read_bytes()
        assert len(content) == 50_000
        assert len(set(content)) == 1
    for thread in threads:
        thread.join()
    assert names(tmp_path) == ["out.bin"]


KILLED = """
import sys, time
from alphapente.files import writing
with writing(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    time.sleep(60)
"""


def test_leftovers_of_a_killed_process_are_removed_beside_the_real_file(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    path, target = tmp_path / "link.pt", tmp_path / "kept" / "real.pt"
    path.symlink_to("kept/real.pt")
    write_bytes(path, b"before")
    with subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    assert len(names(target.parent)) == 2
    (target.parent / ".other.pt.1.1.tmp").touch()
    remove_leftovers(path)
    assert names(target.parent) == [".other.pt.1.1.tmp", "real.pt"]
    assert target.read_bytes() == b"before"


def test_a_writer_removes_the_leftover_of_an_earlier_one_with_the_same_id(tmp_path: Path) -> None:
    path = tmp_path / "out"
    left = tmp_path / f".out.{os.getpid()}.{threading.get_native_id()}.tmp"
    (tmp_path / "precious").write_text("untouched")
    left.symlink_to("precious")
    with writing(path) as file:
        file.write(b"after")
    assert path.read_bytes() == b"after"
    assert (tmp_path / "precious").read_text() == "untouched"
    assert names(tmp_path) == ["out", "precious"]


@pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
def test_a_side_file_of_a_database_is_not_replaced(tmp_path: Path, ending: str) -> None:
    Store(tmp_path / "records.db").close()
    path = tmp_path / f"records.db{ending}"
    for write in (check_writable, lambda path: write_text(path, "x")):
        with pytest.raises(FailureError, match="it is a part of the database beside it"):
            write(path)
    write_text(tmp_path / f"notes{ending}", "x")


def test_a_database_is_not_replaced_by_another_file(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    Store(path).close()
    content = path.read_bytes()
    with pytest.raises(FailureError, match=r"records\.db cannot be written \(it is a database\): name another"):
        write_text(path, "x")
    with pytest.raises(FailureError, match="it is a database"):
        check_writable(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("take", [Locks, lambda folder: CheckpointLock(folder / "simple_model.pt").__enter__()])
def test_a_full_disk_under_a_lock_is_reported_in_one_line(tmp_path: Path, take: Callable[[Path], object]) -> None:
    before = len(os.listdir("/dev/fd"))
    with largest_file(0), pytest.raises(FailureError, match=r"cannot write .*File too large; free some space"):
        take(tmp_path)
    assert len(os.listdir("/dev/fd")) == before, "the files of the lock are closed"
