"""A short sweep of real builds with the reference clients; ``make conformance`` runs the long one."""

from __future__ import annotations

import os

import pytest
from ignore_cases import generate
from ignore_reference import Reference
from sweep import run_case

from ctxsize.ignore import Dialect

# Another first number sees other cases.
FIRST = int(os.environ.get("CTXSIZE_CONFORMANCE_FIRST", "1000000"))


@pytest.fixture(scope="module")
def reference() -> Reference:
    if not Reference.available():
        pytest.skip(
            "no reference engine: scripts/modern-engine start DIR makes one (CTXSIZE_MODERN_ENGINE=DIR)"
        )
    return Reference.start()


@pytest.mark.docker
@pytest.mark.reference
@pytest.mark.parametrize("dialect", Dialect)
def test_thirty_random_contexts_arrive_as_ctxsize_says(reference: Reference, dialect: Dialect) -> None:
    for seed in range(FIRST, FIRST + 30):
        case = generate(seed)
        real, ours, message = run_case(reference, case, dialect)
        assert ours == real, f"case {seed}: {case} {message}"
