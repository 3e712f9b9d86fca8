"""Fixture repos compared on a real engine, with both builders: the parts are the whole, nothing is left.

The claims people make for a .dockerignore are at the end, for the flask-gunicorn project.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from ctxsize import api as ctxsize_api
from ctxsize.comparison.types import Comparison
from ctxsize.engine.options import BuildOptions
from tests.comparison.conftest import Compared
from tests.support.gunicorn import check_serves
from tests.support.opening import open_images

pytestmark = pytest.mark.docker

BUILDERS = ["buildkit", "classic"]
SMALL = [
    "links",
    "chown",
    "derived",
    "multi-stage",
    "negation",
    "secrets",
    "dockerfile-specific",
    "empty-context",
]


@pytest.fixture(params=[(name, builder) for name in SMALL for builder in BUILDERS], ids="-".join)
def each(request: pytest.FixtureRequest, compared: Callable[[str, str], Compared]) -> Compared:
    return compared(*request.param)


def test_attributed_derived_and_unattributed_bytes_are_the_measured_difference(each: Compared) -> None:
    result = each.comparison
    with_, without = result.variants["with"], result.variants["without"]
    assert with_.image is not None and without.image is not None
    rest = result.unattributed
    assert rest.image_bytes is not None and rest.derived_bytes is not None and rest.pull_bytes is not None

    image = sum(path.image_bytes or 0 for path in result.paths) + rest.derived_bytes + rest.image_bytes
    context = sum(path.context_bytes for path in result.paths) + rest.context_bytes
    pull = sum(path.pull_bytes or 0 for path in result.paths) + rest.pull_bytes

    assert image == result.saved.image_bytes == without.image.bytes - with_.image.bytes
    assert context == result.saved.context_bytes == without.context.bytes - with_.context.bytes
    assert pull == result.saved.pull_bytes == without.image.pull_bytes - with_.image.pull_bytes
    assert "does-not-add-up" not in {warning.code for warning in result.warnings}
    assert sum(rule.image_bytes or 0 for rule in result.rules) == sum(
        path.image_bytes or 0 for path in result.paths
    )


def test_our_sum_of_the_layers_is_the_engines_size(each: Compared, api: docker.APIClient) -> None:
    """On overlay2. For BuildKit's layers the engine leaves out symlink targets, some 70 bytes here."""
    if api.info()["Driver"] != "overlay2":
        pytest.skip("only overlay2 counts as we do")
    engine = each.comparison.engine
    assert engine is not None
    symlinks = (
        100 if engine.builder != "classic" and each.comparison.project.context in {"links", "chown"} else 0
    )
    for variant in each.comparison.variants.values():
        assert variant.image is not None
        assert 0 <= variant.image.bytes - variant.image.engine_bytes <= symlinks


def test_only_the_ignore_file_itself_is_left_unattributed(each: Compared) -> None:
    """It is in the ``with`` image alone, when it does not list itself; a chown has it there twice."""
    rest = each.comparison.unattributed
    assert rest.image_bytes is not None
    assert rest.image_bytes in {0, rest.context_bytes, 2 * rest.context_bytes}


def test_the_tree_is_as_it_was_to_the_mtime(each: Compared) -> None:
    before, after = each.tree
    assert after == before


def test_no_image_and_no_cache_record_is_left(each: Compared) -> None:
    assert each.images[1] - each.images[0] == set()
    assert each.cache[1] - each.cache[0] == set()


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_multi_stage_image_that_copies_nothing_of_it_saves_no_image_bytes_and_says_so(
    compared: Callable[[str, str], Compared], builder: str
) -> None:
    result = compared("multi-stage", builder)

    assert result.comparison.saved.image_bytes == 0
    assert result.comparison.saved.context_bytes > 3_400_000
    assert result.paths["docs"].note == "not in the image without it either"
    assert "image-unchanged" in {warning.code for warning in result.comparison.warnings}


@pytest.mark.parametrize(("builder", "sent"), [("buildkit", (0, 30_000)), ("classic", (50_000, 30_000))])
def test_what_no_step_takes_is_sent_by_no_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, builder: str, sent: tuple[int, int]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    app = tmp_path / "app"
    for name, size in (("media/a", 50_000), ("src/a.log", 30_000), ("src/kept", 10)):
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_bytes(b"x" * size)
    (app / "Dockerfile").write_text("FROM scratch\nCOPY src /a\n")
    (app / ".dockerignore").write_text("media\n**/*.log\n")

    result = ctxsize_api.compare(app, builder=builder, repeat=1).comparison
    paths = {path.path: path for path in result.paths}

    assert (paths["media"].sent_bytes, paths["src/a.log"].sent_bytes) == sent
    needed = {name: variant.context.needed_bytes for name, variant in result.variants.items()}
    assert needed == {"with": 10, "without": 30_010}
    assert paths["media"].note == (
        "not in the image without it either" if sent[0] else "neither sent nor in the image without it"
    )


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_recursive_chown_doubles_what_ignoring_saves(
    compared: Callable[[str, str], Compared], builder: str
) -> None:
    data = compared("chown", builder).paths["data"]

    # Copied with one content for two hard links; written again by chown, each link in full.
    assert data.image_bytes is not None
    assert data.image_bytes > 2 * data.context_bytes
    assert compared("chown", builder).comparison.unattributed.derived_bytes == 0


