"""Whose fault it is when a command does not start."""

from __future__ import annotations

import pytest

from ctxsize.engine.containers import _start_code

PODMAN = "runc: runc create failed: unable to start container process: "


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (f'{PODMAN}exec: "/app/a": permission denied: OCI permission denied', 126),
        (
            f'{PODMAN}exec: "/x": stat /x: no such file or directory: OCI runtime attempted to invoke',
            127,
        ),
        (f"{PODMAN}error setting rlimit type 7: operation not permitted: OCI permission denied", None),
    ],
)
def test_podman_calls_all_that_its_runtime_may_not_do_a_denied_permission(
    message: str, code: int | None
) -> None:
    assert _start_code(message) == code
