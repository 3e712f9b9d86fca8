"""What is left on Podman after a run that ended, was interrupted, or lost its engine; and what must stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.buildkit.cases import BASE
from tests.engine.podman.conftest import Podman, compare, ctxsize
from tests.support.tree import tree_hash
from tests.support.waiting import GIVE_UP_SECONDS, wait_until

pytestmark = pytest.mark.podman


@pytest.fixture
def slow(project: Path) -> Path:
    """The project with a step in which a test can do something; Podman lets it end whatever happens to us."""
    with (project / "Dockerfile").open("a") as file:
        file.write("RUN sleep 10\n")
    return project


@pytest.fixture
def theirs(podman: Podman, project: Path) -> Iterator[None]:
    """Images and a container of the user's, of the same files; all must be there at the end."""
    podman.command("build", "--quiet", "--tag", "localhost/theirs:1", project)
    dangling = podman.command("build", "--quiet", "--label", "theirs=1", project)
    container = podman.command("create", "localhost/theirs:1", "true")
    before = podman.images()
    yield
    assert before <= podman.images()
    assert container in podman.containers()
    podman.command("rm", container)
    podman.command("rmi", "localhost/theirs:1")
    podman.command("rmi", dangling)


def begin(project: Path) -> subprocess.Popen[str]:
    """``ctxsize compare`` as a user starts it."""
    command = [sys.executable, "-m", "ctxsize", "compare", "--repeat", "1", project]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def in_the_slow_step(podman: Podman) -> Callable[[], bool]:
    """Whether the image of the step before it is there."""

    def look() -> bool:
        return any("ls /app" in podman.api.history(image)[0]["CreatedBy"] for image in podman.labelled())

    return look


@pytest.mark.usefixtures("theirs")
def test_what_is_the_users_stays(project: Path) -> None:
    compare("--repeat", "1", project)


def test_an_untagged_base_image_stays(podman: Podman, project: Path) -> None:
    base = podman.command("build", "--quiet", project)
    (project / "Dockerfile").write_text(f"FROM {base}\nCOPY . /again/\n")
    before = podman.images()
    compare("--repeat", "1", project)
    assert podman.images() == before
    podman.command("rmi", base)


def test_a_build_of_the_users_is_not_built_on_images_of_the_run(podman: Podman, slow: Path) -> None:
    run = begin(slow)
    wait_until("the slow step", in_the_slow_step(podman))
    (slow / "Dockerfile").write_text((slow / "Dockerfile").read_text().replace("RUN sleep 10\n", ""))
    image = podman.command("build", "--quiet", slow)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=GIVE_UP_SECONDS)
    # An image of the run that the user's was built on could not be removed.
    left = podman.labelled()
    podman.command("rmi", image)
    assert not left


@pytest.mark.usefixtures("theirs")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(podman: Podman, slow: Path, how: signal.Signals) -> None:
    containers = podman.containers()
    run = begin(slow)
    wait_until("the slow step", in_the_slow_step(podman))
    run.send_signal(how)
    _, said = run.communicate(timeout=GIVE_UP_SECONDS)
    assert run.returncode == 130
    assert [line for line in said.splitlines() if line.startswith("ctxsize")] == ["ctxsize: interrupted"]
    assert not podman.labelled()
    wait_until("its containers gone", lambda: podman.containers() <= containers)


@pytest.mark.usefixtures("theirs")
def test_what_a_killed_run_left_the_next_one_removes(podman: Podman, slow: Path) -> None:
    run = begin(slow)
    wait_until("the slow step", in_the_slow_step(podman))
    run.kill()
    run.communicate()
    assert podman.labelled()
    assert "would remove image" in ctxsize("clean", "--dry-run").stdout
    assert podman.labelled()
    (slow / "Dockerfile").write_text(f"FROM {BASE}\nCOPY . /app/\n")
    compare("--repeat", "1", slow)
    assert not podman.labelled()


@pytest.mark.usefixtures("theirs")
def test_an_engine_that_is_killed_in_a_build_is_clean_after_ctxsize_clean(podman: Podman, slow: Path) -> None:
    containers = podman.containers()
    run = begin(slow)
    wait_until("the slow step", in_the_slow_step(podman))
    podman.kill()
    _, said = run.communicate(timeout=GIVE_UP_SECONDS)
    podman.start()
    assert run.returncode == 4
    lines = [line for line in said.splitlines() if line.startswith("ctxsize: error")]
    assert lines and all("the engine went away during the build" in line for line in lines)
    assert podman.labelled()
    cleaned = ctxsize("clean")
    assert cleaned.exit_code == 0
    assert "removed container" in cleaned.stdout
    assert not podman.labelled()
    # Only the container of the base image, which nobody can tell from somebody else's, is still there.
    left = podman.containers() - containers
    assert len(left) <= 1
    for container in left:
        podman.command("rm", "--force", container)


def test_two_runs_at_once_do_not_touch_each_other(project: Path) -> None:
    runs = [begin(project) for _ in range(2)]
    for run in runs:
        _, said = run.communicate(timeout=GIVE_UP_SECONDS)
        assert run.returncode == 0, said


def test_the_tree_is_not_touched_and_a_fifo_in_it_harms_nothing(project: Path) -> None:
    os.mkfifo(project / "fifo")
    before = tree_hash(project)
    report = compare("--repeat", "1", project)
    assert report["saved"]["image_bytes"] == 1000
    assert tree_hash(project) == before
