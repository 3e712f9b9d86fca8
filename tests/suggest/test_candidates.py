"""What is proposed without an engine, and why: one small project for each kind of evidence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ctxsize.ignore.types import Dialect
from ctxsize.suggest.ecosystems import ecosystems
from tests.suggest.trees import ALL, NPM, project, proposed, rules, static

MODULES = {"package.json": "{}", "server.js": "x", "node_modules/a/index.js": 5000}


def test_the_table_is_data_that_can_be_used() -> None:
    for ecosystem in ecosystems():
        for usual in ecosystem.patterns:
            assert usual.kind in ("waste", "made", "local", "prove")
            assert usual.why
            re.compile(usual.made_by)
            assert bool(usual.made_by) == (usual.kind == "made"), usual.rule
            assert usual.rule == usual.rule.strip("/ "), usual.rule
    assert len({each.name for each in ecosystems()}) == len(ecosystems())


@pytest.mark.parametrize(
    ("dockerfile", "files", "git", "wanted"),
    [
        pytest.param(NPM, MODULES, None, {"**/node_modules"}, id="a RUN makes it anew"),
        pytest.param(ALL, MODULES, None, set(), id="nothing installs it"),
        pytest.param(ALL, MODULES, "node_modules\n", {".git"}, id="nothing installs it, whatever git says"),
        pytest.param(NPM, MODULES, "", {".git"}, id="git tracks it: vendored"),
        pytest.param(
            NPM + "COPY node_modules/a /a\n", MODULES, None, set(), id="an instruction takes it by its name"
        ),
        pytest.param(
            NPM,
            {**MODULES, "web/node_modules/b.js": 50},
            None,
            {"**/node_modules"},
            id="at any depth",
        ),
        pytest.param(
            ALL, {"data/x.bin": 9000, "main.py": "x"}, "data\n", {".git", "data"}, id="git ignores it"
        ),
        pytest.param(
            ALL,
            {"data/x.bin": 9000, "main.py": "open('data/x.bin')"},
            "data\n",
            {".git"},
            id="git ignores it, and the program names it",
        ),
        pytest.param(ALL, {"data/x.bin": 9000, "main.py": "x"}, "", {".git"}, id="git tracks it"),
        pytest.param(
            ALL,
            {f"{n}/cache-x/f": 100 for n in range(5)},
            "cache-x\n",
            {".git", "**/cache-x"},
            id="git ignores many of one name",
        ),
        pytest.param(
            "FROM scratch\nCOPY src /src\n",
            {"src/a": "a", "assets/b.bin": 5000},
            None,
            {"assets"},
            id="no step takes it",
        ),
        pytest.param(ALL, {".env": "PASSWORD=x8Kq2mP0wz\n"}, None, {".env"}, id="a secret"),
        pytest.param(
            ALL + "RUN pip install .\n",
            {"pyproject.toml": "[project]\n", ".venv/lib/x.py": 300, "a/__pycache__/x.pyc": 30},
            None,
            {".venv", "**/__pycache__"},
            id="python",
        ),
        pytest.param(
            "FROM scratch AS b\nCOPY . .\nRUN cargo build --release\nFROM scratch\nCOPY --from=b /t /t\n",
            {"Cargo.toml": "", "target/debug/x": 900, "src/main.rs": "x"},
            None,
            {"**/target"},
            id="rust",
        ),
        pytest.param(
            "FROM scratch\nCOPY target/app.jar /app.jar\n",
            {"pom.xml": "", "target/app.jar": 900, "target/classes/x": 100},
            None,
            {"target/classes"},
            id="a jar built on this machine is copied",
        ),
        pytest.param(
            ALL + "RUN go build ./...\n",
            {"go.mod": "", "vendor/x/y.go": 900, "bin/tool": 300},
            None,
            {"bin"},
            id="vendored packages of Go stay",
        ),
        pytest.param(
            ALL, {"docs/x.md": 900, "tests/t.py": 30}, None, {"docs", "tests"}, id="to be proven"
        ),
        pytest.param(
            "FROM scratch AS app\nCOPY . .\nFROM app AS test\nRUN pytest\nFROM app\n",
            {"tests/t.py": 900},
            None,
            set(),
            id="another stage needs the tests",
        ),
        pytest.param(
            ALL,
            {"README.md": "x" * 90, "pyproject.toml": '[project]\nreadme = "README.md"\n'},
            None,
            set(),
            id="the metadata name it",
        ),
        pytest.param(
            ALL + "RUN git describe > /v\n", {"a": "a"}, "", set(), id="the version comes from git"
        ),
        pytest.param(
            ALL,
            {"wt/x/.git": "gitdir: /r/.git/worktrees/x\n", "wt/x/main.py": 900},
            None,
            {"wt/x"},
            id="a second checkout",
        ),
    ],
)  # fmt: skip
def test_what_is_proposed(
    dockerfile: str, files: dict[str, str | int], git: str | None, wanted: set[str], tmp_path: Path
) -> None:
    found = static(project(tmp_path, dockerfile, files, git=git))

    assert proposed(found) == wanted
    assert {rule.proof for rule in found.rules} <= {"none"}


def test_what_is_not_proposed_says_why(tmp_path: Path) -> None:
    root = project(
        tmp_path,
        ALL + "RUN git describe > /v\n",
        {**MODULES, "data/x": 900, "main.sh": "cat data/x"},
        git="node_modules\ndata\n",
    )
    found = rules(static(root))

    assert found["**/node_modules"].reason == "no step of the Dockerfile makes it anew"
    assert "main.sh names data" in (found["data"].reason or "")
    assert "git describe" in (found[".git"].reason or "")
    assert not any(found[rule].proposed for rule in ("**/node_modules", "data", ".git"))


def test_the_evidence_says_which_rule_of_git_and_which_command(tmp_path: Path) -> None:
    root = project(tmp_path, NPM, {**MODULES, "out/x": 900}, git="node_modules\nout\n")
    found = rules(static(root))

    assert found["out"].evidence == ("git ignores it, .gitignore:2 out",)
    assert found["**/node_modules"].evidence[:2] == (
        "git ignores it",
        "`npm ci` (Dockerfile:3) makes it anew",
    )


def test_bytes_are_counted_once_and_add_up(tmp_path: Path) -> None:
    files = {**MODULES, "docs/node_modules/x.js": 700, "docs/a.md": 300, "a.log": 40}
    found = static(project(tmp_path, NPM, files))

    assert {name: rule.context_bytes for name, rule in rules(found).items() if rule.context_bytes} == {
        "**/node_modules": 5700,
        "docs": 300,
        "**/*.log": 40,
        "Dockerfile": len(NPM),
    }
    assert found.saved.context_bytes == 6040 + len(NPM)
    assert found.context_bytes == found.saved.context_bytes + len("{}x")


def test_a_rule_for_the_root_only_is_made_wider(tmp_path: Path) -> None:
    root = project(
        tmp_path, NPM, {**MODULES, "web/node_modules/b.js": 900, ".dockerignore": "node_modules\n"}
    )
    found = rules(static(root))

    assert found["**/node_modules"].context_bytes == 900
    assert any(text.startswith("CX101: ") for text in found["**/node_modules"].evidence)


def test_what_is_ignored_already_is_not_proposed(tmp_path: Path) -> None:
    ignored = "**/node_modules\nDockerfile\n.dockerignore\n"
    found = static(project(tmp_path, NPM, {**MODULES, ".dockerignore": ignored}))

    assert found.rules == ()
    assert (found.block, found.diff) == ("", "")


def test_a_new_ignore_file_keeps_itself_out_where_everything_is_copied(tmp_path: Path) -> None:
    everything = static(project(tmp_path / "a", ALL, {"a.log": 900}))
    some = static(project(tmp_path / "b", "FROM scratch\nCOPY src /src\n", {"src/a.log": 900}))

    assert everything.block.split("\n")[-2] == ".dockerignore"
    assert ".dockerignore" not in some.block


def test_little_is_left_out_and_told(tmp_path: Path) -> None:
    root = project(tmp_path, NPM, {**MODULES, "big.bin": 2_000_000, "node_modules/b.js": 30_000, "a.log": 50})
    found = static(root, min_bytes=None)

    assert proposed(found) == {"**/node_modules"}
    assert [warning.code for warning in found.warnings] == ["small"]
    assert proposed(static(root, min_bytes=40_000)) == set()


def test_without_git_there_is_no_evidence_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project(tmp_path, ALL, {"data/x": 900, "a.log": 90}, git="data\n")
    monkeypatch.setenv("PATH", "/nowhere")

    assert proposed(static(root)) == {".git", "**/*.log"}


def test_the_classic_reading_of_the_file_is_heeded(tmp_path: Path) -> None:
    files = {"src/a.py": "a", "src/x.log": 900, ".dockerignore": "*\n!**/*.log\n"}
    root = project(tmp_path, "FROM scratch\nCOPY . /\n", files)

    assert proposed(static(root)) == {"**/*.log"}
    assert proposed(static(root, dialect=Dialect.CLASSIC)) == set(), "the classic builder never enters src"


def test_nothing_is_written_and_no_hook_runs(tmp_path: Path) -> None:
    root = project(tmp_path, NPM, MODULES, git="node_modules\n")
    trap = root / ".git" / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    with (root / ".git" / "config").open("a") as config:
        config.write(
            f'[core]\n\tfsmonitor = {trap}\n\thooksPath = {root}/.git\n[filter "x"]\n\tclean = {trap}\n'
        )
    (root / ".gitattributes").write_text("* filter=x\n")
    before = sorted(path.relative_to(root) for path in root.rglob("*"))

    static(root)

    assert sorted(path.relative_to(root) for path in root.rglob("*")) == before
    assert not (tmp_path / "sprung").exists()
