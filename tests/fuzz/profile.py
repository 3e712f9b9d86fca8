"""How long the fuzz tests look: a moment in the suite, as long as one likes with ``make fuzz``.

``CTXSIZE_FUZZ=N`` makes every one of them try N times as many examples, and keeps what it finds.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("CTXSIZE_FUZZ") or 1)


def effort(examples: int) -> settings:
    """Try ``examples`` of them, or as many times more as CTXSIZE_FUZZ says."""
    return settings(
        max_examples=examples * TIMES,
        deadline=None,
        derandomize=TIMES == 1,
        suppress_health_check=list(HealthCheck),
    )
