"""``ctxsize check`` with images: built once, named, or saved; and what it leaves on the engine."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import docker
import jsonschema
import pytest
from click.testing import CliRunner, Result

from ctxsize.cli import main

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs/schema/check-1.json").read_text())
pytestmark = pytest.mark.docker
#: The files of the image: app/main.bin and app/conf.txt.
OWN = 120_000 + 500


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def targets(result: Result) -> list[dict]:
    document = json.loads(result.stdout)
    jsonschema.validate(document, SCHEMA)
    return document["targets"]


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "app"
    for name, size in {"app/main.bin": 120_000, "app/conf.txt": 500, "app/debug.log": 9000}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x" * size)
    (root / "Dockerfile").write_text("FROM scratch\nCOPY app /app\n")
    (root / ".dockerignore").write_text("**/*.log\n")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def image(app: Path, engine: docker.DockerClient, new_tag: Callable[[], str]) -> str:
    tag = new_tag()
    engine.images.build(path=str(app), tag=tag)
    return tag


def test_an_image_limit_builds_once_and_is_exact_to_the_byte(app: Path, engine: docker.DockerClient) -> None:
    before = {image.id for image in engine.images.list(all=True)}
    assert check("--limit", f"image={OWN} B").exit_code == 0
    result = check("--limit", f"image={OWN - 1} B")
    assert result.exit_code == 1
    assert f"image is {OWN:,} bytes, 1B over its limit of {OWN - 1:,} bytes" in result.output
    assert {image.id for image in engine.images.list(all=True)} == before


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_savings_are_measured_against_a_build_without_the_ignore_file(app: Path, builder: str) -> None:
    arguments = ["--limit", "savings.image=9 kB", "--limit", "savings.context=8991 B", "--format", "json"]
    (target,) = targets(check("--builder", builder, *arguments))
    saved = {each["name"]: each["value"] for each in target["limits"]}
    # The ignore file itself is in the context only with the ignore file; COPY does not take it.
    assert saved == {"savings.context": 9000 - len("**/*.log\n"), "savings.image": 9000}
    assert target["exit_code"] == 0


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_what_targets_of_one_dockerfile_share_counts_once(tmp_path: Path, builder: str) -> None:
    """Built by the official client, both images have the layers of the common stage."""
    for name, size in (("big", 50_000), ("web", 300), ("worker", 700)):
        (tmp_path / name).write_bytes(b"x" * size)
    stages = "FROM common AS web\nCOPY web /it\nFROM common AS worker\nCOPY worker /it\n"
    (tmp_path / "Dockerfile").write_text(
        f"FROM scratch AS common\nWORKDIR /new\nCOPY big /new/below/\n{stages}"
    )
    services = "".join(
        f"  {name}:\n    build:\n      context: .\n      target: {name}\n" for name in ("web", "worker")
    )
    (tmp_path / "compose.yaml").write_text(f"services:\n{services}")

    compose = ("--compose", tmp_path / "compose.yaml", "--builder", builder)
    result = check(*compose, "--limit", "image=1MB", "--format", "json")

    totals = json.loads(result.stdout)["totals"]
    assert totals["image_bytes"] == 50_000 + 300 + 700
    each = [target["sizes"]["pull_bytes"] for target in targets(result)]
    assert totals["pull_bytes"] < sum(each)


def test_growth_of_an_image_names_the_path_in_it(app: Path, tmp_path: Path) -> None:
    limits = ["--limit", "growth.image=1%", "--limit", "growth.build-time=100000%"]
    first = check("--save-baseline", tmp_path / "b.json", "--repeat", "3", *limits)
    assert first.exit_code == 0, first.output
    saved = json.loads((tmp_path / "b.json").read_text())["targets"]["app"]
    jsonschema.validate(
        json.loads((tmp_path / "b.json").read_text()),
        json.loads((ROOT / "docs/schema/baseline-1.json").read_text()),
    )
    assert saved["image"]["bytes"] == OWN
    assert len(saved["build"]["runs"]) == 3
    (app / "app/assets").mkdir()
    (app / "app/assets/font.bin").write_bytes(b"x" * 70_000)
    result = check("--baseline", tmp_path / "b.json", "--repeat", "3", *limits, "--format", "json")
    (target,) = targets(result)
    image, seconds = target["limits"]
    assert (image["value"], image["baseline"], image["over"]) == (70_000, OWN, True)
    assert image["grew"] == [
        {"path": "line 2: COPY app /app", "kind": "line", "before": OWN, "after": OWN + 70_000},
        {"path": "/app/assets/font.bin", "kind": "image", "before": 0, "after": 70_000},
    ]
    assert (seconds["unit"], seconds["over"]) == ("seconds", False)
    assert seconds["total"] > 0
    assert target["exit_code"] == 1


def test_what_is_wasted_and_which_lines_of_the_dockerfile_do_it(
    tmp_path: Path, engine: docker.DockerClient, base_image: Callable[[str], str], new_tag: Callable[[], str]
) -> None:
    """What the base wastes is wasted, and not reclaimable; its layers are not the largest of one's own."""
    base, busybox = new_tag(), base_image("busybox:1.36")
    lower = tmp_path / "lower"
    lower.mkdir()
    (lower / "data").write_bytes(b"d" * 50_000)
    (lower / "Dockerfile").write_text(f"FROM {busybox}\nCOPY data /data\nRUN rm /data\n")
    engine.images.build(path=str(lower), tag=base, rm=True)
    own = tmp_path / "own"
    own.mkdir()
    (own / "big").write_bytes(b"b" * 7_000)
    (own / "Dockerfile").write_text(
        f"FROM {base}\nCOPY big /big\nRUN chmod 600 /big && mkdir -p /tmp && echo x > /tmp/x\n"
    )
    limits = [f"--limit={name}=1 B" for name in ("wasted", "reclaimable", "leftovers", "layer")]
    (target,) = targets(check(own, *limits, "--format", "json"))
    assert {each["name"]: each["value"] for each in target["limits"]} == {
        "wasted": 57_000, "reclaimable": 7_000, "leftovers": 2, "layer": 7_002,
    }  # fmt: skip
    hint = target["limits"][1]["hint"]
    assert "7kB in /big of line 2: COPY big /big, stored again by line 3: RUN chmod 600 /big" in hint


