"""What a stranger's repository names is read inside of it, or not at all: nothing of the machine is shown,
sent or waited for."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ctxsize.cli import main
from tests.support.waiting import must_end

TOKEN = "gh0-5f4dcc3bAa/Zz"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    (root / "app").mkdir(parents=True)
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (root / "app/Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (tmp_path / "secret").write_text(f"FROM {TOKEN}\n{TOKEN} x\n")
    monkeypatch.chdir(root)
    monkeypatch.setenv("MY_CI_TOKEN", TOKEN)
    return root


def ctxsize(*words: str) -> Result:
    return CliRunner().invoke(main, [*words])


def clean(result: Result) -> str:
    """All that was shown, in which nothing secret may be, in no case."""
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    text = result.stdout + result.stderr
    assert TOKEN.lower() not in text.lower()
    assert TOKEN.partition("/")[0].lower() not in text.lower()
    return text


@contextmanager
def soon() -> Iterator[None]:
    """Give up what waits for ever, or fills the memory."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, limits[1]))
    try:
        with must_end():
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


#: Where a stranger lets a file lead: what it holds, what never ends, what never begins.
TARGETS = ["/proc/self/environ", "../secret", "/dev/zero", "/proc/self/fd/0", "pipe"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("Dockerfile", "context"),
        ("Dockerfile", "check --static --limit context=1MB"),
        (".dockerignore", "context --builder classic --by rule"),
        (".dockerignore", "why --builder classic a"),
        (".ctxsize.toml", "check --static"),
        ("pyproject.toml", "check --static"),
        ("base.json", "check --static --baseline base.json --limit context=1MB"),
        ("compose.yaml", "check --static --compose compose.yaml --limit context=1MB"),
        ("in.yaml", "check --static --compose including.yaml --limit context=1MB"),
        ("vars.env", "check --static --compose including-env.yaml --limit context=1MB"),
    ],
)
def test_a_file_that_leads_out_or_is_none_is_refused_at_once(
    project: Path, name: str, command: str, target: str
) -> None:
    os.mkfifo(project / "pipe")
    (project / "fine.yaml").write_text("services: {a: {build: .}}\n")
    (project / "including.yaml").write_text("include: [in.yaml]\n")
    (project / "including-env.yaml").write_text("include: [{path: fine.yaml, env_file: vars.env}]\n")
    (project / name).unlink(missing_ok=True)
    (project / name).symlink_to(target)
    with soon():
        result = ctxsize(*command.split())

    assert result.exit_code == 2, result.output
    reasons = ("not a regular file", "leads out of", "lies outside of")
    lines = clean(result).splitlines()
    assert any(name in line and reason in line for line in lines for reason in reasons)


def test_a_link_that_stays_inside_is_followed(project: Path) -> None:
    (project / "docker").mkdir()
    (project / "Dockerfile").rename(project / "docker/real")
    (project / "Dockerfile").symlink_to("docker/real")
    (project / "docker/rules").write_text("docker\n")
    (project / ".dockerignore").symlink_to("docker/rules")

    shown = ctxsize("context", "--builder", "classic", "--format", "list").stdout.split()
    assert "Dockerfile" in shown
    assert not any(path.startswith("docker/") for path in shown)


def test_a_dockerfile_that_the_user_names_may_lie_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY app /\n")

    assert ctxsize("context", "-f", "../Dockerfile").exit_code == 0


def test_a_baseline_of_the_configuration_lies_below_it(project: Path) -> None:
    (project / ".ctxsize.toml").write_text("baseline = '../secret'\n[budget]\ncontext = '1 MB'\n")

    result = ctxsize("check", "--static")

    assert result.exit_code == 2
    assert ".ctxsize.toml:1: ../secret lies outside of" in clean(result)


