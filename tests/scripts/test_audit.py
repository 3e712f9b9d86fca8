"""A known vulnerability fails `make lint`; a vulnerability service out of reach does not, and is told."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CLEAN = {"name": "a", "version": "1", "vulns": []}
FLAWED = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("packages", "code", "out", "err"),
    [
        ([CLEAN], 0, "", ""),
        ([CLEAN, FLAWED], 1, "", "audit: b 2: CVE-1, fixed in 3\n"),
        ([CLEAN, UNKNOWN], 0, "audit: 1 of 2 packages were not audited", ""),
        (
            [UNKNOWN],
            0,
            "audit: nothing was audited, the vulnerability service knows none of the packages",
            "",
        ),
        (None, 0, "audit: nothing was audited, the vulnerability service gave no answer: no route\n", ""),
    ],
)
def test_audit(packages: list[object] | None, code: int, out: str, err: str, tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    answer.write_text("" if packages is None else json.dumps({"dependencies": packages}))
    fake = tmp_path / "pip-audit"
    fake.write_text(f"#!/bin/sh\ncat {answer}\necho no route >&2\nexit 1\n")
    fake.chmod(0o755)

    done = subprocess.run(
        [ROOT / "scripts/audit"], capture_output=True, text=True, env=os.environ | {"PIP_AUDIT": str(fake)}
    )

    assert (done.returncode, done.stderr) == (code, err)
    assert done.stdout.startswith(out)
    assert len(done.stdout.splitlines()) <= 1
