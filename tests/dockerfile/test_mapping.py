"""The way back from image paths to context paths: what real builds here can't show (newer flags, links),
and the interface. What Docker does is compared in test_mapping_engine.py.
"""

from __future__ import annotations

import io
import tarfile

import pytest

from ctxsize.dockerfile.mapping import ImageMap, LayerStep, Origin
from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.dockerfile.resolve import BaseImage, resolve


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ContextDirectory:
    root = tmp_path_factory.mktemp("context")
    top, packages = ("a", "b", "x.py"), ("pk/1/f", "pk/2/f")
    for name in (*top, "src/a", "src/m.py", "src/lib/u.py", "src/lib/deep/v.py", *packages):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    with tarfile.open(root / "t.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("in"), io.BytesIO())
    (root / "ls").symlink_to("src")
    return ContextDirectory(root)


def image_map(text: str, context: ContextDirectory, **links: str) -> ImageMap:
    dockerfile = parse_dockerfile(text.encode(), "Dockerfile")
    plan = resolve(dockerfile, base_images={"base": BaseImage(workdir="/base")})
    return ImageMap(plan, context, {link.replace("_", "/"): target for link, target in links.items()})


def origins(image: ImageMap, step: LayerStep, path: str) -> tuple[str, ...]:
    return tuple(origin.path for origin in image.find(step, path))


ONE_STEP = [
    # instruction, path in the image, paths in the context
    ("COPY . /", "src/a", ("src/a",)),
    ("COPY . /", "nope", ()),
    ("COPY src /app", "app/lib/u.py", ("src/lib/u.py",)),
    ("COPY src /app", "app", ("src",)),
    ("COPY src /app", "apple/a", ()),
    ("COPY src .", "base/a", ("src/a",)),
    ("COPY a /app", "app", ("a",)),
    ("COPY a /app", "app/a", ("a",)),
    ("COPY a /app/", "app/a", ("a",)),
    ("COPY a /app/", "app", ()),
    ("COPY a /app/", "app/b", ()),
    # two sources may give the same file: the later one is the likelier
    ("COPY src . /app/", "app/a", ("a", "src/a")),
    ("COPY . src /app/", "app/a", ("src/a", "a")),
    ("COPY pk/* /app/", "app/f", ("pk/2/f", "pk/1/f")),
    ("COPY *.py /one", "one", ("x.py",)),
    ("COPY ls /l", "l/lib/u.py", ("src/lib/u.py",)),
    ("COPY . /", "ls", ("ls",)),
    ("COPY --exclude=lib src /app", "app/lib/u.py", ()),
    ("COPY --exclude=lib src /app", "app/m.py", ("src/m.py",)),
    ("COPY --exclude=a a /app/", "app/a", ("a",)),
    ("COPY --parents src/lib/u.py a /p/", "p/src/lib/u.py", ("src/lib/u.py",)),
    ("COPY --parents src/lib/u.py a /p/", "p/a", ("a",)),
    ("COPY --parents src/lib/u.py a /p/", "p/b", ()),
    ("COPY --parents src/./lib /p/", "p/lib/deep/v.py", ("src/lib/deep/v.py",)),
    ("COPY --parents src/./lib /p/", "p/src/lib/u.py", ()),
    ("COPY --parents **/*.py /p/", "p/src/lib/deep/v.py", ("src/lib/deep/v.py",)),
    ("COPY --parents **/*.py /p/", "p/src/a", ()),
    ("COPY --from=alpine /a /", "a", ()),
    ("COPY <<a /app/\nx\na", "app/a", ()),
    ("ADD t.tar /un", "un/any/thing", ("t.tar",)),
    ("ADD --unpack=false t.tar /un/", "un/t.tar", ("t.tar",)),
    ("ADD *.tar a /un/", "un/any", ("t.tar",)),
    ("COPY t.tar /un/", "un/t.tar", ("t.tar",)),
    ("COPY t.tar /un/", "un/in", ()),
    # through a symlink in the base image: /bin is usr/bin, /var/run is run
    ("COPY src /bin", "usr/bin/a", ("src/a",)),
    ("COPY a /bin/tool", "usr/bin/tool", ("a",)),
    ("COPY a /var/run/", "run/a", ("a",)),
    ("COPY src /usr/bin", "usr/bin/a", ("src/a",)),
    ("COPY a /binx", "usr/binx", ()),
    # a number that is no earlier stage is an image
    ("COPY --from=0 /a /", "a", ()),
    # not known: no guess
    ("WORKDIR ${X:?}\nCOPY a .", "base/a", ()),
    ("COPY a ${X:?}", "a", ()),
]


@pytest.mark.parametrize(("instruction", "path", "expected"), ONE_STEP)
def test_origins_of_one_step(
    context: ContextDirectory, instruction: str, path: str, expected: tuple[str, ...]
) -> None:
    image = image_map(f"FROM base\n{instruction}\n", context, bin="usr/bin", var_run="run")
    assert origins(image, image.steps[-1], path) == expected


def test_an_unpacked_file_names_its_archive(context: ContextDirectory) -> None:
    image = image_map("FROM base\nADD t.tar a /un/\n", context)
    assert image.find(image.steps[0], "un/in") == (Origin("t.tar", "archive"),)
    assert image.find(image.steps[0], "un/a") == (Origin("a", "file"), Origin("t.tar", "archive"))


def test_a_working_directory_that_is_not_known_gives_no_origin(context: ContextDirectory) -> None:
    image = image_map("FROM other\nCOPY a .\nWORKDIR /w\nCOPY a .\n", context)
    assert origins(image, image.steps[0], "a") == ()
    assert origins(image, image.steps[2], "w/a") == ("a",)


def test_a_run_is_led_back_to_the_latest_step_before_it(context: ContextDirectory) -> None:
    image = image_map("FROM base\nCOPY a /f\nRUN x\nCOPY b /f\nRUN y\nCOPY x.py /f\n", context)
    assert [origins(image, step, "f") for step in image.steps] == [
        ("a",), ("a",), ("b",), ("b",), ("x.py",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("copy", "path", "expected"),
    [
        ("COPY --from=one /s /t", "t/lib/u.py", ("src/lib/u.py",)),
        ("COPY --from=0 s/lib /t/", "t/deep/v.py", ("src/lib/deep/v.py",)),
        ("COPY --from=one / /", "s/m.py", ("src/m.py",)),
        ("COPY --from=one /s/m.py /", "m.py", ("src/m.py",)),
        ("COPY --from=one /s/m.py /renamed", "renamed", ("src/m.py",)),
        ("COPY --from=one /s/*.py /t/", "t/m.py", ("src/m.py",)),
        ("COPY --from=one /s/*.py /t/", "t/a", ()),
        ("COPY --from=one /s/l* /t/", "t/u.py", ("src/lib/u.py",)),
        ("COPY --from=one /p/* /t/", "t/f", ("pk/1/f", "pk/2/f")),
        ("COPY --from=one /w/x /", "x", ("b",)),
        ("COPY --from=two /s2/m.py /", "m.py", ("src/m.py",)),
        ("COPY --from=one --parents /s/./lib /t/", "t/lib/u.py", ("src/lib/u.py",)),
        ("COPY --from=one --exclude=lib /s /t", "t/lib/u.py", ()),
        ("COPY --from=one /made /", "made", ()),
        ("COPY --from=alpine /s /t", "t/m.py", ()),
    ],
)
def test_through_other_stages(
    context: ContextDirectory, copy: str, path: str, expected: tuple[str, ...]
) -> None:
    one = "FROM base AS one\nCOPY src /s\nCOPY pk /p\nWORKDIR /w\nCOPY b x\nRUN make\n"
    image = image_map(f"{one}FROM scratch AS two\nCOPY --from=one s s2\nFROM scratch\n{copy}\n", context)
    assert origins(image, image.steps[-1], path) == expected


def test_steps_are_those_of_the_from_chain_in_order(context: ContextDirectory) -> None:
    image = image_map(
        "FROM base AS one\nENV A=1\nCOPY a /\nRUN x\n"
        "FROM base AS side\nADD https://x/y /\nCOPY b /\n"
        "FROM base AS plain\nRUN y\n"
        "FROM one\nWORKDIR /w\nCOPY --from=side / /\nCOPY --from=plain / /\n"
        "RUN --mount=type=bind,target=/c x\nCOPY <<E /\nE\n",
        context,
    )
    assert [(s.kind, s.stage, s.uses_from) for s in image.steps] == [
        ("copy", 0, None),
        ("run", 0, None),
        ("workdir", 3, None),
        ("copy", 3, 1),
        ("copy", 3, 2),
        ("run", 3, None),
        ("copy", 3, None),
    ]
    assert [step.index for step in image.steps] == list(range(7))
