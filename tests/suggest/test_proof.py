"""What counts as the same image, what as chance, and what a failed build names."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from ctxsize.dockerfile.mapping import ImageMap
from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.dockerfile.resolve import resolve
from ctxsize.errors import BuildFailed
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect
from ctxsize.image.streams import Body
from ctxsize.image.types import HistoryEntry, Image
from ctxsize.suggest.proof import Explained, Noise, differing, effects_of, named_by, unexplained
from ctxsize.suggest.trials import Unmetered
from ctxsize.suggest.types import Candidate

Files = Mapping[str, bytes | None]


def layer(files: Files, mode: int = 0o644, time: int = 0) -> bytes:
    """A layer's tar: None is a directory."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.mode, info.mtime = mode, time
            if content is None:
                info.type = tarfile.DIRTYPE
            else:
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content or b""))
    return out.getvalue()


def differences(before: list[bytes], after: list[bytes]) -> dict[str, str]:
    with Unmetered() as reader:
        for slot, tars in enumerate((before, after)):
            layers = tuple(reader.add_layer(Body(iter([tar]))) for tar in tars)
            image = Image(str(slot), layers, tuple(HistoryEntry("COPY", each) for each in layers))
            assert image.pull_bytes == 0, "nothing is compressed"
            reader.show(slot, image)
        return {each.path: each.what for each in differing(reader, 0, 1)}


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ([layer({"a": b"x"})], [layer({"a": b"x"})], {}),
        ([layer({"a": b"x"})], [layer({"a": b"x"}, time=9)], {}),
        ([layer({"a": b"1.2"})], [layer({"a": b"0.0"})], {"a": "has another content"}),
        ([layer({"a": b"x"})], [layer({"a": b"x"}, mode=0o755)], {"a": "has another mode"}),
        ([layer({"d": None, "d/a": b"x"})], [layer({"d": None})], {"d/a": "is missing"}),
        ([layer({"d": None})], [layer({})], {"d": "is missing"}),
        ([layer({})], [layer({"n": b"x"})], {"n": "is new"}),
        ([layer({"a": b"x"})], [layer({"a": None})], {"a": "is something else"}),
        # What is hidden, or replaced, by a higher layer is not there.
        ([layer({"a": b"old"}), layer({"a": b"x"})], [layer({"a": b"x"})], {}),
        ([layer({"a": b"x"}), layer({".wh.a": b""})], [layer({})], {}),
        ([layer({"d/a": b"x", "d": None}), layer({"d/.wh..wh..opq": b""})], [layer({"d": None})], {}),
        # Compiled modules have the time of their source in them.
        (
            [layer({"m.py": b"x", "__pycache__/m.cpython-311.pyc": b"head1111"})],
            [layer({"m.py": b"x", "__pycache__/m.cpython-311.pyc": b"head2222"})],
            {},
        ),
        (
            [layer({"m.py": b"x", "__pycache__/m.cpython-311.pyc": b"head1111"})],
            [layer({"m.py": b"y", "__pycache__/m.cpython-311.pyc": b"head2222"})],
            {"m.py": "has another content", "__pycache__/m.cpython-311.pyc": "has another content"},
        ),
    ],
)
def test_images_are_compared_as_a_container_sees_them(
    before: list[bytes], after: list[bytes], wanted: dict[str, str]
) -> None:
    assert differences(before, after) == wanted


def shown(before: Files, after: Files) -> list[object]:
    with Unmetered() as reader:
        for slot, files in enumerate((before, after)):
            added = reader.add_layer(Body(iter([layer(files)])))
            reader.show(slot, Image(str(slot), (added,), (HistoryEntry("COPY", added),)))
        return list(differing(reader, 0, 1))


DOCKERFILE = """
FROM scratch AS build
WORKDIR /src
COPY . .
RUN make
FROM scratch
COPY --from=build /src/ /app/
RUN version > /VERSION
"""


