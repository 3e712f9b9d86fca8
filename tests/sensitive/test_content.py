"""What content says: the line that holds a secret, or that there is none."""

from __future__ import annotations

from functools import partial

import pytest

from ctxsize.sensitive.content import _EXPRESSIONS, is_encrypted, secret_line
from ctxsize.sensitive.names import RULES
from tests.support.yardstick import within

BEGIN = "-----BEGIN "  # apart, so that no secret scanner takes this file for one

FOUND = [
    ("private-key", f"{BEGIN}CERTIFICATE-----\nx\n{BEGIN}RSA PRIVATE KEY-----\n", 3),
    ("private-key", f"{BEGIN}PRIVATE KEY-----\n", 1),
    ("private-key", f"{BEGIN}ENCRYPTED PRIVATE KEY-----\n", 1),
    ("private-key", f"{BEGIN}OPENSSH PRIVATE KEY-----\r\n", 1),
    ("private-key", f"{BEGIN}PGP PRIVATE KEY BLOCK-----\n", 1),
    ("private-key", "PuTTY-User-Key-File-3: ssh-ed25519\n", 1),
    ("age-key", "# created: 2026\nAGE-SECRET-KEY-1QQQ\n", 2),
    ("assignment", "PORT=80\nDB_PASSWORD=hunter2\n", 2),
    ("assignment", "export AWS_SECRET_ACCESS_KEY='abc'\n", 1),
    ("assignment", "api_key: abc\n", 1),
    ("assignment", 'password = "abc"\n', 1),
    ("assignment", "DATABASE_URL=postgres://app:hunter2@db/app\n", 1),
    ("assignment", ":rubygems_api_key: rubygems_abc\n", 1),
    ("assignment", "github.com:\n    oauth_token: gho_abc\n", 2),
    ("json-key", '{"type": "service_account",\n "private_key": "' + BEGIN + 'PRIVATE KEY-----"}', 2),
    ("json-secret", '{"installed": {"client_secret": "abc"}}', 1),
    ("json-password", '{"host": "h",\n "password": "abc"}', 2),
    ("connection-string", '{"Values": {"AzureWebJobsStorage": "AccountName=a;AccountKey=abc"}}', 1),
    ("docker-auth", '{"auths": {\n "r": {"auth": "abc"}}}', 2),
    ("kubeconfig", "users:\n- name: a\n  user:\n    client-key-data: abc\n", 4),
    ("kubeconfig", "    token: abc\n", 1),
    ("npm-token", "registry=https://r\n//r/:_authToken=abc\n", 2),
    ("npm-token", "npmAuthToken: abc\n", 1),
    ("url-password", "[global]\nindex-url = https://u:p@host/simple\n", 2),
    ("composer-auth", '{"http-basic": {"repo": {"username": "u", "password": "abc"}}}', 1),
    ("composer-auth", '{"github-oauth": {"github.com": "abc"}}', 1),
    ("composer-auth", '{"bearer": {"example.org": "abc"}}', 1),
    ("xml-password", "<server>\n<password>abc</password>", 2),
    ("xml-password", "<!-- a\nb --><a/>\n<!-- c -->\n<password>abc</password>", 4),
    ("nuget-password", '<add key="ClearTextPassword" value="abc" />', 1),
    ("git-token", '[remote "origin"]\n\turl = https://u:abc@host/r.git\n', 2),
    ("git-token", "\turl = https://ghp_abc@github.com/r.git\n", 1),
    ("git-token", "\textraheader = AUTHORIZATION: basic abc\n", 1),
    ("netrc", "machine h\nlogin u\npassword abc\n", 3),
    ("netrc", "machine h login u password abc\n", 1),
    ("wp-password", "<?php\ndefine( 'DB_PASSWORD', 'abc' );\n", 2),
    ("hcl-token", 'credentials "app.terraform.io" {\n  token = "abc"\n}\n', 2),
    ("hcl-token", '{"credentials": {"app.terraform.io": {"token": "abc"}}}', 1),
    ("rclone", "[s3]\nsecret_access_key = abc\n", 2),
    ("npm-token", '"//r/:_authToken" "abc"\n', 1),
    ("npm-token", '[install.registry]\ntoken = "abc"\n', 2),
    ("rails-key", "0123456789abcdef0123456789abcdef\n", 1),
    ("rails-key", f"{BEGIN}PRIVATE KEY-----\n", 1),
    ("wireguard", "[Interface]\nPrivateKey = abc=\n", 2),
    ("bundler", 'BUNDLE_GEMS__EXAMPLE__COM: "user:abc"\n', 1),
    ("access-token", '{"accessTokens": {"https://api": "abc"}}', 1),
    ("json-api-key", '{"username": "u",\n "key": "abc"}', 2),
]

