"""What dead runs left goes, and nothing else: neither a live run's, nor another user's, nor a named image."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from click.testing import CliRunner, Result

from ctxsize.cli.main import main
from ctxsize.engine.connect import Engine, connect
from ctxsize.engine.footprint import clean as clean_module
from ctxsize.engine.footprint import leftovers
from ctxsize.engine.footprint import run as run_module
from ctxsize.engine.footprint.cache_records import Traces, Window
from ctxsize.engine.footprint.clean import clean
from ctxsize.engine.footprint.journal import Made, dead_journals, owner, state_directory
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.marks import RUN_LABEL, object_labels
from ctxsize.errors import UsageError
from ctxsize.files import own
from ctxsize.progress import Silent

pytestmark = pytest.mark.docker

#: A run of a user or machine that is not us.
STRANGER = "0badcafe-00000001"
SIZE = 12_345


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory, and so a user, of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(own, "_TEMPORARY", ())
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return state_directory()


@pytest.fixture
def here(engine: docker.DockerClient) -> Engine:
    """The engine as ctxsize knows it."""
    return connect()


@pytest.fixture
def dead(here: Engine, state: Path) -> str:
    """The id of a run that this user made and nobody works on; it has a journal."""
    run = f"{owner()}-0000dead"
    state.mkdir(parents=True, exist_ok=True)
    (state / f"{run}.jsonl").write_text(json.dumps({"engine": here.info.id}) + "\n")
    return run


@pytest.fixture
def make_image(api: docker.APIClient) -> Iterator[Callable[[str], str]]:
    """``make_image(run)``: an untagged image of SIZE bytes with the label of a run."""
    made = []

    def make(run: str) -> str:
        body = io.BytesIO()
        with tarfile.open(fileobj=body, mode="w") as tar:
            member = tarfile.TarInfo(f"file-{len(made)}")
            member.size = SIZE
            tar.addfile(member, io.BytesIO(run.encode().ljust(SIZE, b".")))
        answer = api.import_image_from_data(body.getvalue(), changes=[f"LABEL {RUN_LABEL}={run}"])
        made.append(str(json.loads(answer.splitlines()[-1])["status"]))
        return made[-1]

    yield make
    for image in made:
        if _is_there(api, image):
            api.remove_image(image, force=True)


def _is_there(api: docker.APIClient, image: str) -> bool:
    return image in {each["Id"] for each in api.images(all=True)}


def ctxsize(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_a_dry_run_says_what_would_go_and_leaves_it(
    here: Engine, api: docker.APIClient, dead: str, make_image: Callable[[str], str]
) -> None:
    image = make_image(dead)

    result = ctxsize("clean", "--dry-run")

    short = image.removeprefix("sha256:")[:12]
    lines = result.output.splitlines()
    assert lines[0] == f"would remove image {short}, 12.3kB, of run {dead}"
    assert lines[-1] == "would remove 1 thing, 12.3kB"
    assert result.exit_code == 0
    assert _is_there(api, image)


def test_containers_and_images_of_a_dead_run_go(
    here: Engine, api: docker.APIClient, dead: str, make_image: Callable[[str], str]
) -> None:
    image = make_image(dead)
    container = api.create_container(image, "x", labels=object_labels(dead))["Id"]

    cleaned = clean(here)

    assert [(thing.kind, thing.id, thing.bytes) for thing in cleaned.removed] == [
        ("container", container, 0),
        ("image", image, SIZE),
    ]
    assert cleaned.bytes == SIZE
    assert not _is_there(api, image)
    assert ctxsize("clean").output.splitlines()[-1] == "nothing to remove"


def test_a_container_of_the_classic_builder_goes(
    here: Engine,
    api: docker.APIClient,
    dead: str,
    make_image: Callable[[str], str],
    new_tag: Callable[[], str],
) -> None:
    """It has the label of the step that it makes, and nothing else of ours."""
    base = json.loads(api.import_image_from_data(b"\0" * 1024).splitlines()[-1])["status"]
    container = api.create_container(base, "x", labels={RUN_LABEL: dead})["Id"]
    try:
        assert [thing.id for thing in clean(here).removed] == [container]
    finally:
        api.remove_image(base, force=True)


def test_a_container_of_no_image_can_not_have_inherited_its_label(
    here: Engine, api: docker.APIClient, dead: str
) -> None:
    """The classic builder makes one for a first step FROM scratch, and leaves it when it is killed."""
    steps = f"FROM scratch\nLABEL {RUN_LABEL}={dead}\n"
    list(api.build(fileobj=io.BytesIO(steps.encode()), rm=False, decode=True))

    assert [thing.kind for thing in clean(here).removed] == ["container", "image"]


def test_a_container_that_the_classic_builder_ran_a_step_in_goes(
    here: Engine, api: docker.APIClient, state: Path, dead: str, new_tag: Callable[[], str]
) -> None:
    """It has its label from the image of the step before, as one that somebody starts from an image that was
    kept has: the journal tells them apart. A line that something else has written over names none, and one
    that a hostile RUN made up names none of ours."""
    changes = [f"LABEL {RUN_LABEL}={dead}"]
    base, other = (
        json.loads(api.import_image_from_data(b"\0" * 1024, changes=each).splitlines()[-1])["status"]
        for each in (changes, [])
    )
    api.tag(base, *new_tag().split(":"))
    ours, users = (api.create_container(base, "x")["Id"] for _ in range(2))
    foreign = api.create_container(other, "x")["Id"]
    state.mkdir(parents=True, exist_ok=True)
    lines = [{"engine": here.info.id}] + [
        {"kind": "container", "value": value} for value in (ours[:12], "", users[:4], ".*", foreign[:12])
    ]
    (state / f"{dead}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    try:
        assert [(thing.kind, thing.id) for thing in clean(here).removed] == [("container", ours)]
        assert {users, foreign} <= {each["Id"] for each in api.containers(all=True)}
    finally:
        api.remove_container(users)
        api.remove_container(foreign)
        api.remove_image(other, force=True)


def test_an_image_without_a_label_that_is_older_than_the_run_is_not_its(
    here: Engine, api: docker.APIClient, state: Path, dead: str
) -> None:
    """ONBUILD triggers make images without one; what a hostile RUN prints can name any."""
    older = _unlabelled(api, "older")
    began = str(here.info.now())
    time.sleep(0.5)  # how long the engine took to tell its time
    younger = _unlabelled(api, "younger")
    state.mkdir(parents=True, exist_ok=True)
    lines = [{"engine": here.info.id}] + [
        {"kind": kind, "value": value}
        for kind, value in (("began", began), ("image", older), ("image", younger))
    ]
    (state / f"{dead}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    try:
        assert [thing.id for thing in clean(here).removed] == [younger]
    finally:
        api.remove_image(older)


def _unlabelled(api: docker.APIClient, comment: str) -> str:
    answer = api.import_image_from_data(b"\0" * 1024, changes=[f"ENV a={comment}"])
    return str(json.loads(answer.splitlines()[-1])["status"])


@pytest.fixture
def make_steps(api: docker.APIClient) -> Iterator[Callable[..., list[str]]]:
    """``make_steps(run)``: the images of a classic build, one a step, lowest first; the last has a tag."""
    made: list[str] = []

    def make(run: str, tag: str | None = None) -> list[str]:
        before = {each["Id"] for each in api.images(all=True)}
        steps = f"FROM scratch\nLABEL {RUN_LABEL}={run}\nENV a=b\nENV c={len(made)}\n"
        list(api.build(fileobj=io.BytesIO(steps.encode()), tag=tag, rm=True, decode=True))
        new = [each for each in api.images(all=True) if each["Id"] not in before]
        parents = {each["ParentId"]: each["Id"] for each in new}
        images = [parents[""]]
        while images[-1] in parents:
            images.append(parents[images[-1]])
        made.extend(images)
        return images

    yield make
    for image in reversed(made):
        if _is_there(api, image):
            api.remove_image(image, force=True, noprune=True)


def test_the_images_of_the_steps_of_a_dead_run_go_children_first(
    here: Engine, api: docker.APIClient, dead: str, make_steps: Callable[..., list[str]]
) -> None:
    """Nobody heard of them, so no journal lists them. They were made in the same second."""
    images = make_steps(dead)
    told: list[object] = []

    class Told(Silent):
        def phase(self, name: str) -> None:
            told.append(name)

        def removed(self, what: str, count: int, of: int, size: int, total: int) -> None:
            told.append((what, count, of))

    assert [thing.id for thing in clean(here, progress=Told()).removed] == images[::-1]
    counts = [("images", count, len(images)) for count in range(len(images) + 1)]
    assert told == ["clean up after a killed run", *counts]
    assert not any(_is_there(api, image) for image in images)


def test_what_a_kept_image_is_built_on_stays_and_is_not_waited_for(
    here: Engine,
    api: docker.APIClient,
    dead: str,
    new_tag: Callable[[], str],
    make_steps: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[float] = []
    monkeypatch.setattr(run_module, "pause", lambda answered: looks.append(answered) or 0.0)
    with Run(here) as run:
        images = make_steps(run.id, new_tag())
    assert len(looks) < run_module._ATTEMPTS / 2

    cleaned = clean(here)

    assert (cleaned.removed, cleaned.kept) == ((), ())
    assert all(_is_there(api, image) for image in images)


def test_the_history_of_builds_is_asked_once_for_all_dead_runs(
    here: Engine, dead: str, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = leftovers.past_builds
    monkeypatch.setattr(leftovers, "past_builds", lambda api: asked.append(1) or real(api))
    state.mkdir(parents=True, exist_ok=True)
    for number in range(3):
        (state / f"{dead[:-1]}{number}.jsonl").write_text(json.dumps({"engine": here.info.id}) + "\n")

    clean(here)

    assert len(asked) == 1


def test_what_a_live_run_made_stays(
    here: Engine, api: docker.APIClient, make_image: Callable[[str], str]
) -> None:
    with Run(here) as run:
        image = make_image(run.id)

        cleaned = clean(here)

        assert (cleaned.removed, run.id in cleaned.live) == ((), True)
        assert f"at work, left alone: run {run.id}" in ctxsize("clean", "--dry-run").output
        assert _is_there(api, image)
    assert not _is_there(api, image)


def test_a_named_image_stays(
    here: Engine,
    api: docker.APIClient,
    dead: str,
    make_image: Callable[[str], str],
    new_tag: Callable[[], str],
) -> None:
    image, (repository, tag) = make_image(dead), new_tag().split(":")
    api.tag(image, repository, tag)

    assert clean(here).removed == ()
    assert _is_there(api, image)


def test_what_users_made_of_a_kept_image_stays(
    here: Engine,
    api: docker.APIClient,
    dead: str,
    make_image: Callable[[str], str],
    new_tag: Callable[[], str],
) -> None:
    """Labels are inherited: by a container of an image, and by an image built from it."""
    image, (repository, tag) = make_image(dead), new_tag().split(":")
    api.tag(image, repository, tag)
    container = api.create_container(image, "x")["Id"]
    built = api.commit(container)["Id"]
    try:
        assert RUN_LABEL in api.inspect_container(container)["Config"]["Labels"]
        assert clean(here).removed == ()
        assert _is_there(api, built)
    finally:
        api.remove_container(container)
        api.remove_image(built)


def test_somebody_elses_run_stays_until_it_is_named(
    here: Engine, api: docker.APIClient, make_image: Callable[[str], str]
) -> None:
    image = make_image(STRANGER)

    cleaned = clean(here)
    assert cleaned.removed == ()
    assert STRANGER in cleaned.others
    assert _is_there(api, image)

    assert [thing.id for thing in clean(here, runs=[STRANGER]).removed] == [image]
    assert not _is_there(api, image)


@pytest.mark.parametrize("name", ["", "a", "*", "0badcafe", "0badcafe-0000000"])
def test_only_a_whole_name_names_a_run(here: Engine, name: str) -> None:
    """Cache records are told by the run's name in their description: a part of one would match others'."""
    with pytest.raises(UsageError, match="is no run"):
        clean(here, runs=[name])


def test_a_live_run_can_not_be_named(here: Engine) -> None:
    with Run(here) as run, pytest.raises(UsageError, match="is at work"):
        clean(here, runs=[run.id])


def test_what_is_in_use_stays_and_is_said(
    here: Engine, api: docker.APIClient, dead: str, make_image: Callable[[str], str]
) -> None:
    image = make_image(dead)
    container = api.create_container(image, "x")["Id"]  # the user's: it has no label
    try:
        result = ctxsize("clean")

        assert result.exit_code == 1
        assert result.output.startswith("in use, stays: image ")
        assert _is_there(api, image)
    finally:
        api.remove_container(container)


def test_a_journal_without_a_runs_name_is_none_of_ours(here: Engine, state: Path) -> None:
    """Its name would be looked for in the descriptions of everybody's cache records."""
    state.mkdir(parents=True, exist_ok=True)
    (state / "local.jsonl").write_text(json.dumps({"engine": here.info.id}))

    assert clean(here).removed == ()
    assert (state / "local.jsonl").exists()


