"""What the tests on an engine build on."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def base(base_image: Callable[[str], str]) -> str:
    """The image to use for busybox."""
    return base_image("busybox:1.36")
