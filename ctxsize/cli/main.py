"""The ``ctxsize`` command group."""

from __future__ import annotations

import click

from ctxsize import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ctxsize")
def main() -> None:
    """Measure what a .dockerignore saves."""