@pytest.mark.parametrize("builder", BUILDERS)
def test_files_made_from_ignored_ones_are_derived(
    compared: Callable[[str, str], Compared], builder: str
) -> None:
    derived = compared("derived", builder).comparison

    assert derived.unattributed.derived_bytes is not None
    assert (
        derived.unattributed.derived_bytes > 500_000
    )  # all.csv has the ignored data once more, and data.csv.gz


def test_each_builder_reads_its_own_ignore_file(compared: Callable[[str, str], Compared]) -> None:
    buildkit = compared("dockerfile-specific", "buildkit").comparison.project.ignore_file
    classic = compared("dockerfile-specific", "classic").comparison.project.ignore_file

    assert (buildkit, classic) == ("Dockerfile.dockerignore", ".dockerignore")


def test_a_session_sends_only_what_the_dockerfile_needs(compared: Callable[[str, str], Compared]) -> None:
    """The classic builder gets the whole context whatever it copies."""
    session = compared("negation", "buildkit").comparison.variants["with"].context
    classic = compared("negation", "classic").comparison.variants["with"].context

    assert session.needed_bytes == session.bytes
    assert session.sent_bytes is not None and classic.sent_bytes is not None
    assert session.sent_bytes < 1_000 < classic.sent_bytes


@pytest.mark.parametrize("builder", BUILDERS)
def test_the_seconds_of_a_step_that_an_ignored_file_makes_slow_are_saved(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    base_args: Callable[[str], dict[str, str]],
    builder: str,
) -> None:
    """It sleeps: that takes as long on a busy machine as on a quiet one."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    app = tmp_path / "app"
    app.mkdir()
    (app / "slow").touch()
    (app / ".dockerignore").write_text("slow\n")
    step = "[ ! -e /app/slow ] || sleep 3"
    (app / "Dockerfile").write_text(f"ARG BASE\nFROM $BASE\nCOPY . /app/\nRUN {step}\n")
    options = BuildOptions(build_args=base_args("derived"), network="none")
    for _ in range(3):  # what the machine does beside may hide even that, and is reported as such
        compared = ctxsize_api.compare(app, builder=builder, options=options, repeat=3).comparison
        saved, without = compared.saved.seconds, compared.variants["without"].build
        if saved is not None and saved.significant:
            break

    assert saved is not None and saved.significant
    assert without is not None and 1.5 < saved.median <= max(without.runs)


# The claims people make for a .dockerignore.

FLASK = "flask-gunicorn"
#: Of its history: half is enough to be measured.
SCALE = 0.5
LISTED = {".git", ".gitignore", ".dockerignore", "Dockerfile"}


@dataclass(frozen=True)
class Flask:
    """The Flask project compared in earnest; ``files`` are the sizes below /app in each variant's image."""

    comparison: Comparison
    files: dict[str, dict[str, int]]


@pytest.fixture(scope="module", params=["buildkit", "classic"])
def flask(
    request: pytest.FixtureRequest,
    api: docker.APIClient,
    make_fixture: Callable[..., Path],
    base_args: Callable[[str], dict[str, str]],
) -> Iterator[Flask]:
    options = BuildOptions(build_args=base_args(FLASK))
    result = ctxsize_api.compare(
        make_fixture(FLASK, scale=SCALE), builder=request.param, options=options, repeat=3, keep=True
    ).comparison
    images = {name: each.image for name, each in result.variants.items() if each.image is not None}
    with open_images(api, [image.id for image in images.values()]) as reader:
        files = {name: _below_app(reader.listing(reader.images[image.id])) for name, image in images.items()}
    yield Flask(result, files)
    for image in images.values():
        api.remove_image(image.tag, force=True)


def test_each_of_the_four_entries_has_its_own_row_with_its_true_bytes(
    flask: Flask, make_fixture: Callable[..., Path]
) -> None:
    tree = make_fixture(FLASK, scale=SCALE)
    rows = {path.path: path for path in flask.comparison.paths}

    assert set(rows) == LISTED
    git = sum(entry.lstat().st_size for entry in (tree / ".git").rglob("*") if not entry.is_dir())
    assert rows[".git"].context_bytes == rows[".git"].image_bytes == git
    for name in (".gitignore", "Dockerfile"):
        assert rows[name].context_bytes == rows[name].image_bytes == (tree / name).stat().st_size
    assert (rows[".dockerignore"].context_bytes, rows[".dockerignore"].image_bytes) == (0, 0)
    assert (
        rows[".dockerignore"].note
        == "saves nothing: a project without an ignore file has no such file either"
    )


