"""The examples of docs/python.md run as they stand, on a fixture."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.saved_images import layer, save

TEXT = (Path(__file__).parents[2] / "docs" / "python.md").read_text()
EXAMPLES = {
    section.split("\n", 1)[0]: re.findall(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    for section in TEXT.split("\n## ")[1:]
}
BASE = "busybox:1.36"


@pytest.fixture
def project(make_fixture: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project of the examples, in the current directory."""
    folder = tmp_path / "services" / "api"
    shutil.copytree(make_fixture("derived"), folder, symlinks=True)
    monkeypatch.chdir(tmp_path)
    base = layer({"bin/sh": b"x" * 100_000})
    old = layer({"app/a": b"a" * 3_000, "app/old": b"o" * 70_000})
    new = layer({"app/a": b"A" * 6_300}), layer({"app/a": (b"A" * 1_000, 7)})
    steps = ["FROM base", "COPY . /app", "RUN /bin/sh -c chown 7 /app/a"]
    save(tmp_path / "shop-1.tar", [base, old], steps[:2])
    save(tmp_path / "shop-2.tar", [base, *new], steps)
    return folder


def run(heading: str, base: str = BASE) -> None:
    (example,) = EXAMPLES[heading]
    exec(compile(example.replace(BASE, base), heading, "exec"), {})


def test_every_section_has_an_example() -> None:
    assert {heading: len(examples) for heading, examples in EXAMPLES.items()} == dict.fromkeys(
        [*OFFLINE, *ON_ENGINE], 1
    )


OFFLINE = {
    "`context`: what a build can see": ["30207 30207\n", "data 1 500000\n"],
    "`why`: which rule decides": ["data/file-00000.csv ignored 1\n", "src kept None\n"],
    "`builders`: what can be measured on": ["default docker "],
    "`check`: limits": ["api 30207 None\n"],
    "`lint`: what is wrong with the ignore file": [
        "CX503 Dockerfile 4 this copies Dockerfile and .dockerignore",
        " 0 unsafe\n",
    ],
    "`image_difference`: what one image has more or less than another": [
        "-65700 ",
        "changed None COPY . /app -66700\n",
    ],
    "Errors and progress": ["no/such/directory"],
}
ON_ENGINE = {
    "`image`: where the bytes of an image are": ["4 30207 0 COPY . ."],
    "`compare`: with and without the ignore file": ["1172310 ", "data 1 500000 500000"],
    "`suggest`: rules worth adding": ["Dockerfile", " same-image "],
    "`cache`: what a change costs in the next build": ["data one more byte "],
}


@pytest.mark.parametrize("heading", OFFLINE)
def test_what_needs_no_engine(heading: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(heading)

    printed = capsys.readouterr().out
    assert [words for words in OFFLINE[heading] if words not in printed] == [], printed


@pytest.mark.docker
@pytest.mark.parametrize("heading", ON_ENGINE)
def test_what_builds(
    heading: str, project: Path, base_image: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    run(heading, base_image(BASE))

    printed = capsys.readouterr().out
    assert [words for words in ON_ENGINE[heading] if words not in printed] == [], printed
