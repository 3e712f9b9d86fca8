"""What a build takes from its context, per target and builder."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.dockerfile.platforms import platform_args
from ctxsize.dockerfile.resolve import BaseImage
from ctxsize.dockerfile.sources import Sources
from ctxsize.errors import UsageError
from tests.support.sources import context_sources


def sources(text: str, *, buildkit: bool = True, target: str | None = None, **build_args: str) -> Sources:
    return context_sources(
        parse_dockerfile(text.encode(), "Dockerfile"),
        target=target,
        build_args=build_args,
        buildkit=buildkit,
        base_images={"base": BaseImage(env={"HOME": "/root"}, workdir="/base")},
        predefined=platform_args("linux/amd64"),
    )


def patterns(found: Sources) -> list[str]:
    return [item.pattern for item in found.items]


ONE_STAGE = [
    # instructions, patterns
    ("COPY . .", ["."]),
    ("COPY ./ /x", ["."]),
    ("COPY / /x", ["."]),
    ('COPY "" /x', ["."]),
    ("COPY ../../ /x", ["."]),
    ("COPY a b/ ./c /d/../e x//y /dest/", ["a", "b", "c", "e", "x/y"]),
    ("COPY ../a /", ["a"]),
    ('COPY ["a b", "/x y/"]', ["a b"]),
    ("COPY 'a' \"b\" /", ["a", "b"]),
    ("COPY a* ?b [c]/d /", ["a*", "?b", "[c]/d"]),
    ("COPY --chown=1 --chmod=1 --link a /", ["a"]),
    ("COPY --exclude=*.md --parents a/./b /", ["a/b"]),
    ("ADD a.tar b /", ["a.tar", "b"]),
    ("ADD https://x/y HTTP://x/y git@github.com:a/b.git git://x/y c /", ["c"]),
    ("COPY <<EOF a <<E2 /\nx\nEOF\ny\nE2", ["a"]),
    ("COPY <<EOF /x\nx\nEOF", []),
    ("COPY --from=alpine a /", []),
    ("RUN --mount=type=bind,source=a,target=/a x", ["a"]),
    ("RUN --mount=source=a,target=/a x", ["a"]),
    ("RUN --mount=type=bind,src=./a/,dst=/a,ro --mount=type=bind,src=b,dst=/b x", ["a", "b"]),
    ("RUN --mount=type=bind,target=/a x", ["."]),
    ("RUN --mount=type=bind,from=alpine,source=a,target=/a x", []),
    ("RUN --mount=type=cache,target=/c --mount=type=secret,id=s --mount=type=tmpfs,target=/t x", []),
    ("ARG A=src\nCOPY $A/x ${A}2 /", ["src/x", "src2"]),
    ("ENV A=src\nCOPY ${A} /", ["src"]),
    ("COPY $HOME/x /", ["root/x"]),
    ("ARG A\nCOPY x$A /", ["x"]),
    ("ARG TARGETARCH\nCOPY bin/$TARGETARCH /", ["bin/amd64"]),
    ("ARG A=src\nRUN --mount=type=bind,source=$A,target=/a x", ["src"]),
    ("ONBUILD COPY a /", []),
    ("copy a /", ["a"]),
    ("COPY a", []),
]


@pytest.mark.parametrize(("body", "expected"), ONE_STAGE)
def test_sources_of_one_stage(body: str, expected: list[str]) -> None:
    found = sources(f"FROM base\n{body}\n")
    assert (patterns(found), found.unknown, found.notes) == (expected, (), ())


STAGES = """\
FROM scratch AS one
COPY one /
FROM scratch AS two
COPY two /
FROM one AS three
COPY --from=two /two /
COPY three /
FROM scratch AS four
RUN --mount=type=bind,from=1,target=/x y
COPY four /
FROM scratch AS last
COPY last /
"""


@pytest.mark.parametrize(
    ("target", "buildkit", "classic"),
    [
        (None, ["last"], ["one", "two", "three", "four", "last"]),
        ("one", ["one"], ["one"]),
        ("THREE", ["one", "two", "three"], ["one", "two", "three"]),
        ("four", ["two", "four"], ["one", "two", "three", "four"]),
        ("3", ["two", "four"], ["one", "two", "three", "four"]),
        ("0", ["one"], ["one"]),
    ],
)
def test_only_stages_that_are_built_count(
    target: str | None, buildkit: list[str], classic: list[str]
) -> None:
    assert patterns(sources(STAGES, target=target)) == buildkit
    assert patterns(sources(STAGES, target=target, buildkit=False)) == classic


@pytest.mark.parametrize("target", ["five", "9", "-1"])
def test_a_target_that_is_not_there(target: str) -> None:
    with pytest.raises(UsageError, match=f"target stage {target} could not be found") as caught:
        sources(STAGES, target=target)
    assert caught.value.hint == "its stages are one, two, three, four, last"


def test_a_stage_name_used_twice_means_the_last_one_before() -> None:
    text = "FROM scratch AS b\nCOPY a /\nFROM scratch AS b\nCOPY c /\nFROM b\nCOPY d /\n"
    assert patterns(sources(text)) == ["c", "d"]


def test_global_args_choose_stages() -> None:
    text = "ARG V=one\nFROM scratch AS one\nCOPY 1 /\nFROM scratch AS two\nCOPY 2 /\nFROM $V\nCOPY 3 /\n"
    assert patterns(sources(text)) == ["1", "3"]
    assert patterns(sources(text, V="two")) == ["2", "3"]


def test_a_stage_inherits_the_variables_of_the_one_it_starts_from() -> None:
    text = "FROM base AS a\nENV E=env\nARG A=arg\nFROM a\nCOPY x$E x$A /\n"
    assert patterns(sources(text)) == ["xenv", "xarg"]
    assert patterns(sources(text, buildkit=False)) == ["xenv", "x"]


def test_onbuild_of_a_stage_runs_in_the_stages_from_it() -> None:
    text = "FROM scratch AS a\nONBUILD COPY src /\nFROM a\nCOPY x /\nFROM a AS c\n"
    assert patterns(sources(text, target="1")) == ["src", "x"]
    assert patterns(sources(text)) == ["src"]


def test_onbuild_of_a_base_image() -> None:
    dockerfile = parse_dockerfile(b"FROM node\nCOPY x /\n", "Dockerfile")
    node = BaseImage(onbuild=("COPY package.json /", "RUN x"))
    known = context_sources(dockerfile, base_images={"node": node})
    assert (patterns(known), known.notes) == (["package.json", "x"], ())
    unknown = context_sources(dockerfile)
    assert patterns(unknown) == ["x"]
    assert unknown.notes == ("Dockerfile:1: ONBUILD instructions of node are not known",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("FROM other\nCOPY $X /\n", "Dockerfile:2: COPY: the value of X is not known before the build"),
        ("FROM base\nCOPY ${X:?unset} /\n", "Dockerfile:2: COPY: X: unset"),
        ("FROM base\nCOPY ${ /\n", "Dockerfile:2: COPY: syntax error: bad substitution"),
        ("FROM $X\n", None),
        ("FROM a${TARGETARCH:?}\n", None),
        ("FROM other\nENV Y=$X\nWORKDIR $X\nCOPY a /\n", None),
    ],
)
def test_what_is_unknown_is_said(text: str, reason: str | None) -> None:
    assert sources(text).unknown == (() if reason is None else (reason,))


def test_an_unknown_base_that_may_be_a_stage_is_said() -> None:
    dockerfile = parse_dockerfile(b"FROM scratch AS amd64\nCOPY x /\nFROM $TARGETARCH\n", "Dockerfile")
    found = context_sources(dockerfile)
    assert found.unknown == (
        "Dockerfile:3: FROM $TARGETARCH: the value of TARGETARCH is not known before the build",
    )
    assert patterns(context_sources(dockerfile, predefined=platform_args("linux/amd64"))) == ["x"]


def test_each_source_says_where_it_stands() -> None:
    (item,) = sources("FROM base\nWORKDIR app\nCOPY --exclude=*.md --exclude=x --parents a? b/\n").items
    assert (item.keyword, item.line, item.pattern) == ("COPY", 3, "a?")


@pytest.mark.parametrize(
    ("body", "path", "is_dir", "needed"),
    [
        ("COPY . .", "any/thing", False, True),
        ("COPY src /", "src", True, True),
        ("COPY src /", "src/a", False, True),
        ("COPY src /", "lib/a", False, False),
        ("COPY src/a /", "src", True, True),
        ("COPY src/a /", "src", False, False),
        ("COPY *.py /", "a.py", False, True),
        ("COPY *.py /", "src/a.py", False, False),
        ("COPY *.py /", "src", True, False),
        # what BuildKit transfers is not lessened by --exclude
        ("COPY --exclude=*.md docs /", "docs/a.md", False, True),
        ("RUN --mount=type=bind,source=a*,target=/x y", "ab", False, False),
        ("LABEL a=b", "a", False, False),
    ],
)
def test_needs(body: str, path: str, is_dir: bool, needed: bool) -> None:
    cover = sources(f"FROM base\n{body}\n").cover(path)
    assert (cover == "all" or (is_dir and cover == "some")) is needed


def test_symlinks_in_sources_lead_to_what_is_needed_too(tmp_path: Path) -> None:
    (tmp_path / "real/sub").mkdir(parents=True)
    (tmp_path / "real/sub/f").touch()
    (tmp_path / "link").symlink_to("real")
    dockerfile = parse_dockerfile(b"FROM scratch\nCOPY link/sub /\n", "Dockerfile")
    followed = context_sources(dockerfile, names=ContextDirectory(tmp_path))
    assert followed.needs("real/sub/f")
    assert not context_sources(dockerfile).needs("real/sub/f")
