"""``ctxsize clean``: remove what killed runs left on the engine."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from ctxsize.cli.errors import show_note
from ctxsize.cli.options import BUILDERS, repeated_option
from ctxsize.cli.output import make_progress
from ctxsize.errors import CtxsizeError
from ctxsize.text import printable
from ctxsize.units import format_bytes

if TYPE_CHECKING:
    from ctxsize.engine.footprint.clean import Cleaned
    from ctxsize.engine.footprint.leftovers import Leftover

_EPILOG = """\b
Examples:
  ctxsize clean --dry-run
  ctxsize clean --builder ci               what is left on the builder ci
  ctxsize clean --run 0123abcd-4567cdef    what a killed CI machine left on a shared engine
"""


@click.command(epilog=_EPILOG)
@click.option("-n", "--dry-run", is_flag=True, help="Only show what would be removed.")
@repeated_option(
    "--run", "runs", metavar="ID", help="Also remove what this run of another user or machine left."
)
@click.option(
    "--builder", type=BUILDERS, default="auto", help="Look at this builder (default: as `docker build`)."
)
def clean(dry_run: bool, runs: tuple[str, ...], builder: str) -> None:
    """Remove what killed runs of ctxsize left on the Docker engine, and on the builders they used.

    Every run removes what it made, and what your killed runs on this machine left. Use this command to
    clean up without waiting for the next run. It removes only what carries ctxsize's label or is listed in
    a run's journal, never anything of a run still at work and never a tagged image. Exit code 1 means that
    something stays, or may stay: it is in use, or the engine refused.
    """
    # Imported here so that commands without an engine start fast.
    from ctxsize.engine.builders.find import find_builder, find_nodes
    from ctxsize.engine.footprint.clean import builders_to_clean
    from ctxsize.engine.footprint.clean import clean as remove

    engine, _ = find_builder(builder)
    unreached: list[str] = []
    with closing(make_progress(quiet=False, verbose=False)) as progress:
        found = [("", remove(engine, dry_run=dry_run, runs=runs, progress=progress))]
        for name in builders_to_clean(engine.info.id):
            try:
                found += [
                    (name, remove(node, dry_run=dry_run, progress=progress)) for node in find_nodes(name)
                ]
            except CtxsizeError as error:
                unreached.append(f"what killed runs left on the builder {name} stays: {error}")
    for note in unreached:
        show_note(note)
    for name, cleaned in found:
        for line in _lines(cleaned):
            click.echo(f"{printable(name)}: {line}" if name else line)
        if cleaned.unseen:
            show_note(f"the engine's history of builds could not be looked at: {cleaned.unseen}")
    if unreached or any(cleaned.kept or cleaned.remembered for _, cleaned in found):
        raise SystemExit(1)


def _lines(cleaned: Cleaned) -> list[str]:
    """The report, a line for each thing."""
    verb = "would remove" if cleaned.dry_run else "removed"
    lines = [f"{verb} {_thing(thing)}" for thing in cleaned.removed]
    lines += [
        f"{f'refused ({printable(thing.refused)})' if thing.refused else 'in use'}, stays: {_thing(thing)}"
        for thing in cleaned.kept
    ]
    lines += [
        f"perhaps in the engine's history, with the values of build arguments: builds of run {run}"
        for run in cleaned.remembered
    ]
    lines += [f"at work, left alone: run {run}" for run in cleaned.live]
    lines += [
        f"of another user or machine, left alone: run {run} (dead? then --run {run})"
        for run in cleaned.others
    ]
    if cleaned.removed:
        lines.append(f"{verb} {_count(len(cleaned.removed))}, {format_bytes(cleaned.bytes)}")
    elif not cleaned.kept and not cleaned.remembered:
        lines.append("nothing to remove")
    return lines


def _thing(thing: Leftover) -> str:
    size = "size unknown" if thing.bytes is None else format_bytes(thing.bytes)
    name = thing.id if thing.kind == "directory" else thing.id.removeprefix("sha256:")[:12]
    return f"{thing.kind} {printable(name)}, {size}, of run {thing.run}"


def _count(number: int) -> str:
    return "1 thing" if number == 1 else f"{number:,} things"
