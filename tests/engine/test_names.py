"""What may stand in the path of a request, as github.com/distribution/reference reads names."""

from __future__ import annotations

import pytest

from ctxsize.engine.names import is_reference, is_safe

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "scratch",
        "python:3.12-slim",
        "library/python",
        "docker.io/library/python:3",
        "localhost:5000/a/b_c/d__e/f-g/h--i:Tag_1.x",
        "[2001:db8::1]:5000/a",
        "REGISTRY/a",
        f"a@{DIGEST}",
        f"r.example:443/a/b:t@{DIGEST}",
        DIGEST,
        "0123456789ab",
        "a:" + "t" * 128,
    ],
)
def test_what_names_an_image(name: str) -> None:
    assert is_reference(name)
    assert is_safe(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../containers/x",
        "a/../../containers/x",
        "a/..",
        "a/./b",
        "/a",
        "a/",
        "a//b",
        "-a",
        "a b",
        "a?b",
        "a#b",
        "a%2e%2e",
        "a\\b",
        "a\nb",
        "a\n",
        "a:",
        "a:.t",
        "a:" + "t" * 129,
        "a@sha256:12",
        "Upper/Case:T:x",
        "ä",
        "a" * 601,
    ],
)
def test_what_names_none(name: str) -> None:
    assert not is_reference(name)
    assert not is_safe(name)


@pytest.mark.parametrize("name", ["Some_Name.1", "a..b", "a-"])
def test_containers_have_names_of_their_own(name: str) -> None:
    assert is_safe(name)
    assert not is_reference(name)
