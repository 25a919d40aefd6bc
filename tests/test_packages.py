"""The packages: their docstrings, the README's table and the contract of import-linter agree."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src" / "alphapente"
PACKAGES = sorted(path.parent for path in SOURCES.rglob("__init__.py"))


def layers() -> list[set[str]]:
    """The packages of each layer, the highest first, without the modules beside them."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (contract,) = linter["contracts"]
    named = [{name.strip().removeprefix("alphapente.") for name in layer.split("|")} for layer in contract["layers"]]
    return [layer for layer in named if all((SOURCES / name).is_dir() for name in layer)]


def docstring(package: Path) -> str:
    return ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""


@pytest.mark.parametrize("package", PACKAGES[1:], ids=lambda path: path.relative_to(SOURCES).as_posix())
def test_each_package_says_in_five_lines_what_it_does_and_may_import(package: Path) -> None:
    text = docstring(package)
    assert 1 <= len(text.splitlines()) <= 5
    assert "ay import" in text


@pytest.mark.parametrize("number", range(len(layers())))
def test_each_docstring_names_the_layer_below(number: int) -> None:
    layer, below = [*layers(), set()][number : number + 2]
    for name in layer:
        rule = " ".join(docstring(SOURCES / name).split()).partition("May import ")[2]
        expected = set(re.findall(r"`(\w+)`", rule))
        assert expected == below or rule == "all other packages."


def test_every_package_has_a_layer_and_a_row_in_the_readme_in_this_order() -> None:
    names = {path.name for path in PACKAGES if path.parent == SOURCES}
    assert names == set().union(*layers())
    rows = re.findall(r"^\| \[`(\w+)/`\]", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    height = {name: number for number, layer in enumerate(layers()) for name in layer}
    assert sorted(names) == sorted(rows)
    assert [height[name] for name in rows] == sorted(height.values(), reverse=True)
