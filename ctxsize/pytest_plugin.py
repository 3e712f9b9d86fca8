"""The pytest plugin: a ``ctxsize`` fixture, so that a project's tests keep its context and image small.

::

    def test_what_docker_gets(ctxsize):
        shop = ctxsize("services/shop")
        assert shop.context <= "10 MB"
        assert ".git" not in shop

pytest loads this module wherever ctxsize is installed, so it imports nothing of it until a test asks.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ctxsize.testing import Projects


@pytest.fixture(scope="session")
def ctxsize(request: pytest.FixtureRequest) -> Projects:
    """``ctxsize("services/api")``: the build context there, and its image; paths from pytest's rootdir."""
    from ctxsize.testing import Projects

    return Projects(request.config.rootpath)


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """What to say when a size is compared in vain, or a path is there that should not be."""
    testing = sys.modules.get("ctxsize.testing")  # no fixture was used where it is not loaded
    explained: list[str] | None = None if testing is None else testing.explain(op, left, right)
    return explained
