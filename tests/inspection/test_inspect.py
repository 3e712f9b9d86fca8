"""What the report on an image adds up: sums, steps, groups, views, leftovers."""

from __future__ import annotations

import pytest

from ctxsize.errors import UsageError
from ctxsize.image.inventory import Inventory
from ctxsize.inspection.inspect import inspect
from ctxsize.inspection.leftovers import leftover_place
from ctxsize.inspection.sources import OpenedImage
from ctxsize.inspection.tally import Asked
from ctxsize.inspection.types import ImageReport, View
from tests.image.layers import Put, image, link

LAYERS = (
    [Put("usr/bin/sh", b"x" * 100), Put("etc/conf", b"base"), Put("usr/lib/a.so", b"y" * 50)],
    [Put("srv/app/one.py", b"1" * 30), Put("srv/app/two.py", b"2" * 20), link("srv/latest", "app")],
    [
        Put("srv/app/one.py", b"1" * 30, uid=7),
        Put("srv/app/two.py", b"2" * 20, uid=7),
        Put("etc/.wh.conf"),
        Put("var/lib/apt/lists/x", b"z" * 9),
    ],
    [Put("srv/.wh.latest"), Put("root/.cache/pip/w", b"w" * 5), Put("tmp/t", b"")],
)
TEXTS = (
    "/bin/sh -c #(nop) ADD file:1234 in / ",
    "COPY . /srv # buildkit",
    "RUN |1 A=b /bin/sh -c chown -R 7   /srv # buildkit",
    "/bin/sh -c rm /srv/latest",
)


def report(view: View = "step", *, base: int | None = 1, **asked: int) -> ImageReport:
    with Inventory() as inventory:
        made = image(inventory, *LAYERS, texts=TEXTS)
        return inspect(OpenedImage("shop", "archive", made, inventory, base=base), Asked(view, **asked))


def test_the_sums() -> None:
    totals = report().totals

    assert (totals.bytes, totals.live_bytes, totals.wasted_bytes) == (271, 214, 57)
    assert totals.live_bytes + totals.wasted_bytes == totals.bytes
    assert (totals.reclaimable_bytes, totals.base_bytes, totals.leftover_bytes) == (53, 154, 14)
    assert (totals.pull_bytes, totals.files) == (10_000, 7)
    assert report(base=None).totals.reclaimable_bytes == 57


def test_the_steps() -> None:
    found = [
        (step.text, step.bytes, step.wasted_bytes, step.buried_bytes, step.base) for step in report().steps
    ]

    assert found == [
        ("ADD file:1234 in /", 154, 4, 0, True),
        ("COPY . /srv", 53, 53, 0, False),
        ("RUN chown -R 7 /srv", 59, 0, 54, False),
        ("RUN rm /srv/latest", 5, 0, 3, False),
    ]


def test_waste_by_step_and_cause() -> None:
    found = [
        (each.path, each.bytes, each.files, each.cause, each.stored_by, each.buried_by, each.reclaimable)
        for each in report().groups
    ]

    assert found == [
        ("/srv/app", 50, 2, "same-content", 2, 3, True),
        ("/etc/conf", 4, 1, "removed", 1, 3, False),
        ("/srv/latest", 3, 1, "removed", 2, 4, True),
    ]
    assert report().groups[0].changed == ("owner",)
    assert [(each.path, each.bytes) for each in report().wasted] == [
        ("/srv/app/one.py", 30), ("/srv/app/two.py", 20), ("/etc/conf", 4), ("/srv/latest", 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("view", "rows"),
    [
        (
            "dir",
            [
                ("/srv/app", 100, 50), ("/usr/bin", 100, 0), ("/usr/lib", 50, 0), ("/var/lib", 9, 0),
                ("/root/.cache", 5, 0), ("/etc", 4, 4), ("/srv", 3, 3), ("/tmp", 0, 0),
            ],
        ),
        ("ext", [("(none)", 121, 7), (".py", 100, 50), (".so", 50, 0)]),
        (
            "file",
            [
                ("/usr/bin/sh", 100, 0), ("/usr/lib/a.so", 50, 0), ("/srv/app/one.py", 30, 30),
                ("/srv/app/one.py", 30, 0), ("/srv/app/two.py", 20, 20), ("/srv/app/two.py", 20, 0),
                ("/var/lib/apt/lists/x", 9, 0), ("/root/.cache/pip/w", 5, 0), ("/etc/conf", 4, 4),
                ("/srv/latest", 3, 3), ("/tmp/t", 0, 0),
            ],
        ),
    ],
)  # fmt: skip
def test_the_views(view: View, rows: list[tuple[str, int, int]]) -> None:
    found = report(view).rows

    assert [(row.name, row.bytes, row.wasted_bytes) for row in found] == rows
    assert sum(row.bytes for row in found) == 271


def test_what_is_listed_can_be_narrowed() -> None:
    assert [row.name for row in report("dir", depth=1).rows] == [
        "/usr",
        "/srv",
        "/var",
        "/root",
        "/etc",
        "/tmp",
    ]
    assert [row.name for row in report("file", hidden=1, layer=2).rows][:2] == [
        "/srv/app/one.py", "/srv/app/two.py",
    ]  # fmt: skip
    assert [(row.name, row.step) for row in report(largest=2).largest] == [
        ("/usr/bin/sh", 1),
        ("/usr/lib/a.so", 1),
    ]
    assert {each.stored_by for each in report(hidden=1).wasted} == {2}
    assert [step.number for step in report(hidden=1).steps if step.listed] == [2, 3, 4]
    assert [step.number for step in report(layer=1).steps if step.listed and step.layer] == [2]
    assert report(hidden=1).totals == report().totals


def test_leftovers_by_place_and_step() -> None:
    found = [(each.path, each.kind, each.bytes, dict(each.steps), each.base) for each in report().leftovers]

    assert found == [
        ("/var/lib/apt/lists", "apt-lists", 9, {3: 9}, False),
        ("/root/.cache/pip", "pip-cache", 5, {4: 5}, False),
    ]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/home/me/.npm/_cacache/x", ("/home/me/.npm/_cacache", "npm-cache")),
        ("/var/tmp/x/y", ("/var/tmp", "temporary-files")),
        ("/tmp", None),
        ("/tmpfile", None),
        ("/srv/tmp/x", None),
        ("/var/lib/apt/listsx/y", None),
    ],
)
def test_where_leftovers_are(path: str, place: tuple[str, str] | None) -> None:
    assert leftover_place(path) == place


def test_a_layer_that_is_not_there_and_a_view_that_needs_a_build() -> None:
    with pytest.raises(UsageError, match="there is no layer 5 in it"):
        report(layer=4)
    with pytest.raises(UsageError, match="only of an image that is built here"):
        report("context")
