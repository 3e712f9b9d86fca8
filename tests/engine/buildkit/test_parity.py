"""Whatever the Dockerfile: the image, the files sent and the bytes are those of the official client.

The references were recorded from the official client (buildx 0.29, record.py) building on an Engine 28.5 and
on an Engine 20.10; a test compares with the one its engine is nearest to. ``pytest -m reference`` compares
live.
"""

from __future__ import annotations

import functools
import json
import os
import shlex
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import pytest

from ctxsize.engine.buildkit import Control, LocalDir, Sent, SolveRequest, SolveResult, build, connect
from tests.engine.buildkit.base import SECRET, make_base
from tests.engine.buildkit.cases import BASE, CASES, Case, make_case
from tests.engine.buildkit.conftest import CACHE_NAME
from tests.engine.buildkit.contents import image_changes
from tests.engine.buildkit.docker_patterns import DockerPatterns
from tests.engine.buildkit.record import reference

RECORDED = Path(__file__).parent / "recorded"


@functools.cache
def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return found


def is_modern(api: docker.APIClient) -> bool:
    return int(api.version()["Version"].split(".")[0]) >= 23


def build_case(
    control: Control, case: Case, variant: str, folder: Path, **more: Any
) -> tuple[SolveResult, list[str]]:
    """Build one variant with a session of ours: the result and the files whose content was sent. ``more`` is
    for ``build`` (``take``) and SolveRequest."""
    os.environ["CTXSIZE_TEST_SECRET"] = SECRET
    context = make_case(case, folder)
    hidden = frozenset(case.hidden) if variant == "without" else frozenset()
    dockerfile = (context / case.file).resolve()
    beside = frozenset(os.path.relpath(context / path, dockerfile.parent) for path in hidden)
    sent: list[str] = []

    def on_sent(write: Sent) -> None:
        if write.name == f"{CACHE_NAME}-context":
            sent.extend(path for path, _ in write.files)

    here = Path.cwd()
    os.chdir(context)  # the secrets' files are relative to it
    take = more.pop("take", None)
    try:
        result = build(
            control,
            SolveRequest(
                dockerfile=dockerfile.name,
                target=case.target,
                build_args=case.build_args,
                secrets=case.secrets,
                network="none",
                no_cache=True,
                cache_name=CACHE_NAME,
                **more,
            ),
            context=LocalDir(context, DockerPatterns, hidden=hidden),
            dockerfile=LocalDir(dockerfile.parent, DockerPatterns, hidden=beside),
            on_sent=on_sent,
            take=take,
        )
    finally:
        os.chdir(here)
    unopened = {path for transfer in result.context for path in transfer.unopened}
    secrets = {s.split("src=")[1] for s in case.secrets if "src=" in s}
    skipped = (".dockerignore", "Dockerfile", "Dockerfile.prod")
    return result, sorted({p for p in sent if p not in unopened and not p.endswith(skipped)} | secrets)


def _built(
    api: docker.APIClient, case: Case, variant: str, folder: Path, tag: str
) -> tuple[SolveResult, list[str]]:
    with closing(connect(api)) as control:
        return build_case(control, case, variant, folder, tags=[tag])


def compare(
    files: dict[str, list[object]], result: SolveResult, sent: list[str], expected: dict[str, Any]
) -> None:
    assert files == expected["files"]
    assert sent == expected["sent"]
    loads = [v for v in result.vertices if "load build context" in v.name]
    engine_counted = sorted(s.current for v in loads for s in v.statuses)
    assert engine_counted == pytest.approx(expected["bytes"], rel=0.01)
    assert result.sent_bytes == pytest.approx(sum(engine_counted), rel=0.01)


@pytest.mark.docker
@pytest.mark.usefixtures("base")
@pytest.mark.parametrize("variant", ["with", "without"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_build_is_the_official_clients(
    case: Case, variant: str, api: docker.APIClient, tmp_path: Path, new_tag: Callable[[], str]
) -> None:
    modern = is_modern(api)
    if case.modern and not modern:
        pytest.skip("the engine's frontend is older than the syntax")
    expected = recorded("engine-28" if modern else "engine-20")[case.name][variant]
    tag = new_tag()
    result, sent = _built(api, case, variant, tmp_path, tag)
    compare(image_changes(api, tag, BASE), result, sent, expected)


@pytest.mark.reference
@pytest.mark.parametrize("variant", ["with", "without"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_build_is_the_official_clients_live(case: Case, variant: str, tmp_path: Path) -> None:
    """CTXSIZE_REFERENCE_CLIENT, _HOST and _HERE are record.py's --client, --host and --here."""
    client = shlex.split(os.environ["CTXSIZE_REFERENCE_CLIENT"])
    host = os.environ["CTXSIZE_REFERENCE_HOST"]
    api = docker.APIClient(base_url=os.environ.get("CTXSIZE_REFERENCE_HERE", host), timeout=300)
    make_base(api)
    tag = "ctxsize-test-parity"
    expected = reference(case, variant, client, host, api)
    try:
        result, sent = _built(api, case, variant, tmp_path, tag)
        compare(image_changes(api, tag, BASE), result, sent, expected)
    finally:
        api.remove_image(tag, force=True)
