"""``ctxsize check`` where teams run it: reports, a job's summary, Compose files, monorepos."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ctxsize.cli import main


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def check(*words: str) -> Result:
    return CliRunner().invoke(main, ["check", *words])


def write(name: str, text: str) -> None:
    Path(name).write_text(textwrap.dedent(text))


def service(name: str, size: int) -> None:
    Path(name).mkdir(parents=True, exist_ok=True)
    Path(name, "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    Path(name, "data").write_bytes(b"x" * size)


# Several reports of one check


def test_one_check_writes_several_reports() -> None:
    service("shop", 2_000_000)
    result = check(
        "shop",
        "--limit",
        "context=1 MB",
        "--format",
        "json",
        "--report",
        "junit=junit.xml",
        "--report",
        "github=-",
    )

    assert result.exit_code == 1
    document, _, commands = result.stdout.partition("\n}\n")
    assert json.loads(document + "}")["exit_code"] == 1
    assert commands.startswith("::error file=shop/Dockerfile,line=1,title=ctxsize%3A over budget (shop)::")
    assert "<testsuites" in Path("junit.xml").read_text()


def test_a_report_that_cant_be_written_does_not_lose_the_check() -> None:
    service("shop", 10)
    result = check("shop", "--limit", "context=1 MB", "--report", "csv=no/such/dir/x.csv")

    assert result.exit_code == 2
    assert "within" in result.stdout and "no/such/dir/x.csv: can't be written" in result.stderr


@pytest.mark.parametrize("word", ["yaml=x", "json", "json=", "=x"])
def test_a_report_is_a_format_and_a_file(word: str) -> None:
    result = check("--report", word)

    assert result.exit_code == 2
    assert "write FORMAT=FILE; formats are table, json, markdown, github" in " ".join(result.stderr.split())


def test_a_jobs_summary_is_added_to(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service("shop", 2_000_000)
    summary = here / "summary.md"
    summary.write_text("# What another step wrote\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    assert check("shop", "--limit", "context=1 MB").exit_code == 1
    text = summary.read_text()
    assert text.startswith("# What another step wrote\n<!-- ctxsize check -->\n### ctxsize: 1 limit not kept")

    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(here / "no" / "dir.md"))
    result = check("shop", "--limit", "context=3 MB")
    assert result.exit_code == 0, "a summary is no reason to fail"
    assert "the summary can't be written" in result.stderr


# Compose files and monorepos


def test_every_service_of_a_compose_file_is_a_target() -> None:
    service("services/api", 1000)
    service("services/web", 5000)
    write(
        "compose.yaml",
        """\
        services:
          api: {build: services/api}
          worker: {build: services/api, command: work}
          web: {build: {context: services/web}}
          far: {build: "https://example.com/far.git"}
          db: {image: postgres}
        """,
    )
    write(
        ".ctxsize.toml",
        """\
        [budget]
        context = "3 kB"
        [targets.web.budget]
        context = "6 kB"
        """,
    )
    result = check("--compose", "compose.yaml", "--format", "json")
    report = json.loads(result.stdout)

    assert result.exit_code == 0, result.output
    assert [(target["name"], target["path"]) for target in report["targets"]] == [
        ("api, worker", "services/api"),
        ("web", "services/web"),
    ]
    assert [target["limits"][0]["limit"] for target in report["targets"]] == [3000, 6000]
    assert report["targets"][0]["warnings"][0]["message"].startswith("service far is not checked")

    Path("services/web/data").write_bytes(b"x" * 7000)
    assert check("--compose", "compose.yaml").exit_code == 1, "one over is over"


def test_services_with_one_build_take_the_limits_of_any_of_them() -> None:
    service("api", 1000)
    write("compose.yaml", "services: {api: {build: api}, worker: {build: api}}")
    write(".ctxsize.toml", "[targets.worker.budget]\ncontext-files = 9\n")
    report = json.loads(check("--compose", "compose.yaml", "--format", "json").stdout)

    assert [limit["name"] for target in report["targets"] for limit in target["limits"]] == ["context-files"]


@pytest.mark.parametrize("name", ["api", "worker", "api, worker"])
def test_any_service_of_a_build_selects_it(name: str) -> None:
    service("api", 1000)
    service("web", 1000)
    write("compose.yaml", "services: {api: {build: api}, worker: {build: api}, web: {build: web}}")
    chosen = ["--compose", "compose.yaml", "--limit", "context=1 MB", "--format", "json", "--only", name]

    assert [each["name"] for each in json.loads(check(*chosen).stdout)["targets"]] == ["api, worker"]


def test_a_service_that_is_chosen_and_can_not_be_checked_says_why() -> None:
    service("api", 1000)
    write("compose.yaml", "services:\n  api: {build: api}\n  web: {build: https://example.org/web.git}\n")
    chosen = check("--compose", "compose.yaml", "--limit", "context=1 MB", "--only", "web")

    assert chosen.exit_code == 2
    assert chosen.output.startswith(
        "ctxsize: error: compose.yaml:3: service web is not checked: its context is not a directory here"
    )


def test_named_contexts_count_are_judged_and_are_pointed_at() -> None:
    """The context and a named one together; each by its own ignore file, and files by their own place."""
    service("api", 1000)
    service("web", 2000)
    write("web/.dockerignore", "*.log\n.dockerignore\n")
    write("web/key.pem", "x")
    write("web/a.log", "x" * 500)
    write(
        "compose.yaml",
        "services: {api: {build: {context: api, additional_contexts: {lib: ./web}}}, web: {build: web}}",
    )
    given = ("--compose", "compose.yaml", "--only", "api", "--limit", "context=1 MB", "--forbid", "*.pem")
    given += ("--require-ignored", "lib:a.log", "--require-ignored", "lib:key.pem")
    (target,) = json.loads(check(*given, "--format", "json").stdout)["targets"]
    limit = ("--limit", "context=1 MB", "--format", "json")
    alone = [json.loads(check(each, *limit).stdout) for each in ("api", "web")]

    assert target["contexts"] == {"lib": "web"}
    assert target["sizes"]["context_bytes"] == sum(each["totals"]["context_bytes"] for each in alone)
    assert [(each["code"], each["path"]) for each in target["findings"]] == [
        ("forbidden", "lib:key.pem"),
        ("not-ignored", "lib:key.pem"),
    ]
    assert target["findings"][0]["hint"] == "add a line to lib:.dockerignore that ignores it"
    assert "::error file=web/key.pem," in check(*given, "--format", "github").stdout


def test_a_dockerfile_in_a_compose_file_is_read_with_the_ignore_file_of_its_context() -> None:
    service("api", 1000)
    write("api/.dockerignore", "*\n")
    write("api/Dockerfile.dockerignore", "nothing\n")
    write("compose.yaml", "services: {a: {build: {context: api, dockerfile_inline: FROM scratch}}}")
    result = check("--compose", "compose.yaml", "--limit", "context=1 MB", "--format", "json")
    (target,) = json.loads(result.stdout)["targets"]

    assert target["dockerfile"] == "compose.yaml:1 dockerfile_inline"
    assert target["ignore_file"] == ".dockerignore"
    assert target["sizes"]["context_bytes"] == 0


def test_a_service_may_have_its_limits_in_its_own_context() -> None:
    service("api", 1000)
    service("web", 1000)
    write("compose.yaml", "services: {api: {build: api}, web: {build: web}}")
    write(".ctxsize.toml", '[budget]\ncontext = "3 kB"\n')
    write("web/.ctxsize.toml", "[budget]\ncontext-files = 9\n")
    report = json.loads(check("--compose", "compose.yaml", "--format", "json").stdout)

    assert [target["limits"][0]["name"] for target in report["targets"]] == ["context", "context-files"]


def test_a_compose_file_without_limits_checks_nothing_and_says_so() -> None:
    service("api", 1000)
    write("compose.yaml", "services: {api: {build: api}}")
    result = check("--compose", "compose.yaml")

    assert result.exit_code == 2
    assert "there is no limit to check" in result.stderr


def test_paths_and_a_compose_file_are_one_report() -> None:
    service("api", 1000)
    service("tools", 1000)
    write("compose.yaml", "services: {api: {build: api}}")
    result = check("tools", "--compose", "compose.yaml", "--limit", "context=1 MB", "--format", "json")

    assert [target["name"] for target in json.loads(result.stdout)["targets"]] == ["tools", "api"]


def test_init_is_not_for_compose_files() -> None:
    assert check("--init", "--compose", "compose.yaml").exit_code == 2


@pytest.mark.docker
def test_layers_of_a_base_count_once_in_totals(base_args: Callable[[str], dict[str, str]]) -> None:
    base = base_args("links")["BASE"]
    for name, size in (("api", 10_000), ("web", 20_000)):
        service(name, size)
        Path(name, "Dockerfile").write_text(f"ARG BASE=none\nFROM $BASE\nCOPY data /{name}\n")
    write(
        "compose.yaml",
        """\
        services:
          api: {build: {context: api, args: {BASE: $BASE}}}
          web: {build: {context: web, args: {BASE: $BASE}}}
        """,
    )
    write(".env", f"BASE={base}\n")
    result = check("--compose", "compose.yaml", "--limit", "image=1 GB", "--format", "json")
    report = json.loads(result.stdout)

    assert result.exit_code == 0, result.output
    api, web = (target["sizes"]["image_bytes"] for target in report["targets"])
    assert web == api + 10_000
    assert report["totals"]["image_bytes"] == api + 20_000


def test_jobs_change_nothing_but_the_order_of_the_work() -> None:
    """Static: every target in a process of its own, the report as without."""
    for number, name in enumerate(("a", "b", "c", "d")):
        service(name, 1000 + number)
    write("b/.dockerignore", "[")
    given = ("a", "b", "c", "d", "--limit", "context=1 MB", "--format", "json")
    alone, together = (json.loads(check(*given, "--jobs", jobs).stdout) for jobs in ("1", "3"))

    assert {**together, "created": ""} == {**alone, "created": ""}
    assert [each["exit_code"] for each in together["targets"]] == [0, 2, 0, 0]