def test_an_image_that_is_there_is_not_built(app: Path, image: str) -> None:
    (app / "app/main.bin").unlink()
    (target,) = targets(check("--image", image, "--limit", "image=1 MB", "--format", "json"))
    assert target["sizes"]["image_bytes"] == OWN
    assert target["sizes"]["image_source"] == image


def test_an_image_that_is_not_there_is_a_usage_error(app: Path) -> None:
    result = check("--image", "ctxsize/not-there", "--limit", "image=1 MB")
    assert result.exit_code == 2
    assert "ctxsize/not-there: the engine has no such image (build or pull it first)" in result.output


def test_a_build_that_fails_is_exit_code_3_and_names_the_rule(app: Path) -> None:
    (app / ".dockerignore").write_text("app\n")
    result = check("--limit", "image=1 MB", "--limit", "context=1 B")
    assert result.exit_code == 3
    assert ".dockerignore:1: " in result.output
    assert "the rule `app` ignores app, which COPY at Dockerfile:2 needs" in result.output
    assert "over its limit of 1B" in result.output, "what was measured is reported all the same"


@pytest.fixture
def saved(image: str, tmp_path: Path) -> Path:
    path = tmp_path / "saved.tar"
    subprocess.run(["docker", "save", "-o", str(path), image], check=True)
    return path


def sizes(archive: Path, *arguments: str) -> tuple[int, int]:
    result = check("--archive", archive, "--limit", "image=1 MB", "--format", "json", *arguments)
    assert result.exit_code == 0, result.output
    (target,) = targets(result)
    assert target["sizes"]["image_source"] == str(archive)
    return target["sizes"]["image_bytes"], target["sizes"]["pull_bytes"]


def test_a_saved_image_is_read_without_an_engine(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    size, pull = sizes(saved)
    assert size == OWN
    assert 0 < pull < 2000, "twelve thousand times the same letter"
    packed = saved.with_suffix(".tar.gz")
    packed.write_bytes(gzip.compress(saved.read_bytes()))
    assert sizes(packed) == (size, pull)


def test_totals_count_a_base_that_images_share_once(
    app: Path, engine: docker.DockerClient, image: str, new_tag: Callable[[], str], tmp_path: Path
) -> None:
    for name, size in {"one": 100, "two": 2000}.items():
        root = tmp_path / "many" / name
        root.mkdir(parents=True)
        (root / "own").write_bytes(b"x" * size)
        (root / "Dockerfile").write_text(f"FROM {image}\nCOPY own /\n")
    result = check(tmp_path / "many/one", tmp_path / "many/two", "--limit", "image=1 MB", "--format", "json")
    assert result.exit_code == 0, result.output
    assert [each["sizes"]["image_bytes"] for each in targets(result)] == [OWN + 100, OWN + 2000]
    assert json.loads(result.stdout)["totals"]["image_bytes"] == OWN + 2100


def test_a_first_configuration_has_limits_for_the_image(app: Path) -> None:
    result = check("--init")
    assert result.exit_code == 0, result.output
    assert 'image = "140 kB"' in (app / ".ctxsize.toml").read_text()
    assert check().exit_code == 0


def test_several_at_the_same_time_and_what_is_timed_alone(
    app: Path, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left of any, and a build that is timed begins when the others are over."""
    (app / ".ctxsize.toml").write_text(
        "".join(
            f"[targets.{name}]\n[targets.{name}.budget]\n{limits}\n"
            for name, limits in (
                ("a", f'image = "{OWN} B"'),
                ("timed", 'growth = { build-time = "50%" }'),
                ("b", f'image = "{OWN - 1} B"\nsavings.image = "9000 B"'),
                ("c", 'image = "1 MB"'),
            )
        )
    )
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    before = {image.id for image in engine.images.list(all=True)}

    given = ("--repeat", "1", "--save-baseline", "base.json", "--format", "json", "-v")
    result = check("--jobs", "2", *given)

    found = targets(result)
    assert [(each["name"], each["exit_code"]) for each in found] == [
        ("a", 0),
        ("timed", 0),
        ("b", 1),
        ("c", 0),
    ]
    assert [each["sizes"]["image_bytes"] for each in found] == [OWN, OWN, OWN, OWN]
    assert json.loads(Path("base.json").read_text())["targets"]["timed"]["build"]["runs"]
    assert {image.id for image in engine.images.list(all=True)} == before
