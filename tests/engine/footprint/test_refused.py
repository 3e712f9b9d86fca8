"""What an engine, or a proxy before it, does not let be removed is said, and the journal stays: the next run
and ``clean`` try again. A measurement that succeeded is one all the same."""

from __future__ import annotations

import base64
import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from grpclib.const import Status

from ctxsize import api
from ctxsize.api import Measurement
from ctxsize.cli.main import main
from ctxsize.engine.buildkit import messages_pb2 as pb
from ctxsize.engine.footprint import clean as clean_module
from ctxsize.engine.footprint import leftovers
from ctxsize.engine.footprint import run as run_module
from ctxsize.engine.footprint.journal import state_directory
from tests.support.fake_engine import IMAGE, FakeEngine, chunked, grpc, whole
from tests.support.saved_images import layer, save

FORBIDDEN = whole(b"<html>no</html>", "403 Forbidden")
_TRACE = pb.StatusResponse(
    vertexes=[
        pb.Vertex(
            digest="sha256:1",
            name="[1/1] COPY . /",
            started=pb.Timestamp(seconds=1),
            completed=pb.Timestamp(seconds=2),
        )
    ]
).SerializeToString()
#: A build with BuildKit that ran a step.
BUILT = b"\n".join(
    json.dumps(event).encode()
    for event in (
        {"id": "moby.buildkit.trace", "aux": base64.b64encode(_TRACE).decode()},
        {"aux": {"ID": IMAGE}},
    )
)


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    made = FakeEngine(tmp_path_factory.mktemp("e") / "s")
    monkeypatch.setenv("DOCKER_HOST", made.url)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    (made / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (made / ".dockerignore").write_text("log\n")
    (made / "log").write_bytes(bytes(100))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(run_module, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(clean_module, "_WINDING_DOWN", -1.0)
    return made


def let(engine: FakeEngine, answers: dict[str, Any]) -> None:
    """Have the engine answer so, and all else as it does."""

    def answering(asked: str) -> Any:
        return next((said for pattern, said in answers.items() if re.match(pattern, asked)), None)

    engine.answer = answering


def compare(project: Path, builder: str = "buildkit") -> Result:
    words = ["compare", str(project), "--builder", builder, "--repeat", "1", "--format", "json"]
    return CliRunner().invoke(main, [*words, "--build-arg", "TOKEN=of-somebody"])


def warnings(result: Result) -> list[str]:
    """What is said of what is left: after the report, which is whole by then."""
    found = json.loads(result.stdout)["warnings"]
    assert "left-on-engine" not in [each["code"] for each in found]
    notes = [line.partition("ctxsize: note: ")[2] for line in result.stderr.splitlines()]
    return [each for each in notes if "`ctxsize clean`" in each]


def journals() -> list[list[dict[str, object]]]:
    return [
        [json.loads(line) for line in path.read_text().splitlines()]
        for path in state_directory().glob("*.jsonl")
    ]


#: What an engine says that remembers no build, and has no cache.
empty_history = grpc({"ListWorkers": lambda: [b""], "DiskUsage": lambda: [b""]})


def test_a_history_that_can_not_be_asked_for_is_said_and_tried_again(
    project: Path, engine: FakeEngine
) -> None:
    """A proxy that lets no ``/grpc`` through, as most do not."""
    let(engine, {r"POST /build\?": chunked(BUILT), r"POST /grpc": FORBIDDEN})

    result = compare(project)

    assert result.exit_code == 0, result.output
    (message,) = warnings(result)
    assert (
        "history of builds may still have those of this run, with the values of their build arguments"
        in message
    )
    assert "403" in message
    assert "ctxsize clean" in message
    assert "of-somebody" not in result.output
    ((first, *rest),) = journals()
    assert first["engine"] == "fake"
    assert rest == [{"kind": "history", "value": ""}, {"ended": True}]

    again = CliRunner().invoke(main, ["clean"])
    assert again.exit_code == 1
    assert "history of builds could not be looked at" in again.stderr
    assert (
        "perhaps in the engine's history, with the values of build arguments: builds of run" in again.stdout
    )
    assert len(journals()) == 1

    asked = len(engine.asked)
    compare(project, "classic")
    assert not any("/system/df" in each for each in engine.asked[asked:]), (
        "nothing else is looked for in vain"
    )

    let(engine, {r"POST /grpc": empty_history})
    assert CliRunner().invoke(main, ["clean"]).exit_code == 0
    assert journals() == []


def test_a_build_that_leaves_nothing_in_a_history_needs_none(project: Path, engine: FakeEngine) -> None:
    let(engine, {r"POST /grpc": FORBIDDEN})
    result = compare(project, "classic")

    assert result.exit_code == 0, result.output
    assert warnings(result) == []
    assert journals() == []


def test_an_image_that_may_not_be_removed_is_said(project: Path, engine: FakeEngine) -> None:
    """It is there all the while: whose label it has does not matter here."""
    listed = whole(json.dumps([{"Id": IMAGE, "ParentId": "", "RepoTags": None, "Labels": {}}]).encode())
    let(engine, {r"DELETE /images": FORBIDDEN, r"GET /images/json": listed, r"POST /grpc": empty_history})

    result = compare(project, "classic")

    assert result.exit_code == 0, result.output
    (message,) = warnings(result)
    assert message.startswith("the engine does not let this run remove what it made (")
    assert len(journals()) == 1


def test_cache_records_that_may_not_be_removed_are_said(project: Path, engine: FakeEngine) -> None:
    record = pb.UsageRecord(id="x", size=1, description="fileop target", parents=["y"])
    record.created_at.seconds = 1
    seen = 0

    def usage() -> list[bytes]:
        """Empty at first, then what the run's marker made."""
        nonlocal seen
        seen += 1
        (journal,) = state_directory().glob("*.jsonl")
        record.description = f"local source for ctxsize-{journal.stem}-context"
        return [pb.DiskUsageResponse(record=[record] if seen > 1 else []).SerializeToString()]

    forbidden = Status.PERMISSION_DENIED.value
    built = pb.SolveResponse(exporter_response={"containerimage.digest": IMAGE}).SerializeToString()
    answers = {
        "ListWorkers": lambda: [b""],
        "DiskUsage": usage,
        "Solve": lambda: [built],
        "Status": lambda: [_TRACE],
        "Prune": lambda: forbidden,
    }
    let(engine, {r"POST /grpc": grpc(answers)})
    result = compare(project)

    assert result.exit_code == 0, result.output
    (message,) = warnings(result)
    assert "does not let this run remove what it made" in message
    assert any("step" in entry.values() for entry in journals()[0]), "all that identifies them is still there"


@pytest.mark.parametrize("command", ["compare", "cache", "check", "image", "two images", "suggest"])
def test_the_report_is_there_before_cleaning_and_ctrl_c_in_that_leaves_the_rest_to_the_next_run(
    project: Path, engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    file, seen = tmp_path / "report.json", []

    def interrupted(*_: object) -> None:
        seen.append(json.loads(file.read_text()))
        raise KeyboardInterrupt

    monkeypatch.setattr(leftovers, "find_labelled", interrupted)
    words = [command.split()[-1].rstrip("s"), str(project), "--builder", "classic", "-o", str(file)]
    words += {
        "check": ["--limit", "image=1GB"],
        "image": [],
        "two images": [],
        "suggest": ["--repeat", "0", "--min-bytes", "0"],
    }.get(command, ["--repeat", "1"])
    if command == "two images":
        words.insert(1, str(save(tmp_path / "a.tar", [layer({"x": b"x"})], ["COPY x /"])))
    result = CliRunner().invoke(main, [*words, "--format", "json"])

    assert result.exit_code == 130, result.output
    assert len(seen) == 1, "the file was whole when cleaning began"
    assert "ctxsize: note: not all that this run made on the engine is removed" in result.stderr
    assert [entry for entry in journals()[0] if entry.get("ended")], (
        "the next run knows that this one is over"
    )


def test_what_cleaning_could_not_remove_is_in_what_a_python_caller_gets(
    project: Path, engine: FakeEngine
) -> None:
    let(engine, {r"POST /build\?": chunked(BUILT), r"POST /grpc": FORBIDDEN})
    early: list[Measurement] = []

    returned = api.compare(project, builder="buildkit", repeat=1, on_result=early.append)

    before, after = early[0].comparison.warnings, returned.comparison.warnings
    assert after[: len(before)] == before
    assert [each.code for each in after[len(before) :]] == ["left-on-engine"]


def test_where_there_is_no_result_the_error_tells(project: Path, engine: FakeEngine) -> None:
    failed = chunked(b'{"error": "no such thing"}')
    listed = whole(json.dumps([{"Id": IMAGE, "ParentId": "", "RepoTags": None, "Labels": {}}]).encode())
    let(engine, {r"POST /build\?": failed, r"DELETE /images": FORBIDDEN, r"GET /images/json": listed})

    result = CliRunner().invoke(main, ["check", str(project), "--builder", "classic", "--limit", "image=1MB"])

    assert result.exit_code == 3
    assert "does not let this run remove what it made" in result.output


@pytest.fixture
def hearing() -> Iterator[None]:
    """SIGHUP is not ignored, as it is under ``nohup``."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hearing")
def test_sighup_cleans_as_sigterm_does() -> None:
    from ctxsize.cli.errors import ENDING, exit_codes

    assert ENDING == (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    cleaned = []
    with pytest.raises(SystemExit) as caught, exit_codes():
        try:
            signal.raise_signal(signal.SIGHUP)
        finally:
            cleaned.append(1)
    assert (caught.value.code, cleaned) == (130, [1])
