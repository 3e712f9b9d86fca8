"""What is measured on Podman: the files that arrive, the steps that run, the figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.buildkit.cases import BASE
from tests.engine.podman.conftest import Podman, compare, ctxsize

pytestmark = pytest.mark.podman

#: Ignore files of a project that has ``a``, ``b`` and ``sub/c``.
IGNORE_FILES = {
    "docker": {".dockerignore": "a\n"},
    "podman": {".containerignore": "a\n", ".dockerignore": "b\n"},
    "beside": {"Dockerfile.dockerignore": "a\n", ".dockerignore": "b\n", ".containerignore": "sub\n"},
    "beside, podman": {"Dockerfile.containerignore": "a\n", ".dockerignore": "b\n"},
    "beside, both": {"Dockerfile.dockerignore": "a\n", "Dockerfile.containerignore": "b\n"},
    "itself": {".containerignore": ".containerignore\nb\n", ".dockerignore": "a\n"},
    "exception": {".dockerignore": "*\n!sub\n"},
    "dockerfile": {".dockerignore": "Dockerfile\nsub\n"},
}


def write(folder: Path, files: dict[str, str]) -> None:
    (folder / "sub").mkdir(parents=True)
    texts = {"Dockerfile": f"FROM {BASE}\nCOPY . /app/\n", "a": "a", "b": "bb", "sub/c": "ccc", **files}
    for name, text in texts.items():
        (folder / name).write_text(text)


def kept(podman: Podman, folder: Path) -> dict[str, dict[str, int]]:
    """What each variant's image has in /app."""
    before = podman.images()
    report = compare("--repeat", "1", "--keep", folder)
    try:
        ids = {name: each["image"]["id"] for name, each in report["variants"].items()}
        return {name: podman.files(image, "/app") for name, image in ids.items()}
    finally:
        for image in podman.labelled() - before:
            podman.command("rmi", "--force", image)


@pytest.mark.parametrize("name", IGNORE_FILES)
def test_what_arrives_is_what_podman_build_delivers(podman: Podman, tmp_path: Path, name: str) -> None:
    write(tmp_path / "project", IGNORE_FILES[name])
    image = podman.command("build", "--quiet", "--no-cache", tmp_path / "project")
    try:
        theirs = podman.files(image, "/app")
    finally:
        podman.command("rmi", image)
    ours = kept(podman, tmp_path / "project")
    assert ours["with"] == theirs
    # Nothing of the ignore file's effects, nor any ignore file: Podman itself filters by those in the tar.
    assert ours["without"] == {"Dockerfile": len(f"FROM {BASE}\nCOPY . /app/\n"), "a": 1, "b": 2, "sub/c": 3}


def test_an_ignored_directory_with_the_dockerfile_does_not_arrive(podman: Podman, tmp_path: Path) -> None:
    write(
        tmp_path, {".dockerignore": "sub\n", "sub/D": f"FROM {BASE}\nCOPY . /app/\nRUN ! test -e /app/sub\n"}
    )
    report = compare("--repeat", "1", "-f", tmp_path / "sub" / "D", tmp_path, code=3)
    assert report["variants"]["with"]["error"] is None
    assert "test -e /app/sub" in report["variants"]["without"]["error"]


def test_figures_are_those_of_the_files(project: Path) -> None:
    report = compare("--repeat", "2", project)
    assert report["saved"]["context_bytes"] == 1000 + len("junk\n.dockerignore\n") - len(
        "junk\n.dockerignore\n"
    )
    assert report["saved"]["image_bytes"] == 1000
    assert report["unattributed"]["image_bytes"] == report["unattributed"]["derived_bytes"] == 0
    assert [(path["path"], path["image_bytes"]) for path in report["paths"] if path["image_bytes"]] == [
        ("junk", 1000)
    ]


def test_affected_steps_run_for_real_each_time_and_those_before_come_from_the_cache(project: Path) -> None:
    report = compare("--repeat", "2", project)
    for variant in report["variants"].values():
        steps = {
            step["name"].split()[0] + str(step["line"]): step["cached"] for step in variant["build"]["steps"]
        }
        steps.pop("sendNone")
        assert steps == {"FROM1": False, "RUN2": True, "COPY3": False, "RUN4": False}


