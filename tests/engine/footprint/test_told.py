"""How far the end of a run is, as the engine removes what it made."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from ctxsize.api import image
from ctxsize.engine.options import BuildOptions
from ctxsize.progress import Silent

pytestmark = pytest.mark.docker

COPIED, WRITTEN = 300_000, 700_000


class Told(Silent):
    """What was said of each lot of things."""

    def __init__(self) -> None:
        self.lots: dict[str, list[tuple[int, int, int, int]]] = {}

    def removed(self, what: str, count: int, of: int, size: int, total: int) -> None:
        self.lots.setdefault(what, []).append((count, of, size, total))


@pytest.mark.parametrize(
    ("builder", "what", "bytes_"),
    # BuildKit has a record of what it received, too.
    [("classic", "images", COPIED + WRITTEN), ("buildkit", "cache records", 2 * COPIED + WRITTEN)],
)
def test_things_and_bytes_go_one_by_one(
    builder: str,
    what: str,
    bytes_: int,
    base_image: Callable[[str], str],
    tmp_path: Path,
    api: docker.APIClient,
) -> None:
    (tmp_path / "file").write_bytes(os.urandom(COPIED))
    (tmp_path / ".dockerignore").write_text("Dockerfile\n.dockerignore\n")
    (tmp_path / "Dockerfile").write_text(
        f"ARG BASE\nFROM $BASE\nCOPY . /src\nRUN head -c {WRITTEN} /dev/urandom > /new\n"
    )
    told = Told()

    image(
        tmp_path,
        builder=builder,
        options=BuildOptions(build_args={"BASE": base_image("busybox:1.36")}),
        progress=told,
    )

    lot = told.lots[what]
    of, total = lot[0][1], lot[0][3]
    assert [count for count, *_ in lot] == [*range(of + 1)], "one after the other, to the last"
    assert {each[1::2] for each in lot} == {(of, total)}
    sizes = [size for _, _, size, _ in lot]
    assert sizes[0] == 0 and sizes == sorted(sizes) and sizes[-1] == total
    assert len({*sizes}) > 2, "bytes come along"
    # The containerd store has a layer compressed, too: random bytes are no smaller then.
    packed = "io.containerd.snapshotter" in str(api.info()["DriverStatus"])
    rest = COPIED + WRITTEN + 80_000 if packed else 20_000
    assert bytes_ <= total < bytes_ + rest, "beside names and what describes directories"
