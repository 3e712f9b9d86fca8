"""``ctxsize check`` without an engine: whole outputs, exit codes, a first configuration."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from ctxsize.cli import main
from tests.support.tree import tree_hash

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs/schema/check-1.json").read_text())
NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}

CONFIG = """\
[budget]
context = "60 kB"
context-files = 3
forbid = ["**/*.pem"]
require-ignored = [".git"]
sensitive = "off"
"""


def check(*arguments: str | Path, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)], env={**NO_ENGINE, **(env or {})})


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: 6 files are kept, of 61,234 bytes."""
    root = tmp_path / "shop"
    for name, size in {"src/main.py": 60_000, "src/key.pem": 1000, ".git/HEAD": 30}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x" * size)
    (root / "Dockerfile").write_text("FROM scratch\nCOPY src /\n")
    (root / ".dockerignore").write_text("*.log\n.git\n")
    (root / ".ctxsize.toml").write_text(CONFIG)
    kept = [each for each in root.rglob("*") if each.is_file() and ".git" not in each.parts]
    (root / "README").write_text("x" * (61_234 - sum(each.stat().st_size for each in kept)))
    monkeypatch.chdir(root)
    return root


def test_the_report_of_a_failure(shop: Path) -> None:
    result = check()
    assert result.exit_code == 1
    assert (
        result.output
        == """\
shop: Dockerfile, .dockerignore
                   now    limit
context         61.2kB     60kB  1.23kB over
context-files  6 files  3 files  3 files over

.ctxsize.toml:2: context is 61.2kB, 1.23kB over its limit of 60kB
  next: `ctxsize context --largest 10` shows what is large; to accept it, raise the limit (.ctxsize.toml:2)

.ctxsize.toml:3: context-files is 6 files, 3 files over its limit of 3 files
  next: `ctxsize context --depth 3` shows where the files are; to accept it, raise the limit (.ctxsize.toml:3)

.ctxsize.toml:4: src/key.pem must not reach the build (forbid "**/*.pem")
  next: add a line to .dockerignore that ignores it

shop: 2 limits not kept, 1 file that must not be there
"""
    )


def test_the_report_of_a_success(shop: Path) -> None:
    (shop / "src/key.pem").rename(shop / "src/key")
    result = check("--limit", "context=61234 B", "--limit", "context-files=6")
    assert result.exit_code == 0
    assert (
        result.output
        == """\
shop: Dockerfile, .dockerignore
                   now    limit
context         61.2kB   61.2kB  ok
context-files  6 files  6 files  ok

within budget
"""
    )


def test_nothing_is_written(shop: Path) -> None:
    before = tree_hash(shop)
    check()
    assert tree_hash(shop) == before


