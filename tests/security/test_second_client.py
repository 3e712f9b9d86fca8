"""What another client of the same engine can get out of a session of ours while it is open.

It can't guess the id, and nothing it may ask tells it. Who has it all the same, from a log of the engine's
machine for instance, is served what any build of ours would be: the context, and nothing beside it.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import docker
import docker.errors
import pytest

from ctxsize.engine import buildkit
from ctxsize.engine.builders.buildkit import SessionMatcher
from ctxsize.engine.buildkit import LocalDir, SolveRequest, connect, solve
from ctxsize.engine.buildkit.fallback import Fallback
from ctxsize.engine.buildkit.filesync import FileSync
from ctxsize.engine.buildkit.session import Health, Session
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.measure.subject import prepare
from ctxsize.progress import Silent
from tests.support import buildcache
from tests.support.control import Control, Refused

pytestmark = pytest.mark.docker

INSIDE, OUTSIDE = "only we know this", "what must never leave this machine"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A context of three files and a link out of it."""
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "outside").write_text(OUTSIDE)
    (folder / "link").symlink_to("../outside")
    (folder / ".dockerignore").write_text("secret\n")
    (folder / "secret").write_text(INSIDE)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    return folder


@pytest.fixture
def second() -> Control:
    """The second client."""
    host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if not host.startswith("unix://"):
        pytest.skip("the engine is not on a Unix socket")
    return Control(host)


@dataclass
class Open:
    """A session that is open: what the names of its directories begin with, and what was asked of it."""

    id: str
    name: str
    asked: FileSync

    @property
    def context(self) -> str:
        """The name of the context."""
        return f"{self.name}-context"


@pytest.fixture
def session(api: docker.APIClient, project: Path) -> Iterator[Open]:
    """A session like that of a build, whose cache records are removed after the test."""
    name = f"ctxsize-second-{uuid.uuid4().hex[:8]}"
    request = SolveRequest(cache_name=name)
    served = FileSync({f"{name}-context": LocalDir(project, SessionMatcher)})
    with (
        closing(connect(api)) as control,
        solve._open_session(control, [served, Health()], request, int) as opened,
    ):
        yield Open(opened.id.rpartition(":")[2], name, served)
    buildcache.remove(api, {each.id for each in buildcache.records(api) if name in each.description})


def sent(session: Open) -> int:
    """How many files were listed or sent."""
    return sum(transfer.entries + transfer.files for transfer in session.asked.transfers)


@pytest.mark.parametrize("guess", ["", "{name}:{part}"])
def test_without_the_id_nothing_is_served(second: Control, session: Open, guess: str) -> None:
    name = guess.format(name=session.name, part=session.id[:-1])
    with pytest.raises(Refused, match="session"):
        second.fetch(session.context, name)

    assert session.asked.transfers == []


def test_the_id_opens_the_context(second: Control, session: Open) -> None:
    """So it does with the official client's builds; and so the other tests mean something."""
    second.fetch(session.context, session.id)

    assert sent(session) > 0


@pytest.mark.parametrize("name", ["..", "../project", "/", "/etc", "", ".", "context", "x/..", "x" * 5_000])
def test_no_other_directory_is_served(second: Control, session: Open, name: str) -> None:
    for _ in range(5):
        with pytest.raises(Refused) as caught:
            second.fetch(name, session.id)
        if "context canceled" not in str(caught.value):  # all that the engine tells now and then
            break

    assert "no access allowed to dir" in str(caught.value)
    assert session.asked.transfers == []


OUTWARDS = [
    "../outside",
    "link",
    "/etc/passwd",
    "../../../../../../etc/passwd",
    "**/../../outside",
    "link/../../etc",
]


@pytest.mark.parametrize("attribute", ["local.includepattern", "local.followpaths"])
def test_no_pattern_and_no_link_leads_out(second: Control, session: Open, attribute: str) -> None:
    for pattern in OUTWARDS:
        with suppress(Refused):
            second.fetch(session.context, session.id, {attribute: json.dumps([pattern])})

    assert len(session.asked.transfers) == len(OUTWARDS)
    assert sum(transfer.files for transfer in session.asked.transfers) == 0, "no content"