SPELLINGS = {
    "build": "services: {a: {build: './${MY_CI_TOKEN}'}}",
    "context": "services: {a: {build: {context: './$MY_CI_TOKEN'}}}",
    "with a default": "services: {a: {build: './${MY_CI_TOKEN:-x}'}}",
    "an alternative": "services: {a: {build: './${HOME:+$MY_CI_TOKEN}'}}",
    "dockerfile": "services: {a: {build: {context: ., dockerfile: '$MY_CI_TOKEN'}}}",
    "above": "services: {a: {build: '../${MY_CI_TOKEN}'}}",
    "absolute": "services: {a: {build: '/${MY_CI_TOKEN}'}}",
    "target": "services: {a: {build: {context: ., target: '$MY_CI_TOKEN'}}}",
    "include": "include: ['./${MY_CI_TOKEN}.yaml']",
    "include's env_file": "include: [{path: fine.yaml, env_file: './${MY_CI_TOKEN}'}]",
    "include's directory": "include: [{path: fine.yaml, project_directory: '../${MY_CI_TOKEN}'}]",
    "extends": "services: {a: {extends: '$MY_CI_TOKEN'}}",
    "extends from a file": "services: {a: {extends: {service: b, file: './$MY_CI_TOKEN'}}}",
    "by .env": "services: {a: {build: './$INDIRECT'}}",
    "twice": "services: {a: {build: './${MY_CI_TOKEN}${MY_CI_TOKEN}'}}",
    "a directory that is there": "services: {a: {build: './there/$MY_CI_TOKEN'}}",
    "two of one name": "services: {a: {build: './there/$MY_CI_TOKEN'}, b: {build: {context: ., target: x}}}",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("format", ["table", "json", "sarif"])
def test_no_value_of_a_variable_is_shown(project: Path, spelling: str, format: str) -> None:
    (project / "compose.yaml").write_text(SPELLINGS[spelling] + "\n")
    (project / "fine.yaml").write_text("services: {a: {build: .}}\n")
    (project / ".env").write_text("INDIRECT=x-${MY_CI_TOKEN}\n")
    (project / "there" / TOKEN).mkdir(parents=True)
    (project / "there" / TOKEN / "Dockerfile").write_text("oops\n")
    (project / "there" / TOKEN / ".ctxsize.toml").write_text("[budget]\nforbid = ['Dockerfile']\n")

    static = () if spelling == "target" else ("--static",)
    words = ("check", "--compose", "compose.yaml", "--limit", "context=1B", "--format", format, *static)
    result = ctxsize(*words)

    assert result.exit_code, "there is an error, or a limit that is not kept"
    clean(result)


@pytest.mark.parametrize(
    "text",
    [
        "services: {a: {build: ..}}",
        "services: {a: {build: /etc}}",
        "services: {a: {build: '~/.ssh'}}",
        "services: {a: {build: out}}",
        "services: {a: {build: {context: ., dockerfile: ../secret}}}",
        "services: {a: {extends: {service: b, file: ../other.yaml}}}",
        "include: [../other.yaml]",
        "include: [{path: fine.yaml, env_file: ../secret}]",
        "include: [{path: fine.yaml, project_directory: ..}]",
    ],
)
def test_what_a_compose_file_names_lies_below_it_unless_the_user_says_more(
    project: Path, tmp_path: Path, text: str
) -> None:
    (project / "compose.yaml").write_text(text + "\n")
    (project / "out").symlink_to("..")
    for file in (project / "fine.yaml", tmp_path / "other.yaml"):
        file.write_text("services: {b: {build: .}}\n")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    command = ("check", "--static", "--compose", "compose.yaml", "--limit", "context=1GB")

    refused = ctxsize(*command)
    allowed = ctxsize(*command, "--compose-root", str(tmp_path))

    assert refused.exit_code == 2
    assert "compose.yaml:1: " in clean(refused)
    assert "lies outside of" in refused.stderr
    if not any(far in text for far in ("/etc", "~")):
        assert "lies outside of" not in allowed.stderr


@pytest.mark.docker
@pytest.mark.parametrize("dockerfile", ["docker/Dockerfile", "app/Dockerfile"])
def test_no_file_of_the_machine_gets_into_a_step(
    project: Path, dockerfile: str, base_image: Callable[[str], str]
) -> None:
    """A classic tar held what the ignore file led to, as a file that every step can read."""
    (project / "docker").mkdir()
    (project / dockerfile).write_text(
        f"FROM {base_image('busybox:1.36')}\nCOPY . /all\nRUN cat /all/.dockerignore | tr a-z A-Z; exit 7\n"
    )
    inner = os.path.relpath(dockerfile, "app")
    (project / ".ctxsize.toml").write_text(
        f"builder = 'classic'\n[targets.a]\npath = 'app'\ndockerfile = '{inner}'\nbudget.image = '1 GB'\n"
    )
    (project / "app/.dockerignore").symlink_to("/proc/self/environ")

    result = ctxsize("check", "-v")

    assert result.exit_code == 2
    assert "leads out of" in clean(result)


@pytest.mark.docker
def test_a_link_to_an_ignore_file_and_a_dockerfile_from_outside_fail_as_with_the_official_client(
    project: Path, tmp_path: Path
) -> None:
    """That client writes a link that has a content, which is no tar."""
    (project / "app/rules").write_text("x\n")
    (project / "app/.dockerignore").symlink_to("rules")

    result = ctxsize("compare", "--builder", "classic", "-f", "Dockerfile", "app")

    assert result.exit_code == 3
    assert "takes no Dockerfile from outside the context" in clean(result)
