"""The detector of ``ctxsize[secrets]``: what it is handed, and what is told of what it finds."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from ctxsize.context.walk import walk
from ctxsize.errors import UsageError
from ctxsize.sensitive import detector
from ctxsize.sensitive.detector import Detector, Hit, worth_reading
from ctxsize.survey.overview import overview

AWS = "AKIA" + "Z7QK5WJX2MTLHC4V"
GITHUB = "ghp_" + "k3Rz9QpL0vXw7Ty2Bn5Mc8Ha1Jd4Gf6Se0Ui"


def look(text: str, path: str = "settings.py") -> list[Hit]:
    return Detector().look(path, text.encode())


def test_a_token_is_likely_and_has_its_line() -> None:
    assert look(f"import x\n\nkey = '{AWS}'\n") == [Hit("AWS Access Key", "likely", 3)]


def test_an_assignment_is_possible() -> None:
    assert look("password = 'correct horse battery'\n") == [Hit("Secret Keyword", "possible", 1)]


def test_each_kind_once_at_its_first_line() -> None:
    assert look(f"a = '{GITHUB}'\nb = '{GITHUB}x'\nc = '{AWS}'\n") == [
        Hit("GitHub Token", "likely", 1),
        Hit("AWS Access Key", "likely", 3),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "password = os.environ['PASSWORD']\n",
        "password = '${PASSWORD}'\n",
        "password = 'correct horse'  # pragma: allowlist secret\n",
        "digest = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'\n",
        "address = '93.184.216.34'\n",
        "x" * 1100 + f" '{AWS}'\n",
    ],
)
def test_false_alarms_and_long_lines_are_left_out(text: str) -> None:
    assert look(text) == []


def test_lock_files_and_pictures_are_not_read() -> None:
    assert look(f"'{AWS}'", "package-lock.json") == look(f"'{AWS}'", "a.svg") == []


def test_bytes_that_are_no_utf8_do_no_harm() -> None:
    assert Detector().look("a.txt", b"\xff\xfe\n" + AWS.encode()) == [Hit("AWS Access Key", "likely", 2)]


def test_the_classes_that_are_treated_apart_exist() -> None:
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    names = {each.__name__ for each in get_mapping_from_secret_type_to_class().values()}
    assert names >= detector._NOISY | detector._GUESSES


def test_no_secret_is_verified_over_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert look(f"aws_secret_access_key = '{'a1B2' * 10}'\nkey = '{AWS}'\ntoken = '{GITHUB}'\n")


def test_large_files_links_packages_and_git_are_not_handed_over(tmp_path: Path) -> None:
    for name in ("src/a.py", "node_modules/b.js", ".git/HEAD", "large.txt", "empty"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "empty").write_text("")
    (tmp_path / "large.txt").write_bytes(b"x" * ((256 << 10) + 1))
    (tmp_path / "link").symlink_to("src/a.py")
    assert list(worth_reading(walk(tmp_path, None))) == ["src/a.py"]


def test_the_overview_reads_what_is_eligible_only_when_asked(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(f"key = '{AWS}'\n")
    (tmp_path / ".dockerignore").write_text("b.py\n")
    assert overview(tmp_path).sensitive == ()
    (file,) = overview(tmp_path, secrets=True).sensitive
    assert (file.path, file.kind, file.reason, file.source, file.line) == (
        "a.py",
        "detected",
        "AWS Access Key",
        "detector",
        1,
    )


def test_a_file_found_by_its_name_is_not_told_twice(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"AWS_KEY={AWS}\nTOKEN={GITHUB}\n")
    assert [file.source for file in overview(tmp_path, secrets=True).sensitive] == ["content"]


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_text("x\n")
    for name in [each for each in sys.modules if each.split(".")[0] == "detect_secrets"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "detect_secrets", None)
    with pytest.raises(UsageError, match=r"pip install 'ctxsize\[secrets\]'"):
        overview(tmp_path, secrets=True)
