"""``ctxsize suggest`` without an engine: whole outputs, options that contradict each other, exit codes; and
what ``compare`` says of a project without an ignore file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from ctxsize.cli import main
from tests.support.tree import tree_hash

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs/schema/suggestion-1.json").read_text())


def suggest(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["suggest", *map(str, arguments)])


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: packages that `npm ci` installs anew, and no ignore file."""
    for name, size in (("server.js", 40), ("node_modules/a/index.js", 5000), ("a.log", 100)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY package.json .\nRUN npm ci\nCOPY . .\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_report(shop: Path) -> None:
    before = tree_hash(shop)
    result = suggest("--static")

    assert result.exit_code == 0
    assert (
        result.output
        == f"""\
{shop.name}: Dockerfile, no ignore file

Worth a try, not proven
rule             files  context  why
**/node_modules      1      5kB  `npm ci` (Dockerfile:3) makes it anew; packages installed on this machine
**/*.log             1     100B  logs of this machine; each change to it runs 1 step again
Dockerfile           1      53B  builders read it all the same; every edit of it makes COPY anew
.dockerignore        0       0B  builders read it all the same; every edit of it makes COPY anew

4 rules may save 5.15kB of 5.2kB of context
nothing of this is proven: `ctxsize suggest` builds, and keeps what holds
"""
    )
    assert tree_hash(shop) == before


def test_the_formats(shop: Path) -> None:
    lines = suggest("--static", "--format", "dockerignore", "--min-bytes", "1kB").output.splitlines()

    assert lines[0].endswith("NOT proven by a build")
    assert [line for line in lines if line[0] != "#"] == ["**/node_modules", "Dockerfile", ".dockerignore"]
    assert suggest("--static", "--diff").output.startswith("--- /dev/null\n+++ .dockerignore\n")
    document = json.loads(suggest("--static", "--format", "json").output)
    jsonschema.validate(document, SCHEMA)
    assert (document["static"], document["builds"], document["engine"]) == (True, 0, None)


def test_the_lines_can_be_appended_by_a_shell(shop: Path) -> None:
    """The shell makes the file before ctxsize looks: an empty one is as none."""
    command = f"{sys.executable} -m ctxsize suggest --static --format dockerignore >> .dockerignore"
    subprocess.run(command, shell=True, check=True, cwd=shop, env={"PYTHONPATH": str(ROOT)})

    again = suggest("--static")
    assert "no rule is worth adding" in again.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--static", "--write"], "--static proves nothing"),
        (["--static", "--allowlist"], "--static proves nothing"),
        (["--static", "--verify", "true"], "--static proves nothing"),
        (["--verify", " "], "--verify needs a command"),
        (["--static", "--min-bytes", "5"], "has no unit"),
        (["--max-builds", "1"], "1 is not in the range"),
        (["--static", "nowhere"], "no such directory"),
    ],
)
def test_wrong_usage(words: list[str], said: str, shop: Path) -> None:
    result = suggest(*words)

    assert result.exit_code == 2
    assert said in result.output


def test_what_needs_no_engine_loads_no_sdk(shop: Path) -> None:
    code = (
        "import sys; from ctxsize.cli import main; main(['suggest', '--static', '-q'], standalone_mode=False)"
    )
    code += "; print(*(name for name in ('docker', 'requests', 'grpclib') if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT)},
    )

    assert done.stdout.splitlines()[-1] == ""


@pytest.mark.docker
def test_compare_without_an_ignore_file_goes_on_to_suggest(shop: Path) -> None:
    result = CliRunner().invoke(main, ["compare"])

    assert result.exit_code == 0
    assert (
        "worth ignoring, by `ctxsize suggest --static`: **/node_modules (5kB), **/*.log (100B)"
        in result.output
    )
    assert "next: `ctxsize suggest` proves each rule by a build, and --write adds them\n" in result.output
