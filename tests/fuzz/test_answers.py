"""Whatever an engine answers to whatever it is asked ends in a result or an error of ours: no traceback, no
wait. ``make fuzz`` tries a hundred times as many."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ctxsize.cli.main import main
from ctxsize.engine import connect
from ctxsize.engine.builders import tarbuild
from ctxsize.engine.buildkit import engine as engine_module
from ctxsize.engine.buildkit import fallback, session
from ctxsize.engine.buildkit.control import client, loop
from ctxsize.engine.footprint import clean
from ctxsize.engine.footprint import run as run_module
from tests.fuzz.profile import TIMES
from tests.support.fake_engine import SANE, UPGRADE, FakeEngine, chunked, whole

EXAMPLES = 12 * TIMES
STATUSES = (
    "100 Continue",
    "101 UPGRADED",
    "200 OK",
    "200 " + "x" * 70_000,
    "204 No Content",
    "301 Moved",
    "307 Again",
    "304 Not Modified",
    "400 Bad",
    "403 Forbidden",
    "404 Not Found",
    "409 Conflict",
    "500 \xff\x1b[31m",
    "503 Busy",
    "999 ?",
    "x",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    1e308,
    "",
    "a",
    "../../etc",
    "\ud800",
    "\x1b]0;x\x07",
    "2026-99-99T99:99:99Z",
    [],
    [[]],
    ["a", 5, None],
    {},
    {"a": {"b": None}},
    {"ID": 5},
    [["a"]],
)
RAW = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b"{",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"1" * 10_000,
    b"[1e999]",
    b"NaN",
    b'{"message": [1]}',
    b'{"message": {"a": 1}}',
    b"x" * 300_000,
    b'{"aux": 5}\n{"aux": {"ID": [1]}}\n{"error": {}}\n[1]\n',
    b'{"id": "moby.buildkit.trace", "aux": "AAAA"}\n{"stream": 5}\n{"id": "moby.buildkit.trace"}\n',
    b"\x01\0\0\0\xff\xff\xff\xff",
    UPGRADE + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0" * 3,
    UPGRADE + b"\0\0\x08\x06\0\0\0\0\0ffffffff" * 1000,
)
COMMANDS = (
    "compare --builder classic --repeat 1 --verify true",
    "compare --builder buildkit --repeat 1",
    "compare --repeat 1 --format json",
    "check --limit image=1kB --limit savings.context=1%",
    "check --limit image=1kB --image some/image",
    "cache --builder classic --repeat 1 --top 1",
    "clean",
    "clean --run 0badcafe-00000001",
)


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One to build, in a place where runs wait for nothing."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "Dockerfile").write_text("FROM some/image\nCOPY . /\n")
    (folder / ".dockerignore").write_text("log\n")
    (folder / "log").write_bytes(bytes(100))
    own = tmp_path_factory.mktemp("own")
    monkeypatch.setenv("XDG_STATE_HOME", str(own / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(own / "cache"))
    monkeypatch.setattr(run_module, "_ATTEMPTS", 3)
    monkeypatch.setattr(run_module, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(fallback, "_DF_SECONDS", 2)
    monkeypatch.setattr(fallback, "_PAUSE_SECONDS", 0.5)
    monkeypatch.setattr(clean, "_WINDING_DOWN", -1.0)
    for module, names in (
        (connect, ("ANSWER_SECONDS", "FIRST_ANSWER_SECONDS")),
        (client, ("ANSWER_TIMEOUT", "USAGE_TIMEOUT", "OPEN_TIMEOUT")),
        (loop, ("CLOSE_TIMEOUT",)),
        (session, ("SILENCE_TIMEOUT",)),
        (engine_module, ("OPEN_TIMEOUT",)),
        (fallback, ("OPEN_TIMEOUT", "CANCEL_TIMEOUT")),
        (tarbuild, ("PING_SECONDS", "SILENCE_SECONDS", "_GIVE_UP_SECONDS")),
    ):
        for name in names:
            monkeypatch.setattr(module, name, 1)
    return folder


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """An engine that is asked by whatever runs here."""
    made = FakeEngine(tmp_path_factory.mktemp("e") / "s")
    monkeypatch.setenv("DOCKER_HOST", made.url)
    yield made
    made.close()


def _changed(value: Any, chance: random.Random) -> Any:
    """A JSON value with something in it that is another."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        if chance.random() < 0.2:
            return {name: each for name, each in value.items() if name != key}
        return {**value, key: _changed(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        index = chance.randrange(len(value))
        return [*value[:index], _changed(value[index], chance), *value[index + 1 :]]
    return chance.choice(VALUES)


#: What an answer that is empty by rights might list.
ENTRIES: dict[str, Any] = {
    r"GET /images/json": [
        {"Id": "sha256:" + "a" * 64, "ParentId": "", "RepoTags": None, "Labels": {"a": "b"}}
    ],
    r"GET /containers/json": [
        {"Id": "b" * 64, "ImageID": "a", "Labels": {"org.ctxsize.run": "x"}, "SizeRw": 5}
    ],
    r"GET /networks": [{"Id": "d" * 64, "Labels": {"org.ctxsize.run": "x"}}],
    r"GET /system/df": {
        "BuildCache": [
            {"ID": "e", "CreatedAt": "2026-01-01T00:00:00Z", "Size": 1, "Parents": ["x"], "Shared": 1}
        ]
    },
}


def hostile(pattern: str, chance: random.Random) -> bytes:
    """An answer that no engine gives to such a request."""
    body = SANE.get(pattern, b"")
    if not isinstance(body, bytes) and chance.random() < 0.6:
        text = json.dumps(_changed(ENTRIES.get(pattern, body), chance)).encode()
        return whole(text) if chance.random() < 0.8 else chunked(text)
    if isinstance(body, bytes) and body and chance.random() < 0.5:
        damaged = bytearray(body)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        return chance.choice([whole, chunked])(bytes(damaged[: chance.choice([None, len(body) // 2])]))
    text = chance.choice(RAW)
    status = chance.choice(STATUSES)
    kind = chance.randrange(8)
    if kind == 0:
        return whole(gzip.compress(bytes(1 << 20)), headers="Content-Encoding: gzip\r\n")
    if kind == 1:
        return whole(text, status, "Location: http://127.0.0.1:1/\r\n")
    if kind == 2:
        return whole(text, status)[: chance.randrange(200)]
    if kind == 3:
        return whole(text, headers="A: b\r\n" * 200)
    if kind == 4:
        return whole(text, headers="Content-Type: application/json; charset=idna\r\nSet-Cookie: \xff=1\r\n")
    if kind == 5:
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + text
    return chance.choice([whole, chunked])(text, status)


@pytest.mark.parametrize("seed", range(12))
def test_any_answer(project: Path, engine: FakeEngine, seed: int, capfd: pytest.CaptureFixture[str]) -> None:
    patterns = (*SANE, "POST /session", "POST /grpc")
    for number in range(EXAMPLES // 12):
        chance = random.Random(f"{seed} {number}" if TIMES > 1 else f"{seed} {number} short")
        pattern, command = chance.choice(patterns), chance.choice(COMMANDS)
        nth, last = chance.choice([(1, 1), (1, 1000), (2, 2), (3, 5)])
        answer, met = hostile(pattern, chance), 0

        def answering(asked: str) -> bytes | None:
            nonlocal met
            if not re.match(pattern, asked):  # noqa: B023
                return None
            met += 1
            return answer if nth <= met <= last else None  # noqa: B023

        engine.answer = answering
        words = command.split()
        place = [] if words[0] == "clean" else [str(project)]
        result = CliRunner().invoke(main, [words[0], *place, *words[1:]])

        told = f"seed {seed} {number}: {command}: {pattern} → {answer[:300]!r}\n{result.output}"
        assert result.exception is None or isinstance(result.exception, SystemExit), told
        assert result.exit_code in (0, 1, 2, 3, 4), told
        assert "Traceback" not in result.output + "".join(capfd.readouterr()), told


@pytest.mark.parametrize("command", COMMANDS)
def test_the_engine_of_these_tests_answers_as_one(project: Path, engine: FakeEngine, command: str) -> None:
    """So that what is hostile is met where it matters."""
    words = command.split()
    place = [] if words[0] == "clean" else [str(project)]
    result = CliRunner().invoke(main, [words[0], *place, *words[1:]])

    assert result.exit_code in (0, 1), (result.output, engine.asked)
