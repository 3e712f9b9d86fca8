"""Driving a browser by its keys, through Textual's Pilot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from textual.pilot import Pilot
from textual.widgets import Static

from ctxsize.browse.looking import Looking
from ctxsize.browse.table import Rows
from tests.support.waiting import GIVE_UP_SECONDS

#: More messages than follow each other after a key.
_HOPS = 8
Drive = Callable[[Pilot[None]], Awaitable[None]]


def text(pilot: Pilot[None], name: str) -> str:
    """What a part of the screen says."""
    return str(pilot.app.query_one(f"#{name}", Static).render())


def names(pilot: Pilot[None]) -> list[str]:
    """The rows: mark and name."""
    return [f"{row.mark} {row.name}" for row in pilot.app.query_one("#rows", Rows).rows]


async def until(pilot: Pilot[None], true: Callable[[], bool]) -> None:
    """Wait until it is so."""
    for _ in range(int(GIVE_UP_SECONDS / 0.05)):
        if true():
            return
        await pilot.pause(0.05)
    raise AssertionError("it never was")


async def _press(pilot: Pilot[None], press: Callable[..., Awaitable[None]], *keys: str) -> None:
    """Press keys one by one.

    Textual waits until little is computed, which on a busy machine is too early: what a key does comes about
    in messages from one part of the screen to the next.
    """
    for key in keys:
        await press(key)
        for _ in range(_HOPS):
            await pilot.pause(0)


def run(app: Looking, ready: str, drive: Drive) -> None:
    """Run the browser, and ``drive`` it once its last line begins with ``ready``."""

    async def running() -> None:
        async with app.run_test(size=(110, 30)) as pilot:
            pilot.press = partial(_press, pilot, pilot.press)  # type: ignore[method-assign]
            await until(pilot, lambda: text(pilot, "effect").startswith(ready))
            await drive(pilot)

    asyncio.run(running())
