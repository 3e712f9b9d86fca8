"""``ctxsize compare`` as a user runs it: reports, errors, exit codes, and what is left when it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import docker
import jsonschema
import pytest

from ctxsize.engine.marks import RUN_LABEL
from tests.support import buildcache
from tests.support.tree import tree_hash
from tests.support.waiting import GIVE_UP_SECONDS, wait_until

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema" / "comparison-1.json").read_text())

Ctxsize = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a user with a home of their own."""
    state = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    return {**os.environ, **state, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def ctxsize(environment: dict[str, str], tmp_path: Path) -> Ctxsize:
    """``ctxsize("compare", path)``: run the program, as a process of its own."""

    def run(*words: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ctxsize", *map(str, words)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**environment, **(env or {})},
            timeout=GIVE_UP_SECONDS,
        )

    return run


def build_args(args: Mapping[str, str]) -> list[str]:
    return [word for name, value in args.items() for word in ("--build-arg", f"{name}={value}")]


# Errors that need no engine's answer


def project(tmp_path: Path, **files: str) -> Path:
    """A project with these files; ``__`` in a name stands for a dot."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_no_engine_names_the_address_and_what_to_do(ctxsize: Ctxsize, tmp_path: Path) -> None:
    result = ctxsize("compare", tmp_path, env={"DOCKER_HOST": "unix:///no/such.sock"})

    assert result.returncode == 4
    assert result.stderr.splitlines() == [
        "ctxsize: error: no Docker engine answers at unix:///no/such.sock: No such file or directory"
        " (start it, or point DOCKER_HOST or `docker context use` at one that runs)"
    ]
    assert result.stdout == ""


@pytest.mark.docker
@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME", "TMPDIR"])
def test_a_home_in_the_project_is_neither_written_nor_measured(
    variable: str, ctxsize: Ctxsize, tmp_path: Path
) -> None:
    app = project(tmp_path, Dockerfile="FROM scratch\nCOPY . /s\n", __dockerignore="big\n", big="b" * 5000)
    before = tree_hash(app)
    xdg = {"XDG_STATE_HOME": "", "XDG_CACHE_HOME": ""} if variable == "HOME" else {}

    result = ctxsize("compare", app, "--repeat", "1", "--format", "json", env={**xdg, variable: str(app)})

    report = json.loads(result.stdout)
    assert report["variants"]["with"]["image"]["bytes"] == len("FROM scratch\nCOPY . /s\nbig\n")
    assert report["unattributed"]["image_bytes"] == -len("big\n")
    assert [each["code"] for each in report["warnings"] if each["code"] == "own-files"] == (
        ["own-files"] if variable == "HOME" else []
    )
    assert tree_hash(app) == before


@pytest.mark.docker
@pytest.mark.parametrize(
    ("files", "words", "code", "message"),
    [
        ({}, ["no-such-dir"], 2, "no-such-dir: no such directory (give the path of a build context)"),
        ({}, ["project"], 2, "Dockerfile: no Dockerfile here (name it with -f, or give another directory)"),
        (
            {"other": "FROM scratch\n"},
            ["project", "-f", "other"],
            2,
            "other: no Dockerfile here (-f is relative to the current directory, as in docker build: did you",
        ),
        ({"Dockerfile": "# only a comment\n"}, ["project"], 3, "Dockerfile:1: file with no instructions"),
        (
            {"Dockerfile": "FROM scratch\nCOPY . /\n", "__dockerignore": "ok\n[bad\n"},
            ["project"],
            2,
            ".dockerignore:2: ",
        ),
        (
            {"Dockerfile": "FROM scratch\nCOPY . /\n", "__dockerignore": "x\n"},
            ["project", "--target", "nope"],
            2,
            "Dockerfile: target stage nope could not be found",
        ),
        ({"Dockerfile": "FROM scratch\n"}, ["project", "--build-arg", "=x"], 2, "write NAME=VALUE"),
    ],
    ids=[
        "missing-path",
        "no-dockerfile",
        "file-of-cwd",
        "empty-dockerfile",
        "bad-pattern",
        "target",
        "build-arg",
    ],
)
def test_wrong_input_is_one_line_and_the_documented_code(
    ctxsize: Ctxsize, tmp_path: Path, files: dict[str, str], words: list[str], code: int, message: str
) -> None:
    project(tmp_path, **files)
    result = ctxsize("compare", *words)

    assert (result.returncode, message in result.stderr) == (code, True), result.stderr
    assert "Traceback" not in result.stderr


# Builds that fail


@pytest.mark.docker
def test_a_broken_dockerfile_is_named_with_the_line_of_the_users_file(
    ctxsize: Ctxsize, make_fixture: Callable[..., Path], base_args: Callable[[str], dict[str, str]]
) -> None:
    result = ctxsize(
        "compare", make_fixture("broken-dockerfile"), *build_args(base_args("broken-dockerfile"))
    )

    assert result.returncode == 3
    assert "Dockerfile:4: " in result.stderr
    assert "unknown instruction: COPPY" in result.stderr
    assert result.stderr.count("ctxsize: error") == 1, "the second variant fails the same way: once is enough"


@pytest.mark.docker
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_a_failing_run_shows_variant_step_and_its_last_output(
    ctxsize: Ctxsize,
    make_fixture: Callable[..., Path],
    base_args: Callable[[str], dict[str, str]],
    builder: str,
) -> None:
    words = build_args(base_args("failing-run"))
    result = ctxsize("compare", make_fixture("failing-run"), "--builder", builder, *words)

    assert result.returncode == 3
    assert result.stderr.count("ctxsize: error: ") == 1, "both variants fail the same way: once is enough"
    assert "  at step: " in result.stderr and "RUN echo" in result.stderr
    assert "  | part 3 does not fit" in result.stderr
    assert "context" in result.stdout, "what was measured is reported"


@pytest.mark.docker
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_ignored_but_needed_names_the_rule_and_reports_the_variant_that_builds(
    ctxsize: Ctxsize,
    make_fixture: Callable[..., Path],
    base_args: Callable[[str], dict[str, str]],
    builder: str,
) -> None:
    words = ["--builder", builder, "--format", "json", *build_args(base_args("ignored-but-needed"))]
    result = ctxsize("compare", make_fixture("ignored-but-needed"), *words)

    assert result.returncode == 3
    assert ".dockerignore:2: " in result.stderr
    assert "which COPY at Dockerfile:5 needs" in result.stderr
    report = json.loads(result.stdout)
    jsonschema.validate(report, SCHEMA)
    assert report["variants"]["with"]["image"] is None
    assert report["variants"]["with"]["error"]
    assert report["variants"]["without"]["image"]["bytes"] > 0
    assert report["saved"]["image_bytes"] is None


@pytest.mark.docker
def test_without_an_ignore_file_the_context_is_reported_and_nothing_built(
    ctxsize: Ctxsize, make_fixture: Callable[..., Path], base_args: Callable[[str], dict[str, str]]
) -> None:
    result = ctxsize("compare", make_fixture("no-dockerignore"), *build_args(base_args("no-dockerignore")))

    assert result.returncode == 0
    assert "there is nothing to compare" in result.stdout
    assert "`ctxsize suggest " in result.stdout


# Reports


@pytest.mark.docker
def test_json_follows_its_schema_and_output_goes_to_the_file(
    ctxsize: Ctxsize,
    make_fixture: Callable[..., Path],
    base_args: Callable[[str], dict[str, str]],
    tmp_path: Path,
) -> None:
    path, out = make_fixture("negation"), tmp_path / "out.json"
    before = tree_hash(path)
    words = [*build_args(base_args("negation")), "--repeat", "1", "--format", "json", "--output", out]
    result = ctxsize("compare", path, *words)

    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "", "no progress when stderr is not a terminal"
    report = json.loads(out.read_text())
    jsonschema.validate(report, SCHEMA)
    assert [row["path"] for row in report["paths"]][:2] == ["data", ".venv"]
    assert report["warnings"], "what is null is explained"
    assert tree_hash(path) == before


@pytest.mark.docker
def test_options_reach_the_build(
    ctxsize: Ctxsize, base_args: Callable[[str], dict[str, str]], tmp_path: Path, api: docker.APIClient
) -> None:
    """-f outside the context, --target, --build-arg (also from the environment), --label, --keep, --top."""
    base = base_args("links")["BASE"]
    folder = project(tmp_path, __dockerignore="*.log\n*.tmp\n", keep="x", a__log="yy", b__tmp="zzz")
    dockerfile = tmp_path / "Dockerfile.outside"
    dockerfile.write_text(
        f"FROM {base} AS wanted\nARG WORD\nARG OTHER\nRUN echo $WORD$OTHER > /word\nCOPY . /src/\n"
        "FROM wanted\nRUN exit 9\n"
    )
    options = ["--target", "wanted", "--build-arg", "WORD", "--build-arg", "OTHER=!", "--label", "team=core"]
    for builder in ("buildkit", "classic"):
        result = ctxsize(
            "compare", folder, "-f", dockerfile, *options, "--network", "none", "--keep", "--top", "1",
            "--repeat", "1", "--builder", builder, env={"WORD": "hello"},
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        assert "… and 1 more (--top 0 shows all)" in result.stdout
        tags = [line.split()[-1] for line in result.stdout.splitlines() if line.startswith("image kept as")]
        assert tags == ["ctxsize/project:with", "ctxsize/project:without"]
        try:
            assert api.inspect_image(tags[0])["Config"]["Labels"]["team"] == "core"
            assert _run(api, tags[0], ["cat", "/word"]) == "hello!\n"
            assert _run(api, tags[0], ["ls", "-A", "/src"]).split() == [".dockerignore", "keep"]
            assert _run(api, tags[1], ["ls", "-A", "/src"]).split() == ["a.log", "b.tmp", "keep"]
        finally:
            for tag in tags:
                api.remove_image(tag, force=True)


def _run(api: docker.APIClient, image: str, command: list[str]) -> str:
    container = api.create_container(image, command, network_disabled=True)["Id"]
    try:
        api.start(container)
        api.wait(container)
        return str(api.logs(container).decode())
    finally:
        api.remove_container(container, force=True)


# Being stopped


def _left(api: docker.APIClient) -> tuple[set[str], set[str]]:
    """Ids of all images and all containers on the engine."""
    images = {image["Id"] for image in api.images(all=True)}
    return images, {container["Id"] for container in api.containers(all=True)}


@pytest.fixture
def slow_project(tmp_path: Path, base_args: Callable[[str], dict[str, str]]) -> Path:
    """A project whose builds are still running when somebody loses patience."""
    base = base_args("links")["BASE"]
    dockerfile = f"FROM {base}\nRUN echo prefix > /prefix\nCOPY . /src/\nRUN echo slow && sleep 20\n"
    return project(tmp_path, Dockerfile=dockerfile, __dockerignore="*.log\n", keep="x", a__log="y" * 1000)


def _start(folder: Path, builder: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start a comparison and wait until its slow step runs."""
    words = [
        sys.executable,
        "-m",
        "ctxsize",
        "compare",
        str(folder),
        "--builder",
        builder,
        "-v",
        "--network",
        "none",
    ]
    process = subprocess.Popen(
        words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.strip() == "| slow":
            return process
    raise AssertionError(f"it ended early, with {process.wait()}")


@pytest.mark.docker
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_nothing_behind(
    slow_project: Path, environment: dict[str, str], api: docker.APIClient, builder: str, stop: signal.Signals
) -> None:
    before, cache = _left(api), buildcache.record_ids(api)
    process = _start(slow_project, builder, environment)
    process.send_signal(stop)
    _, errors = process.communicate(timeout=GIVE_UP_SECONDS)

    assert process.returncode == 130
    assert errors.splitlines()[-1] == "ctxsize: interrupted"
    assert _left(api) == before
    assert buildcache.record_ids(api) - cache == set()
    assert not list(Path(environment["XDG_STATE_HOME"]).rglob("*.jsonl"))


@pytest.mark.docker
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_what_kill_9_leaves_the_next_run_removes(
    slow_project: Path, environment: dict[str, str], api: docker.APIClient, ctxsize: Ctxsize, builder: str
) -> None:
    before, cache = _left(api), buildcache.record_ids(api)
    process = _start(slow_project, builder, environment)
    process.kill()
    process.communicate()
    _wait_until_quiet(api)
    left = _left(api)[0] - before[0], buildcache.record_ids(api) - cache
    assert any(left), "a killed run leaves something: otherwise this test proves nothing"

    (slow_project / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    result = ctxsize("compare", slow_project, "--builder", builder, "--repeat", "1")

    assert result.returncode == 0, result.stderr
    assert _left(api) == before
    assert buildcache.record_ids(api) - cache == set()


def _wait_until_quiet(api: docker.APIClient) -> None:
    """Wait until the engine has given up the build whose client is gone."""
    wait_until("no container", lambda: not api.containers(filters={"label": RUN_LABEL}))
    time.sleep(1)


@pytest.mark.docker
def test_a_run_leaves_alone_what_another_live_run_has_made(
    slow_project: Path, environment: dict[str, str], api: docker.APIClient, ctxsize: Ctxsize, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (other / ".dockerignore").write_text("nothing\n")
    process = _start(slow_project, "classic", environment)
    during = _left(api)[0]

    assert ctxsize("compare", other, "--repeat", "1").returncode == 0

    assert during <= _left(api)[0], "the live run's images are still there"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=GIVE_UP_SECONDS)


@pytest.mark.docker
def test_runs_at_the_same_time_do_not_disturb_each_other(
    environment: dict[str, str], api: docker.APIClient, tmp_path: Path
) -> None:
    """Two of the classic builder: one removes images while the other looks for some in its cache."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "Dockerfile").write_text("FROM scratch\nCOPY . /\nENV a=b\n")
    (project / ".dockerignore").write_text("data\n.dockerignore\n")
    (project / "data").write_bytes(bytes(100_000))
    before = _left(api)
    words = [sys.executable, "-m", "ctxsize", "compare", str(project), "--repeat", "2", "--format", "json"]
    runs = [
        subprocess.Popen(
            [*words, "--quiet", "--builder", builder],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for builder in ("classic", "classic", "buildkit")
    ]
    for run in runs:
        report, errors = run.communicate(timeout=GIVE_UP_SECONDS)
        assert (run.returncode, errors) == (0, "")
        assert json.loads(report)["saved"]["image_bytes"] == 100_000
    assert _left(api) == before
