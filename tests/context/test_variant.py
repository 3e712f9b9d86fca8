"""A variant in which one ignored path is no longer ignored: what the rules say and what really arrives."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import docker
import pytest

from ctxsize.context.variant import Variant
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.ignore import Dialect, Matcher, parse_ignore
from ctxsize.measure.subject import prepare
from ctxsize.progress import Silent
from tests.support.opening import open_images

BOTH = pytest.mark.parametrize("dialect", list(Dialect), ids=lambda dialect: dialect.value)


def make(root: Path, rules: str, files: Iterable[str]) -> Path:
    """A project with one byte in each of ``files``, which copies all of its context."""
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(b"x")
    (root / ".dockerignore").write_text(rules)
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    return root


def restoring(root: Path, dialect: Dialect, *paths: str) -> tuple[Variant, Variant]:
    """``with`` the ignore file, and the same with ``paths`` restored, one after the other."""
    file = root / ".dockerignore"
    ignore = parse_ignore(file.read_bytes(), ".dockerignore", dialect)
    variant = restored = Variant("with", root, Matcher(ignore.rules, dialect), frozenset(), dialect)
    for path in paths:
        content = restored.ignore_file[1] if restored.ignore_file is not None else file.read_bytes()
        restored = restored.restoring(path, file, content)
    return variant, restored


def files(variant: Variant) -> set[str]:
    return {entry.path for entry in variant.walk("Dockerfile") if not entry.is_dir}


def came_back(variants: tuple[Variant, Variant]) -> set[str]:
    """The files that only the restored variant has; it lacks none."""
    variant, restored = (files(each) for each in variants)
    assert variant <= restored
    return restored - variant


#: Names that mean something else as a pattern, or nearly.
ODD = [
    *(
        "a*b",
        "a?b",
        "[ab]",
        "back\\slash",
        "sp ace",
        "!bang",
        "#hash",
        "ünïcode",
        "日本",
        "{brace}",
        "a^b",
        "a+b",
    ),
    *("(1)*", "$x*", "a^b*", "x|y?", "{1}[", "dots.*", "ta\tb", "**", "deep/we*rd", "data", "data2"),
]
OTHERS = ["axb", "aab", "a", "b", "x", "data3", "dots.y", "deep/weird", "keep/me"]


@BOTH
@pytest.mark.parametrize("name", ODD)
def test_a_name_is_meant_literally(tmp_path: Path, dialect: Dialect, name: str) -> None:
    """Every other name, of those that it would match as a pattern as well, stays ignored."""
    make(tmp_path, "*\n!keep\n!deep\ndeep/*\n", [f"{each}/f" for each in (*ODD, *OTHERS)])

    assert came_back(restoring(tmp_path, dialect, name)) == {f"{name}/f"}


CASES = [
    # what the ignore file says, what there is, which root is restored, what comes back
    ("a root is one path", ".git\ndata\n", [".git/1", "data/2"], "data", {"data/2"}),
    ("a file", "*.log\n", ["a.log", "b.log"], "a.log", {"a.log"}),
    ("a deep root", "**/lib\n", ["a/lib/x", "lib/x"], "a/lib", {"a/lib/x"}),
    (
        "all that is in it, whatever other line ignores it as well",
        "web\n**/*.log\n",
        ["web/a.js", "web/b.log", "c.log"],
        "web",
        {"web/a.js", "web/b.log"},
    ),
    (
        "beside what an exception keeps",
        "web\n!web/src\n",
        ["web/lib/a", "web/doc/b", "web/src/c"],
        "web/lib",
        {"web/lib/a"},
    ),
    (
        "in what an exception keeps",
        "web\n!web/src\nweb/src/tmp\n",
        ["web/a", "web/src/b", "web/src/tmp/c"],
        "web/src/tmp",
        {"web/src/tmp/c"},
    ),
    ("the name is not a prefix", "web\nwebsite\n", ["web/a", "website/b"], "web", {"web/a"}),
    ("everything but", "*\n!src\n", ["src/a", "b/c", "d"], "b", {"b/c"}),
]


@BOTH
@pytest.mark.parametrize(
    ("rules", "there", "root", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_only_that_root_comes_back(
    tmp_path: Path, dialect: Dialect, rules: str, there: list[str], root: str, expected: set[str]
) -> None:
    assert came_back(restoring(make(tmp_path, rules, there), dialect, root)) == expected


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (" x", "white space at an end"),
        ("x ", "white space at an end"),
        ("x\u3000", "white space at an end"),
        ("a\nb", "a line end"),
        ("a\rb", "a line end"),
        ("caf\udce9", "is not UTF-8"),
    ],
)
def test_a_name_that_no_rule_can_be_written_for_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    variant = Variant("with", tmp_path, None, frozenset(), Dialect.BUILDKIT)

    with pytest.raises(ValueError, match=reason):
        variant.restoring(name, tmp_path / ".dockerignore", b"*\n")


def test_the_ignore_file_in_its_place_ends_with_the_exception(tmp_path: Path) -> None:
    """Also where the real one does not end with a line end."""
    make(tmp_path, "web\nl*b", ["web/a", "l*b/c"])
    _, restored = restoring(tmp_path, Dialect.BUILDKIT, "l*b")

    assert restored.ignore_file == (tmp_path / ".dockerignore", b"web\nl*b\n!/l\\*b\n")


@pytest.mark.docker
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_what_arrives_on_an_engine_is_what_the_variant_says(
    tmp_path: Path, api: docker.APIClient, builder: str
) -> None:
    """Every second odd name restored: BuildKit reads the file in its place, the others get a tar."""
    web = ["web/a", "web/lib/a", "web/src/b", "web/src/tmp/c"]
    rules = "*\n!keep\n!deep\ndeep/*\n!web/src\nweb/src/tmp\n"
    make(tmp_path, rules, [*(f"{each}/f" for each in (*ODD, *OTHERS)), *web])
    subject = prepare(tmp_path, dockerfile=None, builder=builder, options=BuildOptions(), progress=Silent())
    _, restored = restoring(tmp_path, subject.project.dialect, "web/lib", *ODD[::2])

    with Run(subject.engine) as run:
        result = subject.builder(run).build(restored, progress=Silent())
        with open_images(api, [result.image_id]) as reader:
            arrived = {path for path, _ in reader.listing(reader.images[result.image_id])}

    expected = {"web/lib/a", "web/src/b", "keep/me/f", *(f"{name}/f" for name in ODD[::2])}
    assert {path for path in arrived if path.endswith(("/f", "/a", "/b", "/c"))} == expected
