"""A comparison's JSON has the keys and the bytes that were recorded in tests/data/comparisons."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from ctxsize.report.formats import drawing
from ctxsize.report.shared.look import Look
from tests.comparison.conftest import Compared
from tests.support.opening import open_images

pytestmark = pytest.mark.docker

RECORDED = Path(__file__).parents[1] / "data" / "comparisons"
#: What differs from one run, machine, engine or version to the next; the keys below are compared.
VARYING = {"ctxsize", "created", "engine", "build", "id", "engine_bytes", "seconds", "seconds_low",
           "seconds_high", "seconds_source", "send_seconds", "calibration", "platform"}  # fmt: skip
#: Warnings about times.
OF_TIMES = {"path-seconds", "slow-first-run", "outliers"}
#: Layers have times in them, which compress to a few bytes more or less; what is sent has some, too.
NEARLY = {"pull_bytes": 500, "sent_bytes": 2000}


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
@pytest.mark.parametrize("name", ["derived", "links", "multi-stage"])
def test_the_keys_and_the_bytes_are_those_recorded(
    name: str,
    builder: str,
    api: docker.APIClient,
    compared: Callable[[str, str], Compared],
    base_args: Callable[[str], dict[str, str]],
) -> None:
    result = compared(name, builder).comparison
    document = json.loads("".join(drawing("comparison", "json")(result, Look())))
    base_id = api.inspect_image(base_args(name)["BASE"])["Id"]
    with open_images(api, [base_id]) as reader:
        base = reader.images[base_id]
    for variant in document["variants"].values():
        variant["image"]["bytes"] -= base.bytes
        variant["image"]["pull_bytes"] -= base.pull_bytes
        variant["image"]["layers"] -= len(base.layers)

    recorded = json.loads((RECORDED / f"{name}-{builder}.json").read_text())
    assert list(differences(recorded, document, "")) == []


def differences(before: Any, now: Any, where: str) -> Iterator[str]:
    """What is other than it was recorded, one line each."""
    key = where.rsplit(".", 1)[-1]
    if isinstance(before, dict) and isinstance(now, dict):
        if before.keys() != now.keys() and key not in ("phases", "calibration"):
            yield f"{where}: keys {sorted(before.keys() ^ now.keys())}"
        for name in before.keys() & now.keys():
            yield from differences(before[name], now[name], f"{where}.{name}")
    elif VARYING.intersection(where.split(".")):
        if isinstance(before, list) and isinstance(now, list) and before and now:
            yield from differences(before[0], now[0], where)
    elif isinstance(before, list) and isinstance(now, list):
        if key == "warnings":
            before, now = ([each for each in some if each["code"] not in OF_TIMES] for some in (before, now))
        if len(before) != len(now):
            yield f"{where}: {before} → {now}"
        for number, pair in enumerate(zip(before, now, strict=False)):
            yield from differences(*pair, f"{where}[{number}]")
    elif key in NEARLY and isinstance(before, int) and isinstance(now, int):
        if abs(now - before) > NEARLY[key]:
            yield f"{where}: {before} → {now}"
    elif before != now:
        yield f"{where}: {before} → {now}"