def explained(root: Path, rules: str, before: str = "") -> Explained:
    names = ["docs/a.md", "src/main.c", "README.md"]
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    plan = resolve(parse_dockerfile(DOCKERFILE.encode(), "Dockerfile"))
    old, new = (
        Matcher.from_patterns(text.split(), Dialect.BUILDKIT) for text in (before, f"{before} {rules}")
    )
    return Explained(ImageMap(plan, ContextDirectory(root)), plan.target, old, new, b"docs\n")


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        ({"app/docs": None, "app/docs/a.md": b"x"}, {}, []),
        ({"app/docs/a.md": b"x", "app/docs/a.html": b"made"}, {}, []),
        ({"app/src/main.c": b"x"}, {}, ["app/src/main.c"]),
        ({"VERSION": b"1.4"}, {"VERSION": b"0.0"}, ["VERSION"]),
        ({"usr/share/docs/a.md": b"x"}, {}, ["usr/share/docs/a.md"]),
        ({}, {"app/.dockerignore": b"docs\n"}, []),
        ({}, {"app/new": b"else"}, ["app/new"]),
    ],
)
def test_what_a_rule_keeps_out_explains_and_nothing_else(
    before: Files, after: Files, left: list[str], tmp_path: Path
) -> None:
    found = shown(before, after)

    rest = unexplained(found, explained(tmp_path, "docs"), None)  # type: ignore[arg-type]
    assert [each.path for each in rest] == left


def test_what_was_kept_out_before_explains_nothing(tmp_path: Path) -> None:
    found = shown({"app/docs/a.md": b"x"}, {})

    assert unexplained(found, explained(tmp_path, "README.md", before="docs"), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "second", "third", "noise"),
    [
        ({"log": b"12:01"}, {"log": b"12:02"}, {"log": b"12:05"}, True),
        ({"v": b"1.4 12:01"}, {"v": b"1.4 12:02"}, {"v": b"unknown 12:05"}, False),
        (
            {"tmp/npm-1a2b3c4d.log": b"x"},
            {"tmp/npm-9f8e7d6c.log": b"x"},
            {"tmp/npm-00aa11bb.log": b"x"},
            True,
        ),
        ({"log": b"12:01", "w": b"1"}, {"log": b"12:02", "w": b"1"}, {"log": b"12:03", "w": b"2"}, False),
        ({"log": b"a" * 50}, {"log": b"b" * 55}, {"log": b"c" * 61}, True),
        ({"log": b"12:01"}, {"log": b"12:02"}, {}, False),
    ],
)
def test_chance_is_what_two_builds_of_the_same_differ_by(
    first: Files, second: Files, third: Files, noise: bool
) -> None:
    chance = Noise.of(shown(first, second))  # type: ignore[arg-type]

    left = unexplained(shown(first, third), lambda each: False, chance)  # type: ignore[arg-type]
    assert (not left) == noise


def test_very_many_effects_are_told_apart_by_directory() -> None:
    many = shown({f"{n % 7}/{n}": b"x" for n in range(1000)}, {})

    assert set(effects_of(many)) == set("0123456")  # type: ignore[arg-type]


CANDIDATES = [
    Candidate("tests", ("tests",), 1, 1, ()),
    Candidate("*.md", ("README.md", "CHANGES.md"), 1, 1, ()),
    Candidate(".git", (".git",), 1, 1, ()),
    Candidate("**/node_modules", ("node_modules", "web/node_modules"), 1, 1, ()),
    Candidate("docs", ("docs",), 1, 1, ()),
]


@pytest.mark.parametrize(
    ("message", "log", "named"),
    [
        ('failed to compute cache key: "/tests" not found: not found', (), {"tests"}),
        ("exit code: 1", ("sh: can't open 'tests/run.sh': No such file or directory",), {"tests"}),
        ("exit code: 1", ("FileNotFoundError: README.md",), {"*.md"}),
        ("exit code: 1", ("OSError: Readme file does not exist: README.md",), {"*.md"}),
        ("exit code: 128", ("fatal: not a git repository (or any of the parents): .git",), {".git"}),
        ("exit code: 1", ("Error: Cannot find module '/app/web/node_modules/x'",), {"**/node_modules"}),
        ("exit code: 1", ("ModuleNotFoundError: No module named 'tests'",), {"tests"}),
        ("exit code: 1", ("running tests", "1 failed"), set()),
        ("exit code: 1", ("cannot find docs-old/x or mydocs",), set()),
        ("exit code: 1", (), set()),
    ],
)
def test_a_line_about_something_missing_names_candidates(
    message: str, log: tuple[str, ...], named: set[str]
) -> None:
    assert named_by(BuildFailed(message, log=log), CANDIDATES) == named
