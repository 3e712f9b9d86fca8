"""``ctxsize cache`` as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import jsonschema
import pytest

from tests.support import buildcache
from tests.support.tree import tree_hash
from tests.support.waiting import GIVE_UP_SECONDS

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema" / "cache-1.json").read_text())
DOCKERFILE = """\
ARG BASE
FROM ${BASE}
COPY . /src/
RUN echo pip install -r /src/requirements.txt > /installed
"""

Ctxsize = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def ctxsize(tmp_path: Path) -> Ctxsize:
    """``ctxsize("cache", path)``: run the program, as a process of its own with a home of its own."""
    state = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ctxsize", *map(str, words)]
        environment = {**os.environ, **state, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=GIVE_UP_SECONDS
        )

    return run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a repository, an ignored link, and a Dockerfile that copies all before it installs."""
    folder = tmp_path / "shop"
    (folder / ".git/objects").mkdir(parents=True)
    (folder / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / ".dockerignore").write_text(".git\nlogs\nlatest\n.dockerignore\nDockerfile\n")
    (folder / "logs").mkdir()
    (folder / "logs/a.log").write_text("x" * 1000)
    (folder / "latest").symlink_to("logs/a.log")
    for name in ("requirements.txt", "app.py"):
        (folder / name).write_text(f"# {name}\n")
    return folder


def left(api: docker.APIClient) -> tuple[set[str], frozenset[str]]:
    return {image["Id"] for image in api.images(all=True)}, buildcache.record_ids(api)


def lines(change: dict[str, Any], variant: str) -> list[int]:
    return [step["line"] for step in change[variant]["steps"]]


@pytest.mark.docker
def test_with_the_ignore_file_nothing_runs_again_and_without_it_what_comes_after_the_copy(
    ctxsize: Ctxsize,
    project: Path,
    base_args: Callable[[str], dict[str, str]],
    api: docker.APIClient,
) -> None:
    words = ["--build-arg", f"BASE={base_args('links')['BASE']}", "--network", "none"]
    ctxsize("context", project)  # whatever the first run of all leaves
    before = tree_hash(project), left(api)
    result = ctxsize("cache", project, *words, "--top", "0", "--repeat", "1", "--format", "json")
    assert result.returncode == 0, result.stderr
    assert (tree_hash(project), left(api)) == before

    report = json.loads(result.stdout)
    jsonschema.validate(report, SCHEMA)
    changes = {change["path"]: change for change in report["ignored"]}
    assert changes.keys() == {".git", "logs", "latest", "Dockerfile"}
    assert changes["latest"]["changed"] is None, "a link is not simulated"
    for path in (".git", "logs", "Dockerfile"):
        assert lines(changes[path], "with") == []
        assert lines(changes[path], "without") == [3, 4]
        assert changes[path]["with"]["sent_files"] == 0
    assert changes[".git"]["how"].startswith("a commit (")
    assert (changes["logs"]["changed"], changes["logs"]["how"]) == ("logs/a.log", "one more byte")
    assert [report["unchanged"][name]["steps"] for name in ("with", "without")] == [[], []]

    (needed,) = report["eligible"]
    assert (needed["path"], needed["line"], lines(needed, "with")) == ("app.py", 3, [3, 4])
    (late,) = report["late_installs"]
    assert (late["copy"]["line"], late["run"]["line"]) == (3, 4)


@pytest.mark.docker
def test_a_change_that_breaks_the_build_is_reported_beside_the_others(
    ctxsize: Ctxsize, project: Path, base_args: Callable[[str], dict[str, str]]
) -> None:
    with (project / "Dockerfile").open("a") as file:
        file.write("RUN test ! -e /src/logs || test $(wc -c < /src/logs/a.log) = 1000\n")
    words = ["--build-arg", f"BASE={base_args('links')['BASE']}", "--network", "none", "--repeat", "1"]
    result = ctxsize("cache", project, *words, "--top", "2")

    assert result.returncode == 3
    assert "ctxsize: error [without the ignore file]: " in result.stderr
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line}
    assert "failed" in rows["logs"]
    assert "failed" not in rows["Dockerfile"]
    assert "not measured: 2 more ignored paths (--top 0 measures all)" in result.stdout


