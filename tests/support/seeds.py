"""How many of the random cases the suite tries, and how many `make sweeps`."""

from __future__ import annotations

import pytest


def seeds(suite: int, sweep: int) -> list[object]:
    """The numbers from 0 up to ``sweep`` as parameters of a test: those from ``suite`` on are slow."""
    return [
        *range(suite),
        *(pytest.param(number, marks=pytest.mark.slow) for number in range(suite, sweep)),
    ]
