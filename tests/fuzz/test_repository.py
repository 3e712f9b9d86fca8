"""A stranger's repository through whole commands: whatever its files say, there is an answer or one line, and
never a traceback."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path

from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from ctxsize.cli import main
from tests.fuzz.profile import effort

#: Strings that a file may have where a path, a name or a value is meant.
STRINGS = st.one_of(
    st.sampled_from(
        [
            *("", ".", "..", "/", "//", "~", "~nobody/x", "a\0b", "\ud800", "\udce9", "x" * 300, "x" * 5000),
            *(
                "a/" * 3000,
                "../" * 500,
                "\n",
                "\x1b[31m",
                "${A}",
                "$",
                "${",
                "${A:-${B}}",
                "*",
                "[",
                "!",
                "#",
            ),
            *(
                "Dockerfile",
                "Dockerfile/x",
                "app",
                "app/link",
                "loop",
                "pipe",
                "-x",
                "\u202e",
                "é",
                "\\",
                "::x",
            ),
            *("http://x", "git@x:y", "1", "0.1", "true", "null", "-1", "1 MB", "5%", "off", "fail"),
        ]
    ),
    st.text(max_size=8),
)
VALUES = st.one_of(
    STRINGS,
    st.sampled_from([0, -1, 1.5, True, None, [], {}, [[]], ["a"], {"a": "b"}, {"a": {"b": []}}, 10**30]),
    st.lists(STRINGS, max_size=3),
    st.dictionaries(STRINGS, STRINGS, max_size=2),
)
BUILD = dict.fromkeys(
    ("context", "dockerfile", "target", "args", "platforms", "dockerfile_inline", "cache_from"), VALUES
)
SERVICE = st.fixed_dictionaries(
    {"build": st.one_of(STRINGS, VALUES, st.fixed_dictionaries({}, optional=BUILD))},
    optional={"extends": VALUES, "profiles": VALUES, "platform": VALUES},
)
COMPOSE = st.fixed_dictionaries(
    {"services": st.one_of(VALUES, st.dictionaries(st.sampled_from("ab"), SERVICE, min_size=1, max_size=2))},
    optional={"include": VALUES},
)
BUDGET_KEYS = (
    "context",
    "context-files",
    "forbid",
    "require-ignored",
    "not-sensitive",
    "sensitive",
    "growth",
)
BUDGET = st.fixed_dictionaries({}, optional=dict.fromkeys(BUDGET_KEYS, VALUES))
TARGET_KEYS = ("path", "dockerfile", "target", "build-args", "platform", "builder", "baseline")
TARGET = dict.fromkeys(TARGET_KEYS, VALUES)
CONFIGURATION = st.fixed_dictionaries(
    {},
    optional={
        **TARGET,
        "budget": st.one_of(VALUES, BUDGET),
        "targets": st.one_of(
            VALUES,
            st.dictionaries(
                STRINGS, st.fixed_dictionaries({}, optional={**TARGET, "budget": BUDGET}), max_size=2
            ),
        ),
    },
)
WORDS = (
    *(
        "FROM scratch\n",
        "FROM a AS b\n",
        "COPY ",
        "ADD ",
        "RUN --mount=type=bind,source=",
        "ARG A=",
        "ENV A ",
    ),
    *("--from=b ", "<<EOF\n", "EOF\n", "\\\n", "# escape=`\n", "ONBUILD ", "${A}", "${A%%*}", "[", '"', "'"),
    *("../x", "/", "*", "**", "link", "pipe", "\0", "\xe9", "\r\n", "\t", "WORKDIR ", "x" * 300, "\ufeff"),
)
DOCKERFILES = st.lists(st.sampled_from(WORDS), max_size=20).map("".join)


def toml(value: object) -> str:
    """A value in TOML, as inline as it goes; what TOML has no word for as JSON has it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def answers(files: dict[str, str], *command: str) -> None:
    """Run the command in a directory of these files: exit codes 0 to 3, and no more than is documented."""
    with tempfile.TemporaryDirectory() as directory, contextlib.chdir(directory):
        Path("app").mkdir()
        Path("app/link").symlink_to("/proc/self/environ")
        Path("link").symlink_to("app")
        Path("loop").symlink_to("loop")
        for name, text in files.items():
            Path(name).write_bytes(text.encode("utf-8", "surrogatepass"))
        result = CliRunner().invoke(main, [*command])
    assert result.exception is None or isinstance(result.exception, SystemExit), (
        f"{result.exception!r} of {files!r}"
    )
    assert result.exit_code in (0, 1, 2, 3)


@given(COMPOSE)
@effort(20)
def test_any_compose_project(compose: dict[str, object]) -> None:
    # YAML takes JSON, with its escapes.
    files = {"c.yaml": json.dumps(compose), "Dockerfile": "FROM scratch\n", ".env": "A=a\n"}
    answers(files, "check", "--static", "--compose", "c.yaml", "--limit", "context=1 MB")


@given(CONFIGURATION, st.sampled_from([".ctxsize.toml", "pyproject.toml", "tool"]))
@effort(20)
def test_any_configuration_of_a_repository(configuration: dict[str, object], name: str) -> None:
    text = "".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in configuration.items())
    if name == "pyproject.toml":
        text = f"tool = {toml({'ctxsize': configuration})}\n"
    elif name == "tool":
        name, text = (
            "pyproject.toml",
            f"tool = {toml(next(iter(configuration.values()), 'ctxsize'))} # ctxsize\n",
        )
    answers({name: text, "Dockerfile": "FROM scratch\n"}, "check", "--static", "--limit", "context=1 MB")


@given(DOCKERFILES, st.sampled_from(["buildkit", "classic"]))
@effort(20)
def test_any_dockerfile_of_a_repository(text: str, builder: str) -> None:
    answers({"Dockerfile": text}, "context", "--builder", builder, "--build-arg", "A=value")
