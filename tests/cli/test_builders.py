"""``ctxsize builders``, and what ``--builder`` takes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from ctxsize.cli import main
from tests.engine.endpoints.conftest import Configuration
from tests.engine.endpoints.conftest import configuration as configuration

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs/schema/builders-1.json").read_text())
HERE = "unix:///no/such/docker.sock"
NOTICE = "`docker buildx build` would use ci: `--builder ci` measures that"


@pytest.fixture(autouse=True)
def builders_here(monkeypatch: pytest.MonkeyPatch, configuration: Configuration) -> None:
    """An engine that does not answer, and builders that do not either."""
    monkeypatch.setenv("DOCKER_HOST", HERE)
    configuration.create("ci", "remote", "unix:///no/ci.sock")
    configuration.create("odd", "cloud", "x")
    (configuration.store / "instances" / "broken").write_text("{")
    configuration.use("ci", HERE)


def ctxsize(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_the_table_has_a_line_for_each_builder_and_says_why_one_is_unusable() -> None:
    lines = ctxsize("builders").stdout.splitlines()

    assert [line.split()[0] for line in lines[:5]] == ["builder", "default*", "broken", "ci", "odd"]
    assert lines[3].split()[1:] == ["remote", "unix:///no/ci.sock", "unusable", "linux/arm64"]
    notes = [line.removeprefix("note: ") for line in lines[5:]]
    assert notes[0].startswith("default: no Docker engine answers at unix:///no/such/docker.sock")
    assert notes[1].startswith("broken: ") and "not JSON" in notes[1]
    assert notes[2].startswith("ci: no BuildKit answers at unix:///no/ci.sock: ")
    assert notes[3] == "odd: ctxsize does not know the driver cloud"
    assert notes[4] == NOTICE


def test_json_within_its_schema() -> None:
    document = json.loads(ctxsize("builders", "--format", "json").stdout)
    jsonschema.validate(document, SCHEMA)

    assert document["auto"] == "default"
    assert [each["name"] for each in document["builders"] if each["used"]] == ["ci"]
    assert [each["name"] for each in document["builders"] if each["auto"]] == ["default"]
    assert [each["message"] for each in document["warnings"]] == [NOTICE]


def test_a_builder_for_auto_that_is_not_there_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDX_BUILDER", "gone")
    result = ctxsize("builders", "--format", "json")

    assert result.exit_code == 0 and json.loads(result.stdout)["auto"] is None
    assert "there is no builder gone" in json.loads(result.stdout)["warnings"][0]["message"]


@pytest.mark.parametrize(
    ("name", "code", "why"),
    [
        ("gone", 4, "error: there is no builder gone (see `ctxsize builders`)"),
        ("clasic", 4, "error: there is no builder clasic (did you mean classic? see `ctxsize builders`)"),
        ("ci", 4, "error: the builder ci can't be used: no BuildKit answers at unix:///no/ci.sock: "),
        ("odd", 4, "error: the builder odd has the driver cloud, which ctxsize does not know (known are "),
        ("tcp://127.0.0.1:1", 4, "error: no BuildKit answers at tcp://127.0.0.1:1: "),
        ("broken", 2, "/buildx/instances/broken:1: not JSON"),
        ("../x", 2, "'../x' names no builder"),
        ("", 2, "names no builder"),
    ],
)
def test_a_builder_that_can_not_be_used_is_one_line(name: str, code: int, why: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (tmp_path / ".dockerignore").write_text("x\n")
    result = ctxsize("compare", "--builder", name, str(tmp_path))

    assert result.exit_code == code and why in result.stderr
    assert code == 2 or len(result.stderr.splitlines()) == 1
