"""``ctxsize why`` as a user runs it: whole outputs and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from ctxsize.cli import main

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs/schema/why-1.json").read_text())

MISSING = "there is no such path in the context; this is what would happen to a file of that name"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: a project named ``shop``."""
    root = tmp_path / "shop"
    for file in ("web/node_modules/a/index.js", "src/main.py", "docs/guide.md", "docs/api/x.html", "tmp/y"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("x")
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (root / ".dockerignore").write_text(
        "**/node_modules\ndocs\n!docs/*.md\nsrc/*.pyc\n**/*.js\nDockerfile\ntmp\n"
    )
    monkeypatch.chdir(root)
    return root


def why(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["why", *arguments], input=stdin)


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("tmp/y", 0, "tmp/y: ignored by .dockerignore:7: tmp (with tmp)\n"),
        ("tmp", 0, "tmp: ignored by .dockerignore:7: tmp\n"),
        ("tmp/", 0, "tmp: ignored by .dockerignore:7: tmp\n"),
        ("./web/../tmp", 0, "tmp: ignored by .dockerignore:7: tmp\n"),
        ("src/main.py", 1, "src/main.py: kept, no rule matches\n"),
        (
            "web/node_modules/a/index.js",
            0,
            "web/node_modules/a/index.js: ignored by .dockerignore:1: **/node_modules"
            " (with web/node_modules)\n"
            "  > .dockerignore:1: **/node_modules\n"
            "    .dockerignore:5: **/*.js\n",
        ),
        (
            "docs/guide.md",
            1,
            "docs/guide.md: kept by .dockerignore:3: !docs/*.md\n"
            "    .dockerignore:2: docs\n"
            "  > .dockerignore:3: !docs/*.md\n",
        ),
        ("docs", 1, "docs: ignored by .dockerignore:2: docs (but something in it is kept, so it arrives)\n"),
        ("docs/api", 0, "docs/api: ignored by .dockerignore:2: docs (with docs)\n"),
        (
            "src/main.pyc",
            0,
            f"src/main.pyc: ignored by .dockerignore:4: src/*.pyc\n  note: {MISSING}\n",
        ),
        (
            "Dockerfile",
            0,
            "Dockerfile: ignored by .dockerignore:6: Dockerfile\n"
            "  note: the builder reads it all the same; ignoring it only keeps it out of the image\n",
        ),
        (
            ".dockerignore",
            1,
            ".dockerignore: kept, no rule matches\n"
            "  note: the builder reads it whatever the rules say; as it is kept, COPY can take it into the"
            " image\n",
        ),
        (".", 1, ".: kept, no rule matches\n  note: the context itself is never ignored\n"),
    ],
)
def test_one_path(path: str, code: int, said: str) -> None:
    result = why(path)
    assert (result.exit_code, result.stdout, result.stderr) == (code, said, "")


def test_the_exit_code_is_0_only_when_all_are_ignored() -> None:
    assert why("tmp", "docs/api").exit_code == 0
    assert why("tmp", "src", "docs/api").exit_code == 1


def test_an_exception_that_only_matches_keeps_nothing(project: Path) -> None:
    (project / ".dockerignore").write_text("!src\n")
    assert why("src").stdout == "src: kept, no rule ignores it\n    .dockerignore:1: !src\n"


def test_without_an_ignore_file(project: Path) -> None:
    (project / ".dockerignore").unlink()
    result = why("tmp")
    assert (result.exit_code, result.stdout) == (1, "tmp: kept, there is no ignore file\n")


