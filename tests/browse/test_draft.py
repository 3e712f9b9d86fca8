"""A draft counts what Docker would keep: against the scan of the same rules, whatever is drafted."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ctxsize.browse.draft import Effect
from ctxsize.browse.open import Build, Opened, open_tree
from ctxsize.context.scan import scan
from ctxsize.errors import UsageError
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore

RULES = ["video\n*.log\n", "*\n!src\n", "**/c*\n!src/*/c1\nvideo\n", "", "src/a\n!src/a/b0\nsrc/a/b0/d1\n"]

TYPED = ["**/*.log", "*", "!**/d*", "lib/**", "!src/*", "src/*", "**/b1", "!**/*.log"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shop = tmp_path / "shop"
    for number in range(120):
        folder = shop / ["src", "video", "lib"][number % 3] / "abc"[number % 2] / f"b{number % 4}"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{'cd'[number % 2]}{number % 7}{'.log' if number % 5 == 0 else ''}"
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_bytes(b"x" * number)
    for number in range(12):
        (shop / "lib" / f"hard{number % 3}-{number}").hardlink_to(sorted(shop.glob("src/*/*/*"))[number % 3])
    (shop / "src" / "hard").hardlink_to(shop / "lib" / "hard1-1")
    (shop / "id_rsa").write_text("secret\n")
    (shop / "Dockerfile").write_text("FROM scratch\nCOPY src /src\nCOPY id_rsa /\n")
    return shop


def opened(project: Path, rules: str, builder: str = "auto") -> Opened:
    if rules:
        (project / ".dockerignore").write_text(rules)
    found = open_tree(project, build=Build(builder))
    found.tree.read()
    found.draft.begin()
    return found


def scanned(found: Opened) -> tuple[int, int]:
    """Files and bytes that arrive with the draft, by the scan that compare trusts."""
    dialect = found.project.dialect
    ignore = parse_ignore(found.draft.data, "draft", dialect)
    rules = Matcher(ignore.rules, dialect) if found.draft.data else None
    result = scan(found.project.context, rules, dialect, hidden=found.project.ignore_files)
    return result.eligible.files - result.hidden.files, result.eligible.bytes - result.hidden.bytes


def in_agreement(found: Opened) -> None:
    """All sums are those of the scan, and those of a directory's rows."""
    root = found.tree.root
    assert (root.kept_files, root.kept_bytes) == scanned(found), found.draft.data
    for node in found.tree.directories(root):
        rows = found.tree.entries(node)
        for figure in ("files", "bytes", "kept_files", "kept_bytes"):
            assert sum(getattr(row, figure) for row in rows) == getattr(node, figure), found.draft.data


@pytest.mark.parametrize("builder", ["auto", "classic"])
@pytest.mark.parametrize("rules", RULES)
def test_after_every_step_the_tree_has_what_a_scan_of_the_draft_counts(
    project: Path, rules: str, builder: str
) -> None:
    found = opened(project, rules, builder)
    chance = random.Random(7)
    paths = [node.join(name) for node, name, _ in found.tree.files_of(found.tree.root)]
    paths += [*sorted({path.rpartition("/")[0] for path in paths} - {""}), "src", "video", "src/a"]

    def typed(path: str) -> None:
        """A line more anywhere, or one less; now and then in pieces."""
        lines = found.draft.data.decode().splitlines()
        if lines and chance.random() < 0.4:
            lines.pop(chance.randrange(len(lines)))
        else:
            lines.insert(chance.randrange(len(lines) + 1), chance.choice([path, f"!{path}", *TYPED]))
        data = "".join(f"{line}\n" for line in lines).encode()
        if chance.random() < 0.5:
            found.draft.change(data)
        else:
            for _ in found.draft.changing(data):
                pass

    in_agreement(found)
    for _ in range(25):
        step = chance.choice([found.draft.ignore, found.draft.keep, lambda _path: found.draft.undo(), typed])
        step(chance.choice(paths))
        in_agreement(found)
    while found.draft.undo():
        pass
    assert found.draft.effect == Effect()


def test_an_exception_has_the_classic_client_look_into_what_is_above_it(project: Path) -> None:
    (project / "lib" / "top.log").write_bytes(b"x" * 500)
    found = opened(project, "*\n!**/*.log\n", "classic")
    found.draft.keep("lib/a/b0/c2")

    top = found.tree.at("lib/top.log")
    assert top is not None and top.kept_files == 1
    in_agreement(found)


def test_an_exception_for_a_directory_that_is_partly_ignored_keeps_all_of_it(project: Path) -> None:
    found = opened(project, "**/*.log\n")
    found.draft.keep("src")

    assert found.draft.data == b"**/*.log\n!src/**\n"
    src = found.tree.root.below["src"]
    assert src.kept_files == src.files


def test_the_effect_counts_files_bytes_secrets_and_what_breaks(project: Path) -> None:
    found = opened(project, "**/*.log\n")
    found.draft.ignore("video")

    kept = [path for path in project.glob("video/**/*") if path.is_file() and path.suffix != ".log"]
    assert found.draft.effect == Effect(-len(kept), -sum(path.stat().st_size for path in kept))
    found.draft.ignore("id_rsa")
    effect = found.draft.effect
    assert (effect.secrets, effect.broken) == (-1, ("line 3: COPY id_rsa",))
    found.draft.keep("id_rsa")
    assert (found.draft.effect.secrets, found.draft.effect.broken) == (0, ())


def test_writing_changes_the_file_and_nothing_but_the_lines_added(project: Path) -> None:
    found = opened(project, "*.log")
    found.draft.ignore("video")

    assert found.draft.diff().splitlines()[2:] == ["@@ -1 +1,2 @@", " *.log", "+video"]
    found.draft.write()
    assert (project / ".dockerignore").read_text() == "*.log\nvideo\n"
    assert found.draft.effect == Effect()
    assert not found.draft.changed
    found.draft.keep("src")
    found.draft.write()
    assert (project / ".dockerignore").read_text() == "*.log\nvideo\n!src\n"


def test_a_first_ignore_file_is_made_and_one_that_changed_meanwhile_is_left_alone(project: Path) -> None:
    found = opened(project, "")
    found.draft.ignore("video")
    found.draft.write()
    assert (project / ".dockerignore").read_text() == "video\n"

    found.draft.ignore("lib")
    (project / ".dockerignore").write_text("other\n")
    with pytest.raises(UsageError, match="changed since it was read"):
        found.draft.write()
    assert (project / ".dockerignore").read_text() == "other\n"


def test_a_draft_that_docker_refuses_is_not_written(project: Path) -> None:
    found = opened(project, "video\n")
    found.draft.change(b"video\n[\n")

    assert "syntax error in pattern" in found.draft.effect.trouble
    with pytest.raises(UsageError, match="Docker would refuse this, nothing is written"):
        found.draft.write()
    assert (project / ".dockerignore").read_text() == "video\n"
    found.draft.undo()
    assert found.draft.effect == Effect()


def test_a_name_that_no_rule_can_have_is_refused(project: Path) -> None:
    (project / "odd\nname").write_text("x")
    found = opened(project, "")

    with pytest.raises(UsageError, match="no rule of an ignore file can name this path"):
        found.draft.ignore("odd\nname")
    assert found.draft.data == b""
