#!/usr/bin/env python3
"""How long a key takes in `ctxsize browse`, as a ratio to the browser's own first scan of the same tree.

    python benchmarks/browse.py [--files 100000] [--runs 3]

The real screen without a terminal (Textual's Pilot). A key is timed from the press until the screen shows
what it changed: what the draft ignores, excepts or takes back, rows by another measure, a line typed in the
draft whose wildcards ask about every file. The scan is timed from the start until all is judged. What lint
finds comes from a process beside the screen and has a row of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rows import row  # noqa: E402
from textual import events  # noqa: E402
from textual.pilot import Pilot  # noqa: E402
from textual.widgets import Static  # noqa: E402

from benchmarks.lint import RULES  # noqa: E402
from benchmarks.scan import make_tree  # noqa: E402
from ctxsize.browse.app import Browser  # noqa: E402
from ctxsize.browse.open import open_tree  # noqa: E402

#: Of the first scan: what is 100 ms where that takes 1.5 s.
BAR = 0.067
#: What lint finds is there after so many scans.
LINT_BAR = 2.0
#: The keys that are timed, by what they do.
KEYS = {
    "ignore": ["i"],
    "except": ["e"],
    "undo": ["u", "u"],
    "sort": ["s", "s", "s", "s"],
    "largest": ["f", "f"],
    "move": ["down", "up"],
}
TYPED = "**/*1.*"
KEY_NAMES = {"*": "asterisk", "/": "slash", ".": "full_stop"}
#: More messages than follow each other after a key.
HOPS = 8


async def drive(root: Path) -> tuple[float, float, dict[str, list[float]]]:
    """Seconds of the first scan, until lint has answered a change, and of each key."""
    app = Browser(open_tree(root))
    times: dict[str, list[float]] = {}
    async with app.run_test(size=(120, 40)) as pilot:
        start = time.perf_counter()
        while "The build sees" not in _said(pilot):
            await asyncio.sleep(0.01)
        scan = app.scanned - start
        await _quiet(pilot)
        for name, keys in KEYS.items():
            times[name] = [await _timed(partial(_pressed, pilot, key)) for key in keys]
        await pilot.press("t")
        typed = [partial(_pressed, pilot, key, KEY_NAMES.get(key)) for key in TYPED]
        times["type"] = [await _timed(each) for each in typed]
        # What it is still at was asked before.
        await _quiet(pilot)
        start = time.perf_counter()
        await _pressed(pilot, "backspace")
        await _quiet(pilot)
        lint = time.perf_counter() - start
    return scan, lint, times


async def _timed(act: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await act()
    return time.perf_counter() - start


async def _pressed(pilot: Pilot[None], key: str, name: str | None = None) -> None:
    """Until what the key does is judged and shown.

    Textual's own ``press`` sleeps 40 ms and more to see whether the program idles. Here every part of the
    screen has answered as many times as messages can follow a key.
    """
    app = pilot.app
    assert isinstance(app, Browser)
    app.post_message(events.Key(name or key, key if len(key) == 1 else None))
    for _ in range(HOPS):
        await pilot.pause(0)
    while not app.up_to_date:
        await asyncio.sleep(0.001)
    await pilot.pause(0)


async def _quiet(pilot: Pilot[None]) -> None:
    """Until lint has answered: on few processors it would be timed, too."""
    app = pilot.app
    assert isinstance(app, Browser)
    while not app.findings.quiet:
        await asyncio.sleep(0.01)


def _said(pilot: Pilot[None]) -> str:
    return str(pilot.app.query_one("#effect", Static).render())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    scans, lints, keys = [], [], dict[str, list[float]]()
    with tempfile.TemporaryDirectory(prefix="ctxsize-bench-") as name:
        root = Path(name)
        make_tree(root, asked.files)
        (root / "Dockerfile").write_text("FROM scratch\nCOPY . /app\n")
        (root / ".dockerignore").write_text("".join(f"{rule}\n" for rule in RULES))
        for run in range(asked.runs + 1):
            scan, lint, times = asyncio.run(drive(root))
            if run:  # the first fills the cache
                scans.append(scan)
                lints.append(lint)
                for key, each in times.items():
                    keys.setdefault(key, []).extend(each)
    scan = statistics.median(scans)
    middle = {key: statistics.median(each) for key, each in keys.items()}
    slowest = max(middle, key=lambda key: middle[key])
    told = ", ".join(f"{key} {1000 * each:.0f}" for key, each in middle.items())
    print(f"{asked.files} files: scan {scan:.2f} s; ms of a key (medians): {told}")
    detail = f"{slowest}: {1000 * middle[slowest]:.0f} ms; scan {scan:.2f} s; medians in ms: {told}"
    fast = row(f"the slowest key, {asked.files} files", middle[slowest] / scan, BAR, detail=detail)
    lint = statistics.median(lints)
    detail = f"{lint:.2f} s"
    fast &= row(f"lint of a draft, {asked.files} files", lint / scan, LINT_BAR, detail=detail)
    print(f"ratio {middle[slowest] / scan:.3f} (bar {BAR}), lint {lint / scan:.2f} (bar {LINT_BAR})")
    return int(not fast)


if __name__ == "__main__":
    sys.exit(main())
