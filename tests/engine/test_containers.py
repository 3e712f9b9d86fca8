"""Commands in containers of an image, on a real engine: exit codes, output, limits, and nothing left."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import docker
import pytest

from ctxsize.engine.connect import connect
from ctxsize.engine.containers import Verification, VerifyCommand, verify
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.marks import RUN_LABEL
from tests.support.waiting import must_end


@pytest.mark.parametrize(
    ("command", "shell", "words"),
    [
        ("gunicorn --version", None, ("/bin/sh", "-c", "gunicorn --version")),
        ("test -e /app && ls", ["/bin/bash", "-ec"], ("/bin/bash", "-ec", "test -e /app && ls")),
        ('["/app", "--check"]', ["/bin/bash", "-ec"], ("/app", "--check")),
        (' ["/app"]', None, ("/app",)),
        ("[ -e /app ]", None, ("/bin/sh", "-c", "[ -e /app ]")),
        ('["/app", 1]', None, ("/bin/sh", "-c", '["/app", 1]')),
        ("[]", None, ("/bin/sh", "-c", "[]")),
    ],
)
def test_a_command_is_read_as_after_run(
    command: str, shell: list[str] | None, words: tuple[str, ...]
) -> None:
    assert VerifyCommand(command).words(shell) == words


@pytest.fixture
def check(api: docker.APIClient, base_image: Callable[[str], str]) -> Iterator[Callable[..., Verification]]:
    """``check("true", timeout=1)``: what comes of it in the busybox image; no container is left."""
    engine = connect()
    image = base_image("busybox:1.36")
    before = containers(api)
    with Run(engine) as run:
        yield lambda command, **options: verify(
            engine.api, image, VerifyCommand(command, **options), run=run.id
        )
        assert containers(api) == before


def containers(api: docker.APIClient) -> set[str]:
    return {str(each["Id"]) for each in api.containers(all=True)}


@pytest.mark.docker
def test_exit_code_and_output_of_a_command(check: Callable[..., Verification]) -> None:
    passed = check("echo one; echo two >&2")
    assert (passed.exit_code, passed.passed, passed.timed_out) == (0, True, False)
    assert sorted(passed.output_tail) == ["one", "two"]
    failed = check("for i in $(seq 100); do echo $i; done; exit 7")
    assert (failed.exit_code, failed.passed) == (7, False)
    assert failed.output_tail == tuple(map(str, range(81, 101))), "its last lines"


@pytest.mark.docker
@pytest.mark.parametrize(("command", "code"), [('["/nope"]', 127), ("/nope", 127), ('["/etc"]', 126)])
def test_a_command_that_can_not_be_run_is_as_in_a_shell(
    check: Callable[..., Verification], command: str, code: int
) -> None:
    result = check(command)
    assert (result.exit_code, result.timed_out) == (code, False)
    assert result.output_tail


@pytest.mark.docker
def test_a_command_that_takes_too_long_is_stopped(check: Callable[..., Verification]) -> None:
    with must_end():
        result = check("echo waiting; sleep 3600", timeout=1)
    assert (result.exit_code, result.timed_out, result.passed) == (None, True, False)
    assert result.output_tail == ("waiting",)
    assert 1 <= result.seconds < 3600


@pytest.mark.docker
def test_there_is_a_loopback_but_no_network(check: Callable[..., Verification]) -> None:
    assert check("ls /sys/class/net").output_tail == ("lo",)
    assert "eth0" in check("ls /sys/class/net", network=True).output_tail


@pytest.mark.docker
def test_a_flood_without_a_line_end_is_cut(check: Callable[..., Verification]) -> None:
    result = check("head -c 3000000 /dev/zero | tr '\\0' x")
    assert 0 < sum(map(len, result.output_tail)) <= 16 << 10


@pytest.mark.docker
def test_a_container_whose_run_was_killed_is_the_janitors(
    api: docker.APIClient, base_image: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = containers(api)
    engine = connect()
    # As after a kill: nothing removes the container when the command has ended.
    monkeypatch.setattr(engine.api, "remove_container", lambda *_, **__: None)
    with Run(engine) as run:
        verify(engine.api, base_image("busybox:1.36"), VerifyCommand("true"), run=run.id)
        (left,) = containers(api) - before
        assert api.inspect_container(left)["Config"]["Labels"][RUN_LABEL] == run.id
        monkeypatch.undo()
    assert containers(api) == before
