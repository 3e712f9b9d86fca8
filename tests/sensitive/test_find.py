"""From a tree and its ignore file to the files that look like secrets."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ctxsize.sensitive.types import SensitiveFile
from ctxsize.survey.overview import overview
from tests.support.tree import tree_hash

KEY = "-----BEGIN " + "PRIVATE KEY-----\nabc\n"


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def found(root: Path, **options: bool) -> dict[str, SensitiveFile]:
    return {file.path: file for file in overview(root, **options).sensitive}  # type: ignore[arg-type]


def test_the_fixture(make_fixture: Callable[..., Path]) -> None:
    """``.env`` and ``*.pem`` without ``**/`` only match at the root: what people are surprised by."""
    files = overview(make_fixture("secrets")).sensitive
    assert [
        (file.path, file.kind, file.level, file.eligible, file.line, file.rule.line if file.rule else None)
        for file in files
    ] == [
        (".aws/credentials", "cloud", "likely", True, None, None),
        ("certs/server.pem", "private-key", "likely", True, 1, None),
        ("deploy/terraform.tfstate", "infrastructure", "likely", True, None, None),
        ("services/worker/.env", "environment", "likely", True, 1, None),
        ("web/.npmrc", "packages", "likely", True, 1, None),
        (".env", "environment", "likely", False, 1, 1),
        ("id_rsa", "private-key", "likely", False, None, 3),
        ("web/node_modules/tls/test/client.pem", "private-key", "possible", False, 1, 4),
        ("web/node_modules/tls/test/server.pem", "private-key", "possible", False, 1, 4),
    ]
    assert {file.group for file in files} == {None, "web/node_modules"}


def test_what_the_dockerfile_takes_is_told_apart(tmp_path: Path) -> None:
    write(tmp_path, {"src/.env": "TOKEN=abc\n", ".env": "TOKEN=abc\n", "Dockerfile": "FROM x\nCOPY src /\n"})
    assert {path: file.needed for path, file in found(tmp_path).items()} == {"src/.env": True, ".env": False}


def test_without_a_dockerfile_nobody_knows_what_is_taken(tmp_path: Path) -> None:
    write(tmp_path, {".env": "TOKEN=abc\n"})
    assert found(tmp_path)[".env"].needed is None


def test_the_exception_that_keeps_it_is_named(tmp_path: Path) -> None:
    write(tmp_path, {".env": "TOKEN=abc\n", ".dockerignore": "*\n!.env\n"})
    file = found(tmp_path)[".env"]
    assert file.eligible and file.rule is not None and file.rule.line == 2


def test_content_makes_a_name_likely(tmp_path: Path) -> None:
    write(tmp_path, {"a/.env": "PORT=80\n", "b/.env": "PORT=80\nDB_PASSWORD=abc\n"})
    assert {path: (file.level, file.source, file.line) for path, file in found(tmp_path).items()} == {
        "a/.env": ("possible", "name", None),
        "b/.env": ("likely", "content", 2),
    }


@pytest.mark.parametrize(
    "text",
    ["-----BEGIN CERTIFICATE-----\n", "-----BEGIN PUBLIC KEY-----\n", "", "-----BEGIN DH PARAMETERS-----\n"],
)
def test_a_pem_without_a_private_key_is_none(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"a.pem": text})
    assert found(tmp_path) == {}


def test_a_certificate_with_its_key_is_one(tmp_path: Path) -> None:
    write(tmp_path, {"a.pem": "-----BEGIN CERTIFICATE-----\nabc\n" + KEY})
    assert found(tmp_path)["a.pem"].line == 3


def test_git_config_only_with_a_token(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a/.git/config": '[remote "origin"]\n\turl = https://host/a.git\n',
            "b/.git/config": '[remote "origin"]\n\turl = https://u:abc@host/b.git\n',
        },
    )
    assert list(found(tmp_path)) == ["b/.git/config"]


def test_an_empty_or_encrypted_file_is_none(tmp_path: Path) -> None:
    write(tmp_path, {".env": "", "secrets.yml": "$ANSIBLE_VAULT;1.1;AES256\nabc\n"})
    assert found(tmp_path) == {}


def test_links_fifos_and_directories_are_none(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("TOKEN=abc\n")
    root = tmp_path / "root"
    (root / "id_rsa").mkdir(parents=True)
    (root / ".env").symlink_to(outside)
    os.mkfifo(root / "server.pem")
    assert found(root) == {}


def test_packages_own_test_keys_are_only_possible(tmp_path: Path) -> None:
    write(tmp_path, {"node_modules/tls/key.pem": KEY, "src/key.pem": KEY})
    files = found(tmp_path)
    assert list(files) == ["src/key.pem", "node_modules/tls/key.pem"]
    assert (files["src/key.pem"].level, files["src/key.pem"].group) == ("likely", None)
    assert (files["node_modules/tls/key.pem"].level, files["node_modules/tls/key.pem"].group) == (
        "possible",
        "node_modules",
    )


def test_eligible_only_says_nothing_of_ignored_files(tmp_path: Path) -> None:
    write(tmp_path, {".env": "TOKEN=abc\n", "a/.env": "TOKEN=abc\n", ".dockerignore": ".env\n"})
    assert list(found(tmp_path, eligible_only=True)) == ["a/.env"]


def test_the_classic_builder_decides_by_its_own_reading(tmp_path: Path) -> None:
    """It does not look into ``d`` for a wildcard exception; BuildKit does."""
    from ctxsize.ignore.types import Dialect

    write(tmp_path, {"d/.env": "TOKEN=abc\n", ".dockerignore": "d\n!**/.env\n"})
    assert [file.eligible for file in overview(tmp_path, dialect=Dialect.BUILDKIT).sensitive] == [True]
    assert [file.eligible for file in overview(tmp_path, dialect=Dialect.CLASSIC).sensitive] == [False]


def test_nothing_is_written_in_the_tree(make_fixture: Callable[..., Path]) -> None:
    root = make_fixture("secrets")
    before = tree_hash(root)
    found(root)
    assert tree_hash(root) == before


def test_found_in_a_tree_that_several_processes_share(tmp_path: Path) -> None:
    for number in range(200):
        write(tmp_path, {f"d{number:03}/file{each}": "x" for each in range(20)})
    write(tmp_path, {f"d{number:03}/.env": "TOKEN=abc\n" for number in range(200)})
    assert list(found(tmp_path)) == [f"d{number:03}/.env" for number in range(200)]
