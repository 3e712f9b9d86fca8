"""A registry that lies: an error of one line, in bounded memory and time, and no login where none belongs."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ctxsize.engine.registry import client as module
from ctxsize.engine.registry.client import Registry as Client
from ctxsize.engine.registry.images import describe, read_layers
from ctxsize.engine.registry.reference import parse_reference
from ctxsize.errors import CtxsizeError, EngineError
from ctxsize.image.inventory import Inventory
from tests.support.registry import Answer, Registry

MB = 1 << 20
DIGEST = f"sha256:{'0' * 64}"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    found = Registry()
    yield found
    found.close()


def error_of(registry: Registry, *, layers: bool = False) -> CtxsizeError:
    reference = parse_reference(registry.name())
    with pytest.raises(CtxsizeError) as caught, Client(reference) as client:
        image = describe(client, reference)
        if layers:
            read_layers(client, image, Inventory).close()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    return caught.value


def manifest(**keys: Any) -> bytes:
    blob = {"digest": DIGEST, "size": 10}
    return json.dumps({"schemaVersion": 2, "config": blob, "layers": [blob], **keys}).encode()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no JSON object"),
        (b"[" * 100_000, "no JSON object"),
        (b"[]", "no JSON object"),
        (b'{"schemaVersion": 1}', "first version"),
        (b'{"layers": {}}', "lacks"),
        (manifest(layers=[{"digest": "../../x", "size": 1}]), "no SHA-256 digest"),
        (manifest(layers=[{"digest": DIGEST, "size": -1}]), "a size that none has"),
        (manifest(layers=[{"digest": DIGEST, "size": 10**30}]), "a size that none has"),
        (manifest(layers=[{"digest": DIGEST, "size": True}]), "a size that none has"),
        (manifest(layers=[{"digest": DIGEST, "size": 1}] * 501), "more than 500 layers"),
        (manifest(config={"digest": DIGEST, "size": 9 * MB}), "configuration has"),
        (json.dumps({"manifests": [{"digest": DIGEST, "size": 1}] * 1001}).encode(), "more than 1000"),
        (b" " * (5 * MB), "more than 4 MiB"),
    ],
)
def test_a_manifest_that_is_none(registry: Registry, body: bytes, why: str) -> None:
    registry.lies["manifests/latest"] = Answer(200, body)
    assert why in str(error_of(registry))


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (b"null", "no JSON object"),
        (b'{"rootfs": []}', "lacks"),
        (b'{"rootfs": {"diff_ids": []}}', "other layers"),
        (b'{"rootfs": {"diff_ids": [7]}}', "other layers"),
        (b'{"rootfs": {"diff_ids": ["a"]}, "history": [3]}', "no sensible history"),
    ],
)
def test_a_configuration_that_is_none(registry: Registry, config: bytes, why: str) -> None:
    layers = [registry.blob(b"x")]
    registry.document({"config": registry.blob(config), "layers": layers}, tag="latest")
    assert why in str(error_of(registry))


def test_an_index_in_an_index(registry: Registry) -> None:
    inner = registry.index(tag="x", amd64=registry.image(b"", tag=None))
    registry.index(amd64=inner)
    assert "another index" in str(error_of(registry))


@pytest.mark.parametrize("kind", ["manifest", "config", "layer"])
def test_content_that_is_not_what_its_digest_says(registry: Registry, kind: str) -> None:
    image = registry.image(gzip.compress(bytes(1024)))
    by_size = sorted(registry.blobs, key=lambda digest: registry.blobs[digest][:1] != b"{")
    config, layer = by_size
    if kind == "manifest":
        data = registry.manifests["latest"][1]
        said = {"Docker-Content-Digest": str(image["digest"])}
        registry.lies["manifests/latest"] = Answer(200, data + b" ", said)
    else:
        digest = config if kind == "config" else layer
        data = registry.blobs[digest]
        registry.lies[f"blobs/{digest}"] = Answer(200, data[:-1] + bytes([data[-1] ^ 1]))
    said = str(error_of(registry, layers=True))
    assert "not the content" in said or "damaged" in said


@pytest.mark.parametrize(("change", "why"), [(b"more", "longer than its"), (None, "shorter than its")])
def test_a_layer_of_another_size(registry: Registry, change: bytes | None, why: str) -> None:
    data = bytes(100_000)
    registry.image(data)
    (digest,) = (each for each in registry.blobs if registry.blobs[each] == data)
    registry.lies[f"blobs/{digest}"] = Answer(200, data + change if change else data[:-600])
    assert why in str(error_of(registry, layers=True))


def test_an_answer_that_breaks_off(registry: Registry) -> None:
    data = bytes(100_000)
    registry.image(data)
    (digest,) = (each for each in registry.blobs if registry.blobs[each] == data)
    registry.lies[f"blobs/{digest}"] = Answer(
        200, data[:5000], {"Content-Length": "100000", "Connection": "close"}
    )
    assert "broke off" in str(error_of(registry, layers=True))


def test_a_layer_that_unpacks_to_very_much_takes_no_memory(registry: Registry) -> None:
    registry.image(gzip.compress(bytes(200 * MB), 1))
    reference = parse_reference(registry.name())
    with Client(reference) as client:
        image = describe(client, reference)
        tracemalloc.start()
        try:
            read_layers(client, image, Inventory).close()
            assert tracemalloc.get_traced_memory()[1] < 40 * MB
        finally:
            tracemalloc.stop()


def test_an_answer_that_never_ends(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.3)

    def drip(handler: Any) -> Answer:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b" ")
            time.sleep(0.1)
        return Answer()

    registry.lies["manifests/latest"] = drip
    assert "did not answer whole within" in str(error_of(registry))


@pytest.mark.parametrize(
    "where",
    [
        "http://203.0.113.5/x",
        "file:///etc/passwd",
        "//203.0.113.5/x",
        "http://127.0.0.1@203.0.113.5/",
        "gopher://x",
    ],
)
def test_a_redirect_to_where_there_is_no_tls(registry: Registry, where: str) -> None:
    registry.lies["manifests/latest"] = Answer(307, b"", {"Location": where})
    assert "without TLS" in str(error_of(registry))


def test_a_redirect_without_end(registry: Registry) -> None:
    registry.lies["manifests/latest"] = Answer(307, b"", {"Location": "/v2/a/b/manifests/latest"})
    assert "redirects" in str(error_of(registry))


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        "Negotiate",
        "Bearer",
        'Bearer realm="http://203.0.113.5/t"',
        'Bearer realm="file:///x"',
        "Bearer ====,,,",
    ],
)
def test_a_challenge_that_none_has(registry: Registry, challenge: str, tmp_path: Path) -> None:
    login = {"auths": {registry.host: {"auth": "dGVzdGVyOnB3"}}}
    (tmp_path / "config.json").write_text(json.dumps(login))
    registry.lies["manifests/latest"] = Answer(401, b"", {"WWW-Authenticate": challenge})
    error_of(registry)
    assert all(login is None for _, login in registry.asked)  # it has no password of us


@pytest.mark.parametrize("status", [204, 206, 302, 400, 429, 500])
def test_any_other_status(registry: Registry, status: int) -> None:
    registry.lies["manifests/latest"] = Answer(status, b"<html>" * 100)
    assert isinstance(error_of(registry), EngineError)


def test_an_answer_compressed_without_being_asked(registry: Registry) -> None:
    body = gzip.compress(b" " * MB)
    registry.lies["manifests/latest"] = Answer(200, body, {"Content-Encoding": "gzip"})
    assert "compressed" in str(error_of(registry))


def test_names_of_a_stranger_can_not_move_the_cursor(registry: Registry, capsys: Callable[..., Any]) -> None:
    image = registry.image(b"", tag=None)
    hostile = {**image, "platform": {"os": "linux", "architecture": "\x1b[2J"}}
    registry.document(
        {"manifests": [hostile, hostile | {"platform": {"os": "a", "architecture": "b"}}]}, tag="latest"
    )
    assert "\x1b" not in str(error_of(registry))
