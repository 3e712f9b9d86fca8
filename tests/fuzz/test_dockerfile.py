"""Any bytes as a Dockerfile: instructions or DockerfileError, in a time that grows with their number only."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxsize.dockerfile.expand import LONGEST, ExpansionError, UnknownVariable, expand
from ctxsize.dockerfile.names import ContextDirectory, matches
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.dockerfile.resolve import BaseImage, resolve
from ctxsize.dockerfile.sources import plan_sources
from ctxsize.dockerfile.wildcard import PathMatcher, excluded
from ctxsize.errors import CtxsizeError, DockerfileError
from tests.fuzz.profile import effort
from tests.support.yardstick import within

FROM = b"FROM scratch AS a\n"
PIECES = (
    *(
        b"FROM a\n",
        b"ARG A=",
        b"ENV A=",
        b"COPY ",
        b"ADD ",
        b"RUN ",
        b"ONBUILD ",
        b"WORKDIR ",
        b"# escape=`\n",
    ),
    *(
        b"--from=",
        b"--mount=",
        b"--exclude=",
        b"--parents ",
        b"type=bind,",
        b"source=",
        b"from=0",
        b"<<E\n",
        b"E\n",
    ),
    *(
        b"$A",
        b"${A",
        b"}",
        b":-",
        b"//",
        b"#",
        b"%",
        b"*",
        b"**",
        b"[",
        b"]",
        b"[^a-",
        b"\\",
        b"`",
        b"'",
        b'"',
    ),
    *(
        b"\n",
        b"\r\n",
        b"\r",
        b" ",
        b",",
        b"=",
        b"a",
        b"/",
        b"..",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
    ),
)
WORDS = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)
FILES = st.one_of(st.binary(max_size=100), st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join))


@given(FILES, WORDS, st.booleans())
@effort(60)
def test_any_bytes(data: bytes, value: bytes, buildkit: bool) -> None:
    text = value.decode("utf-8", "surrogateescape")
    base = BaseImage({"A": text}, "/b", (text.replace("\n", " "),))
    try:
        for whole in (data, FROM + data):
            dockerfile = parse_dockerfile(whole, "D")
            plan = resolve(
                dockerfile,
                build_args={"A": text},
                buildkit=buildkit,
                base_images={"a": base, "scratch": base},
            )
            sources = plan_sources(plan, ContextDirectory("."))
            sources.needs("a/b")
            sources.needs("\udcff")
    except DockerfileError as error:
        assert error.where is not None
    except CtxsizeError:
        pass


@given(WORDS, WORDS)
@effort(60)
def test_any_word(word: bytes, value: bytes) -> None:
    text = value.decode("utf-8", "surrogateescape")
    with suppress(ExpansionError, UnknownVariable):
        assert isinstance(expand(word.decode("utf-8", "surrogateescape"), {"A": text}.get), str)


def answer(data: bytes) -> None:
    """Read a Dockerfile and ask what it needs."""
    try:
        sources = plan_sources(resolve(parse_dockerfile(data, "D")))
        for path in ("a" * 255, "a/" * 60 + "a"):
            sources.needs(path)
    except CtxsizeError:
        pass


ENV = b"FROM scratch\nENV A=" + b"a" * 60_000 + b"\n"
HOSTILE = {
    "doubled": FROM + b"ENV A=aaaaaaaa\n" + b"ENV A=$A$A\n" * 60 + b"COPY $A /\n",
    "stars in a name": FROM + b"COPY " + b"*a" * 40 + b"b /\n",
    "any directories": FROM + b"COPY " + b"**/" * 500 + b"x /\n",
    "left out": FROM + b"COPY --exclude=" + b"**/*a" * 200 + b"x . /\n",
    "cut": ENV + b"COPY ${A#" + b"*a" * 40 + b"b} /\n",
    "cut at the end": ENV + b"COPY ${A%" + b"*a" * 40 + b"b} ${A%%b*} ${A%?b*} /\n",
    "replaced": ENV + b"COPY ${A//" + b"*a" * 40 + b"b/x} ${A//a/b} /\n",
    "longer": ENV + b"COPY ${A//a/" + b"b" * 1000 + b"} /\n",
    "in one another": FROM + b"COPY " + b"${A:-" * 30_000 + b"}" * 30_000 + b" /\n",
    "in one another, quoted": FROM + b'COPY "' + b'${A:-"' * 3_000 + b'"}' * 3_000 + b'" /\n',
    "a long mount": FROM + b"RUN --mount=type=bind,source=" + b"a" * 200_000 + b" c\n",
    "a mount of two lines": FROM + b"RUN --mount=a\rb c\n",
    "carried": FROM + b"ONBUILD " * 20_000 + b"\n",
    "stages": b"".join(b"FROM s%d AS s%d\n" % (number, number + 1) for number in range(4_000)),
    "the same stage": b"FROM a AS a\n" * 4_000,
    "nested lists": FROM + b"COPY " + b"[" * 100_000 + b"\n",
    "continued": FROM + b"RUN a \\\n" * 50_000,
    "here-documents": FROM + b"RUN <<A <<B <<C\n" * 3_000,
    "flags": FROM + b"COPY " + b"--a=b " * 50_000 + b"x /\n",
    "spaces": FROM + b"# escape" + b" " * 300_000 + b"=\nRUN " + b" " * 300_000 + b"x\n",
    "backslashes": FROM + b"RUN " + b"\\" * 500_000 + b"\n",
    "quotes": FROM + b"ENV A=" + b"'" * 300_001 + b"\n",
    "a directive of spaces": b"# syntax=a" + b" " * 300_000 + b"b\n" + FROM,
    "a here-document of spaces": FROM + b"COPY <<" + b"\x1c" * 300_000 + b"< /\n",
    "variables handed down": b"FROM scratch AS s\n"
    + b"".join(b"ENV A%d=1\nFROM s AS s\n" % number for number in range(25_000)),
    "arguments for stages": b"".join(b"ARG A%d=1\n" % number for number in range(20_000))
    + b"FROM a\n" * 20_000,
    "one long value many times": ENV + b"".join(b"ENV A%d=$A.\n" % number for number in range(20_000)),
    "cut often": ENV + b"COPY ${A%*a*a*b} /\n" * 10_000,
    "replaced often": ENV + b"COPY ${A//a/b} /\n" * 10_000,
    "deeper and deeper": FROM + b"WORKDIR a\n" * 50_000,
    "triggers for stages": b"FROM scratch AS a\n" + b"ONBUILD COPY a b\n" * 10_000 + b"FROM a\n" * 10_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_answers_in_seconds(name: str) -> None:
    assert within(2, lambda: answer(HOSTILE[name]))


def test_a_pattern_too_long_for_a_path_matches_nothing_and_says_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """RE2 would write a line to stderr for each part of one that it refuses."""
    answer(FROM + b"COPY " + b"**/" * 90_000 + b"x /\n")

    assert capfd.readouterr().err == ""


def test_a_file_asks_for_no_more_than_its_room_of_values() -> None:
    lines = [f"ENV A{number}=$A\n".encode() for number in range(20)]
    plan = resolve(parse_dockerfile(ENV + b"".join(lines) + b"COPY $A0 $A19 /\n", "D"))

    reason = plan.stages[0].steps[-1].unknown
    assert reason is not None
    assert "too long together" in reason


def test_a_value_is_never_longer_than_the_system_allows() -> None:
    with pytest.raises(ExpansionError, match="A: a value of more than"):
        expand("$A$A", {"A": "a" * (LONGEST // 2 + 1)}.get)


@pytest.mark.parametrize("name", ["a\udcffb", "a\nb", "aéb"])
def test_a_wildcard_matches_one_character_of_any_kind(name: str) -> None:
    assert PathMatcher("a?b", deep=False).cover(name) == "all"
    assert PathMatcher(name, deep=False).cover(name) == "all"
    assert PathMatcher("[!-~]?[b]", deep=True).cover(name) == "all"
    assert excluded(name, [name[:1] + "*"])
    assert PathMatcher("a\udcfeb", deep=False).cover(name) == "none"


def test_names_of_any_bytes_are_found(tmp_path: pytest.TempPathFactory) -> None:
    folder = str(tmp_path)
    for name in ("a\udcffb", "a\nb"):
        with open(f"{folder}/{name}", "w"):
            pass

    assert list(matches(ContextDirectory(folder), "a?b")) == ["a\nb", "a\udcffb"]
    assert list(matches(ContextDirectory(folder), "a\udcff*")) == ["a\udcffb"]
