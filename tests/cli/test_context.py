"""``ctxsize context`` as a user runs it: whole outputs on a small real project."""

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
from tests.support.tree import tree_hash

ROOT = Path(__file__).resolve().parents[2]


def context(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["context", *arguments])


def make(root: Path, files: dict[str, int]) -> None:
    for name, size in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Named ``shop``: 6 files are kept, 3 are ignored by two rules, and a rule does nothing."""
    root = tmp_path / "shop"
    make(
        root,
        {
            "src/app/main.py": 4000,
            "src/app/util.py": 600,
            "src/index.html": 1000,
            "docs/guide.md": 250,
            "web/node_modules/left-pad/index.js": 70_000,
            "web/node_modules/left-pad/README.md": 1500,
            "debug.log": 900,
        },
    )
    (root / "Dockerfile").write_text("FROM scratch\nCOPY src /src\n")
    (root / ".dockerignore").write_text("# what the image does not need\n**/node_modules\n*.log\n*.tmp\n")
    return root


def test_totals_then_what_is_large(project: Path) -> None:
    result = context(str(project))
    assert (result.exit_code, result.stderr) == (0, "")
    assert (
        result.stdout
        == """\
shop: Dockerfile, .dockerignore

               files  dirs   bytes
without            8     6  78.3kB
ignored            3     2  72.4kB  92%
with               6     4  5.94kB
  ignore file      1     0     59B
  needed           3     2   5.6kB  94%

Kept, by directory
 bytes  files  path
5.94kB      6  ./
 5.6kB      3    src/
  250B      1    docs/
    0B      0    web/
   86B      2    (files directly in it)

Ignored, by path
 bytes  files  path              rule
71.5kB      2  web/node_modules  .dockerignore:2 **/node_modules
  900B      1  debug.log         .dockerignore:3 *.log
"""
    )


def view(result: Result) -> str:
    """The part below the totals."""
    assert result.exit_code == 0, result.stderr
    return result.stdout.split("\n\n", 2)[2]


def test_depth(project: Path) -> None:
    assert (
        view(context(str(project), "--by", "dir", "--depth", "2"))
        == """\
Kept, by directory
 bytes  files  path
5.94kB      6  ./
 5.6kB      3    src/
 4.6kB      2      app/
  250B      1    docs/
    0B      0    web/
   86B      2    (files directly in it)
"""
    )


def test_depth_0_is_the_sum(project: Path) -> None:
    assert (
        view(context(str(project), "--by", "dir", "--depth", "0"))
        == """\
Kept, by directory
 bytes  files  path
5.94kB      6  ./
"""
    )


def test_top_keeps_the_largest_directories_with_those_above_them(project: Path) -> None:
    assert (
        view(context(str(project), "--by", "dir", "--depth", "2", "--top", "2"))
        == """\
Kept, by directory
 bytes  files  path
5.94kB      6  ./
 5.6kB      3    src/
 4.6kB      2      app/
   86B      2    (files directly in it)
… and 2 smaller directories (--top 0 shows all)
"""
    )


def test_by_rule_shows_also_rules_that_do_nothing(project: Path) -> None:
    assert (
        view(context(str(project), "--by", "rule"))
        == """\
Ignored, by rule
 bytes  files  paths  rule
71.5kB      2      1  .dockerignore:2 **/node_modules
  900B      1      1  .dockerignore:3 *.log
    0B      0      0  .dockerignore:4 *.tmp