def test_stages_have_their_lines_and_none_of_them_is_left(podman: Podman, tmp_path: Path) -> None:
    dockerfile = (
        f"ARG X=1\nFROM {BASE} AS one\nCOPY . /one/\n\nFROM {BASE}\nCOPY --from=one /one /two\nRUN ls /two\n"
    )
    write(tmp_path, {"Dockerfile": dockerfile, ".dockerignore": "a\n"})
    before = podman.images()
    report = compare("--repeat", "1", tmp_path)
    assert podman.images() == before
    lines = [(step["name"].split()[0], step["line"]) for step in report["variants"]["with"]["build"]["steps"]]
    assert lines == [("FROM", 2), ("COPY", 3), ("FROM", 5), ("COPY", 6), ("RUN", 7)]


def test_the_report_says_podman(project: Path) -> None:
    result = ctxsize("compare", "--repeat", "1", project)
    assert any(line.startswith("Podman ") for line in result.stdout.splitlines())


def test_where_podman_reads_exceptions_otherwise_the_report_says_so(podman: Podman, tmp_path: Path) -> None:
    write(tmp_path, {".dockerignore": "sub/*\n!sub\n"})
    image = podman.command("build", "--quiet", "--no-cache", tmp_path)
    try:
        assert "sub/c" in podman.files(image, "/app")
    finally:
        podman.command("rmi", image)
    warnings = {each["code"]: each["message"] for each in compare("--repeat", "1", tmp_path)["warnings"]}
    assert "sub/c (kept by podman build)" in warnings["builders-differ"]


def test_verify_tells_a_failing_command_from_one_that_can_not_run(project: Path) -> None:
    assert compare("--repeat", "1", "--verify", "test -f /app/main", project)["variants"]["with"]["verify"]
    for command, code in (("exit 5", 5), ('["/nothing"]', 127), ('["/app/main"]', 126)):
        result = ctxsize("compare", "--repeat", "1", "--verify", command, project)
        assert result.exit_code == 1
        assert f"ended with exit code {code} " in result.stderr


@pytest.mark.parametrize(("limit", "code"), [("1 MB", 1), ("100 MB", 0)])
def test_check_judges_the_image(project: Path, limit: str, code: int) -> None:
    (project / ".ctxsize.toml").write_text(f'[budget]\nimage = "{limit}"\n')
    assert ctxsize("check", project).exit_code == code


def test_check_judges_the_context_by_the_ignore_file_that_the_build_reads(project: Path) -> None:
    (project / ".dockerignore").rename(project / ".containerignore")
    (project / ".ctxsize.toml").write_text('[budget]\ncontext = "1 kB"\nimage = "100 MB"\n')
    assert ctxsize("check", project).exit_code == 0


@pytest.mark.parametrize(
    ("dockerfile", "options", "code", "said"),
    [
        (f"FROM {BASE}\nCOPY . /app/\nRUN exit 7\n", (), 3, "exit status 7"),
        (f"FROM {BASE}\nCOPY nothing /app/\n", (), 3, "nothing"),
        (f"FROM {BASE}\nCOPPY . /app/\n", (), 3, "COPPY"),
        (f"FROM {BASE}\nCOPY junk /app/\n", (), 3, ".dockerignore:1"),
        (f"FROM {BASE}\nCOPY . /app/\n", ("--target", "none"), 2, "none"),
        (f"FROM {BASE}\nCOPY . /app/\n", ("--builder", "buildkit"), 4, "--builder classic"),
    ],
)
def test_a_failure_is_one_line_and_the_documented_exit_code(
    project: Path, dockerfile: str, options: tuple[str, ...], code: int, said: str
) -> None:
    (project / "Dockerfile").write_text(dockerfile)
    result = ctxsize("compare", "--repeat", "1", *options, project)
    assert result.exit_code == code
    lines = [line for line in result.stderr.splitlines() if line.startswith("ctxsize: ")]
    assert lines and all(said in line for line in lines)
    # One for each variant that failed.
    assert len(lines) <= 2