def test_ignoring_shrinks_context_image_pull_and_build_time(
    flask: Flask, make_fixture: Callable[..., Path]
) -> None:
    saved = flask.comparison.saved

    assert saved.context_bytes > 35_000_000
    # A file that an earlier step copied, too, is missing in the layer of some builds of Engine 20.10.
    requirements = (make_fixture(FLASK, scale=SCALE) / "requirements.txt").stat().st_size
    assert saved.image_bytes is not None
    assert abs(saved.image_bytes - saved.context_bytes) in {0, requirements}
    assert saved.pull_bytes is not None and saved.pull_bytes > 35_000_000
    # Half a second, which a busy machine hides: that a saving is found is tested with a longer one above.
    assert saved.seconds is not None and saved.seconds.high is not None
    assert saved.seconds.high > 0


def test_none_of_the_four_is_in_the_with_image_and_three_are_in_the_other(
    flask: Flask,
) -> None:
    names = {variant: {path.split("/")[0] for path in files} for variant, files in flask.files.items()}

    assert names["with"] & LISTED == set()
    assert names["without"] & LISTED == LISTED - {".dockerignore"}


@pytest.fixture(scope="module")
def built_without(
    api: docker.APIClient,
    make_fixture: Callable[..., Path],
    base_args: Callable[[str], dict[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, int]:
    """The sizes below /app in an image that the SDK builds from the Flask project without its ignore file."""
    copy = tmp_path_factory.mktemp("flask") / "project"
    shutil.copytree(make_fixture(FLASK, scale=SCALE), copy, symlinks=True)
    (copy / ".dockerignore").unlink()
    tag = "ctxsize-test:flask-without"
    for event in api.build(path=str(copy), tag=tag, buildargs=base_args(FLASK), rm=True, decode=True):
        assert "error" not in event, event
    identity = api.inspect_image(tag)["Id"]
    with open_images(api, [identity]) as reader:
        files = _below_app(reader.listing(reader.images[identity]))
    api.remove_image(tag, force=True)
    return files


def test_the_without_image_is_what_a_project_without_an_ignore_file_gives(
    flask: Flask, built_without: dict[str, int]
) -> None:
    assert flask.files["without"] == built_without


@pytest.mark.parametrize("variant", ["with", "without"])
def test_the_image_of_each_variant_serves(flask: Flask, engine: docker.DockerClient, variant: str) -> None:
    image = flask.comparison.variants[variant].image
    assert image is not None and image.tag is not None

    check_serves(engine, image.tag)


def _below_app(listing: Iterator[tuple[str, int]]) -> dict[str, int]:
    return {path.removeprefix("app/"): size for path, size in listing if path.startswith("app/")}


@pytest.mark.parametrize("builder", BUILDERS)
def test_files_that_look_like_secrets_are_known_whatever_the_builder(
    compared: Callable[[str, str], Compared], builder: str
) -> None:
    files = [file for file in compared("secrets", builder).comparison.sensitive if file.level == "likely"]
    assert {file.path for file in files if file.eligible} == {
        ".aws/credentials",
        "certs/server.pem",
        "deploy/terraform.tfstate",
        "services/worker/.env",
        "web/.npmrc",
    }
    assert all(file.needed for file in files if file.eligible)
    assert {file.path for file in files if not file.eligible} == {".env", "id_rsa"}


def test_content_that_both_images_pull_is_not_saved_by_the_name_it_has_without(
    compared: Callable[[str, str], Compared],
) -> None:
    """An ignored and a kept name share a content: in a tar it comes with the first of them."""
    result = compared("links", "buildkit").comparison

    left, saved = result.unattributed.pull_bytes, result.saved.pull_bytes
    assert left is not None and saved is not None
    assert abs(left) <= saved / 50


def test_builds_that_all_give_the_same_image_of_a_target(tmp_path: Path) -> None:
    """The classic builder gives a target no label, and takes all of it from the first build."""
    (tmp_path / "Dockerfile").write_text("FROM scratch AS web\nCOPY a /s\nFROM scratch\nCOPY a /\n")
    (tmp_path / ".dockerignore").write_text("b\n")
    (tmp_path / "a").write_text("a\n")

    result = ctxsize_api.compare(tmp_path, builder="classic", options=BuildOptions(target="web"), repeat=2)

    images = [each.image and each.image.bytes for each in result.comparison.variants.values()]
    assert images == [2, 2]