@pytest.mark.parametrize("window", ["", "soon", "1 2 3", "\ufffd"])
def test_a_damaged_journal_stops_nobody(here: Engine, state: Path, dead: str, window: str) -> None:
    state.mkdir(parents=True, exist_ok=True)
    lines = [{"engine": here.info.id}, {"kind": "window", "value": window}, {"kind": "image", "value": "no"}]
    (state / f"{dead}.jsonl").write_text("\n".join(map(json.dumps, lines)))

    assert clean(here).removed == ()


def test_an_engine_that_is_slow_to_answer_has_longer_to_wind_a_build_down() -> None:
    assert [run_module.pause(answered) for answered in (0.01, 0.1, 60)] == [0.25, 0.5, 2]


def test_a_journal_is_kept_while_its_engine_may_still_wind_down(
    here: Engine, state: Path, dead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.mkdir(parents=True, exist_ok=True)
    journal = state / f"{dead}.jsonl"
    journal.write_text(json.dumps({"engine": here.info.id}))

    clean(here)
    assert journal.exists()

    monkeypatch.setattr(clean_module, "_WINDING_DOWN", -1.0)
    clean(here)
    assert not journal.exists()


def test_what_was_found_before_is_read_from_the_journal() -> None:
    made = [
        Made("window", "20 30"),
        Made("record", "a"),
        Made("other", "x"),
        Made("unpacked", "soon"),
        Made("begun", "never"),
    ]

    traces = leftovers.traces_of(made)

    assert traces == Traces({Window(20, 30): None}, ids={"a"}, others={"x"})


def test_the_journal_of_another_engine_is_kept(here: Engine, state: Path, dead: str) -> None:
    state.mkdir(parents=True, exist_ok=True)
    (state / f"{dead}.jsonl").write_text(json.dumps({"engine": "another"}))

    clean(here)

    assert [journal.run for journal in dead_journals()] == [dead]


def test_two_who_clean_at_once_never_take_the_same_run(here: Engine, state: Path, dead: str) -> None:
    state.mkdir(parents=True, exist_ok=True)
    (state / f"{dead}.jsonl").write_text(json.dumps({"engine": here.info.id}))

    taken = dead_journals()
    assert next(taken).run == dead
    assert list(dead_journals()) == []
    taken.close()
    assert [journal.run for journal in dead_journals()] == [dead]


def test_a_run_that_can_not_write_its_journal_makes_nothing(
    here: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    monkeypatch.setattr(own, "_TEMPORARY", ())

    with (
        pytest.raises(UsageError, match=r"can't be written down: Not a directory.*XDG_STATE_HOME"),
        Run(here),
    ):
        pytest.fail("it began all the same")


def test_the_temporary_directory_of_a_dead_run_goes_and_no_other(
    here: Engine, state: Path, dead: str, tmp_path: Path
) -> None:
    probe, users, link = (tmp_path / name for name in ("ctxsize-probe-x", "users", "ctxsize-probe-y"))
    for folder in (probe, users):
        folder.mkdir()
        (folder / "file").write_text("12345")
    link.symlink_to(users)
    state.mkdir(parents=True, exist_ok=True)
    lines = [{"engine": here.info.id}] + [
        {"kind": "directory", "value": str(each)} for each in (probe, users, link)
    ]
    (state / f"{dead}.jsonl").write_text("\n".join(map(json.dumps, lines)))

    cleaned = clean(here)

    assert [(thing.kind, thing.id, thing.bytes) for thing in cleaned.removed] == [
        ("directory", str(probe), 5)
    ]
    assert (users / "file").exists()
    assert not probe.exists()
