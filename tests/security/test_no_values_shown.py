"""Build arguments and secrets through the whole command, on a real engine: no output holds a value."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from click.testing import CliRunner, Result

from ctxsize.cli import main

pytestmark = pytest.mark.docker

TOKEN = 'tok"en/5f4dcc3b & co'
SECRET = "sw0rdfish-c0ffee"


def compare(project: Path, *options: str) -> Result:
    command = ["compare", "--verbose", "--repeat", "1", "--network", "none", "--build-arg", f"TOKEN={TOKEN}"]
    return CliRunner().invoke(main, [*command, *options, str(project)])


def shown_anywhere(result: Result) -> str:
    return result.stdout + result.stderr + repr(result.exception)


@pytest.fixture
def project(tmp_path: Path, base_image: Callable[[str], str]) -> Path:
    """A project whose steps print what they are given."""
    root = tmp_path / "project"
    root.mkdir()
    (root / ".dockerignore").write_text("ignored\n")
    (root / "ignored").write_bytes(bytes(1000))
    (root / "Dockerfile").write_text(
        f"FROM {base_image('busybox:1.36')}\nARG TOKEN\nCOPY . /src\n"
        'ENV COPIED="$TOKEN"\nRUN echo "given $TOKEN ${TOKEN}"; echo "$COPIED" >&2\nWORKDIR /$TOKEN\n'
    )
    return root


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_what_steps_are_called_and_print(project: Path, builder: str) -> None:
    result = compare(project, "--builder", builder, "--format", "json")

    assert result.exit_code == 0, result.output
    names = [step["name"] for step in json.loads(result.stdout)["variants"]["with"]["build"]["steps"]]
    assert any("echo" in name for name in names)
    assert "given ${TOKEN} ${TOKEN}" in result.stderr
    assert "5f4dcc3b" not in shown_anywhere(result)


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_what_a_failed_step_said(project: Path, builder: str) -> None:
    with (project / "Dockerfile").open("a") as dockerfile:
        dockerfile.write('RUN echo "last words: $TOKEN"; exit 7\n')

    result = compare(project, "--builder", builder)

    assert result.exit_code == 3
    assert "last words: ${TOKEN}" in result.stderr
    assert "5f4dcc3b" not in shown_anywhere(result)


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_the_rule_that_is_to_blame_for_a_path_made_of_a_value(project: Path, builder: str) -> None:
    (project / "v4lue-0f-a-path").write_text("needed")
    (project / ".dockerignore").write_text("v4lue*\n")
    (project / "Dockerfile").write_text("FROM scratch\nARG NAME\nCOPY ${NAME} /\n")

    result = compare(project, "--builder", builder, "--build-arg", "NAME=v4lue-0f-a-path")

    assert result.exit_code == 3
    assert "ignores ${NAME}, which COPY at Dockerfile:3 needs" in result.stderr
    assert "v4lue-0f" not in result.stderr


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_what_the_dockerfile_makes_of_a_value(
    project: Path, builder: str, engine: docker.DockerClient
) -> None:
    """Builders show steps, and what is wrong with them, with their variables expanded."""
    steps = 'ARG NAME\nRUN echo "given ${NAME#sword}"; exit 7\n'
    if int(engine.version()["Version"].split(".")[0]) > 20:  # before, only the shell knows these
        steps = "ARG NAME\nCOPY Dockerfile /p${NAME#sw0}/${NAME%ffee}/\nLABEL a=${NAME/0rd/duck}\n"
        steps += "COPY ${NAME#sw0r} ${NAME%%-*}.${NAME##*-} /\n"
    with (project / "Dockerfile").open("a") as dockerfile:
        dockerfile.write(steps)

    result = compare(project, "--builder", builder, "--build-arg", f"NAME={SECRET}")

    assert result.exit_code == 3
    assert "${NAME#sword}" in result.stderr or "${NAME##*-}" in result.stderr
    for part in ("dfish", "0rdf", "c0ff", "duckfish"):
        assert part not in shown_anywhere(result)


def test_a_secret_that_a_step_prints(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", SECRET)
    with (project / "Dockerfile").open("a") as dockerfile:
        dockerfile.write("RUN --mount=type=secret,id=pw cat /run/secrets/pw; exit 7\n")

    result = compare(project, "--builder", "buildkit", "--secret", "id=pw,env=PASSWORD")

    assert result.exit_code == 3
    assert "[secret pw]" in result.stderr
    assert SECRET not in shown_anywhere(result)


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_a_value_that_lies_across_two_pieces_of_the_log(project: Path, builder: str) -> None:
    """Builders hand the log on in pieces of 32 KiB, and as the step writes it."""
    with (project / "Dockerfile").open("a") as dockerfile:
        dockerfile.write(
            'RUN (head -c 32760 /dev/zero; echo -n "$TOKEN"; head -c 9000 /dev/zero) >/f; cat /f\n'
            "RUN printf 'tok\"en/5f4d'; sleep 0.3; printf 'cc3b & co'\n"
        )

    result = compare(project, "--builder", builder)

    assert result.exit_code == 0, result.output
    shown = [line for line in result.stderr.splitlines() if "RUN" not in line]
    assert any(line.endswith("| ${TOKEN}") for line in shown)
    assert not any("5f4d" in line or "cc3b" in line for line in shown)


def test_what_a_check_wrote_and_how_it_was_called(project: Path) -> None:
    """Only the end of a long line is kept: a value must not be cut before it is masked."""
    command = f"head -c 5000 /dev/zero; echo -n '{TOKEN}'; head -c 16374 /dev/zero | tr '\\0' z; exit 3"

    result = compare(project, "--builder", "buildkit", "--verify", command, "--format", "json")

    assert result.exit_code == 1, result.output
    assert "zzz" in result.stdout
    assert "5f4dcc3b" not in shown_anywhere(result)
    assert "3b & co" not in shown_anywhere(result)


def test_paths_of_the_image_that_are_made_of_a_value(project: Path, tmp_path: Path) -> None:
    with (project / "Dockerfile").open("a") as dockerfile:
        dockerfile.write("ARG PLACE\nCOPY . /srv/$PLACE/\n")
    baseline = tmp_path / "baseline.json"
    command = ["check", "--build-arg", f"TOKEN={TOKEN}", "--build-arg", f"PLACE={SECRET}"]
    limits = ["--limit", "image=1B", "--format", "json", "--save-baseline", str(baseline), str(project)]

    result = CliRunner().invoke(main, [*command, *limits])

    assert result.exit_code == 1, result.output
    assert "/srv/${PLACE}/Dockerfile" in baseline.read_text()
    assert SECRET not in shown_anywhere(result) + baseline.read_text()


def test_an_engine_that_goes_away_is_reported_without_the_address_that_held_the_arguments(
    project: Path,
) -> None:
    result = compare(project, "--builder", "classic", "--platform", "linux/a.b")

    assert result.exit_code in (3, 4)
    assert "5f4dcc3b" not in shown_anywhere(result)


@pytest.mark.parametrize("wrong", ["=sw0rdfish-c0ffee", "sw0rdfish-c0ffee"])
def test_a_value_in_the_wrong_place_is_not_repeated(project: Path, wrong: str) -> None:
    option = "--build-arg" if wrong.startswith("=") else "--secret"

    result = compare(project, "--builder", "buildkit", option, wrong)

    assert result.exit_code == 2
    assert SECRET not in shown_anywhere(result)


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_the_proxies_of_the_docker_configuration_are_passed_and_not_shown(
    project: Path, builder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = "http://user:pr0xypassw0rd@proxy.invalid:3128"
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"proxies": {"default": {"httpProxy": proxy}}}))
    with (project / "Dockerfile").open("a") as dockerfile:
        dockerfile.write('RUN echo "lower=$http_proxy upper=$HTTP_PROXY."\n')

    result = compare(project, "--builder", builder)

    assert result.exit_code == 0, result.output
    assert "lower=${HTTP_PROXY} upper=${HTTP_PROXY}." in result.stderr
    assert "pr0xypassw0rd" not in shown_anywhere(result)
