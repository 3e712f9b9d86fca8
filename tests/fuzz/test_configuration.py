"""Any bytes as a Compose file, and hostile configurations, baselines and sizes: an answer, and soon."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxsize.budget.baseline import load_baseline
from ctxsize.budget.compose.dotenv_file import read_dotenv
from ctxsize.budget.compose.interpolate import interpolate
from ctxsize.budget.compose.read import read_compose
from ctxsize.budget.config import load_config
from ctxsize.budget.sizes import AmountError, parse_bytes, parse_files, parse_share
from ctxsize.errors import CtxsizeError
from tests.fuzz.profile import effort
from tests.support.yardstick import within

YAML = (
    *(
        "services:\n",
        "  a:\n",
        "    build: ",
        "    build:\n",
        "      context: ",
        "extends",
        "include:\n",
        "- ",
        "x",
        ".",
    ),
    *(
        "&a ",
        "*a",
        "<<: ",
        "!!python/object:os.system",
        "!reset",
        "{",
        "}",
        "[",
        "]",
        ":",
        "\n",
        "${A:-",
        "${",
        "}",
    ),
    *("null", "\t", '"', "'", "|\n", "---\n", "\0", "1e999", "\ufeff", "? ", "=\n"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


@given(
    data=st.one_of(
        st.binary(max_size=60),
        st.lists(st.sampled_from(YAML), max_size=30).map(lambda p: "".join(p).encode()),
    )
)
@effort(40)
def test_any_compose_file(data: bytes, folder: Path) -> None:
    (folder / "compose.yaml").write_bytes(data)
    with suppress(CtxsizeError):
        read_compose([folder / "compose.yaml"], {"A": "a"})


@given(
    st.lists(st.sampled_from(["${", "}", "$", "A", ":-", ":?", "+", "$$", "{", " ", "\n"]), max_size=15).map(
        "".join
    )
)
@effort(40)
def test_any_variable(text: str) -> None:
    with suppress(CtxsizeError):
        interpolate(text, {"A": "${A}"}, "f:1")


LAUGHS = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
HOSTILE: dict[str, tuple[str, bytes, Callable[[Path], object]]] = {
    "nested tables": (".ctxsize.toml", b"a = " + b"[" * 100_000, lambda p: load_config(p.parent)),
    "dotted keys": (".ctxsize.toml", b"a." * 100_000 + b"b = 1", lambda p: load_config(p.parent)),
    "a long number": (".ctxsize.toml", b"a = " + b"9" * 100_000, lambda p: load_config(p.parent)),
    "many lines": (".ctxsize.toml", b"[budget]\n" + b"a = 1\n" * 20_000, lambda p: load_config(p.parent)),
    "nested JSON": ("b.json", b"[" * 100_000, load_baseline),
    "a long JSON number": ("b.json", b"9" * 100_000, load_baseline),
    "laughs": ("c.yaml", LAUGHS.encode(), lambda p: read_compose([p], {})),
    "laughs that build": (
        "c.yaml",
        LAUGHS.encode() + b"services:\n  a:\n    build:\n      context: .\n      args: *a11\n",
        lambda p: read_compose([p], {}),
    ),
    "nested YAML": ("c.yaml", b"[" * 20_000, lambda p: read_compose([p], {})),
    "itself": ("c.yaml", b"services: &a\n  a: *a\n", lambda p: read_compose([p], {})),
    "includes itself": ("c.yaml", b"include: [c.yaml]\nservices: {}\n", lambda p: read_compose([p], {})),
    "nested variables": (
        "c.yaml",
        b"services: {a: {build: '" + b"${A:-" * 20_000 + b"}" * 20_000 + b"'}}",
        lambda p: read_compose([p], {}),
    ),
}

SERVICE = b"services: {a: {build: .}}\n"
BIG = b"".join(b" A%d: 1," % number for number in range(10_000))
HOSTILE |= {
    name: ("c.yaml", data, lambda p: read_compose([p], {}))
    for name, data in {
        "services that extend a large one": b"services:\n  b: {build: {context: ., args: {"
        + BIG
        + b"}}}\n"
        + b"".join(b"  a%d: {extends: b}\n" % number for number in range(10_000)),
        "long values for services": b"services:\n"
        + b"".join(b"  a%d: {build: '$A$A$A$A$A$A$A$A'}\n" % number for number in range(10_000)),
    }.items()
}
DOTENV = {
    "doubled": b"A0=aaaaaaaaaa\n" + b"".join(b"A%d=${A%d}${A%d}\n" % (n, n - 1, n - 1) for n in range(1, 40)),
    "lines": b"".join(b"A%d=1\n" % number for number in range(60_000)),
    "begun": b"A=" + b"${" * 200_000,
    "begun, with a default": b"A=" + b"${a:-" * 100_000,
    "never right": b"A=" + b"${a:" * 100_000 + b"}",
    "long ones": b"A=" + b"a" * 100_000 + b"\n" + b"".join(b"B%d=${A}\n" % n for n in range(10_000)),
    "too long": bytes(2 << 20),
}


@pytest.mark.parametrize("name", DOTENV)
def test_a_hostile_env_file_answers_in_seconds(name: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(DOTENV[name])
    (tmp_path / "c.yaml").write_bytes(SERVICE)

    def answer() -> None:
        with suppress(CtxsizeError):
            read_compose([tmp_path / "c.yaml"], {})

    assert within(3, answer)


def test_files_that_include_each_other_over_and_over_are_refused(tmp_path: Path) -> None:
    for number in range(30):
        following = f"c{number + 1}.yaml"
        (tmp_path / f"c{number}.yaml").write_text(f"include: [{following}, {following}]\n")
    (tmp_path / "c30.yaml").write_text("services: {}\n")

    with pytest.raises(CtxsizeError, match="too many"):
        read_compose([tmp_path / "c0.yaml"], {})


@given(
    text=st.lists(
        st.sampled_from(
            ["A=", "B=", "${A}", "${", "}", ":-", ":", "'", '"', "\\", "\n", "#", " ", "export ", "\0"]
        ),
        max_size=20,
    ).map("".join)
)
@effort(40)
def test_any_env_file(text: str, folder: Path) -> None:
    (folder / "any.env").write_text(text)
    with suppress(CtxsizeError):
        assert all(
            isinstance(each, str) for each in read_dotenv(folder, folder / "any.env", {"C": "c"}).values()
        )


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("B=${A}", "a"),
        ("B=${A}${A}", "aa"),
        ("B=${C}", "c"),
        ("B=${NO:-else}", "else"),
        ("B=${A:-else}", "a"),
        ("B=${NO}", ""),
        ("B=${A:x}", "${A:x}"),
        ("B=${A:x}${A}", "${A:x}a"),
        ("B=${A", "${A"),
        ("B=$A", "$A"),
    ],
)
def test_a_variable_of_an_env_file(line: str, value: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"A=a\n{line}\n")

    assert read_dotenv(tmp_path, tmp_path / ".env", {"C": "c"})["B"] == value


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_answers_in_seconds(name: str, tmp_path: Path) -> None:
    file, data, read = HOSTILE[name]
    (tmp_path / file).write_bytes(data)

    def answer() -> None:
        with suppress(CtxsizeError):
            read(tmp_path / file)

    assert within(5, answer)


@pytest.mark.parametrize(
    "text", ["1" * 5000, "1" * 5000 + " MB", "0." + "1" * 5000 + " GB", "9e999999999", " " * 100_000 + "x"]
)
def test_a_hostile_size_answers_at_once(text: str) -> None:
    def answer() -> None:
        for parse in (parse_bytes, parse_files, parse_share):
            with suppress(AmountError):
                parse(text)

    assert within(1, answer)
