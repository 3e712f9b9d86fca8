"""``docker ctxsize``, run by the real Docker CLI with a configuration of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ctxsize import __version__
from ctxsize.cli import main
from ctxsize.cli.docker.entry import split_arguments
from ctxsize.errors import UsageError
from tests.support.waiting import GIVE_UP_SECONDS

DOCKER = shutil.which("docker")

Docker = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The Docker CLI's configuration folder."""
    folder = tmp_path / "docker-config"
    folder.mkdir()
    (folder / "config.json").write_text("{}")  # the SDK looks for contexts beside it
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (root / ".dockerignore").write_text("*.log\n")
    (root / "old.log").write_text("x")
    return root


def plugin(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["docker-plugin", *map(str, words)])


@pytest.fixture
def docker_cli(config: Path, project: Path) -> Docker:
    """``docker_cli("ctxsize", "why", "x")``: the Docker CLI with our plugin installed."""
    if DOCKER is None:
        pytest.skip("the Docker CLI is not installed")
    assert plugin("install").exit_code == 0

    def run(*words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "DOCKER_HOST": "unix:///no/such.sock", **(env or {})}
        return subprocess.run(
            [DOCKER, *words],
            capture_output=True,
            text=True,
            cwd=project,
            env=environment,
            timeout=GIVE_UP_SECONDS,
        )

    return run


def test_the_docker_cli_lists_it_and_needs_no_engine_to_run_it(docker_cli: Docker) -> None:
    assert "ctxsize*" in docker_cli("--help").stdout
    result = docker_cli("ctxsize", "context", "--format", "json")

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["project"]["context"] == "shop"


def test_the_exit_code_and_the_usage_are_those_of_docker_ctxsize(docker_cli: Docker) -> None:
    assert docker_cli("ctxsize", "why", "Dockerfile").returncode == 1, "it is kept"
    wrong = docker_cli("ctxsize", "no-such-command")

    assert wrong.returncode == 2
    assert wrong.stderr.startswith("Usage: docker ctxsize ")
    assert docker_cli("help", "ctxsize").stdout.startswith("Usage: docker ctxsize ")


def test_global_options_of_the_docker_cli_choose_the_engine(docker_cli: Docker) -> None:
    result = docker_cli("--host", "unix:///its/own.sock", "ctxsize", "compare")

    assert result.returncode == 4
    assert "no Docker engine answers at unix:///its/own.sock" in result.stderr

    result = docker_cli("ctxsize", "compare", env={"DOCKER_HOST": "unix:///the/users.sock"})

    assert "no Docker engine answers at unix:///the/users.sock" in result.stderr


def test_a_docker_context_wins_over_docker_host(docker_cli: Docker) -> None:
    made = docker_cli("context", "create", "lab", "--docker", "host=unix:///the/labs.sock")
    assert made.returncode == 0, made.stderr

    result = docker_cli("--context", "lab", "ctxsize", "compare", env={"DOCKER_HOST": "unix:///other.sock"})

    assert "no Docker engine answers at unix:///the/labs.sock" in result.stderr


def test_the_metadata_is_what_the_docker_cli_asks_for() -> None:
    """Without the schema version, a vendor and a name of its own a plugin is not valid."""
    asked = [sys.executable, "-c", "from ctxsize.cli.docker.entry import main; main()"]
    answer = subprocess.run(
        [*asked, "docker-cli-plugin-metadata"], capture_output=True, text=True, check=True
    )

    assert json.loads(answer.stdout) == {
        "SchemaVersion": "0.1.0",
        "Vendor": "ctxsize contributors",
        "Version": __version__,
        "ShortDescription": "Measure what a .dockerignore saves",
    }


def test_tab_completes_through_the_docker_cli(docker_cli: Docker) -> None:
    """Cobra's protocol; Docker CLIs from 23.0 ask the plugin."""
    asked = [
        sys.executable,
        "-c",
        "from ctxsize.cli.docker.entry import main; main()",
        "__complete",
        "ctxsize",
    ]

    def complete(*words: str) -> list[str]:
        answer = subprocess.run([*asked, *words], capture_output=True, text=True, check=True)
        return [line.split("\t")[0] for line in answer.stdout.splitlines()]

    assert complete("comp") == ["compare", "completion", ":4"]
    assert complete("compare", "--builder", "build") == ["buildkit", ":4"]
    assert complete("compare", "--file", "") == [":0"], "the shell completes file names"
    assert complete("compare", "") == [":16"], "… and directories"
    through_docker = docker_cli("__complete", "ctxsize", "comp").stdout
    if "ctxsize" in docker_cli("__complete", "ctx").stdout:
        assert "compare\tBuild the project" in through_docker


