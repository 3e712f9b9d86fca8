"""An image browsed: every byte that a layer stores, which step stored it, and why it is wasted."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from textual.pilot import Pilot

from ctxsize.browse.layers.app import ImageBrowser
from ctxsize.browse.layers.open import open_image
from ctxsize.cli.main import main
from ctxsize.errors import UsageError
from tests.browse.driving import names, run, text, until
from tests.support.saved_images import layer, save


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    first = layer({"srv/big.bin": b"x" * 9000, "srv/kept": b"y" * 500, "etc/conf": b"z" * 40})
    second = layer({"srv/.wh.big.bin": b"", "srv/new": b"n" * 700, "etc/conf": b"z" * 60})
    return save(tmp_path / "shop.tar", [first, second], ["COPY . /srv", "RUN rm /srv/big.bin"])


def test_what_is_wasted_is_marked_and_its_reason_told(archive: Path) -> None:
    async def drive(pilot: Pilot[None]) -> None:
        assert "10.3kB, 9.04kB of it wasted, 5 files" in text(pilot, "where")
        assert names(pilot) == ["partly srv/", "partly etc/"]
        assert text(pilot, "effect") == (
            "stored by #1 COPY . /srv; 9kB wasted: removed by #2 RUN rm /srv/big.bin"
        )
        await pilot.press("enter")
        assert names(pilot) == ["wasted big.bin", "shown new", "shown kept"]
        await pilot.press("down")
        assert text(pilot, "effect") == "stored by #2 RUN rm /srv/big.bin"
        await pilot.press("s")
        assert names(pilot)[0] == "wasted big.bin"
        assert "by wasted bytes" in text(pilot, "where")
        await pilot.press("backspace", "f", "s")
        assert names(pilot)[0] == "shown /srv/new"
        await pilot.press("f", "slash", *"conf", "enter")
        assert names(pilot) == ["shown conf", "wasted conf"]

    run(ImageBrowser(open_image(str(archive))), "stored by", drive)


def test_one_layer_alone_and_the_base_image(archive: Path) -> None:
    async def drive(pilot: Pilot[None]) -> None:
        await pilot.press("l", "down", "enter")
        await until(pilot, lambda: "only #1 COPY . /srv" in text(pilot, "where"))
        assert names(pilot) == ["partly srv/", "wasted etc/"]
        await pilot.press("enter")
        assert names(pilot) == ["wasted big.bin", "shown kept"]
        await pilot.press("h")
        assert "--base names it" in text(pilot, "effect")
        await pilot.press("l", "enter")
        await until(pilot, lambda: "only" not in text(pilot, "where"))
        assert len(names(pilot)) == 3

    run(ImageBrowser(open_image(str(archive))), "stored by", drive)


def test_what_is_no_image_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "no.tar").write_text("nothing")
    browser = ImageBrowser(open_image(str(tmp_path / "no.tar")))
    browser.run(headless=True)

    assert isinstance(browser.failure, UsageError)


def test_a_name_that_can_be_nothing_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        open_image("./no-such.tar")
    with pytest.raises(UsageError, match="--base is for an image that the engine has"):
        open_image("registry://localhost/x:1", base="y")
    assert CliRunner().invoke(main, ["browse", "no.tar"]).exit_code == 2
