"""Whether a process still runs."""

from __future__ import annotations

from pathlib import Path


def lives(pid: int) -> bool:
    """Whether the process runs; one that has ended and is not waited for yet does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # it ended, perhaps between opening and reading
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