def test_when_the_docker_cli_is_stopped_so_is_ctxsize(docker_cli: Docker, project: Path) -> None:
    """CI systems stop a job by SIGTERM to the process they know: the Docker CLI.

    Before 25.0 it tells its plugins nothing: a Ctrl-C reaches them because the terminal sends it to all.
    """
    version = re.search(r"version (\d+)", docker_cli("--version").stdout)
    if version is None or int(version[1]) < 25:
        pytest.skip("this Docker CLI does not tell its plugins to end")
    with socket.create_server(("127.0.0.1", 0)) as engine:
        address = f"tcp://127.0.0.1:{engine.getsockname()[1]}"
        process = subprocess.Popen(
            [str(DOCKER), "ctxsize", "compare"],
            cwd=project,
            env={**os.environ, "DOCKER_HOST": address},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        engine.settimeout(60)
        while True:
            connection, _ = engine.accept()
            if b"docker-sdk-python" in connection.recv(4096):
                break  # ctxsize asks, and this engine never answers
            connection.close()  # the Docker CLI itself, before it starts the plugin
        process.send_signal(signal.SIGTERM)
        try:
            _, errors = process.communicate(timeout=GIVE_UP_SECONDS)
        finally:
            connection.close()  # whoever is still there ends now

    assert errors.splitlines()[0] == "ctxsize: interrupted"
    assert process.returncode != 0


@pytest.mark.parametrize(
    ("given", "settings", "rest"),
    [
        (["ctxsize"], {}, []),
        (["ctxsize", "compare", "-c", "x"], {}, ["compare", "-c", "x"]),
        (["-D", "-ldebug", "ctxsize", "why", "ctxsize"], {}, ["why", "ctxsize"]),
        (["--config=/c", "ctxsize"], {"DOCKER_CONFIG": "/c"}, []),
        (["-c", "lab", "ctxsize"], {"DOCKER_CONTEXT": "lab", "DOCKER_HOST": None}, []),
        (["-Htcp://h:1", "ctxsize"], {"DOCKER_HOST": "tcp://h:1", "DOCKER_CONTEXT": None}, []),
        (["-H=tcp://h:1", "ctxsize"], {"DOCKER_HOST": "tcp://h:1", "DOCKER_CONTEXT": None}, []),
        (["--tlsverify", "ctxsize"], {"DOCKER_TLS_VERIFY": "1"}, []),
        (["--tlsverify=false", "ctxsize"], {"DOCKER_TLS_VERIFY": ""}, []),
        (["help", "ctxsize"], {}, ["--help"]),
        (["compare", "."], {}, ["compare", "."]),
    ],
)
def test_arguments_of_the_docker_cli(
    given: list[str], settings: dict[str, str | None], rest: list[str]
) -> None:
    assert split_arguments(given) == (settings, rest)


def test_certificates_named_one_by_one_are_refused_with_the_way_out() -> None:
    with pytest.raises(UsageError, match="set DOCKER_CERT_PATH to the folder"):
        split_arguments(["--tlscacert", "/ca.pem", "ctxsize"])


def test_install_and_remove_touch_only_their_own_link(config: Path, tmp_path: Path) -> None:
    link = config / "cli-plugins" / "docker-ctxsize"

    assert "nothing to remove" in plugin("remove").output
    assert plugin("install").exit_code == 0
    assert os.access(link, os.X_OK) and link.is_symlink()
    assert plugin("install").exit_code == 0, "again, after ctxsize moved"
    assert plugin("remove").exit_code == 0
    assert not os.path.lexists(link)

    link.write_text("somebody else's")
    for word in ("install", "remove"):
        refused = plugin(word)
        assert refused.exit_code == 2
        assert "not a link made by ctxsize" in refused.output
    assert link.read_text() == "somebody else's"


def test_what_a_strange_directory_calls_installed_is_not_linked(config: Path, tmp_path: Path) -> None:
    """``python -m`` has the current directory first on its path."""
    strange = tmp_path / "strange"
    metadata = strange / "ctxsize-9.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: ctxsize\nVersion: 9\n")
    (metadata / "RECORD").write_text("docker-ctxsize,,\n")
    (strange / "docker-ctxsize").write_text("#!/bin/sh\n")
    done = subprocess.run(
        [sys.executable, "-m", "ctxsize", "docker-plugin", "install"],
        cwd=strange,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert strange not in (config / "cli-plugins" / "docker-ctxsize").readlink().parents


def test_another_directory(tmp_path: Path) -> None:
    assert plugin("install", "--directory", tmp_path / "system").exit_code == 0
    assert (tmp_path / "system" / "docker-ctxsize").is_symlink()
    (tmp_path / "file").write_text("")

    refused = plugin("install", "--directory", tmp_path / "file" / "below")

    assert refused.exit_code == 2 and "can't be written" in refused.output
