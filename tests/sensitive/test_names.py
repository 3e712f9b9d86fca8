"""Which names are suspects, and what each is taken for."""

from __future__ import annotations

import pytest

from ctxsize.sensitive.names import RULES, classify, harmless_place, suspects

TAKEN_FOR = [
    (".env", "environment"),
    (".env.production", "environment"),
    ("services/api/.ENV", "environment"),
    ("prod.env", "environment"),
    (".dev.vars", "environment"),
    ("id_rsa", "private-key"),
    ("deploy/id_ed25519", "private-key"),
    ("id_rsa.bak", "private-key"),
    ("server.pem", "private-key"),
    ("example.com.key", "private-key"),
    (".ssh/work", "private-key"),
    ("home/.ssh/deploy-key", "private-key"),
    ("config/master.key", "application-secret"),
    ("config/credentials/production.key", "private-key"),
    ("secring.gpg", "private-key"),
    ("etc/ssh_host_ed25519_key", "private-key"),
    ("wg0.conf", "private-key"),
    (".flaskenv", "environment"),
    (".aws/config", "cloud"),
    ("kaggle.json", "cloud"),
    (".cache/huggingface/token", "cloud"),
    ("docker/config.json", "registry"),
    ("prod-kubeconfig.yaml", "cluster"),
    ("kubeconfig_prod", "cluster"),
    (".yarnrc", "packages"),
    (".bundle/config", "packages"),
    (".condarc", "packages"),
    ("pypoetry/auth.toml", "packages"),
    (".config/glab-cli/config.yml", "version-control"),
    (".hgrc", "version-control"),
    ("credentials.tfrc.json", "infrastructure"),
    (".pulumi/credentials.json", "infrastructure"),
    ("config/database.yml", "database"),
    ("appsettings.Production.json", "application-secret"),
    ("ConsoleHost_history.txt", "history"),
    ("cert.p12", "key-store"),
    ("cert.pfx", "key-store"),
    ("release.jks", "key-store"),
    ("release.keystore", "key-store"),
    (".aws/credentials", "cloud"),
    (".config/gcloud/application_default_credentials.json", "cloud"),
    ("my-service-account.json", "cloud"),
    (".azure/accessTokens.json", "cloud"),
    ("site.PublishSettings", "cloud"),
    (".docker/config.json", "registry"),
    (".dockercfg", "registry"),
    (".npmrc", "packages"),
    (".pypirc", "packages"),
    (".cargo/credentials.toml", "packages"),
    (".netrc", "login"),
    ("_netrc", "login"),
    (".htpasswd", "login"),
    (".git-credentials", "version-control"),
    (".git/config", "version-control"),
    ("lib/.git/config", "version-control"),
    (".git/modules/vendored/lib/config", "version-control"),
    ("kubeconfig", "cluster"),
    ("staging.kubeconfig", "cluster"),
    (".kube/config", "cluster"),
    ("terraform.tfstate", "infrastructure"),
    ("terraform.tfstate.backup", "infrastructure"),
    ("prod.tfvars", "infrastructure"),
    (".vault-token", "infrastructure"),
    (".vault_pass", "infrastructure"),
    (".bash_history", "history"),
    (".python_history", "history"),
    (".pgpass", "database"),
    ("wp-config.php", "database"),
    ("secrets.yml", "application-secret"),
    ("a\udcff.pem", "private-key"),
]

FOR_NOTHING = [
    ".env.example",
    ".env.sample",
    ".env.template",
    ".env.dist",
    ".env.local.example",
    "example.env",
    ".env.vault",
    "env",
    "environment.py",
    "id_rsa.pub",
    ".ssh/id_ed25519.pub",
    "server.crt",
    "certifi/cacert.pem",
    "truststore.jks",
    "debug.keystore",
    "config",
    "credentials",
    "config.json",
    "secrets.example.yml",
    "terraform.tfvars.example",
    "key.py",
    "monkey",
]


@pytest.mark.parametrize(("path", "kind"), TAKEN_FOR)
def test_taken_for(path: str, kind: str) -> None:
    row = classify(path)
    assert row is not None and row.kind == kind


def test_no_row_hides_another_one() -> None:
    """The first that matches counts: what a row names in full must not fall under one before it."""
    for row in RULES:
        for name in row.names.split():
            if "*" not in name:
                assert classify(name if row.within is None else f"{row.within}/{name}") is row


@pytest.mark.parametrize("path", FOR_NOTHING)
def test_taken_for_nothing(path: str) -> None:
    assert classify(path) is None


@pytest.mark.parametrize("path", [path for path, _ in TAKEN_FOR])
def test_what_has_a_row_is_a_suspect_among_many_names(path: str) -> None:
    directory, _, name = path.rpartition("/")
    names = [f"file{number}.py" for number in range(500)]
    assert suspects(directory, [*names, name, "README.md"]) == (
        [name] if ".ssh" not in directory else [*names, name, "README.md"]
    )


def test_ordinary_names_are_no_suspects() -> None:
    assert (
        suspects("src", ["main.py", "config", "env", "monkey", "pem", ".pem.txt", "key.md", "\udcff"]) == []
    )


def test_a_name_that_needs_its_directory_is_one_there_only() -> None:
    assert suspects(".git", ["HEAD", "config"]) == ["config"]
    assert suspects("src/.git/modules/lib", ["HEAD", "config"]) == ["config"]
    assert suspects("app", ["HEAD", "config"]) == []


def test_letters_that_only_unicode_takes_for_others_make_no_suspect() -> None:
    """U+212A is the Kelvin sign, whose lower case is k: what one table says the other must say, too."""
    assert classify("server.\u212aey") is None
    assert suspects("", ["server.\u212aey"]) == []


def test_names_next_to_each_other_are_both_found() -> None:
    assert suspects("", [".env", ".env", "a", ".npmrc", ".env.local"]) == [
        ".env",
        ".env",
        ".npmrc",
        ".env.local",
    ]


@pytest.mark.parametrize(
    ("path", "kind", "directory"),
    [
        ("web/node_modules/tls/key.pem", "private-key", "web/node_modules"),
        ("node_modules/a/node_modules/b/.env", "environment", "node_modules"),
        (".venv/lib/python3/site-packages/x/key.pem", "private-key", ".venv"),
        ("src/tests/certs/key.pem", "private-key", "src/tests"),
        ("src/tests/certs/key.p12", "key-store", "src/tests"),
        ("src/tests/.env", "environment", None),
        ("node_modules", "environment", None),
        ("tests", "private-key", None),
        ("src/key.pem", "private-key", None),
    ],
)
def test_in_places_of_packages_and_for_keys_of_tests_they_are_usually_harmless(
    path: str, kind: str, directory: str | None
) -> None:
    assert harmless_place(path, kind) == directory


def test_rows_are_lower_case_since_names_are_compared_so() -> None:
    for row in RULES:
        for name in (*row.names.split(), row.within or ""):
            assert name == name.lower()
