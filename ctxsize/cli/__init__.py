"""The command line: one module per command; parses, calls the public API, prints, sets the exit code."""

from ctxsize.cli.main import main

__all__ = ["main"]
