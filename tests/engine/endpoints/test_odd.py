"""Builders that can't be used: one line says what, where and what to do, and nothing is left running."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ctxsize.engine.builders.find import find_builder
from ctxsize.engine.connect import connect, context_names, engine_address
from ctxsize.engine.endpoints import process, remote
from ctxsize.engine.endpoints.store import Node
from ctxsize.engine.endpoints.wanted import wanted
from ctxsize.errors import ConfigError, CtxsizeError, EngineError
from tests.engine.endpoints.conftest import Configuration
from tests.support.certificates import make_certificates
from tests.support.living import lives

HERE = "unix:///no/such/docker.sock"


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch, configuration: Configuration) -> None:
    monkeypatch.setenv("DOCKER_HOST", HERE)


def refusal(name: str = "auto") -> CtxsizeError:
    with pytest.raises(CtxsizeError) as caught:
        find_builder(name)
    assert "\n" not in str(caught.value) and caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("driver", "endpoint", "why"),
    [
        ("remote", "tcp://127.0.0.1:1", "no BuildKit answers at tcp://127.0.0.1:1: "),
        ("remote", "npipe://x", "npipe://x is no address of a builder"),
        ("docker", "unix:///no/other.sock", "no Docker engine answers at unix:///no/other.sock: "),
        ("docker-container", "unix:///no/other.sock", "no Docker engine answers at unix:///no/other.sock: "),
        ("docker-container", "nowhere", "there is no Docker context nowhere"),
        ("kubernetes", "kubernetes:///ci", "a builder on Kubernetes is reached with kubectl"),
    ],
)
def test_what_is_wrong_with_a_builder_names_it(
    driver: str, endpoint: str, why: str, configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration.create("ci", driver, endpoint)
    monkeypatch.setenv("PATH", "/no/such")
    error = refusal("ci")

    assert error.message.startswith(f"the builder ci can't be used: {why}") and error.exit_code == 4
    assert "DOCKER_HOST" not in str(error)  # which would lead to another engine
    monkeypatch.setenv("BUILDX_BUILDER", "ci")
    assert str(refusal()).startswith("BUILDX_BUILDER: the builder ci can't be used: ")


def test_a_builder_that_is_gone_is_told_with_what_named_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDX_BUILDER", "gone")

    assert str(refusal()) == "BUILDX_BUILDER: there is no builder gone (see `ctxsize builders`)"
    assert str(refusal("gone")) == "there is no builder gone (see `ctxsize builders`)"


def test_what_buildx_uses_is_no_matter_of_a_plain_build(configuration: Configuration) -> None:
    """`docker build` does not read that file unless it is aliased to buildx."""
    (configuration.store / "current").write_text('{"Key": "uni')
    notice = wanted().notice

    assert notice is not None and f"{configuration.store}/current:1: not JSON" in notice
    configuration.say(aliases={"builder": "buildx"})
    with pytest.raises(ConfigError, match="`docker buildx use` writes it anew"):
        wanted()


def test_a_kubectl_that_floods_is_ended(
    kubectl: Callable[[str], Path], configuration: Configuration, tmp_path: Path
) -> None:
    configuration.create("ci", "kubernetes", "kubernetes:///ci")
    kubectl(f"echo $$ >{tmp_path}/pid; yes & wait")

    assert "kubectl answers with more than 16 MiB" in str(refusal("ci"))
    assert_gone(int((tmp_path / "pid").read_text()))


def test_a_kubectl_that_hangs_is_ended_with_what_it_started(
    kubectl: Callable[[str], Path],
    configuration: Configuration,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "ASK_SECONDS", 1.0)
    configuration.create("ci", "kubernetes", "kubernetes:///ci")
    kubectl(f"sleep 1000 & echo $! >{tmp_path}/pid; wait")

    assert "kubectl does not answer within 1 seconds" in str(refusal("ci"))
    assert_gone(int((tmp_path / "pid").read_text()))


def test_a_program_that_can_not_be_run_is_told_of(
    kubectl: Callable[[str], Path], configuration: Configuration
) -> None:
    program = kubectl("").parent / "kubectl"
    program.write_text("#!/no/such/interpreter\n")
    configuration.create("ci", "kubernetes", "kubernetes:///ci")

    assert f"{program} can't be run: No such file or directory" in str(refusal("ci"))
    with pytest.raises(EngineError, match="can't be run"):
        remote.dial(Node("x0", "kube-pod://b-0"))()


def test_certificates_that_can_not_be_used_are_named(tmp_path: Path) -> None:
    """Before anybody is asked: nobody listens there."""
    made = make_certificates(tmp_path)
    (tmp_path / "other").mkdir()
    other = make_certificates(tmp_path / "other")
    os.mkfifo(tmp_path / "pipe")
    encrypted = (
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
        "DEK-Info: AES-128-CBC,4AC0A5C8CB1E0E6E4AC0A5C8CB1E0E6E\n\nAAAA\n-----END EC PRIVATE KEY-----\n"
    )
    (tmp_path / "encrypted").write_text(encrypted)
    good = {name: str(made / file) for name, file in
            {"cacert": "ca.crt", "cert": "client.crt", "key": "client.key"}.items()}  # fmt: skip
    for wrong, why in (
        ({"key": str(made / "gone")}, f"{made}/gone: its key: can't be read: No such file or directory"),
        ({"cacert": str(tmp_path)}, f"{tmp_path}: its cacert: can't be read: Is a directory"),
        ({"cert": str(tmp_path / "pipe")}, f"{tmp_path}/pipe: its cert: not a file"),
        ({"cacert": str(made / "names")}, f"no certificate in its cacert, {made}/names"),
        ({"cert": str(made / "names")}, f"no certificate and its key in {made}/names and "),
        ({"key": str(other / "client.key")}, f"and {other}/client.key: key values mismatch"),
        ({"key": str(tmp_path / "encrypted")}, f"{tmp_path}/encrypted: its key is encrypted"),
        ({"key": ""}, "it has no key, and cert and key go together"),
        ({"cert": ""}, "it has no cert, and cert and key go together"),
    ):
        with pytest.raises(EngineError) as caught:
            remote.dial(Node("x0", "tcp://127.0.0.1:1", good | wrong))()
        assert why in str(caught.value), caught.value
        assert caught.value.hint and "\n" not in str(caught.value)


def write_context(configuration: Configuration, name: str, said: str) -> Path:
    """What `docker context create` writes; there need be no config.json."""
    from docker.context.config import get_context_id

    folder = configuration.folder / "contexts/meta" / get_context_id(name)
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(said)
    return folder / "meta.json"


def test_a_context_is_found_without_a_config_json_and_never_in_the_working_directory(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = json.dumps({"Name": "c", "Metadata": {}, "Endpoints": {"docker": {"Host": "tcp://build:1"}}})
    path = write_context(configuration, "c", said)
    assert not (configuration.folder / "config.json").exists()

    assert engine_address("c") == "tcp://build:1" and "c" in context_names()
    hostile = tmp_path / "repository"
    hostile.mkdir()
    os.rename(path.parents[2], hostile / "contexts")
    monkeypatch.chdir(hostile)
    with pytest.raises(EngineError, match="there is no Docker context c"):
        connect("c")


def test_a_broken_context_is_told_and_hides_no_other(configuration: Configuration) -> None:
    said = json.dumps({"Name": "c", "Metadata": {}, "Endpoints": {"docker": {"Host": "unix:///no.sock"}}})
    write_context(configuration, "c", said)
    path = write_context(configuration, "half", '{"Name": "half", "Me')
    pipe = write_context(configuration, "pipe", "")
    pipe.unlink()
    os.mkfifo(pipe)

    assert context_names() == ["default", "c"]
    assert "no Docker engine answers at unix:///no.sock" in str(refusal("c"))
    error = refusal("half")
    assert f"the Docker context half can't be read: {path}:1: not JSON" in error.message
    assert error.exit_code == 4 and error.hint not in error.message
    assert refusal("pipe").message.endswith("meta.json: not a file")


def assert_gone(number: int) -> None:
    for _ in range(100):
        if not lives(number):
            return
        time.sleep(0.1)
    raise AssertionError(f"{number} still runs")
