"""What must not be in a context, and how large it is, by one walk and no engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctxsize.budget.findings import FileRules
from ctxsize.budget.limits import Budget, Listed
from ctxsize.budget.types import FileFinding
from ctxsize.context.totals import ScanResult
from ctxsize.context.walk import OpenTree
from ctxsize.errors import ConfigError
from ctxsize.ignore.types import Dialect
from ctxsize.measure.target import DEPTH, MOST_FILES, context_paths
from ctxsize.project import Project, open_project
from ctxsize.survey.scans import Scans


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, size in {
        "src/main.py": 100,
        "src/.env": 10,
        "conf/.env": 20,
        "conf/keys/a.pem": 30,
        "conf/keys/b.pem": 40,
        "node_modules/x/.env": 1000,
        ".git/config": 500,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / ".dockerignore").write_text(".git\nnode_modules\nconf/keys\n!conf/keys/b.pem\n")
    return tmp_path


def measure(
    project: Project, budget: Budget, *, without: bool = False, depth: int = 0, largest: int = 0
) -> tuple[ScanResult, tuple[FileFinding, ...]]:
    files = FileRules(budget, project)
    found, secrets = Scans().scan(
        project,
        eligible_only=not without,
        depth=depth,
        largest=largest,
        forbidden=files.forbidden,
        sensitive=files.sensitive,
        asked=files.required,
        reading=None,
        progress=lambda seen: None,
    )
    return found, files.findings(found, secrets)


def look(
    root: Path,
    *,
    forbid: tuple[str, ...] = (),
    require: tuple[str, ...] = (),
    classic: bool = False,
    sensitive: str = "off",
) -> tuple[int, tuple[FileFinding, ...]]:
    dialect = Dialect.CLASSIC if classic else Dialect.BUILDKIT
    budget = Budget(
        forbid=tuple(Listed(text, "c.toml:1") for text in forbid),
        require_ignored=tuple(Listed(text, "c.toml:2") for text in require),
        sensitive=Listed(sensitive, "c.toml:3"),
    )
    found, findings = measure(open_project(root, dialect=dialect, required=False), budget)
    return found.eligible.bytes, findings


def paths(findings: tuple[FileFinding, ...]) -> list[str]:
    return [finding.path for finding in findings]


SIZE = 100 + 10 + 20 + 40 + len("FROM scratch\n") + len(".git\nnode_modules\nconf/keys\n!conf/keys/b.pem\n")


@pytest.mark.parametrize("classic", [False, True])
@pytest.mark.parametrize(
    ("forbid", "found"),
    [
        (("**/.env",), ["conf/.env", "src/.env"]),  # the one in node_modules does not arrive
        (("**/*.pem",), ["conf/keys/b.pem"]),
        (("conf",), ["conf"]),
        (("conf/", "**/.env"), ["conf", "src/.env"]),
        ((".git", "node_modules"), []),
        (("nothing", "*.txt"), []),
        (("**/.env", "!src/.env"), ["conf/.env"]),
        (("conf", "!conf/keys"), ["conf/.env"]),
        ((".dockerignore",), [".dockerignore"]),
        (("./src/../src/main.py",), ["src/main.py"]),
    ],
)
def test_forbidden_files_are_those_that_arrive_and_the_size_is_the_same(
    root: Path, classic: bool, forbid: tuple[str, ...], found: list[str]
) -> None:
    size, findings = look(root, forbid=forbid, classic=classic)
    assert paths(findings) == found
    assert size == SIZE
    assert look(root, classic=classic)[0] == SIZE


def test_what_a_finding_says(root: Path) -> None:
    _, findings = look(root, forbid=("**/.env", "**/*.pem"))
    assert findings[0] == FileFinding(
        code="forbidden",
        path="conf/.env",
        message='must not reach the build (forbid "**/.env")',
        where="c.toml:1",
        help="add a line to .dockerignore that ignores it",
    )
    assert (findings[1].line, findings[1].hint) == (4, ".dockerignore:4 `!conf/keys/b.pem` lets it in")


def test_without_an_ignore_file(root: Path) -> None:
    (root / ".dockerignore").unlink()
    _, findings = look(root, forbid=("**/.env",), require=(".git",))
    assert paths(findings) == ["conf/.env", "node_modules/x/.env", "src/.env", ".git"]
    assert {finding.hint for finding in findings} == {"make a .dockerignore that ignores it"}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (".git", None),
        ("/.git/", None),
        ("node_modules/x", None),
        ("src", "is not ignored, as require-ignored asks"),
        ("conf/keys", "is ignored only in part, as require-ignored asks"),
        (".env", "would not be ignored if it were there, as require-ignored asks"),
        ("node_modules/not/there", None),
    ],
)
def test_what_must_be_ignored(root: Path, path: str, message: str | None) -> None:
    _, findings = look(root, require=(path,))
    assert [finding.message for finding in findings] == ([] if message is None else [message])


@pytest.mark.parametrize(
    ("forbid", "require", "message"),
    [
        (("[",), (), "forbid: syntax error in pattern: a [ without its ], or an incomplete range ('[')"),
        (("!",), (), "forbid: a lone ! negates nothing ('!')"),
        (("# x",), (), "forbid: a pattern that says nothing ('# x')"),
        ((), ("**/x",), "require-ignored: '**/x' is not a path in the context"),
        ((), ("../x",), "require-ignored: '../x' is not a path in the context"),
        ((), (".",), "require-ignored: '.' is not a path in the context"),
    ],
)
def test_patterns_that_can_not_be_meant(
    root: Path, forbid: tuple[str, ...], require: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        look(root, forbid=forbid, require=require)
    assert error.value.message == message
    assert error.value.where in ("c.toml:1", "c.toml:2")


def test_what_is_ignored_is_not_looked_into(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    open_directory = OpenTree.open_directory

    def record(tree: OpenTree, path: str) -> int | None:
        opened.append(path)
        return open_directory(tree, path)

    monkeypatch.setattr(OpenTree, "open_directory", record)
    (root / ".dockerignore").write_text(".git\nnode_modules\nconf/keys\n")
    assert paths(look(root, forbid=("**/*.pem",))[1]) == []
    assert sorted(opened) == ["", "conf", "src"], "each once"


def test_the_largest_paths_are_what_arrives(root: Path) -> None:
    found = context_paths(
        measure(open_project(root, dialect=Dialect.BUILDKIT), Budget(), depth=DEPTH, largest=MOST_FILES + 1)[
            0
        ]
    )
    assert found.complete
    assert found.sizes["conf"] == 60
    assert found.sizes["conf/keys"] == 40
    assert found.sizes["conf/keys/b.pem"] == 40
    assert not any(path.startswith((".git", "node_modules")) for path in found.sizes)


KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA75\n-----END RSA PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("how", "levels"),
    [("off", {}), ("warn", {"conf/keys/b.pem": "warning"}), ("fail", {"conf/keys/b.pem": "error"})],
)
def test_what_looks_like_a_secret_and_arrives(root: Path, how: str, levels: dict[str, str]) -> None:
    for name in ("a.pem", "b.pem"):
        (root / "conf/keys" / name).write_text(KEY)
    _, findings = look(root, sensitive=how)
    keys = [finding for finding in findings if finding.path.endswith(".pem")]
    assert {finding.path: finding.level for finding in keys} == levels
    assert all(finding.code == "sensitive" for finding in findings)
    assert all(finding.line == 4 for finding in keys), "the exception that lets it in"


def test_a_secret_that_is_none_can_be_named(root: Path) -> None:
    (root / "conf/keys/b.pem").write_text(KEY)
    (root / "conf/c.pem").write_text(KEY)
    budget = Budget(sensitive=Listed("fail", "c.toml:3"), not_sensitive=(Listed("conf/keys", "c.toml:4"),))
    assert paths(measure(open_project(root, dialect=Dialect.BUILDKIT), budget)[1]) == ["conf/c.pem"]


def test_a_forbidden_directory_of_which_an_exception_keeps_a_part(root: Path) -> None:
    assert paths(look(root, forbid=("conf/keys",))[1]) == ["conf/keys/b.pem"]
    assert paths(look(root, forbid=("conf/keys",), classic=True)[1]) == ["conf/keys/b.pem"]


def test_what_is_forbidden_is_not_told_again_as_a_secret(root: Path) -> None:
    (root / "conf/keys/b.pem").write_text(KEY)
    (root / "conf/c.pem").write_text(KEY)
    _, findings = look(root, sensitive="fail", forbid=("conf/c.pem", "conf/keys"))
    assert {finding.code for finding in findings} == {"forbidden"}


def test_keys_for_tests_and_of_packages_are_no_findings(root: Path) -> None:
    for name in ("tests/a.pem", "lib/vendor/a.pem"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(KEY)
    assert look(root, sensitive="fail")[1] == ()


def test_a_pattern_of_not_sensitive_that_can_not_be_meant(root: Path) -> None:
    budget = Budget(not_sensitive=(Listed("[a", "c.toml:4"),))
    with pytest.raises(ConfigError, match=r"^c\.toml:4: not-sensitive: "):
        measure(open_project(root, dialect=Dialect.BUILDKIT), budget)


def test_forbidden_files_are_told_from_ignored_ones_where_savings_are_asked_for(root: Path) -> None:
    budget = Budget(forbid=(Listed("**/.env", "c.toml:1"),))
    found, findings = measure(open_project(root, dialect=Dialect.BUILDKIT), budget, without=True)
    assert paths(findings) == ["conf/.env", "src/.env"]
    assert found.without is not None
    assert found.without.bytes - found.eligible.bytes == 1000 + 500 + 30 - len(
        (root / ".dockerignore").read_bytes()
    )


def test_forbidden_files_that_another_process_of_the_scan_finds(tmp_path: Path) -> None:
    for number in range(100):
        directory = tmp_path / f"d{number:03}"
        directory.mkdir()
        for name in [".env", *map(str, range(40))]:
            (directory / name).touch()
    _, findings = look(tmp_path, forbid=("**/.env",))
    assert paths(findings) == [f"d{number:03}/.env" for number in range(100)]


def test_of_very_many_findings_the_first_are_kept_and_the_rest_counted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctxsize.context.books.MOST_FORBIDDEN", 2)
    project = open_project(root, dialect=Dialect.BUILDKIT)
    budget = Budget(forbid=(Listed("**", "here"),))
    found, findings = measure(project, budget)
    left = FileRules(budget, project).left_out(found)

    # All that arrives but directories, of which each is found as a whole.
    assert paths(findings) == [".dockerignore", "Dockerfile"]
    assert left is not None and left.code == "findings-left-out"
    assert left.message == "2 more files are forbidden: only the first 2 are named"