def test_json_within_its_schema(shop: Path) -> None:
    result = check("--format", "json", "--limit", "growth.context=5%", "--limit", "image=1 MB")
    document = json.loads(result.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["exit_code"] == result.exit_code == 4
    (target,) = document["targets"]
    assert target["sizes"]["context_bytes"] == 61_234
    assert [(each["name"], each["value"], each["over"]) for each in target["limits"]] == [
        ("context", 61_234, True),
        ("context-files", 6, True),
        ("image", None, False),
        ("growth.context", None, False),
    ]
    assert target["limits"][3]["reason"] == "there is no baseline"
    assert target["findings"][0]["where"] == ".ctxsize.toml:4"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--limit", "context=1 GB", "--limit", "context-files=off", "--forbid", "x"], 1),  # the key is there
        (["--limit", "growth.context=5%"], 2),  # over budget, too, but something could not be judged
        (["--limit", "image=1 GB"], 4),
        (["--limit", "image=1 GB", "--static"], 1),
        (["--limit", "image=1 GB", "--archive", "none.tar"], 2),
        (["--limit", "image=1 GB", "--image", "x"], 4),
        (["--limit", "imgae=1 GB"], 2),
        (["--limit", "image=1"], 2),
        (["--baseline", "none.json"], 2),
        (["--only", "web"], 2),
        (["--image", "web=x"], 2),
        (["-f", "none"], 2),
        (["nowhere"], 2),
        (["n" * 5000], 2),
        (["-f", "n" * 5000], 2),
        (["--builder", "../x"], 2),
    ],
)
def test_exit_codes(shop: Path, arguments: list[str], code: int) -> None:
    result = check(*arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output


def test_engine_trouble_is_not_over_budget_and_hides_nothing(shop: Path) -> None:
    result = check("--limit", "image=1 GB")
    assert result.exit_code == 4
    assert "image          " in result.output
    assert "not known" in result.output
    assert "context is 61.2kB, 1.23kB over" in result.output
    assert "error: no Docker engine answers at unix:///nowhere/docker.sock" in result.output


def test_a_dockerfile_that_can_not_be_parsed_keeps_no_static_limit_from_being_judged(shop: Path) -> None:
    (shop / "Dockerfile").write_text("FORM scratch\n")
    assert check("--limit", "context=1 GB", "--limit", "context-files=off").exit_code == 1
    assert "61.2kB" in check("--limit", "context=1 GB").output


def test_no_limit_at_all_is_an_error(shop: Path) -> None:
    (shop / ".ctxsize.toml").unlink()
    result = check()
    assert result.exit_code == 2
    assert result.stderr == (
        "ctxsize: error: .: there is no limit to check"
        " (`ctxsize check --init` writes limits a little above today's sizes)\n"
    )


def test_options_win_over_variables_and_variables_over_the_file(shop: Path) -> None:
    environ = {"CTXSIZE_CONTEXT": "70 kB", "CTXSIZE_CONTEXT_FILES": "10"}
    assert "context         61.2kB      70kB  ok" in check(env=environ).output
    result = check("--limit", "context=10 B", env=environ)
    assert "--limit: context is 61.2kB" in result.output
    assert "10 files  ok" in result.output


def test_what_grew_is_named(shop: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.json"
    assert check("--save-baseline", baseline).exit_code == 1, "over budget, and saved all the same"
    (shop / "src/assets").mkdir()
    (shop / "src/assets/film.mp4").write_bytes(b"x" * 2_000_000)
    (shop / "src/main.py").write_bytes(b"x" * 60_500)
    relaxed = ["--limit", "context=off", "--limit", "context-files=off", "--limit", "growth.context=1 MB"]
    result = check("--baseline", baseline, *relaxed)
    assert result.exit_code == 1
    assert (
        result.output.split("\n\n")[1]
        == """\
--limit: context grew by 2MB, 1MB more than the 1MB it may
  what grew most since the baseline:
    +2MB  src/assets/film.mp4  new
  next: `ctxsize context --largest 10` shows what is large; to accept it, make a new baseline\
 with --save-baseline"""
    )


def test_growth_is_not_judged_when_the_first_baseline_is_made(shop: Path, tmp_path: Path) -> None:
    result = check("--save-baseline", tmp_path / "b.json", "--limit", "growth.context=5%", "--format", "json")
    (target,) = json.loads(result.stdout)["targets"]
    assert [each["name"] for each in target["limits"]] == ["context", "context-files"]
    assert [each["code"] for each in target["warnings"]] == ["first-baseline"]


def test_no_baseline_is_written_of_what_was_not_measured(shop: Path, tmp_path: Path) -> None:
    result = check("--save-baseline", tmp_path / "b.json", "--limit", "image=1 GB")
    assert result.exit_code == 4
    assert "not everything was measured, so no baseline was written" in result.output
    assert not (tmp_path / "b.json").exists()


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of two services, whose limits are in one file."""
    for name, size in {"api": 1000, "web": 3000}.items():
        (tmp_path / "services" / name).mkdir(parents=True)
        (tmp_path / "services" / name / "data").write_bytes(b"x" * size)
        (tmp_path / "services" / name / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / ".ctxsize.toml").write_text(
        "[budget]\ncontext = '2 kB'\n"
        "[targets.api]\npath = 'services/api'\n[targets.web]\npath = 'services/web'\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_several_targets_make_one_report_and_one_exit_code(services: Path) -> None:
    result = check()
    assert result.exit_code == 1
    assert (
        result.output
        == """\
api: Dockerfile, no ignore file
            now  limit
context  1.01kB    2kB  ok

web: Dockerfile, no ignore file
            now  limit
context  3.01kB    2kB  1.01kB over

.ctxsize.toml:2: context is 3.01kB, 1.01kB over its limit of 2kB
  next: `ctxsize context --largest 10 services/web` shows what is large; to accept it, raise the limit\
 (.ctxsize.toml:2)

all 2: context 4.03kB

web: 1 limit not kept
"""
    )


def test_one_of_them(services: Path) -> None:
    assert check("--only", "api").exit_code == 0
    assert "did you mean api?" in check("--only", "apii").output


def test_several_paths_each_with_limits_of_its_own(services: Path) -> None:
    (services / ".ctxsize.toml").unlink()
    for name, most in {"api": "2 kB", "web": "4 kB"}.items():
        (services / "services" / name / ".ctxsize.toml").write_text(f"[budget]\ncontext = '{most}'\n")
    result = check("services/api", "services/web")
    assert result.exit_code == 0, result.output
    (services / "services/web/.ctxsize.toml").unlink()
    assert "services/web: there is no limit to check" in check("services/api", "services/web").output


def test_the_same_directory_twice(services: Path) -> None:
    assert "two targets are called 'services/api'" in check("services/api", "services/api/").output


def test_options_for_one_target_only(services: Path) -> None:
    assert "--archive is for one target and there are 2" in check("--archive", "x.tar").output
    assert "write TARGET=IMAGE, such as api=x" in check("--image", "x").output


def test_a_first_configuration_is_kept_by_what_it_was_made_from(shop: Path) -> None:
    (shop / ".ctxsize.toml").unlink()
    (shop / "src/key.pem").rename(shop / "src/.env")
    result = check("--init", "--static")
    assert result.exit_code == 0, result.output
    text = (shop / ".ctxsize.toml").read_text()
    budget = tomllib.loads(text)["budget"]
    assert budget["context"] == "70 kB"
    assert budget["context-files"] == 10
    assert budget["require-ignored"] == [".git"]
    assert "**/.env" not in budget["forbid"]
    assert '# "**/.env",  # is there today: src/.env' in text
    assert '# image = "250 MB"' in text
    assert check().exit_code == 0


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("src/notes.txt", 'sensitive = "fail"'),
        ("src/.npmrc", 'sensitive = "warn"  # not "fail" because of src/.npmrc'),
        ("src/.env", 'sensitive = "warn"  # not "fail" because of src/.env'),
        ("src/.env.example", 'sensitive = "fail"'),
    ],
)
def test_a_first_configuration_lets_secrets_fail_where_there_are_none(
    shop: Path, name: str, line: str
) -> None:
    (shop / ".ctxsize.toml").unlink()
    (shop / "src/key.pem").unlink()
    (shop / name).write_text("//registry/:_authToken=abc\nDB_PASSWORD=abc\n")
    assert check("--init", "--static").exit_code == 0
    assert line in (shop / ".ctxsize.toml").read_text().splitlines()
    assert check().exit_code == 0
    assert check("--sensitive", "fail").exit_code == (0 if "fail" in line.split("#")[0] else 1)


def test_a_first_configuration_says_how_the_project_is_built(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the next check is one of the same build."""
    (shop / ".ctxsize.toml").unlink()
    (shop / "docker").mkdir()
    (shop / "Dockerfile").rename(shop / "docker/prod")
    (shop / "docker/prod").write_text("ARG BASE\nFROM $BASE AS web\nCOPY src /\n")
    monkeypatch.setenv("TOKEN", "s3cret")
    monkeypatch.chdir(shop.parent)
    built = ["-f", "shop/docker/prod", "--target", "web", "--platform", "linux/arm64", "--builder", "classic"]
    args = ["--build-arg", 'BASE=a"b\\c', "--build-arg", "TOKEN"]
    assert check("--init", "--static", *built, *args, "shop").exit_code == 0

    text = (shop / ".ctxsize.toml").read_text()
    assert {name: value for name, value in tomllib.loads(text).items() if name != "budget"} == {
        "dockerfile": "docker/prod",
        "target": "web",
        "platform": "linux/arm64",
        "builder": "classic",
        "build-args": {"BASE": 'a"b\\c'},
    }
    assert "s3cret" not in text and "# Give --build-arg TOKEN: its value is from the environment" in text
    result = check("--static", "shop", "--format", "json")
    assert json.loads(result.stdout)["targets"][0]["dockerfile"] == "docker/prod"


def test_a_dockerfile_outside_is_not_written_to_a_configuration_that_may_not_name_it(shop: Path) -> None:
    (shop / ".ctxsize.toml").unlink()
    (shop.parent / "prod").write_text("FROM scratch\n")
    assert check("--init", "--static", "-f", "../prod").exit_code == 0
    assert "# Give -f ../prod: " in (shop / ".ctxsize.toml").read_text()
    assert check("--static").exit_code == 0


@pytest.mark.parametrize("arguments", [[""], ["--init", ""]])
def test_an_empty_path_is_no_path(shop: Path, arguments: list[str]) -> None:
    """As of a variable that is not set: not the current directory, which would pass."""
    result = check(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "an empty path names no directory" in result.stderr


def test_a_first_configuration_never_replaces_one(shop: Path) -> None:
    before = (shop / ".ctxsize.toml").read_text()
    result = check("--init", "--static")
    assert result.exit_code == 2
    assert ".ctxsize.toml: there is a configuration already (-o - prints a new one)" in result.stderr
    assert (shop / ".ctxsize.toml").read_text() == before
    assert "[budget]" in check("--init", "--static", "-o", "-").stdout


def test_a_first_configuration_without_an_engine_says_what_is_missing(shop: Path) -> None:
    result = check("--init", "-o", "-")
    assert result.exit_code == 0
    assert "no Docker engine answers" in result.stderr
    assert '# pull = "250 MB"' in result.stdout


def test_no_configuration_is_written_of_what_is_not_there(shop: Path) -> None:
    result = check("--init", "--static", "nowhere")
    assert result.exit_code == 2
    assert "nowhere: no such directory" in result.stderr
    assert "[budget]" not in result.stdout


def test_names_can_do_nothing_to_a_terminal(shop: Path) -> None:
    (shop / "src/\x1b[31mevil\n.pem").write_bytes(b"")
    output = check().output
    assert "\x1b" not in output
    assert "src/\\x1b[31mevil\\n.pem must not reach the build" in output


def test_static_limits_import_no_sdk(shop: Path) -> None:
    code = (
        "import sys\nfrom ctxsize.budget.check import CheckOptions, check\ncheck('.', environ={})\n"
        "print([name for name in ('docker', 'requests', 'grpclib', 'google') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
