"""What a session gives beyond the image: transfers, a known state, marks in the cache, other connections."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import docker
import docker.tls
import pytest

from ctxsize.engine.buildkit import Sent, SolveRequest
from tests.engine.buildkit.base import make_base
from tests.engine.buildkit.conftest import Build, build_folder, cache, forget
from tests.engine.buildkit.contents import sent_content
from tests.support.daemon import Daemon

pytestmark = pytest.mark.docker


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (tmp_path / ".dockerignore").write_text("ignored\n")
    (tmp_path / "ignored").mkdir()
    (tmp_path / "ignored/big").write_bytes(bytes(300_000))
    (tmp_path / "kept").write_bytes(bytes(100_000))
    return tmp_path


def test_hiding_the_ignore_file_sends_what_it_ignored(build_here: Build, project: Path) -> None:
    whole = build_here(hidden=frozenset({".dockerignore"}))
    part = build_here()
    assert (part.sent_files, whole.sent_files) == (3, 3)  # one ignored file less, one ignore file more
    assert sent_content(part) + 300_000 == sent_content(whole) + len("ignored\n")


def test_every_file_sent_is_told_with_its_bytes(build_here: Build, project: Path) -> None:
    writes: list[Sent] = []
    result = build_here(on_sent=writes.append, hidden=frozenset({".dockerignore"}))
    sent: dict[str, int] = {}
    for write in writes:
        assert write.started <= write.completed
        if write.name.endswith("context"):  # nothing but the build context: there is no ignore file to fetch
            for path, count in write.files:
                sent[path] = sent.get(path, 0) + count
    assert sent == {"Dockerfile": 22, "ignored/big": 300_000, "kept": 100_000}
    assert sum(sent.values()) == sent_content(result)


def test_a_new_shared_key_sends_all_again_every_time(build_here: Build, project: Path) -> None:
    assert len({build_here().sent_bytes for _ in range(5)}) == 1


def test_the_same_shared_key_sends_what_changed(build_here: Build, project: Path) -> None:
    key = uuid.uuid4().hex
    first = build_here(shared_key=key)
    second = build_here(shared_key=key)
    (project / "kept").write_bytes(b"changed")
    third = build_here(shared_key=key)
    assert sent_content(first) > 100_000
    assert second.sent_files == 0
    assert sent_content(third) == len("changed")


def test_a_change_that_exists_only_in_the_stream(build_here: Build, project: Path) -> None:
    key = uuid.uuid4().hex
    build_here(shared_key=key)
    only_in_the_stream = uuid.uuid4().bytes
    changed = build_here(shared_key=key, overlay={"kept": only_in_the_stream})
    assert sent_content(changed) == len(only_in_the_stream)
    assert (project / "kept").read_bytes() == bytes(100_000)
    (step,) = (v for v in changed.vertices if "COPY" in v.name)
    assert not step.cached


def test_steps_have_times_and_what_is_cached_says_so(build_here: Build, project: Path, base: str) -> None:
    # Its own content, or a step of an earlier run would be found in the cache.
    (project / "kept").write_text(uuid.uuid4().hex)
    (project / "Dockerfile").write_text(f"FROM {base}\nCOPY kept /\nRUN sleep 0.2 && echo said\n")
    began = time.monotonic()
    first = build_here(network="none")
    took = time.monotonic() - began
    second = build_here(network="none")
    run = next(v for v in first.vertices if "RUN" in v.name)
    assert run.seconds is not None
    assert 0.2 <= run.seconds <= took
    assert "said" in first.log_lines
    assert [v.cached for v in second.vertices if "RUN" in v.name] == [True]


def test_received_directories_can_be_found_in_the_cache_by_name(
    api: docker.APIClient, build_here: Build, project: Path
) -> None:
    name = f"ctxsize-{uuid.uuid4().hex[:8]}"
    before = set(cache(api))
    build_here(cache_name=name)
    records = {i: r["Description"] for i, r in cache(api).items() if i not in before}
    ours = {i for i, description in records.items() if name in description}
    assert sorted(records[i] for i in ours) == [
        f"local source for {name}-context",
        f"local source for {name}-context",
        f"local source for {name}-dockerfile",
    ]
    assert all("local source" not in description for i, description in records.items() if i not in ours)
    forget(api, ours)
    assert not ours & set(cache(api))


def test_the_cache_name_changes_nothing_else(build_here: Build, project: Path) -> None:
    (project / "kept").write_text(uuid.uuid4().hex)
    plain = build_here(cache_name=None)
    named = build_here(cache_name="ctxsize-test")
    assert named.image_id == plain.image_id
    assert named.sent_bytes == plain.sent_bytes
    assert [v.cached for v in named.vertices if "COPY" in v.name] == [True]


def test_an_ssh_agent_is_reached_from_a_run_step(
    api: docker.APIClient, build_here: Build, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not all(map(shutil.which, ("ssh-agent", "ssh-add", "ssh-keygen", "ldd"))):
        pytest.skip("needs OpenSSH")
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", tmp_path / "agent"], stdout=subprocess.DEVNULL)
    try:
        while not (tmp_path / "agent").exists():
            assert agent.poll() is None
        key = tmp_path / "key"
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "by the test", "-f", key], check=True
        )
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        subprocess.run(["ssh-add", "-q", key], check=True)
        program = str(shutil.which("ssh-add"))
        libraries = subprocess.run(
            ["ldd", program], capture_output=True, text=True, check=True
        ).stdout.split()
        for path in [program, *(word for word in libraries if word.startswith("/"))]:
            (tmp_path / "root" / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / "root" / path[1:])
        (tmp_path / "Dockerfile").write_text(f"FROM {base}\nCOPY root /\nRUN --mount=type=ssh {program} -l\n")
        result = build_here(ssh=["default"], network="none", no_cache=True)
        assert any("by the test (ED25519)" in line for line in result.log_lines)
    finally:
        agent.terminate()
        agent.wait()


def test_an_engine_behind_tls(
    daemon: Callable[..., Daemon], tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)  # requests would use them instead of the SDK's own CA
    for name in ("ca", "server", "client"):
        subprocess.run(
            [
                "openssl",
                "req",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                f"/CN={name}",
                "-keyout",
                f"{name}.key",
            ]
            + (["-x509", "-out", "ca.crt", "-days", "2"] if name == "ca" else ["-out", f"{name}.csr"]),
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
    (tmp_path / "san").write_text("subjectAltName=IP:127.0.0.1")
    for name in ("server", "client"):
        subprocess.run(
            [
                "openssl",
                "x509",
                "-req",
                "-in",
                f"{name}.csr",
                "-CA",
                "ca.crt",
                "-CAkey",
                "ca.key",
                "-days",
                "2",
                "-CAcreateserial",
                "-out",
                f"{name}.crt",
                "-extfile",
                "san",
            ],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
    files = {name: str(tmp_path / name) for name in os.listdir(tmp_path)}
    options = ("--tlsverify", f"--tlscacert={files['ca.crt']}")
    options += (f"--tlscert={files['server.crt']}", f"--tlskey={files['server.key']}")
    own = daemon(listen="tcp://127.0.0.1:23769", options=options)
    tls = docker.tls.TLSConfig(
        client_cert=(files["client.crt"], files["client.key"]), ca_cert=files["ca.crt"], verify=True
    )
    api = own.wait(docker.APIClient(base_url="https://127.0.0.1:23769", tls=tls, version="1.41"))
    (project / "many").mkdir()
    for index in range(500):
        (project / f"many/{index}").write_bytes(bytes(2000))
    assert sent_content(build_folder(api, project, hidden=frozenset({".dockerignore"}))) > 1_400_000


def test_an_engine_behind_ssh(
    api: docker.APIClient,
    project: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``ssh`` stands in for itself with a program that connects to the engine here, as ``sshd`` would
    there."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    pytest.importorskip("paramiko", reason="the SDK wants it for ssh://, whichever client is used")
    programs = tmp_path_factory.mktemp("bin")
    (programs / "ssh").write_text(f"#!/bin/sh\nexec docker -H {host} system dial-stdio\n")
    (programs / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    remote = docker.APIClient(base_url="ssh://somewhere", use_ssh_client=True, version="1.41")
    assert sent_content(build_folder(remote, project)) > 100_000


def test_a_request_has_what_was_asked_for_and_no_more() -> None:
    plain = SolveRequest().message("id")
    assert dict(plain.frontend_attrs) == {"filename": "Dockerfile"}
    assert (plain.exporter, dict(plain.exporter_attrs), plain.session) == ("moby", {}, "id")
    assert (plain.internal, list(plain.entitlements)) == (True, [])
    full = SolveRequest(
        target="t",
        build_args={"A": "1", "B": None},
        labels={"l": "v"},
        tags=["x", "y"],
        pull=True,
        no_cache=True,
        network="host",
        attributes={"context:base": "local:base"},
    ).message("id")
    assert dict(full.frontend_attrs) == {
        "filename": "Dockerfile",
        "target": "t",
        "build-arg:A": "1",
        "label:l": "v",
        "image-resolve-mode": "pull",
        "no-cache": "",
        "force-network-mode": "host",
        "context:base": "local:base",
        "frontend.caps": "moby.buildkit.frontend.contexts+forward",
    }
    assert dict(full.exporter_attrs) == {"name": "x,y"}
    assert list(full.entitlements) == ["network.host"]
    assert [(each.type, dict(each.attrs)) for each in full.exporters] == [("moby", {"name": "x,y"})]


def test_options_reach_the_image(api: docker.APIClient, build_here: Build, project: Path) -> None:
    (project / "Dockerfile").write_text("FROM scratch AS one\nARG A\nENV A=$A\nFROM one\nCOPY kept /\n")
    result = build_here(
        target="one", build_args={"A": "1"}, labels={"org.example": "x"}, platform="linux/arm64"
    )
    image = api.inspect_image(result.image_id)
    assert image["Config"]["Labels"] == {"org.example": "x"}
    assert "A=1" in image["Config"]["Env"]
    assert image["Architecture"] == "arm64"
    assert result.context == () or not any(t.files > 1 for t in result.context)


def test_the_base_image_is_what_the_cases_expect(api: docker.APIClient, base: str) -> None:
    assert make_base(api) is False