class TestBuilders:
    @pytest.fixture(autouse=True)
    def rules(self, project: Path) -> None:
        (project / ".dockerignore").write_text("*\n!**/*.md\n")

    def test_buildkit_enters_for_a_wildcard_exception(self) -> None:
        result = why("docs/guide.md")
        assert result.exit_code == 1
        assert result.stdout.startswith("docs/guide.md: kept by .dockerignore:2: !**/*.md\n")

    def test_classic_does_not_and_this_is_said(self) -> None:
        result = why("--builder", "classic", "docs/guide.md")
        assert result.exit_code == 0
        assert result.stdout == (
            "docs/guide.md: ignored by .dockerignore:1: * (with docs)\n"
            "  > .dockerignore:1: *\n"
            "    .dockerignore:2: !**/*.md\n"
            "  note: the builder does not enter docs, so no exception in it counts\n"
        )

    def test_nothing_is_said_of_exceptions_where_none_matches(self) -> None:
        assert why("--builder", "classic", "docs/api/x.html").stdout == (
            "docs/api/x.html: ignored by .dockerignore:1: * (with docs)\n"
        )

    def test_an_ignored_directory_with_something_kept_far_below(self, project: Path) -> None:
        (project / ".dockerignore").write_text("*\n!**/*.html\n")
        assert why("docs").exit_code == 1
        assert why("src").exit_code == 0

    def test_a_link_to_a_directory_is_no_directory(self, project: Path) -> None:
        (project / "link").symlink_to("docs")
        result = why("link")
        assert (result.exit_code, result.stdout) == (0, "link: ignored by .dockerignore:1: *\n")

    def test_classic_enters_the_dockerfiles_directory(self, project: Path) -> None:
        (project / "docs/D").write_text("FROM scratch\n")
        assert why("--builder", "classic", "-f", "docs/D", "docs/guide.md").exit_code == 1
        result = why("--builder", "classic", "-f", "docs/D", "docs/D")
        assert (result.exit_code, result.stdout.splitlines()[0]) == (
            0,
            "docs/D: ignored by .dockerignore:1: * (with docs)",
        )

    def test_classic_sends_an_ignored_dockerfile(self) -> None:
        assert why("--builder", "classic", "Dockerfile").stdout.endswith(
            "  note: the classic client sends it to the engine, which takes it out of the context\n"
        )

    def test_a_file_that_arrives_empty(self, project: Path) -> None:
        (project / ".dockerignore").write_text("*\n!src/main.py\nsrc\n")
        assert why("src/main.py").stdout.endswith(
            "  note: a file is delivered with 0 bytes: a rule after its exception matches it again\n"
        )

    def test_an_ignore_file_of_the_dockerfiles_own(self, project: Path) -> None:
        (project / "D").write_text("FROM scratch\n")
        (project / "D.dockerignore").write_text("src\n")
        assert why("-f", "D", "src").stdout == "src: ignored by D.dockerignore:1: src\n"