"""
    )


def test_rules_come_by_size(project: Path) -> None:
    (project / ".dockerignore").write_text("*.log\n*.tmp\n**/node_modules\n")
    lines = view(context(str(project), "--by", "rule")).splitlines()
    assert [line.split(".dockerignore:")[1] for line in lines[2:]] == [
        "3 **/node_modules",
        "1 *.log",
        "2 *.tmp",
    ]


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_files_and_totals_agree_when_everything_is_ignored(project: Path, builder: str) -> None:
    (project / "sub").mkdir()
    (project / "sub/D").write_text("FROM scratch\n")
    (project / ".dockerignore").write_text("*\n!**/*.html\n")
    common = [str(project), "-f", str(project / "sub/D"), "--builder", builder, "--format", "json", "--files"]
    kept = json.loads(context(*common).stdout)
    out = json.loads(context(*common, "--ignored").stdout)
    for document, rows, total in ((kept, "files", "with"), (out, "ignored_files", "ignored")):
        assert len(document[rows]) == document["totals"][total]["files"]
        assert sum(row["bytes"] for row in document[rows]) == document["totals"][total]["bytes"]
    assert {"path": "sub/D", "line": 1, "pattern": "*", "bytes": 13} in out["ignored_files"]
    assert [row["path"] for row in kept["files"]] == (["src/index.html"] if builder == "buildkit" else [])


def test_by_extension(project: Path) -> None:
    assert (
        view(context(str(project), "--by", "ext", "--top", "3"))
        == """\
Kept, by extension
bytes  files  extension
4.6kB      2  .py
  1kB      1  .html
 250B      1  .md
… and 1 more (--top 0 shows all)
"""
    )


def test_ignored_by_extension(project: Path) -> None:
    assert (
        view(context(str(project), "--by", "ext", "--ignored"))
        == """\
Ignored, by extension
bytes  files  extension
 70kB      1  .js
1.5kB      1  .md
 900B      1  .log
"""
    )


def test_files_are_all_listed(project: Path) -> None:
    assert (
        view(context(str(project), "--files", "--top", "1"))
        == """\
Kept files
   59B  .dockerignore
   27B  Dockerfile
  250B  docs/guide.md
   4kB  src/app/main.py
  600B  src/app/util.py
   1kB  src/index.html
"""
    )


def test_ignored_files_with_the_line_that_ignores_them(project: Path) -> None:
    assert (
        view(context(str(project), "--files", "--ignored"))
        == """\
Ignored files
  900B  debug.log  .dockerignore:3 *.log
 1.5kB  web/node_modules/left-pad/README.md  .dockerignore:2 **/node_modules
  70kB  web/node_modules/left-pad/index.js  .dockerignore:2 **/node_modules
"""
    )


def test_largest(project: Path) -> None:
    assert (
        view(context(str(project), "--largest", "2"))
        == """\
Kept files
   4kB  src/app/main.py
   1kB  src/index.html
"""
    )
    assert (
        view(context(str(project), "--largest", "1", "--ignored"))
        == """\
Ignored files
  70kB  web/node_modules/left-pad/index.js  .dockerignore:2 **/node_modules
"""
    )


def test_ignored_roots_alone(project: Path) -> None:
    assert (
        view(context(str(project), "--ignored", "--top", "1"))
        == """\
Ignored, by path
 bytes  files  path              rule
71.5kB      2  web/node_modules  .dockerignore:2 **/node_modules
… and 1 more (--top 0 shows all)
"""
    )


def test_eligible_only_does_not_look_into_what_is_ignored(project: Path) -> None:
    result = context(str(project), "--eligible-only", "--depth", "0")
    assert (result.exit_code, result.stdout) == (
        0,
        """\
shop: Dockerfile, .dockerignore

               files  dirs   bytes
with               6     4  5.94kB
  ignore file      1     0     59B
  needed           3     2   5.6kB  94%

Kept, by directory
 bytes  files  path
