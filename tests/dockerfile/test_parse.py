"""A Dockerfile's text as instructions. The tables were compared with BuildKit and classic of 28.5."""

from __future__ import annotations

import io
import tarfile

import docker
import pytest
import urllib3

from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.errors import DockerfileError

FROM = "FROM scratch\n"


def shape(text: str | bytes) -> list[str]:
    """``KEYWORD:first-last word|word`` of each instruction after the FROM."""
    data = text if isinstance(text, bytes) else text.encode()
    found = parse_dockerfile(data, "Dockerfile").instructions
    return [f"{i.keyword}:{i.line}-{i.end_line} {'|'.join(i.words)}" for i in found if i.keyword != "FROM"]


ACCEPTED = [
    # text, instructions as shape() gives them
    ("FROM scratch\nCOPY a /\n", ["COPY:2-2 a|/"]),
    ("FROM scratch\r\nCOPY a /\r\n", ["COPY:2-2 a|/"]),
    ("\ufeffFROM scratch\nCOPY a /", ["COPY:2-2 a|/"]),
    ("from scratch\ncopy a /\n", ["COPY:2-2 a|/"]),
    ("  FROM scratch\n\tCOPY a /\n", ["COPY:2-2 a|/"]),
    (FROM + "COPY\ta\v/\n", ["COPY:2-2 a|/"]),
    # continuation lines, with comments and empty lines inside
    (FROM + "COPY a \\\n b /d/\n", ["COPY:2-3 a|b|/d/"]),
    (FROM + "COPY a \\  \n b /d/\n", ["COPY:2-3 a|b|/d/"]),
    (FROM + "COPY a \\\n# c\n  # d\n\n b /d/\n", ["COPY:2-6 a|b|/d/"]),
    (FROM + "COPY a /\\\nd/\n", ["COPY:2-3 a|/d/"]),
    (FROM + "\\\n\\\nCOPY a /\n", ["COPY:2-4 a|/"]),
    (FROM + "COPY a / \\", ["COPY:2-2 a|/"]),
    (FROM + "COPY a / \\\n\n# end\n", ["COPY:2-4 a|/"]),
    (FROM + "COPY a /\\\\\nCOPY b /\n", ["COPY:2-2 a|/\\\\", "COPY:3-3 b|/"]),
    (FROM + "# c \\\nCOPY a /\n", ["COPY:3-3 a|/"]),
    (FROM + "COPY a /\n   # x\n\n\n", ["COPY:2-2 a|/"]),
    # parser directives
    ("# escape=`\n" + FROM + "COPY a `\n b /d/\n", ["COPY:3-4 a|b|/d/"]),
    ("#ESCAPE = `\n" + FROM + "COPY a `\n b /d/\n", ["COPY:3-4 a|b|/d/"]),
    ("  # escape=`\n" + FROM + "COPY a `\n b /d/\n", ["COPY:3-4 a|b|/d/"]),
    ("# check=skip=all\n# escape=`\n" + FROM + "COPY a `\n b /d/\n", ["COPY:4-5 a|b|/d/"]),
    ("# foo=bar\n# escape=`\n" + FROM + "COPY a \\\n b /d/\n", ["COPY:4-5 a|b|/d/"]),
    ("# foo\n# escape=`\n" + FROM + "COPY a \\\n b /d/\n", ["COPY:4-5 a|b|/d/"]),
    ("\n# escape=`\n" + FROM + "COPY a \\\n b /d/\n", ["COPY:4-5 a|b|/d/"]),
    # the JSON form, and what only looks like it
    (FROM + 'COPY ["a", "/"]\n', ["COPY:2-2 a|/"]),
    (FROM + 'COPY ["a", "/",]\n', ["COPY:2-2 [\"a\",|\"/\",]"]),
    (FROM + 'COPY ["a", 1]\n', ['COPY:2-2 ["a",|1]']),
    (FROM + "COPY [a, /]\n", ["COPY:2-2 [a,|/]"]),
    (FROM + 'COPY  --chown=0:0  ["a", "/"]\n', ["COPY:2-2 a|/"]),
    # here-documents
    (FROM + "COPY <<EOF /x\nhi\nEOF\nCOPY a /\n", ["COPY:2-4 <<EOF|/x", "COPY:5-5 a|/"]),
    (FROM + 'COPY <<"EOF" /x\nFROM\nEOF\n', ['COPY:2-4 <<"EOF"|/x']),
    (FROM + "COPY <<A <<-B /d/\n1\nA\n\t2\n\tB\nCOPY a /\n", ["COPY:2-6 <<A|<<-B|/d/", "COPY:7-7 a|/"]),
    (FROM + "COPY <<-B /d/\n B\n\tB\n", ["COPY:2-4 <<-B|/d/"]),
    (FROM + "COPY 3<<EOF /d/\nx\nEOF\n", ["COPY:2-4 3<<EOF|/d/"]),
    (FROM + "COPY <<E\\OF /x\nhi\nEOF\n", ["COPY:2-4 <<E\\OF|/x"]),
    (FROM + "COPY << EOF /d/\nEOF\nCOPY a /\n", ["COPY:2-3 <<|EOF|/d/", "COPY:4-4 a|/"]),
    (FROM + "RUN <<EOF bash && <<E2 cat\nx \\\nEOF\n# y\nE2\n", ["RUN:2-6 <<EOF|bash|&&|<<E2|cat"]),
    (FROM + "ONBUILD COPY <<EOF /\nx\nEOF\nCOPY a /\n", ["ONBUILD:2-4 COPY|<<EOF|/", "COPY:5-5 a|/"]),
    (FROM + "COPY <<E /\n\tE\nE\n", ["COPY:2-4 <<E|/"]),
    # not here-documents
    (FROM + "COPY a<<EOF /d/\n", ["COPY:2-2 a<<EOF|/d/"]),
    (FROM + 'COPY "<<EOF" /x\n', ['COPY:2-2 "<<EOF"|/x']),
    (FROM + "COPY <<EOF<<A /x\n", ["COPY:2-2 <<EOF<<A|/x"]),
    (FROM + "RUN it's <<EOF\n", ["RUN:2-2 it's|<<EOF"]),
    (FROM + "RUN echo $((1<<2))\n", ["RUN:2-2 echo|$((1<<2))"]),
    (FROM + 'RUN ["cat", "<<EOF"]\n', ["RUN:2-2 cat|<<EOF"]),
    (FROM + "CMD cat <<EOF\n", ["CMD:2-2 cat|<<EOF"]),
    # quoted words
    (FROM + "LABEL a='x # y' b=\"z\\\n w\"\n", ["LABEL:2-3 a='x # y'|b=\"z w\""]),
    (FROM + 'ENV a=b\\ c d="e \\" f"\n', ['ENV:2-2 a=b\\ c|d="e \\" f"']),
    (FROM + "ENV a='b\\' c=d\n", ["ENV:2-2 a='b\\'|c=d"]),
    (FROM + "COPY a / # x\n", ["COPY:2-2 a|/|#|x"]),
    # what is wrong in an instruction is the builder's to say
    (FROM + "FOO bar\n", ["FOO:2-2 bar"]),
    (FROM + "COPY\n", ["COPY:2-2 "]),
    (FROM + "COPY a\u00a0/\n", ["COPY:2-2 a\u00a0/"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ACCEPTED)
def test_instructions(text: str, expected: list[str]) -> None:
    assert shape(text) == expected


REFUSED = [
    # text, line, part of the message
    ("", 1, "no instructions"),
    ("# only\n# comments\n", 2, "no instructions"),
    ("ARG X=1\n", 1, "no FROM"),
    ("ARG X=1\nRUN x\nFROM scratch\n", 2, "RUN before the first FROM"),
    ("FROM\n", 1, "one or three arguments"),
    ("FROM a b\n", 1, "one or three arguments"),
    ("FROM scratch is x\n", 1, "one or three arguments"),
    (FROM + "COPY a /\nCOPY <<EOF /x\nhi\n", 3, "unterminated heredoc"),
    ("# escape=x\nFROM scratch\n", 1, "invalid escape token 'x'"),
    ("# escape=`\n# escape=`\nFROM scratch\n", 2, "only one escape"),
]


@pytest.mark.parametrize(("text", "line", "message"), REFUSED)
def test_errors_name_file_and_line(text: str, line: int, message: str) -> None:
    with pytest.raises(DockerfileError, match=message) as caught:
        parse_dockerfile(text.encode(), "sub/Dockerfile")
    assert caught.value.where == f"sub/Dockerfile:{line}"


def test_bytes_that_are_not_utf8_are_kept() -> None:
    copy = parse_dockerfile(b"FROM scratch\nCOPY \xff /\n", "Dockerfile").instructions[1]
    assert copy.words[0].encode("utf-8", "surrogateescape") == b"\xff"


@pytest.mark.parametrize(
    ("line", "flags", "args"),
    [
        ("COPY a /", (), "a /"),
        ("COPY --from=x --link a /", (("from", "x"), ("link", None)), "a /"),
        ("COPY --chown='a b' a /", (("chown", "a b"),), "a /"),
        ('COPY --x="a \\" b" a /', (("x", 'a " b'),), "a /"),
        ("COPY -- --from=x /", (), "--from=x /"),
        ("COPY -x /", (), "-x /"),
        ("RUN --mount=type=bind,source=a true --not", (("mount", "type=bind,source=a"),), "true --not"),
    ],
)
def test_flags(line: str, flags: tuple[tuple[str, str | None], ...], args: str) -> None:
    instruction = parse_dockerfile(f"{FROM}{line}\n".encode(), "Dockerfile").instructions[1]
    assert (instruction.flags, instruction.args) == (flags, args)


def test_stages_have_their_instructions_and_names_in_lower_case() -> None:
    text = "ARG V=1\nFROM a:$V AS Build\nCOPY x /\nFROM --platform=linux/arm64 Build as two\nFROM two\nRUN\n"
    dockerfile = parse_dockerfile(text.encode(), "Dockerfile")
    stages = dockerfile.stages
    assert [(s.index, s.name, s.base, s.platform, s.line, len(s.instructions)) for s in stages] == [
        (0, "build", "a:$V", None, 2, 1),
        (1, "two", "Build", "linux/arm64", 4, 0),
        (2, None, "two", None, 5, 1),
    ]
    assert [arg.words for arg in dockerfile.global_args] == [("V=1",)]


def test_heredocs_end_where_their_line_is_met() -> None:
    text = FROM + "COPY <<A <<-'B' /d/\n$x\nA\n\t$y\r\n\tB\nRUN x\n"
    _, copy, run = parse_dockerfile(text.encode(), "Dockerfile").instructions
    assert [(h.name, h.chomp) for h in copy.heredocs] == [("A", False), ("B", True)]
    assert (copy.raw, run.line) == ("COPY <<A <<-'B' /d/\n$x\nA\n\t$y\r\n\tB\n", 7)


def test_raw_is_the_text_as_written() -> None:
    text = FROM + "COPY a \\\r\n  # c\r\n  /\r\nRUN x <<E\ny\nE"
    _, copy, run = parse_dockerfile(text.encode(), "Dockerfile").instructions
    assert (copy.raw, run.raw) == ("COPY a \\\r\n  # c\r\n  /\r\n", "RUN x <<E\ny\nE")


@pytest.mark.docker
def test_nothing_that_the_engine_accepts_is_refused(api: docker.APIClient) -> None:
    """The refused ones against the engine's classic builder: it must refuse each of them too."""
    for text, _, _ in REFUSED:
        assert not accepts(api, text), text


@pytest.mark.docker
def test_the_engine_accepts_a_plain_one(api: docker.APIClient) -> None:
    assert accepts(api, "FROM scratch\nLABEL a=b\n")


def accepts(api: docker.APIClient, text: str) -> bool:
    """Whether the engine's classic builder builds this Dockerfile (which needs nothing of a context)."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(text.encode())
        archive.addfile(member, io.BytesIO(text.encode()))
    data.seek(0)
    try:
        events = list(api.build(fileobj=data, custom_context=True, decode=True, forcerm=True))
    except (docker.errors.APIError, urllib3.exceptions.ProtocolError):
        # The classic builder answers a file that has only ARG by dropping the connection.
        return False
    for event in events:
        if "ID" in (event.get("aux") or {}):
            api.remove_image(event["aux"]["ID"], force=True)
    return not any("error" in event for event in events)
