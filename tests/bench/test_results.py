"""RESULTS.md: what a run replaces, what it leaves unchanged, and how numbers are written."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import alphapente
from alphapente.bench.report import Result, Row, machine, number, processor_line
from alphapente.bench.results import MACHINE_HEADING, TITLE, merged, source_version, subsection, write_results
from alphapente.bench.targets import TARGETS, reach
from alphapente.errors import FailureError

HERE: dict[str, Any] = {
    "processor": "Pocket 1",
    "instruction_sets": ["avx2", "avx512_bf16"],
    "gpu": None,
    "cores": 2,
    "threads": 2,
    "memory_gib": 4,
    "system": "Linux-6",
    "python": "3.11.7",
    "libraries": {"numpy": "2.4.6"},
}
RULES = Result([Row("rules.pente", 18_472_793.4, "random moves/s")])
SEARCH = Result(
    [Row("search.us_per_simulation", 3.5, "microseconds")],
    {"search.us_per_simulation: select": 0.25, "search.us_per_simulation: expand": 0.75},
)
OTHERS = """# Benchmarks

By hand.

## Other, 8 cores (avx2)

Linux.

### rules

| a | b |

## Third, 1 core

### search

x

## What they mean

- `rules.*`: random games.
"""


def put(text: str, result: Result, name: str, here: dict[str, Any] = HERE, made: str = "today") -> str:
    """The text with one benchmark of a machine added."""
    return merged(text, here, {name: subsection(name, result, made, here)})


def test_a_new_machine_follows_the_others_and_precedes_the_notes() -> None:
    text = put(OTHERS, RULES, "rules")
    before, after = OTHERS.split("## What they mean")
    assert text.startswith(before)
    assert text.endswith("\n\n## What they mean" + after)
    own = text.removeprefix(before).removesuffix("## What they mean" + after)
    assert own == (
        "## Pocket 1, 2 cores (avx2, avx512_bf16)\n\nLinux-6, 4 GiB of memory.\n\n### rules\n\n"
        "today; Python 3.11.7, numpy 2.4.6.\n\n| name | value | unit | floor | ratio | reach |\n"
        "| --- | --- | --- | --- | --- | --- |\n| `rules.pente` | 18,472,793 | random moves/s |  |  |  |\n\n"
    )


def test_a_run_replaces_what_it_measured_and_nothing_else() -> None:
    text = put(put(OTHERS, RULES, "rules"), SEARCH, "search")
    again = put(text, Result([Row("rules.pente", 7.0, "random moves/s")]), "rules", made="tomorrow")
    assert "| `rules.pente` | 7 | random moves/s |" in again
    assert "18,472,793" not in again
    assert again.index("### rules\n\ntomorrow") < again.index("### search\n\ntoday")
    assert again.count(f"## {processor_line(HERE)}\n") == 1


def test_the_breakdown_is_in_the_unit_of_the_row() -> None:
    text = subsection("search", SEARCH, "today", HERE)
    assert "- search.us_per_simulation in microseconds: select 0.875 (25.0%), expand 2.62 (75.0%)" in text
    plain = Result([Row("generate.simple.bf16", 3.0, "evaluations/s")], {"generate.simple.bf16: network": 0.9})
    assert "- generate.simple.bf16: network 90.0%" in subsection("generate", plain, "today", HERE)


processors = st.sampled_from(["Pocket 1", "Pocket 2", "Xeon(R) @ 2.0 GHz", "Other"])
runs = st.lists(
    st.tuples(processors, st.sampled_from(["rules", "search", "generate"]), st.floats(0.001, 1e9)), max_size=8
)


@given(runs, st.tuples(processors, st.sampled_from(["rules", "search"]), st.floats(0.001, 1e9)))
def test_writing_twice_changes_nothing_and_other_machines_stay(
    earlier: list[tuple[str, str, float]], last: tuple[str, str, float]
) -> None:
    def run(text: str, processor: str, name: str, value: float) -> str:
        return put(text, Result([Row(f"{name}.x", value, "things/s")]), name, {**HERE, "processor": processor})

    text = OTHERS
    for one in earlier:
        text = run(text, *one)
    once = run(text, *last)
    assert run(once, *last) == once
    heading = f"## {processor_line({**HERE, 'processor': last[0]})}\n"

    def others(text: str) -> list[str]:
        return [section for section in ("\n" + text).split("\n## ") if not f"## {section}".startswith(heading)]

    assert others(once) == others(text)


def test_an_empty_file_and_a_file_without_a_last_newline() -> None:
    assert put("# Notes", RULES, "rules").startswith("# Notes\n\n## Pocket 1")
    assert put("", RULES, "rules").startswith("## Pocket 1")
    assert put("", RULES, "rules").endswith("|\n")


def test_the_headings_of_real_machines_are_recognized() -> None:
    assert MACHINE_HEADING.fullmatch(f"## {processor_line(machine())}")
    assert (
        processor_line({**HERE, "gpu": "H100", "threads": 4})
        == "Pocket 1, 2 cores, 4 threads (avx2, avx512_bf16), H100"
    )
    assert MACHINE_HEADING.fullmatch("## Pocket 1, 2 cores, 4 threads (avx2, avx512_bf16), H100")
    assert MACHINE_HEADING.fullmatch("## Apple M2, 8 cores")
    assert not MACHINE_HEADING.fullmatch("## What they mean")


def test_the_file_is_created_and_written_again(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    write_results(path, HERE, {"rules": RULES, "search": SEARCH}, "2026-11-25")
    text = path.read_text()
    assert text.startswith(TITLE + "\n## Pocket 1")
    assert "### rules\n\n2026-11-25, " in text
    write_results(path, HERE, {"rules": RULES}, "2026-11-25")
    assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_reported_in_one_line_and_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "results.md"
    path.write_bytes(b"\xff\xfe not text")
    with pytest.raises(FailureError, match=r"cannot add the results to .*results\.md"):
        write_results(path, HERE, {"rules": RULES}, "2026-11-25")
    assert path.read_bytes() == b"\xff\xfe not text"
    with pytest.raises(FailureError, match="name another file"):
        write_results(path / "results.md", HERE, {"rules": RULES}, "2026-11-25")


def test_the_source_is_named_by_its_commit_or_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "alphapente"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.setattr(alphapente, "__file__", str(package / "__init__.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=b", *words], cwd=tmp_path, check=True)

    assert source_version().startswith("version ")
    git("init", "-q")
    assert source_version().startswith("version "), "a repository that does not hold the package says nothing of it"
    git("add", ".")
    git("commit", "-qm", "first")
    assert source_version().startswith("commit ")
    assert "modified" not in source_version()
    (tmp_path / "RESULTS.md").write_text("written by the run before")
    assert "modified" not in source_version()
    (package / "__init__.py").write_text("1")
    assert source_version().endswith(", modified")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.1234, "0.123"), (1.5, "1.50"), (4, "4"), (12.34, "12.3"), (1234.5, "1,234"), (-3.14159, "-3.14")],
)
def test_numbers_as_text(value: float, text: str) -> None:
    assert number(value) == text


def test_targets_bound_the_ratio_or_the_value_from_above_or_below() -> None:
    assert reach(Row("generate.simple.bf16", 9, "evaluations/s", 10, 0.93)) == ">= 0.93: met"
    assert reach(Row("generate.simple.bf16", 9, "evaluations/s", 10, 0.929)) == ">= 0.93: missed"
    assert reach(Row("generate.simple.bf16", 9, "evaluations/s")) == ">= 0.93: not measured"
    assert reach(Row("search.us_per_simulation", 4.0, "microseconds")) == "<= 4: met"
    assert reach(Row("search.us_per_simulation", 4.1, "microseconds")) == "<= 4: missed"
    assert reach(Row("sample.10m", 9, "microseconds", 6, 1.5)) == "<= 1.50: met"
    assert reach(Row("records.write", 50_000, "records/s")) == ">= 50,000: met"
    assert reach(Row("generate.resnet.bf16.gpu", 9, "evaluations/s", 10, 0.84)) == ">= 0.85: missed"
    assert reach(Row("rules.pente", 1, "random moves/s")) == ""
    assert len(TARGETS) == 24
