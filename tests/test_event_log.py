"""The event log: several writers, kill -9, full disks, damage, its size, and reading while it is written."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from alphapente import event_log
from alphapente.errors import FailureError
from alphapente.event_log import NAME, NOW_NAME, Entry, EventLog, EventReader, Source, from_line, to_line
from alphapente.events import (
    EpochReport,
    Event,
    GamesInPlay,
    GenerationProgress,
    GenerationSummary,
    Lost,
    Note,
    from_json,
    to_json,
)
from tests.test_files import largest_file


def progress(records: int) -> GenerationProgress:
    return GenerationProgress(records, 100, 1, 1.0, 2.0, 3.0, 4.0, 5.0)


def log_in(folder: Path, lost: list[Event] | None = None) -> EventLog:
    report = list[Event]().append if lost is None else lost.append
    return EventLog(folder, Source("generation", "a run", "Generation 1"), report)


def notes(reader: EventReader) -> list[str]:
    return [entry.event.text for entry in reader.new() if isinstance(entry.event, Note)]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    events: list[Event] = [
        Note("straße \udcff"),
        EpochReport(
            2, 50, 60, float("inf"), 0.5, 5.5, 4.8, 0.7, 0.001, 9.0, {"reply": 0.1}, calibration=[(0.1, 0.2, 3)]
        ),
        GenerationSummary(1, 2, 3, {"1": 1}, {"five": 1}, 1.0, 2, 3),
        GamesInPlay("pente", 7, "simple", 3, [(2**62, [1, 2, 3])]),
    ]
    log, reader = log_in(tmp_path / "new"), EventReader(tmp_path / "new")
    for event in events:
        log(event)
    found = reader.new()
    assert [entry.event for entry in found] == events
    assert [entry.kept for entry in found] == [True, True, True, False]
    assert {entry.source for entry in found} == {Source("generation", "a run", "Generation 1")}
    assert abs(found[0].at - time.time()) < 60
    assert reader.new() == []
    assert all(from_line(to_line(entry), entry.kept) == entry for entry in found)
    assert all(from_json(to_json(event)) == event for event in events)


@pytest.mark.parametrize("line", [b"", b"null", b"{", b'{"at": 1}', b"\xff", b'{"at": "x"}'])
def test_other_lines_are_no_entries(line: bytes) -> None:
    with pytest.raises(FailureError):
        from_line(line)


def test_all_progress_is_shown_and_some_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr("alphapente.event_log.time.monotonic", lambda: next(clock) / 4)
    log = log_in(tmp_path)
    for records in range(400):  # four in a second
        log(progress(records))
    kept = [json.loads(line)["event"]["records"] for line in (tmp_path / NAME).read_text().splitlines()]
    assert kept == [120, 240, 360], "every half minute"
    assert len((tmp_path / NOW_NAME).read_text().splitlines()) == 400
    log(progress(401), keep=True)
    assert json.loads((tmp_path / NAME).read_text().splitlines()[-1])["event"]["records"] == 401


def test_what_passes_never_takes_much_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "NOW_BYTES", 2_000)
    log, reader = log_in(tmp_path), EventReader(tmp_path)
    seen: list[int] = []
    for records in range(200):
        log(progress(records))
        seen += [entry.event.records for entry in reader.new() if isinstance(entry.event, GenerationProgress)]
    assert seen == list(range(200)), "a reader that follows misses nothing"
    assert (tmp_path / NOW_NAME).stat().st_size < 2_500
    assert not reader.restarted


def _write_notes(folder: Path, name: str, count: int) -> None:
    log = EventLog(folder, Source(name), print)
    for number in range(count):
        log(Note(f"{name} {number} {'x' * (number % 500)}"))


def test_several_processes_write_and_one_reads_meanwhile(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_notes, args=(tmp_path, name, 500)) for name in "abc"]
    reader, seen = EventReader(tmp_path), []
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        seen += notes(reader)
    seen += notes(reader)
    for name in "abc":
        assert [text.split()[1] for text in seen if text.startswith(name)] == [str(number) for number in range(500)]


def test_kill_9_in_the_middle_of_writing_leaves_whole_lines(tmp_path: Path) -> None:
    writer = multiprocessing.get_context("fork").Process(target=_write_notes, args=(tmp_path, "a", 10**9))
    writer.start()
    while not (tmp_path / NAME).exists() or (tmp_path / NAME).stat().st_size < 100_000:
        assert writer.is_alive()
        time.sleep(0.01)
    writer.kill()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    lines = (tmp_path / NAME).read_bytes().splitlines(keepends=True)
    assert [from_line(line) for line in lines]
    assert lines[-1].endswith(b"\n")


def test_after_an_incomplete_line_a_new_one_begins(tmp_path: Path) -> None:
    log, reader = log_in(tmp_path), EventReader(tmp_path)
    log(Note("first"))
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"at": 1, "process": "of a power c')
    assert notes(reader) == ["first"]
    log(Note("second"))
    log(Note("third"))
    assert notes(reader) == ["second", "third"]
    assert notes(EventReader(tmp_path)) == ["first", "second", "third"]


def test_a_full_disk_is_reported_once_and_the_log_resumes_with_space(tmp_path: Path) -> None:
    lost: list[Event] = []
    log = log_in(tmp_path, lost)
    log(Note("before"))
    with largest_file(1000):
        for _ in range(20):
            log(Note("x" * 100))
    log(Note("after"))
    assert [type(event) for event in lost] == [Lost]
    assert isinstance(lost[0], Lost)
    assert lost[0].what == f"the event log {tmp_path / NAME}"
    found = notes(EventReader(tmp_path))
    assert (found[0], found[-1]) == ("before", "after")


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    lost: list[Event] = []
    log_in(tmp_path / "file" / "below", lost)(Note("nowhere"))
    assert lost == [Lost(f"the event log {tmp_path / 'file' / 'below' / NAME}", "Not a directory")]
    assert EventReader(tmp_path / "file" / "below").new() == []


def test_a_log_that_was_moved_away_begins_anew(tmp_path: Path) -> None:
    log, reader = log_in(tmp_path), EventReader(tmp_path)
    log(Note("first"))
    assert (notes(reader), reader.restarted) == (["first"], True)
    log(Note("second"))
    assert (notes(reader), reader.restarted) == (["second"], False)
    os.rename(tmp_path / NAME, tmp_path / "old.jsonl")
    assert (notes(reader), reader.restarted) == ([], True)
    log(Note("third"))
    assert (notes(reader), reader.restarted) == (["third"], True)


def test_entries_of_both_files_come_by_time(tmp_path: Path) -> None:
    source = Source("generation")
    for name, times in ((NAME, (1.0, 3.0, 2.9)), (NOW_NAME, (2.0, 4.0))):
        lines = [to_line(Entry(at, "1", source, Note(str(at)))) for at in times]
        (tmp_path / name).write_bytes(b"".join(lines))
    assert notes(EventReader(tmp_path)) == ["1.0", "2.0", "3.0", "2.9", "4.0"]