@pytest.mark.docker
def test_without_an_ignore_file_the_order_of_the_dockerfile_is_still_measured(
    ctxsize: Ctxsize, project: Path, base_args: Callable[[str], dict[str, str]]
) -> None:
    (project / ".dockerignore").unlink()
    words = ["--build-arg", f"BASE={base_args('links')['BASE']}", "--network", "none", "--repeat", "1"]
    result = ctxsize("cache", project, *words)

    assert result.returncode == 0, result.stderr
    assert "an ignored path" not in result.stdout
    assert "Dockerfile:3: `COPY . /src/` comes before `RUN echo pip install" in result.stdout
    assert "there is no ignore file" in result.stdout


@pytest.mark.docker
@pytest.mark.parametrize(
    ("rules", "part", "again", "builder"),
    [
        pytest.param(".git\n!.git/HEAD\n!.git/logs/HEAD\n", "ignored", [2], "buildkit", id="partly"),
        pytest.param(".git\n!.git/HEAD\n!.git/logs/HEAD\n", "ignored", [2], "classic", id="partly-classic"),
        pytest.param(".git\n", "ignored", [], "buildkit", id="ignored"),
        pytest.param(".git\n", "ignored", [], "classic", id="ignored-classic", marks=pytest.mark.slow),
        pytest.param("logs\n", "eligible", [2], "buildkit", id="kept"),
        pytest.param("logs\n", "eligible", [2], "classic", id="kept-classic", marks=pytest.mark.slow),
    ],
)
def test_a_commit_is_simulated_however_much_of_the_repository_is_kept(
    ctxsize: Ctxsize, project: Path, rules: str, part: str, again: list[int], builder: str
) -> None:
    (project / ".git/logs").mkdir()
    (project / ".git/logs/HEAD").write_text("a log\n")
    (project / "Dockerfile").write_text("FROM scratch\nCOPY . /src/\n")
    (project / ".dockerignore").write_text(rules + "Dockerfile\n.dockerignore\n")

    words = ["--top", "0", "--repeat", "1", "--builder", builder, "--format", "json"]
    report = json.loads(ctxsize("cache", project, *words).stdout)

    changes = {change["path"]: change for change in report[part]}
    assert changes[".git"]["how"].startswith("a commit (")
    assert lines(changes[".git"], "with") == again


@pytest.mark.docker
@pytest.mark.parametrize(
    ("rules", "part"),
    [("**/.git\n!**/.git/logs/HEAD\n", "ignored"), ("logs\n", "eligible")],
    ids=["partly", "kept"],
)
def test_a_repository_below_the_contexts_root_is_committed_to_as_well(
    ctxsize: Ctxsize, project: Path, rules: str, part: str
) -> None:
    (project / "vendor/lib").mkdir(parents=True)
    (project / ".git/logs").mkdir()
    (project / ".git/logs/HEAD").write_text("a log\n")
    (project / ".git").rename(project / "vendor/lib/.git")
    (project / "Dockerfile").write_text("FROM scratch\nCOPY vendor /src/\n")
    (project / ".dockerignore").write_text(rules + "Dockerfile\n.dockerignore\n")

    report = json.loads(ctxsize("cache", project, "--top", "0", "--repeat", "1", "--format", "json").stdout)

    changes = {change["path"]: change for change in report[part]}
    assert changes["vendor/lib/.git"]["how"].startswith("a commit (")
    assert lines(changes["vendor/lib/.git"], "with") == [2]


@pytest.mark.docker
def test_a_commit_in_a_worktree_changes_nothing_in_the_context(ctxsize: Ctxsize, tmp_path: Path) -> None:
    app = tmp_path / "worktree"
    app.mkdir()
    for name, text in {
        "Dockerfile": "FROM scratch\nCOPY . /src/\n",
        ".dockerignore": ".git\n",
        ".git": "gitdir: /elsewhere/.git/worktrees/x\n",
    }.items():
        (app / name).write_text(text)

    report = json.loads(ctxsize("cache", app, "--repeat", "1", "--format", "json").stdout)

    (change,) = report["ignored"]
    assert (change["path"], change["changed"]) == (".git", None)
    assert "commit-not-simulated" in {warning["code"] for warning in report["warnings"]}


def test_what_the_cache_is_good_for_is_not_an_option(ctxsize: Ctxsize, project: Path) -> None:
    result = ctxsize("cache", project, "--no-cache")
    assert (result.returncode, "No such option" in result.stderr) == (2, True)
