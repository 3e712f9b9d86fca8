"""Which names look like secrets: a table of what tools and people call such files.

The table is field knowledge: each row is the documented place where a tool keeps a credential, or a name
by which people keep one. Rows are asked in their order, the first that matches counts.

A scan asks :func:`suspects` once per listing: one RE2 expression over all its names, so that nothing is
done per file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from os import fsencode

import re2

from ctxsize.sensitive.types import Level

#: Directories of packages that somebody else wrote; their keys are test data nearly always.
PACKAGES = frozenset(
    """
    node_modules bower_components jspm_packages .yarn .pnpm-store site-packages dist-packages .venv venv .tox
    .nox vendor pods
    """.split()  # noqa: SIM905
)
# Directories in which keys are there for tests, if nothing else is.
_TESTS = frozenset(
    ["test", "tests", "testing", "testdata", "test_data", "__tests__", "fixtures", "spec", "examples"]
)
_KEYS = frozenset(["private-key", "key-store"])
# Words in names of files that only show what to fill in, but for keys: example.com.key is a key.
_EXAMPLES = frozenset(["example", "sample", "template", "tmpl", "tpl"])
_EXAMPLES_OF_ENVIRONMENTS = _EXAMPLES | {"dist", "default", "defaults", "schema"}


@dataclass(frozen=True, slots=True)
class NameRule:
    """One row: files called one of ``names`` (lower case, ``*`` for anything) in a directory ``within``.

    ``alone`` is the level when nothing but the name is known; None means that such files are usually
    harmless, and that only ``check`` (of content.py) makes one a finding. A check that finds something
    makes it ``likely``.
    """

    kind: str
    reason: str
    names: str
    alone: Level | None = "likely"
    check: str | None = None
    within: str | None = None


_row = NameRule

RULES: tuple[NameRule, ...] = (
    # Private keys. A .pem is as often a certificate, which is public: its content decides.
    _row("private-key", "private SSH key", "id_rsa id_dsa id_ecdsa id_ecdsa_sk id_ed25519 id_ed25519_sk",
         check="private-key"),
    _row("private-key", "private SSH key", "id_rsa* id_dsa* id_ecdsa* id_ed25519*", None, "private-key"),
    _row("private-key", "private key", "*", None, "private-key", within=".ssh"),
    _row("application-secret", "Rails master key, which decrypts the credentials", "master.key"),
    _row("private-key", "private key, or Rails key that decrypts the credentials", "*.key", None, "rails-key",
         within="credentials"),
    _row("private-key", "PGP private keyring", "secring.gpg"),
    _row("private-key", "private SSH key of a host", "ssh_host_*_key", None, "private-key"),
    _row("private-key", "private key", "*.pem *.key *.p8 *.asc *.gpg *.ovpn", None, "private-key"),
    _row("private-key", "PuTTY private key", "*.ppk"),
    _row("private-key", "age identity", "key.txt keys.txt identity.txt", None, "age-key"),
    _row("private-key", "WireGuard private key", "wg*.conf", None, "wireguard"),
    _row("key-store", "PKCS #12 bundle of a key and its certificate", "*.p12 *.pfx"),
    _row("key-store", "Java key store", "*.jks *.keystore *.bks", "possible"),
    _row("key-store", "password safe", "*.kdbx *.kdb *.agilekeychain", "likely"),
    # Environment files.
    _row("environment", "environment file", ".env .env.* .dev.vars .dev.vars.* .envrc",
         "possible", "assignment"),
    _row("environment", "environment file", ".flaskenv", None, "assignment"),
    _row("environment", "environment file", "*.env", "possible", "assignment"),
    # Clouds.
    _row("cloud", "AWS credentials", "credentials credentials.csv", within=".aws"),
    _row("cloud", "AWS access keys", "config", None, "assignment", within=".aws"),
    _row("cloud", "AWS access keys", "accesskeys.csv *_accesskeys.csv rootkey.csv"),
    _row("cloud", "Google Cloud credentials", "credentials.db access_tokens.db", within="gcloud"),
    _row("cloud", "Google Cloud credentials", "application_default_credentials.json"),
    _row("cloud", "Google Cloud service account key",
         "*service-account*.json *service_account*.json *serviceaccount*.json *firebase-adminsdk*.json "
         "gcp*.json gcloud*.json google*.json", None, "json-key"),
    _row("infrastructure", "Terraform Cloud token", ".terraformrc terraform.rc credentials.tfrc.json", None,
         "hcl-token"),
    _row("infrastructure", "Pulumi token", "credentials.json", None, "access-token", within=".pulumi"),
    _row("cloud", "OAuth client secret or token",
         "client_secret*.json credentials.json credentials*.json token.json", None, "json-secret"),
    _row("cloud", "Azure access tokens",
         "accesstokens.json msal_token_cache.json msal_token_cache.bin service_principal_entries.json",
         within=".azure"),
    _row("cloud", "Azure publish profile with its password", "*.publishsettings"),
    _row("cloud", "Azure Functions settings with a key", "local.settings.json", None, "connection-string"),
    _row("cloud", "object store credentials", ".passwd-s3fs"),
    _row("cloud", "object store credentials", ".s3cfg .boto", None, "assignment"),
    _row("cloud", "object store credentials", "rclone.conf .rclone.conf", None, "rclone"),
    _row("cloud", "DigitalOcean access token", "config.yaml", None, "assignment", within="doctl"),
    _row("cloud", "Databricks token", ".databrickscfg", None, "assignment"),
    _row("cloud", "Hugging Face token", "token", within=".huggingface"),
    _row("cloud", "Hugging Face token", "token", within="huggingface"),
    _row("cloud", "Kaggle API key", "kaggle.json", None, "json-api-key"),
    # Container registries and clusters.
    _row("registry", "registry login", "config.json", None, "docker-auth", within=".docker"),
    _row("registry", "registry login", "config.json", None, "docker-auth", within="docker"),
    _row("registry", "registry login", ".dockercfg .dockerconfigjson", None, "docker-auth"),
    _row("registry", "registry login", "auth.json", None, "docker-auth", within="containers"),
    _row("cluster", "cluster access with a key, token or password", "config", None, "kubeconfig",
         within=".kube"),
    _row("cluster", "cluster access with a key, token or password",
         "kubeconfig kubeconfig.* *.kubeconfig kubeconfig-* kubeconfig_* *-kubeconfig *-kubeconfig.* "
         "*_kubeconfig *_kubeconfig.* k3s.yaml k3s.yml admin.conf", None, "kubeconfig"),
    # Package registries.
    _row("packages", "npm token", ".npmrc", None, "npm-token"),
    _row("packages", "npm token", ".yarnrc .yarnrc.yml .yarnrc.yaml bunfig.toml", None, "npm-token"),
    _row("packages", "Bundler credentials", "config", None, "bundler", within=".bundle"),
    _row("packages", "Conda channel with a password in its URL", ".condarc", None, "url-password"),
    _row("packages", "Poetry credentials", "auth.toml", None, "assignment"),
    _row("packages", "PyPI password or token", ".pypirc", None, "assignment"),
    _row("packages", "package index with a password in its URL", "pip.conf pip.ini uv.toml", None,
         "url-password"),
    _row("packages", "Composer credentials", "auth.json", None, "composer-auth"),
    _row("packages", "RubyGems API key", "credentials", None, "assignment", within=".gem"),
    _row("packages", "crates.io token", "credentials credentials.toml", None, "assignment", within=".cargo"),
    _row("packages", "Maven password", "settings.xml settings-security.xml", None, "xml-password"),
    _row("packages", "NuGet password", "nuget.config", None, "nuget-password"),
    _row("packages", "Gradle password or token", "gradle.properties", None, "assignment"),
    # Version control and hosts.
    _row("version-control", "git passwords", ".git-credentials"),
    _row("version-control", "git remote with a token in its URL", "config", None, "git-token", within=".git"),
    _row("version-control", "git remote with a token in its URL", ".gitconfig .gitmodules", None,
         "git-token"),
    _row("version-control", "GitHub or GitLab token", "hosts.yml hosts.yaml", None, "assignment",
         within="gh"),
    _row("version-control", "GitHub or GitLab token", "config.yml", None, "assignment", within="glab-cli"),
    _row("version-control", "Mercurial password", ".hgrc", None, "assignment"),
    _row("login", "passwords of hosts", ".netrc _netrc .authinfo", "possible", "netrc"),
    _row("login", "server login of an editor", "sftp.json sftp-config.json .ftpconfig .ftppass", None,
         "json-password"),
    _row("login", "password hashes of a web server", ".htpasswd htpasswd", "possible"),
    # Databases.
    _row("database", "PostgreSQL passwords", ".pgpass pgpass.conf"),
    _row("database", "MySQL password", ".my.cnf my.cnf", None, "assignment"),
    _row("database", "MySQL login", ".mylogin.cnf"),
    _row("database", "database password", "database.yml", None, "assignment"),
    _row("database", "WordPress database password", "wp-config.php", None, "wp-password"),
    # Infrastructure.
    _row("infrastructure", "Terraform state, which holds secrets in the clear",
         "*.tfstate *.tfstate.*"),
    _row("infrastructure", "Terraform variables", "*.tfvars *.tfvars.json", "possible", "assignment"),
    _row("infrastructure", "Vault token", ".vault-token"),
    _row("infrastructure", "Ansible vault password",
         ".vault_pass .vault_pass.* vault_pass.txt .vault-pass .vault-password vault_password.txt "
         ".vault_password .ansible_vault_pass"),
    # Applications and people.
    _row("application-secret", "application secrets",
         "secrets.yml secrets.yaml secrets.json secrets.toml .secrets .secrets.yml .secrets.yaml "
         ".secrets.toml", "possible", "assignment"),
    _row("application-secret", ".NET settings with a password", "appsettings.json appsettings.*.json", None,
         "connection-string"),
    _row("history", "history of commands, with the passwords typed in them",
         ".bash_history .zsh_history .zhistory .sh_history .ash_history .history fish_history "
         "consolehost_history.txt "
         ".python_history .node_repl_history .irb_history .mysql_history .psql_history .sqlite_history "
         ".rediscli_history .dbshell", "possible"),
)  # fmt: skip
_WITHINS = frozenset(row.within for row in RULES if row.within is not None)

# Public halves, bundles of certificates, a key store with a public password, an encrypted file.
_HARMLESS = "*.pub *.crt *.cer *.csr cacert.pem cacerts.* *truststore*.* debug.keystore .env.vault"


def suspects(directory: str, names: Sequence[str]) -> list[str]:
    """Those of ``names``, entries of ``directory`` (a context path, '' is the context), that some row of
    the table may mean. Cheap: meant for every listing of a scan."""
    text = ("/" + "//".join(names) + "/").encode("utf-8", "surrogateescape")
    found = _expression(None).findall(text)
    within = directory.rpartition("/")[2].lower()
    if ".git/" in directory and _in_git_modules(directory):
        within = ".git"
    if within in _WITHINS:
        found += _expression(within).findall(text)
    if not found:
        return []
    wanted = frozenset(found)
    return [name for name in names if b"/" + fsencode(name) + b"/" in wanted]


def classify(path: str) -> NameRule | None:
    """The row that the context path ``path`` falls under, if any; none for ``.env.example`` and the like."""
    directory, _, name = path.rpartition("/")
    text = f"/{name}/".encode("utf-8", "surrogateescape")
    if _names_expression(_HARMLESS).fullmatch(text):
        return None
    within = ".git" if _in_git_modules(directory) else directory.rpartition("/")[2].lower()
    for row in RULES:
        if row.within in (None, within) and _names_expression(row.names).fullmatch(text):
            return None if _is_example(name, row.kind) else row
    return None


def harmless_place(path: str, kind: str) -> str | None:
    """The topmost directory above the path in which files of that kind are usually harmless, if any: one of
    installed packages and, for keys, one of tests."""
    parts = path.split("/")
    for depth, name in enumerate(parts[:-1]):
        if name.lower() in PACKAGES or (kind in _KEYS and name.lower() in _TESTS):
            return "/".join(parts[: depth + 1])
    return None


def _is_example(name: str, kind: str) -> bool:
    """Whether the name says that the file only shows what to fill in (``.env.example``)."""
    if kind in _KEYS:
        return False
    words = _EXAMPLES_OF_ENVIRONMENTS if kind == "environment" else _EXAMPLES
    return not words.isdisjoint(name.lower().replace("-", ".").replace("_", ".").split("."))


def _in_git_modules(directory: str) -> bool:
    """Whether it is where git keeps submodules, each with a config like ``.git/config``."""
    return f"/{directory}/".find("/.git/modules/") >= 0


@lru_cache(maxsize=64)
def _expression(within: str | None) -> re2._Regexp:
    """What matches each name, between slashes, that a row for that directory (None: any) means."""
    return _names_expression(" ".join(row.names for row in RULES if row.within == within))


@lru_cache(maxsize=256)
def _names_expression(names: str) -> re2._Regexp:
    spelled = [b"[^/]*".join(map(re2.escape, name.split(b"*"))) for name in names.encode().split()]
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # names are bytes, in whatever encoding
    options.case_sensitive = False
    options.never_capture = True
    return re2.compile(b"/(?:" + b"|".join(spelled) + b")/", options)