5.94kB      6  ./
""",
    )


class TestDockerfile:
    def needed(self, *arguments: str) -> tuple[int, list[str]]:
        """The bytes that are needed (−1: not known) and the warnings."""
        result = context(*arguments, "--format", "json")
        assert result.exit_code == 0, result.stderr
        document = json.loads(result.stdout)
        needed = document["totals"]["needed"]
        return -1 if needed is None else needed["bytes"], [each["message"] for each in document["warnings"]]

    def test_target_and_build_arguments(self, project: Path) -> None:
        dockerfile = project / "D"
        dockerfile.write_text(
            "FROM scratch AS a\nARG X=docs\nCOPY $X /\nFROM scratch\nCOPY src/index.html /\n"
        )
        arguments = [str(project), "-f", str(dockerfile)]
        assert self.needed(*arguments) == (1000, [])
        assert self.needed(*arguments, "--target", "a") == (250, [])
        assert self.needed(*arguments, "--target", "a", "--build-arg", "X=src/app") == (4600, [])

    @pytest.mark.parametrize(
        ("options", "needed"),
        [
            ([], 250),
            (["--build-arg", "TARGETOS=windows"], 1000),
            (["--platform", "windows/amd64"], 1000),
        ],
    )
    def test_platform_arguments(self, project: Path, options: list[str], needed: int) -> None:
        (project / "Dockerfile").write_text(
            "FROM scratch AS bin-linux\nCOPY docs /\n"
            "FROM scratch AS bin-windows\nCOPY src/index.html /\n"
            "FROM bin-$TARGETOS\n"
        )
        assert self.needed(str(project), *options) == (needed, [])

    def test_none(self, project: Path) -> None:
        (project / "Dockerfile").unlink()
        assert self.needed(str(project)) == (
            -1,
            ["what the build needs is not known: there is no Dockerfile"],
        )

    def test_broken(self, project: Path) -> None:
        (project / "Dockerfile").write_text("FROM\n")
        size, warnings = self.needed(str(project))
        assert size == -1
        assert warnings[0].startswith("what the build needs is not known: Dockerfile:1: FROM requires")
        assert context(str(project)).stdout.startswith("shop: Dockerfile, .dockerignore\n")

    def test_onbuild_of_a_base_image_is_a_note(self, project: Path) -> None:
        (project / "Dockerfile").write_text("FROM base\nCOPY docs /\n")
        document = json.loads(context(str(project), "--format", "json").stdout)
        assert document["notes"] == ["Dockerfile:1: ONBUILD instructions of base are not known"]
        assert document["totals"]["needed"]["bytes"] == 250

    def test_given_but_not_there(self, project: Path) -> None:
        result = context(str(project), "-f", "nowhere")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("ctxsize: error: nowhere: no Dockerfile here (")

    def test_target_that_is_not_there(self, project: Path) -> None:
        result = context(str(project), "--target", "nowhere")
        assert result.exit_code == 2
        assert "target stage nowhere could not be found" in result.stderr

    def test_its_own_ignore_file(self, project: Path) -> None:
        (project / "Dockerfile.dockerignore").write_text("docs\n")
        result = context(str(project), "--by", "rule")
        assert result.stdout.startswith("shop: Dockerfile, Dockerfile.dockerignore\n")
        assert "Dockerfile.dockerignore:1 docs\n" in result.stdout
        assert (
            "note: Dockerfile.dockerignore: BuildKit reads Dockerfile.dockerignore and the" in result.stdout
        )
        assert ".dockerignore:2 **/node_modules\n" in context(
            str(project), "--by", "rule", "--builder", "classic"
        ).stdout  # fmt: skip


def test_without_an_ignore_file(project: Path) -> None:
    (project / ".dockerignore").unlink()
    assert (
        context(str(project), "--largest", "1").stdout
        == """\
shop: Dockerfile, no ignore file

          files  dirs   bytes
without       8     6  78.3kB
ignored       0     0      0B  0.0%
with          8     6  78.3kB
  needed      3     2   5.6kB  7.2%

Kept files
  70kB  web/node_modules/left-pad/index.js