NOT_FOUND = [
    ("assignment", "[default]\nregion = eu-1\nsso_start_url = https://a\n"),
    ("assignment", "production:\n  password: <%= ENV['P'] %>\n"),
    ("rails-key", f"{BEGIN}PUBLIC KEY-----\nabc\n"),
    ("wireguard", "[Peer]\nPublicKey = abc=\n"),
    ("bundler", "BUNDLE_PATH: vendor/bundle\nBUNDLE_WITHOUT: development:test\n"),
    ("access-token", '{"accessTokens": {}}'),
    ("npm-token", "[install]\ncache = false\n"),
    ("private-key", f"{BEGIN}CERTIFICATE-----\n{BEGIN}PUBLIC KEY-----\n"),
    ("assignment", "PORT=80\nDEBUG=1\n"),
    ("assignment", "DB_PASSWORD=\nAPI_KEY=${API_KEY}\nTOKEN=$TOKEN\nSECRET=<fill in>\npassword: {{ x }}\n"),
    ("assignment", "DB_PASSWORD_FILE=/run/secrets/db\nTOKEN_EXPIRY=3600\n"),
    ("assignment", "DATABASE_URL=postgres://app@db/app\nURL=https://host:8080/a@b\n"),
    ("json-key", '{"type": "service_account"}'),
    ("docker-auth", '{"auths": {"r": {}}, "credsStore": "pass"}'),
    ("kubeconfig", "users:\n- name: a\n  user:\n    exec:\n      command: aws\n    tokenFile: /t\n"),
    ("npm-token", "registry=https://r\n//r/:_authToken=${NPM_TOKEN}\n"),
    ("url-password", "index-url = https://host/simple\n"),
    (
        "git-token",
        "\turl = git@github.com:a/b.git\n\turl = https://user@host/r.git\n\turl = ssh://git@h:22/r\n",
    ),
    ("netrc", "machine h login u\n"),
    ("wp-password", "define( 'DB_PASSWORD', getenv('P') );\ndefine( 'DB_PASSWORD', '' );\n"),
    ("xml-password", "<password>${env.P}</password>"),
    ("xml-password", "<!-- an example:\n<password>abc</password>\n-->\n"),
]


@pytest.mark.parametrize(("check", "text", "line"), FOUND)
def test_found_in_line(check: str, text: str, line: int) -> None:
    assert secret_line(text.encode(), check) == line


@pytest.mark.parametrize(("check", "text"), NOT_FOUND)
def test_not_found(check: str, text: str) -> None:
    assert secret_line(text.encode(), check) is None


def test_every_check_is_used_and_every_one_used_is_there() -> None:
    assert {row.check for row in RULES if row.check} == set(_EXPRESSIONS)


def test_binary_content_is_not_read_as_text() -> None:
    assert secret_line(b"\x00\nPASSWORD=abc\n", "assignment") is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x00GITCRYPT\x00\x01",
        b"$ANSIBLE_VAULT;1.1;AES256\n",
        b"age-encryption.org/v1\n",
        b"password: ENC[AES256_GCM,data:x]\nsops:\n    kms: []\n",
        b'{"password": "ENC[AES256_GCM,data:x]", "sops": {"kms": null}}',
        b"A=ENC[AES256_GCM,data:x]\nsops_version=3.8\n",
    ],
)
def test_files_that_are_encrypted_to_be_committed(data: bytes) -> None:
    assert is_encrypted(data)


def test_a_file_that_mentions_sops_is_not_encrypted() -> None:
    assert not is_encrypted(b"# we do not use sops: yet\npassword: abc\n")


@pytest.mark.parametrize("check", sorted(_EXPRESSIONS))
def test_hostile_content_takes_linear_time(check: str) -> None:
    """256 KiB that make a backtracking expression quadratic; RE2 needs some ten milliseconds."""
    for piece in (
        b"-----BEGIN A A ",
        b"password",
        b"a:a:",
        b'"auth":   ',
        b"_" * 64,
        b"https://a:",
        b"\n  -  ",
    ):
        data = piece * ((256 << 10) // len(piece))
        assert within(5, partial(secret_line, data, check))


@pytest.mark.parametrize(
    "line",
    [
        "app_password = ENV[app_password_key]",
        "password: change-me",
        'password = "changeme"',
        "API_KEY=your-api-key",
        "secret_key = os.environ['SECRET_KEY']",
        "token: process.env.TOKEN",
    ],
)
def test_a_placeholder_and_a_reference_are_no_secret(line: str) -> None:
    assert secret_line(f"{line}\n".encode(), "assignment") is None
    assert secret_line(f"{line}\nDB_PASSWORD=hunter2\n".encode(), "assignment") == 2