class TestWhatAPathIsRelativeTo:
    def test_the_current_directory_below_the_context(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(project / "docs")
        assert why("--context", "..", "guide.md", "../tmp").stdout.startswith("docs/guide.md: kept")

    def test_the_current_directory_above_it(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(project.parent)
        assert why("--context", "shop", "shop/tmp").stdout.startswith("tmp: ignored")

    def test_the_context_where_it_is_outside_otherwise(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(project.parent)
        assert why("--context", "shop", "tmp").stdout.startswith("tmp: ignored")

    def test_absolute_also_through_a_link_to_the_context(self, project: Path) -> None:
        link = project.parent / "link"
        link.symlink_to(project)
        assert why(str(project / "tmp")).stdout.startswith("tmp: ignored")
        assert why("--context", str(link), str(link / "tmp")).stdout.startswith("tmp: ignored")

    def test_links_in_the_context_are_not_followed(self, project: Path) -> None:
        (project / "link").symlink_to("tmp")
        assert why("link/y").stdout == (
            "link/y: kept, no rule matches\n"
            "  note: link is a symbolic link, which builders do not follow: there is nothing below it\n"
        )
        assert why("link").stdout == "link: kept, no rule matches\n"

    @pytest.mark.parametrize("path", ["../x", "/etc/passwd", "tmp/../../x"])
    def test_outside(self, project: Path, path: str) -> None:
        result = why("tmp", path)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == (
            f"ctxsize: error: {path}: this path lies outside of the build context"
            f" (the context is {project}; --context names another)\n"
        )


class TestStandardInput:
    def test_a_path_per_line(self) -> None:
        assert why("--stdin", stdin=b"tmp\n\ndocs/api").stdout == (
            "tmp: ignored by .dockerignore:7: tmp\ndocs/api: ignored by .dockerignore:2: docs (with docs)\n"
        )

    def test_null_bytes_between_paths_of_any_kind(self, project: Path) -> None:
        (project / ".dockerignore").write_text("odd*\n")
        assert why("--stdin", "-0", stdin=b"odd\n\x1b[31m\0odd\xff\0").stdout.splitlines()[::2] == [
            "odd\\n\\x1b[31m: ignored by .dockerignore:1: odd*",
            "odd\\xff: ignored by .dockerignore:1: odd*",
        ]

    def test_more_than_one_piece(self) -> None:
        paths = b"".join(b"tmp/%060d\0" % number for number in range(2000))
        result = why("--stdin", "--null", "--format", "json", stdin=paths)
        assert [each["path"] for each in json.loads(result.stdout)["paths"]] == [
            f"tmp/{number:060}" for number in range(2000)
        ]

    def test_nothing_is_ignored_of_nothing(self) -> None:
        result = why("--stdin", stdin=b"")
        assert (result.exit_code, result.stdout) == (0, "")


def test_json() -> None:
    result = why("--format", "json", "docs", "src/none", "web/node_modules/a/index.js")
    document = json.loads(result.stdout)
    jsonschema.validate(document, SCHEMA)
    assert result.exit_code == 1
    assert document["project"] == {
        "context": "shop",
        "dockerfile": "Dockerfile",
        "ignore_file": ".dockerignore",
    }
    modules = {"line": 1, "pattern": "**/node_modules", "negated": False}
    docs = {"line": 2, "pattern": "docs", "negated": False}
    common = {"emptied": False, "unreached": None, "context": None}
    assert document["paths"] == [
        {
            **common,
            "path": "docs",
            "verdict": "partly",
            "rule": docs,
            "root": "docs",
            "matches": [docs],
            "exists": True,
            "notes": [],
        },
        {
            **common,
            "path": "src/none",
            "verdict": "kept",
            "rule": None,
            "root": None,
            "matches": [],
            "exists": False,
            "notes": [MISSING],
        },
        {
            **common,
            "path": "web/node_modules/a/index.js",
            "verdict": "ignored",
            "rule": modules,
            "root": "web/node_modules",
            "matches": [modules, {"line": 5, "pattern": "**/*.js", "negated": False}],
            "exists": True,
            "notes": [],
        },
    ]


@pytest.mark.parametrize(
    "arguments", [[], ["--stdin", "tmp"], ["-0", "tmp"], ["--context", "nowhere", "tmp"], [""]], ids=" ".join
)
def test_wrong_usage(arguments: list[str]) -> None:
    result = why(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def test_malformed_pattern(project: Path) -> None:
    (project / ".dockerignore").write_text("ok\n[x-]\n")
    result = why("tmp")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("ctxsize: error: .dockerignore:2: ")


def test_needs_no_docker_sdk(project: Path) -> None:
    code = (
        "import sys\nfrom ctxsize.cli import main\n"
        "try:\n    main(['why', '--context', sys.argv[1], 'tmp'])\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "print(sorted({'docker', 'requests', 'grpclib', 'tabulate'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(project)], cwd=ROOT, env=os.environ, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_a_path_by_the_name_that_the_shell_has_for_the_context(project: Path) -> None:
    """As of ``cd link; ctxsize why "$PWD/tmp/y"``."""
    (project.parent / "link").symlink_to(project)
    result = why(str(project.parent / "link/tmp/y"))
    assert (result.exit_code, result.stdout) == (0, "tmp/y: ignored by .dockerignore:7: tmp (with tmp)\n")


def test_a_name_that_no_file_can_have() -> None:
    result = why("x" * 300)
    assert result.exit_code == 1
    assert MISSING in result.stdout


def test_what_can_not_be_looked_at_is_judged_all_the_same(project: Path) -> None:
    (project / "src").chmod(0)
    (project / "web").chmod(0)
    code = "import os, sys; from ctxsize.cli import main\n"
    if os.geteuid() == 0:  # root reads everything: become someone else, who may not see our Python
        code += "import ctxsize.survey.why, ctxsize.report.why.table, ctxsize.cli.output, ctxsize.api\n"
        code += "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        for directory in (project, *project.parents[:-2]):
            directory.chmod(directory.stat().st_mode | 0o055)
    done = subprocess.run(
        [sys.executable, "-c", f"import os; here = os.getcwd(); os.chdir({str(ROOT)!r})\n{code}"
         "os.chdir(here); main(['why', 'src/main.py', 'web/x.js'])"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    (project / "src").chmod(0o755)
    (project / "web").chmod(0o755)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(
        "src/main.py: kept, no rule matches\n  note: it can't be looked at: Permission"
    )


def test_paths_of_named_contexts(project: Path) -> None:
    """By name, or by where they lie; each by the ignore file of its own root."""
    shared = project.parent / "shared"
    for name in ("a.log", "b", "x.md"):
        (shared / name).parent.mkdir(exist_ok=True)
        (shared / name).write_text("x")
    (shared / ".dockerignore").write_text("*.log\n")
    (shared / "Dockerfile.dockerignore").write_text("b\n")
    given = ("--build-context", "lib=../shared")

    result = why(*given, "lib:a.log", "../shared/b", "tmp/y")
    assert result.stdout == (
        "lib:a.log: ignored by lib:.dockerignore:1: *.log\n"
        "lib:b: kept, no rule matches\n"
        "tmp/y: ignored by .dockerignore:7: tmp (with tmp)\n"
    )
    document = json.loads(why(*given, "../shared/a.log", "--format", "json").stdout)
    jsonschema.validate(document, SCHEMA)
    assert [(path["context"], path["path"]) for path in document["paths"]] == [("lib", "a.log")]
    assert document["contexts"] == [{"name": "lib", "path": "../shared", "ignore_file": "lib:.dockerignore"}]