note: there is no ignore file, so the build sees everything
"""
    )


def test_an_empty_directory(tmp_path: Path) -> None:
    assert context(str(tmp_path), "--ignored").stdout.endswith(
        "\nIgnored, by path\nnothing\n\n"
        "note: there is no ignore file, so the build sees everything\n"
        "note: what the build needs is not known: there is no Dockerfile\n"
    )


class TestDialects:
    @pytest.fixture
    def project(self, tmp_path: Path) -> Path:
        make(tmp_path, {"d/b.txt": 7, "d/c.py": 5})
        (tmp_path / ".dockerignore").write_text("*\n!**/*.txt\n")
        return tmp_path

    NOTE = (
        ".dockerignore: BuildKit and the classic builder differ in 1 path:"
        " d/b.txt (kept by BuildKit, ignored by the classic builder)\n"
    )

    def test_in_the_table(self, project: Path) -> None:
        result = context(str(project))
        assert result.stdout.endswith(f"\nnote: {self.NOTE}")
        assert result.stderr == ""

    def test_beside_a_list(self, project: Path) -> None:
        result = context(str(project), "--format", "list")
        assert (result.stdout, result.stderr) == ("d/b.txt\n", f"ctxsize: note: {self.NOTE}")
        assert context(str(project), "--format", "list", "-q").stderr == ""

    def test_in_json(self, project: Path) -> None:
        document = json.loads(context(str(project), "--format", "json").stdout)
        assert document["dialects"] == {
            "differences": 1,
            "paths": [{"path": "d/b.txt", "directory": False, "buildkit": "kept", "classic": "ignored"}],
        }
        assert [warning["code"] for warning in document["warnings"]] == ["needed-unknown", "dialects"]

    def test_the_builder_decides(self, project: Path) -> None:
        assert context(str(project), "--format", "list", "--builder", "classic", "-q").stdout == ""

    def test_files_that_arrive_empty(self, tmp_path: Path) -> None:
        make(tmp_path, {"src/keep.txt": 1234})
        (tmp_path / ".dockerignore").write_text("*\n!src/keep.txt\nsrc\n")
        result = context(str(tmp_path))
        assert "note: .dockerignore: BuildKit delivers files of 1.23kB with 0 bytes: " in result.stdout
        assert (
            "src/keep.txt (delivered with 0 bytes by BuildKit, kept by the classic builder)" in result.stdout
        )


class TestErrors:
    def fails(self, *arguments: str) -> str:
        """The error, a line on stderr with exit code 2, and no output."""
        result = context(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        return result.stderr

    def test_malformed_pattern(self, project: Path) -> None:
        (project / ".dockerignore").write_text("ok\n[x-]\n")
        error = self.fails(str(project))
        assert error.startswith("ctxsize: error: .dockerignore:2: syntax error in pattern")
        assert error.count("\n") == 1

    def test_no_such_directory(self, tmp_path: Path) -> None:
        path = tmp_path / "nowhere"
        assert self.fails(str(path)) == (
            f"ctxsize: error: {path}: no such directory (give the path of a build context)\n"
        )

    def test_unreadable_directory(self, project: Path) -> None:
        (project / "src/app").chmod(0)
        code = "import os, sys; from ctxsize.cli import main\n"
        if os.geteuid() == 0:  # root reads everything: become someone else, who may not see our Python
            code += "import ctxsize.survey.overview, ctxsize.report.context.table\n"
            code += "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            for directory in (project, *project.parents[:-2]):
                if directory.stat().st_uid == 0:
                    directory.chmod(directory.stat().st_mode | 0o055)
        done = subprocess.run(
            [sys.executable, "-c", f"{code}main(['context', sys.argv[1]])", str(project)],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        (project / "src/app").chmod(0o755)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert f"ctxsize: error: {project}/src/app: can't read it: Permission denied (" in done.stderr
        assert done.stderr.count("\n") == 1

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--by", "ext", "--files"],
            ["--by", "dir", "--largest", "3"],
            ["--by", "rule", "--eligible-only"],
            ["--ignored", "--eligible-only"],
            ["--by", "ext", "--format", "list"],
            ["--null"],
            ["--null", "--format", "csv"],
            ["--largest", "0"],
        ],
        ids=" ".join,
    )
    def test_options_that_contradict_each_other(self, project: Path, arguments: list[str]) -> None:
        self.fails(str(project), *arguments)

    def test_output_that_can_not_be_written(self, project: Path) -> None:
        where = str(project / "nowhere/x")
        assert self.fails(str(project), "-o", where) == (
            f"ctxsize: error: {where}: can't be written: No such file or directory\n"
        )


def test_output_goes_to_the_file_and_nothing_else_is_touched(project: Path, tmp_path: Path) -> None:
    before = tree_hash(project)
    result = context(str(project), "--format", "json", "-o", str(tmp_path / "out.json"))
    assert (result.exit_code, result.output) == (0, "")
    assert json.loads((tmp_path / "out.json").read_text())["schema"] == 1
    assert tree_hash(project) == before


def test_loads_neither_the_docker_sdk_nor_what_only_others_need(project: Path) -> None:
    code = (
        "import sys\nfrom ctxsize.cli import main\n"
        "try:\n    main(['context', sys.argv[1]])\n"
        "except SystemExit as end:\n"
        "    assert not end.code\n"
        "slow = {'docker', 'requests', 'urllib3', 'grpclib', 'google.protobuf', 'asyncio'}\n"
        "slow |= {'ctxsize.cli.compare', 'ctxsize.ignore.literals', 'ctxsize.survey.podman'}\n"
        "slow |= {'ctxsize.budget.config', 'ctxsize.lint.mend', 'tomllib'}\n"
        "print(sorted(slow & set(sys.modules)))\n"
    )
    environment = {**os.environ, "DOCKER_HOST": "unix:///nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(project)], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_an_ignore_file_that_only_podman_reads_is_named(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / ".dockerignore").touch()
    (tmp_path / ".containerignore").touch()
    result = CliRunner().invoke(main, ["context", str(tmp_path)])
    assert "note: .containerignore: Podman would read this ignore file instead" in result.output


@pytest.fixture
def named(project: Path) -> tuple[str, ...]:
    """Arguments for ``shop`` with a named context that ignores 3 of its 5 files."""
    make(project.parent / "lib", {"a.py": 10, "b.py": 20, "out/x": 400, "out/y": 500})
    (project.parent / "lib/.dockerignore").write_text("out\n.dockerignore\n")
    with (project / "Dockerfile").open("a") as file:
        file.write("COPY --from=lib a.py /\n")
    return (str(project), "--build-context", f"lib={project.parent / 'lib'}")


def test_a_named_context_has_a_part_of_its_own(named: tuple[str, ...]) -> None:
    result = context(*named, "--by", "rule")
    shown = result.stdout[result.stdout.index("\nNamed context") :]
    assert (
        shown
        == f"""
