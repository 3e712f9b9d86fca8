"""The registry of formats: adding one is a new file and a line in report/formats.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

import ctxsize.report
from ctxsize.cli import main
from ctxsize.report.formats import FORMATS, drawing

ROOMS = Path(ctxsize.report.__file__).parent
COMMANDS = {
    "comparison": "compare",
    "context": "context",
    "why": "why",
    "builders": "builders",
    "check": "check",
    "cache": "cache",
    "image": "image",
    "difference": "image",
    "lint": "lint",
    "suggestion": "suggest",
}
#: Modules in a room of a result that draw nothing themselves.
SHARED = {
    "comparison.headline",
    "comparison.rows",
    "comparison.savings",
    "check.problems",
    "difference.words",
    "image.words",
    "lint.explain",
    "lint.problems",
    "lint.words",
    "suggestion.words",
}
FORMAT = pytest.mark.parametrize(
    ("result", "name"), [(result, name) for result, names in FORMATS.items() for name in names]
)


@FORMAT
def test_every_format_of_the_registry_can_be_drawn(result: str, name: str) -> None:
    assert callable(drawing(result, name))


def test_a_file_that_draws_is_a_format_and_the_other_way_round() -> None:
    files = {f"{file.parent.name}.{file.stem}" for file in ROOMS.glob("*/*.py") if file.stem != "__init__"}
    files = {name for name in files if not name.startswith(("page.", "shared."))}

    assert files - SHARED == {f"{result}.{name}" for result, names in FORMATS.items() for name in names}


@pytest.mark.parametrize("result", FORMATS)
def test_the_command_offers_the_formats_of_the_registry_the_first_by_default(result: str) -> None:
    command = main.get_command(click.Context(main), COMMANDS[result])
    assert command is not None
    options = {option.name: option for option in command.params}
    option = options["format"]

    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == list(FORMATS[result])
    assert option.default == next(iter(FORMATS[result]))


@pytest.mark.parametrize("name", FORMATS["check"])
def test_only_the_format_asked_for_is_imported(name: str) -> None:
    code = f"import sys; from ctxsize.report.formats import drawing; drawing('check', {name!r})\n"
    code += "print(*(name for name in sys.modules if name.startswith('ctxsize.report.check.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {module.removeprefix("ctxsize.report.") for module in done.stdout.split()} - SHARED

    assert loaded == {f"check.{name}"}


def test_what_is_no_format_is_refused() -> None:
    with pytest.raises(ValueError, match="yaml"):
        drawing("comparison", "yaml")
