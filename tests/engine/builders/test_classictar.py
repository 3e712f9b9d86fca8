"""Every image of a classic build has the run's label, and what a step copies is what the official client's
build copies."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from ctxsize.engine.connect import connect
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.marks import RUN_LABEL
from ctxsize.engine.options import BuildOptions
from ctxsize.errors import BuildFailed
from ctxsize.measure.subject import prepare
from ctxsize.progress import Silent
from tests.support.reference import docker_build

pytestmark = pytest.mark.docker

#: An ignore file, and whether a Dockerfile with a label has a place in the tar of (with, without).
CASES = {
    "everything recommended": (".git\n.dockerignore\nDockerfile\n", True, True),
    "the ignore file alone": (".dockerignore\n", True, True),
    "the Dockerfile alone": ("Dockerfile\n", True, True),
    "a directory": (".git\n", True, True),
    "a directory by a wildcard": ("**/node_modules\n", True, True),
    "files by a wildcard": ("*.log\n", True, True),
    "all but some": ("*\n!keep\n!web\n", True, True),
    "a directory with an exception": ("web\n!web/keep\n.git\n", True, True),
    "nothing": ("no-such-file\n", False, True),
    "nothing, as all are comments": ("# .git\n", False, True),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for path in (".git/config", "web/node_modules/a.js", "web/keep", "keep", "a.log"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    (root / "Dockerfile").write_text("FROM scratch AS one\nCOPY . /one/\nFROM scratch\nCOPY . /\nENV a=b\n")
    return root


def files(api: docker.APIClient, image: str) -> set[tuple[str, int]]:
    """The names in the image's layers, with their sizes; directories too."""
    found = set()
    with tarfile.open(fileobj=io.BytesIO(b"".join(api.get_image(image)))) as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=archive.extractfile(layer)) as tar:
                found |= {(member.name.removesuffix("/"), member.size) for member in tar}
    return found


def labels(api: docker.APIClient, image: str) -> dict[str, str]:
    return api.inspect_image(image)["Config"].get("Labels") or {}


def built(
    api: docker.APIClient, project: Path, variant: str, dockerfile: Path | None = None
) -> tuple[set[tuple[str, int]], list[bool]]:
    """What arrives in the variant's image; and of each image that was made, whether it has the label."""
    before = {image["Id"] for image in api.images(all=True)}
    engine = connect()
    subject = prepare(
        project,
        dockerfile=dockerfile,
        builder="classic",
        options=BuildOptions(),
        progress=Silent(),
        engine=engine,
    )
    with Run(engine) as run:
        result = subject.builder(run).build(subject.variant(variant), progress=Silent())
        made = [image["Id"] for image in api.images(all=True) if image["Id"] not in before]
        return files(api, result.image_id), [labels(api, image).get(RUN_LABEL) == run.id for image in made]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("variant", ["with", "without"])
def test_every_image_has_the_label_and_what_arrives_is_dockers(
    api: docker.APIClient, project: Path, new_tag: Callable[[], str], name: str, variant: str
) -> None:
    rules, *labelled = CASES[name]
    (project / ".dockerignore").write_text(rules)

    arrived, made = built(api, project, variant)

    if variant == "without":
        (project / ".dockerignore").unlink()
    reference = docker_build(project, "classic", tag=new_tag())
    assert reference.image, reference.output
    assert arrived == files(api, reference.image)
    assert len(made) >= 4
    assert all(made) == labelled[variant == "without"]


@pytest.mark.parametrize("rules", [".dockerignore\n", "*.log\n", None])
def test_a_dockerfile_outside_the_context(
    api: docker.APIClient, project: Path, new_tag: Callable[[], str], tmp_path: Path, rules: str | None
) -> None:
    outside = tmp_path / "Dockerfile"
    (project / "Dockerfile").rename(outside)
    if rules:
        (project / ".dockerignore").write_text(rules)

    arrived, made = built(api, project, "with", outside)

    reference = docker_build(project, "classic", tag=new_tag(), options=("-f", str(outside)))
    assert reference.image, reference.output

    def same(found: set[tuple[str, int]]) -> set[tuple[str, int]]:
        return {(path, 0 if "dockerignore" in path else size) for path, size in found}

    assert same(arrived) == same(files(api, reference.image))
    assert all(made)


def test_an_ignore_file_that_is_a_link_is_left_as_it_is(
    api: docker.APIClient, project: Path, new_tag: Callable[[], str]
) -> None:
    """The builder takes away what the link leads to."""
    (project / "rules").write_text(".git\n.dockerignore\n")
    (project / ".dockerignore").symlink_to("rules")

    arrived, _ = built(api, project, "with")

    reference = docker_build(project, "classic", tag=new_tag())
    assert reference.image, reference.output
    assert arrived == files(api, reference.image)


def test_a_dockerfile_that_the_official_client_does_not_send_fails_as_there(
    api: docker.APIClient, project: Path
) -> None:
    (project / "a").mkdir()
    shutil.move(project / "Dockerfile", project / "a/Dockerfile")
    (project / ".dockerignore").write_text("**/a\n.dockerignore\n")

    with pytest.raises(BuildFailed, match="Dockerfile"):
        built(api, project, "with", project / "a/Dockerfile")


def test_an_instruction_that_is_none_is_on_its_own_line(api: docker.APIClient, project: Path) -> None:
    """The label that comes before it does not count."""
    (project / ".dockerignore").write_text(".git\n")
    (project / "Dockerfile").write_text("FROM scratch\nCOPY . /\nHEALTHCHECK --nonsense CMD x\n")

    with pytest.raises(BuildFailed) as failure:
        built(api, project, "with")

    assert str(failure.value).startswith("Dockerfile:3: this builder does not know the flag --nonsense")


def test_a_run_that_speaks_as_the_builder_has_nothing_of_the_users_removed(
    api: docker.APIClient, project: Path, base_image: Callable[[str], str]
) -> None:
    answer = api.import_image_from_data(b"\0" * 1024, changes=["ENV users=own"])
    users = str(json.loads(answer.splitlines()[-1])["status"])
    digits = users.removeprefix("sha256:")[:12]
    (project / "Dockerfile").write_text(
        f"FROM {base_image('busybox:1.36')}\nRUN printf 'x\\n ---> {digits}\\n ---> Running in {digits}\\n'\n"
    )
    (project / ".dockerignore").write_text(".git\n")
    try:
        built(api, project, "with")
        assert users in {image["Id"] for image in api.images(all=True)}
    finally:
        api.remove_image(users)
