"""An error is one line: where, what, and the next step."""

from __future__ import annotations

import pytest

from ctxsize import errors


def test_the_line_has_place_message_and_hint() -> None:
    error = errors.UsageError("no such directory", where="app", hint="give the path of a build context")

    assert str(error) == "app: no such directory (give the path of a build context)"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.IgnoreFileError, 2),
        (errors.DockerfileError, 3),
        (errors.BuildFailed, 3),
        (errors.EngineError, 4),
        (errors.Interrupted, 130),
    ],
)
def test_exit_codes_never_change(kind: type[errors.CtxsizeError], code: int) -> None:
    assert kind("x").exit_code == code