Named context lib ({os.path.relpath(named[-1].removeprefix("lib="))}): lib:.dockerignore

          files  dirs  bytes
without       4     1   930B
ignored       2     1   900B  97%
with          2     0    30B
  needed      1     0    10B  33%

Ignored, by rule
bytes  files  paths  rule
 900B      2      1  lib:.dockerignore:1 out
   0B      0      1  lib:.dockerignore:2 .dockerignore
"""
    )
    listed = context(*named, "--format", "list", "--files", "--ignored").stdout.splitlines()
    assert listed[-2:] == ["lib:out/x", "lib:out/y"]
    document = json.loads(context(*named, "--format", "json").stdout)
    jsonschema.validate(document, json.loads((ROOT / "docs/schema/context-1.json").read_text()))
    (part,) = document["contexts"]
    assert (part["name"], part["totals"]["with"]["bytes"], part["ignored"][0]["path"]) == ("lib", 30, "out")
    assert [each["code"] for each in part["warnings"]] == []


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("x=https://example.com/x.git", "no ignore file applies to a context that the builder fetches"),
        ("x=lib.tar", "no ignore file applies to a context in an archive"),
        ("x=nope", "no such directory (name a directory, or docker-image://NAME)"),
        ("x=oci-layout://here", "a context in an OCI layout is not supported"),
        ("scratch=.", "no named context can be called 'scratch'"),
        ("src=.", "src:x in the context could be a path of this named context: src:…"),
    ],
)
def test_named_contexts_that_cant_be_measured(
    project: Path, monkeypatch: pytest.MonkeyPatch, given: str, error: str
) -> None:
    monkeypatch.chdir(project)
    (project / "lib.tar").write_text("")
    (project / "src:x").write_text("")
    assert error in TestErrors().fails("--build-context", given)


def test_the_classic_builder_has_none(named: tuple[str, ...]) -> None:
    error = TestErrors().fails(*named, "--builder", "classic")
    assert "the classic builder has no named contexts here" in error
