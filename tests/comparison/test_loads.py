"""What each ignored root puts into each part of a build: real Dockerfiles, a real tree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ctxsize.comparison.attribution import ImageSavings
from ctxsize.comparison.loads import build_loads
from ctxsize.comparison.seconds import Load
from ctxsize.context.scan import scan
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.dockerfile.resolve import BaseImage, resolve
from ctxsize.engine.builders.interface import Part
from ctxsize.ignore import Dialect, Matcher, parse_ignore
from ctxsize.survey.listings import ignored

#: Ignored: data (100 + 50 + 7 bytes in three files and two directories), logs (20 bytes, one of each) and
#: the ignore file itself.
FILES = {"data/a.csv": 100, "data/b.csv": 50, "data/sub/c.txt": 7, "logs/x.log": 20, "src/main.py": 30}
RULES = parse_ignore(b"data\nlogs\n.dockerignore\n", ".dockerignore", Dialect.BUILDKIT).rules
MATCHER = Matcher(RULES, Dialect.BUILDKIT)
DATA, LOGS = Load(157, 5), Load(20, 2)
SENT = ("scan", "send", "load", "rest")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("context")
    for name, size in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x" * size)
    (root / ".dockerignore").write_text("data\nlogs\n.dockerignore\n")
    return root


def loads(
    context: Path,
    dockerfile: str,
    *,
    buildkit: bool = True,
    target: str | None = None,
    savings: ImageSavings | None = None,
) -> dict[Part, dict[str, Load]]:
    """Of a build of ``dockerfile``, where the base image ``triggers`` has an ONBUILD COPY of data."""
    base_images = {
        "base": BaseImage(),
        "triggers": BaseImage(onbuild=("ENV A=b", "COPY data /data")),
    }
    parsed = parse_dockerfile(dockerfile.encode(), "Dockerfile")
    plan = resolve(parsed, target=target, buildkit=buildkit, base_images=base_images)
    hidden = frozenset({".dockerignore"})
    matcher = MATCHER

    def files() -> Iterator[tuple[str, int, str]]:
        for entry in ignored(context, matcher, hidden=hidden):
            root = matcher.verdict(entry.path).root
            assert root is not None
            yield entry.path, entry.bytes, root

    found = scan(context, MATCHER, Dialect.BUILDKIT, hidden=hidden)
    return build_loads(plan, found.roots, files, savings, whole_context=not buildkit)


def copies(found: dict[Part, dict[str, Load]]) -> dict[int | None, dict[str, Load]]:
    return {part.line: by_root for part, by_root in found.items() if part.phase == "copy" and by_root}


COPIES = [
    # what line 2 takes of each root
    ("COPY . .", {"data": DATA, "logs": LOGS}),
    ("ADD . /app", {"data": DATA, "logs": LOGS}),
    ("COPY data /data", {"data": DATA}),
    ("COPY data/ logs /", {"data": DATA, "logs": LOGS}),
    ("COPY d* /", {"data": DATA}),
    ("COPY src /src", {}),
    ("COPY nothing* /", {}),
    # a part of a root: the files there, of which each counts as an entry
    ("COPY data/a.csv /", {"data": Load(100, 1)}),
    ("COPY data/*.csv /", {"data": Load(150, 2)}),
    ("COPY data/sub /", {"data": Load(7, 1)}),
    ("COPY */*.log data/s* /", {"data": Load(7, 1), "logs": Load(20, 1)}),
    ("COPY --exclude=**/*.csv . /", {"data": Load(7, 1), "logs": Load(20, 1)}),
    ("COPY --exclude=data . /", {"logs": Load(20, 1)}),
    # not a step that copies from the context
    ("RUN --mount=type=bind,source=data,target=/data x", {}),
    ("COPY --from=base data /", {}),
]


@pytest.mark.parametrize(("step", "expected"), COPIES)
def test_what_a_step_takes_of_each_root(context: Path, step: str, expected: dict[str, Load]) -> None:
    assert copies(loads(context, f"FROM base\n{step}\n")).get(2, {}) == expected


def test_two_steps_that_copy_the_same_are_both_loaded_with_it_and_it_is_sent_once(context: Path) -> None:
    found = loads(context, "FROM base\nCOPY data /a\nCOPY data /b\n")

    assert copies(found) == {2: {"data": DATA}, 3: {"data": DATA}}
    assert [found[Part(phase)] for phase in SENT] == [{"data": DATA}] * len(SENT)


def test_a_session_is_sent_what_its_steps_take(context: Path) -> None:
    """A bind mount takes it, too. Of two steps that take a part, the larger part counts."""
    dockerfile = (
        "FROM base\nCOPY data/a.csv /a\nCOPY data/*.csv /b\nRUN --mount=type=bind,source=logs,target=/l x\n"
    )
    found = loads(context, dockerfile)

    assert found[Part("load")] == {"data": Load(150, 2), "logs": LOGS}


def test_other_builders_are_sent_all_of_it_whatever_they_copy(context: Path) -> None:
    found = loads(context, "FROM base\nCOPY src /src\n", buildkit=False)

    assert copies(found) == {}
    assert found[Part("send")] == {"data": DATA, "logs": LOGS}


def test_the_ignore_file_itself_has_no_load(context: Path) -> None:
    """A project without an ignore file has none to send either."""
    found = loads(context, "FROM base\nCOPY . .\n")

    assert not any(".dockerignore" in by_root for by_root in found.values())


STAGES = """\
FROM base AS one
COPY data /data
FROM base AS two
COPY logs /logs
FROM base
COPY --from=one /data /data
"""


def test_only_stages_that_are_built_load_anything(context: Path) -> None:
    assert copies(loads(context, STAGES)) == {2: {"data": DATA}}
    assert copies(loads(context, STAGES, target="two")) == {4: {"logs": LOGS}}
    # the classic builder builds every stage up to the target
    assert copies(loads(context, STAGES, buildkit=False)) == {2: {"data": DATA}, 4: {"logs": LOGS}}


@pytest.mark.parametrize(
    ("dockerfile", "line"),
    [
        ("# a comment\nFROM triggers\nRUN x\nCOPY src /src\n", 2),
        ("FROM base AS one\nONBUILD COPY data /data\nFROM one\nRUN x\n", 3),
    ],
    ids=["base image", "stage"],
)
@pytest.mark.parametrize(("buildkit", "phase"), [(True, "copy"), (False, "other")])
def test_what_onbuild_copies_is_a_part_of_the_from_it_runs_with(
    context: Path, dockerfile: str, line: int, buildkit: bool, phase: str
) -> None:
    """To BuildKit it is a step of its own, to the classic builder it is the FROM."""
    found = loads(context, dockerfile, buildkit=buildkit)

    assert {part: by_root for part, by_root in found.items() if part.line is not None} == {
        Part(phase, line): {"data": DATA}
    }


# What the images say


def written(**lines: dict[str, tuple[int, int]]) -> ImageSavings:
    """Bytes and files of each root that the layer of a line has: ``written(line2={"data": (10, 1)})``."""
    savings = ImageSavings()
    for name, by_root in lines.items():
        savings.written[int(name.removeprefix("line"))].update(by_root)
    return savings


def test_without_images_the_export_has_no_load(context: Path) -> None:
    assert Part("export") not in loads(context, "FROM base\nCOPY . .\n")


def test_what_is_exported_is_what_the_layers_hold_with_its_directories(context: Path) -> None:
    """Two of the three files of data: with them one of its two directories, to the nearest."""
    found = loads(context, "FROM base\nCOPY . .\n", savings=written(line2={"data": (150, 2)}))

    assert found[Part("export")] == {"data": Load(150, 2 + 1)}
    assert found[Part("copy", 2)]["data"] == DATA, "what the step copied is known better from its sources"
    assert Part("other", 2) not in found


def test_a_run_that_writes_files_again_is_loaded_with_them_and_they_are_exported_twice(context: Path) -> None:
    savings = written(line2={"data": (157, 3)}, line3={"data": (157, 3)})
    found = loads(context, "FROM base\nCOPY . .\nRUN chown -R 1 /data\n", savings=savings)

    assert found[Part("other", 3)] == {"data": Load(157, 3)}
    assert found[Part("export")] == {"data": Load(2 * 157, 2 * 5)}


def test_nothing_in_the_image_is_nothing_to_export(context: Path) -> None:
    assert loads(context, STAGES, savings=written())[Part("export")] == {}