def test_patterns_that_make_no_sense_harm_nobody(second: Control, session: Open) -> None:
    """Nor does what comes with them: the session goes on."""
    for attribute in ("local.includepattern", "local.excludepatterns", "local.followpaths"):
        for patterns in (["["], ["*" * 2_000], ["*/" * 2_000 + "x"], ["\x00"], ["a" * 10_000]):
            with suppress(Refused):
                second.fetch(session.context, session.id, {attribute: json.dumps(patterns)})

    before = sent(session)
    second.fetch(session.context, session.id)
    assert sent(session) > before


def test_the_id_opens_no_other_session(api: docker.APIClient, second: Control, session: Open) -> None:
    """Not by /session. (BuildKit does not look in its own call for it: there the id must stay secret.)"""
    other = Session([Health()], name="second", shared_key="x", id_=session.id)
    with (
        closing(Fallback(api)) as control,
        pytest.raises(buildkit.SessionUnavailable, match="already exists"),
        control.serving(other),
    ):
        pass

    second.fetch(session.context, session.id)
    assert sent(session) > 0


def test_what_a_rebuild_was_sent_is_found_by_nobody_who_knows_the_run(
    api: docker.APIClient, project: Path, tmp_path: Path
) -> None:
    """The engine keeps what it received under a key; whoever knows it need not have a file's content to get
    it, only its size and time."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "Dockerfile").write_text("FROM scratch\nCOPY secret /\n")
    (other / "secret").write_text("x" * len(INSIDE))
    for path in (project / "secret", other / "secret"):
        os.utime(path, ns=(10**18, 10**18))
    before = buildcache.record_ids(api)
    subject = prepare(project, dockerfile=None, builder="buildkit", options=BuildOptions(), progress=Silent())
    asked: set[str] = set()
    with Run(subject.engine) as run:
        subject.builder(run).build(subject.variant("without"), progress=Silent(), rebuild=True)
        directory = LocalDir(other, SessionMatcher)
        result = buildkit.build(
            subject.engine.control,
            SolveRequest(cache_name=f"ctxsize-{run.id}", shared_key=f"ctxsize-{run.id}-rebuild-without"),
            context=directory,
            dockerfile=directory,
            on_sent=lambda part: asked.update(path for path, _ in part.files),
        )
    api.remove_image(result.image_id)
    buildcache.remove(api, buildcache.record_ids(api) - before)

    assert "secret" in asked, "the engine had it, and put ours into an image of theirs"


def test_the_id_is_told_nowhere(
    api: docker.APIClient,
    second: Control,
    project: Path,
    base_args: Callable[[str], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not while a build runs, nor in what the engine keeps of it."""
    ids: list[str] = []
    metadata = Session.metadata

    def noted(self: Session) -> list[tuple[str, str]]:
        ids.append(self.id.rpartition(":")[2])
        return metadata(self)

    monkeypatch.setattr(Session, "metadata", noted)
    (project / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY . /\nRUN sleep 2\n")
    options = BuildOptions(build_args=base_args("links"), network="none")
    subject = prepare(project, dockerfile=None, builder="buildkit", options=options, progress=Silent())
    since = int(time.time()) - 1
    with Run(subject.engine) as run:
        ours = subject.builder(run)
        build = threading.Thread(
            target=ours.build, args=(subject.variant("with"),), kwargs={"progress": Silent()}
        )
        build.start()
        during = ""
        while build.is_alive():
            during += everything_told(api, second, since)
            time.sleep(0.2)
        build.join()
        after = everything_told(api, second, since)

    assert run.id in during, "what is told of the build is there"
    assert ids
    assert not [each for each in ids if each in during + after]


def everything_told(api: docker.APIClient, second: Control, since: int) -> str:
    """What the engine answers to all that can be asked without knowing a name."""
    paths = ["/info", "/system/df", "/images/json?all=1", "/containers/json?all=1", "/volumes", "/networks"]
    paths += [f"/events?since={since}&until={int(time.time())}"]
    paths += ["/debug/vars", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2"]
    said = [api._get(f"{api.base_url}{path}").text for path in paths]
    for method, request in (
        ("DiskUsage", b""),
        ("ListWorkers", b""),
        ("ListenBuildHistory", b"\x18\x01"),  # what has ended
        ("ListenBuildHistory", b"\x08\x01\x18\x01"),  # what runs
    ):
        with suppress(Refused):  # an older engine keeps no history
            said.append(second.ask(method, request).decode("utf-8", "replace"))
    return "\n".join(said)
