"""The scripts behind `make compare` and `make test`: quick with nothing to do, clear when they can't."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.waiting import GIVE_UP_SECONDS

ROOT = Path(__file__).resolve().parent.parent.parent


def run(script: str, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / script, *args],
        capture_output=True,
        text=True,
        timeout=GIVE_UP_SECONDS,
        env=os.environ | environment,
    )


def test_an_engine_that_was_named_and_does_not_answer_is_not_replaced(tmp_path: Path) -> None:
    address = f"unix://{tmp_path}/no.sock"

    done = run("ensure-engine", DOCKER_HOST=address)

    assert done.returncode == 1
    assert done.stderr == (
        f"ensure-engine: no engine answers at DOCKER_HOST={address}: start it, "
        "or unset DOCKER_HOST to use this machine's own\n"
    )


@pytest.mark.docker
def test_nothing_is_done_when_an_engine_answers() -> None:
    done = run("ensure-engine")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.docker
def test_base_images_are_made_once() -> None:
    first, second = run("make-base-images", "busybox:1.36"), run("make-base-images", "busybox:1.36")

    assert first.stdout == second.stdout
    public, image = second.stdout.split()
    assert public == "busybox:1.36"
    assert image in ("busybox:1.36", "ctxsize/base-busybox:local")
    assert second.stderr == "", "the second run has nothing to make"


def test_a_base_image_without_a_stand_in_is_named() -> None:
    done = run("make-base-images", "alpine:3")

    assert done.returncode == 2
    assert "no stand-in for alpine:3 (known: busybox:1.36 python:3.12-slim)" in done.stderr


def test_apt_install_does_nothing_for_a_command_that_is_there() -> None:
    done = run("apt-install", "sh", "no-such-package")

    assert (done.returncode, done.stderr) == (0, "")


def test_ensure_venv_says_which_python_it_needs(tmp_path: Path) -> None:
    # Nothing in PATH but the basics: no interpreter, and no apt to get one.
    for name in ("bash", "cat", "dirname", "env", "pwd"):
        (tmp_path / name).symlink_to(Path("/usr/bin", name))

    done = run("ensure-venv", VENV=str(tmp_path / "venv"), PATH=str(tmp_path), PYTHON="python2.7")

    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_an_environment_is_not_cleared_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    (tmp_path / "others/theirs").write_text("theirs")
    (tmp_path / "venv").symlink_to("others")

    done = run("ensure-venv", VENV=str(tmp_path / "venv"))

    assert (done.returncode, "is a link" in done.stderr) == (1, True), done.stderr
    assert (tmp_path / "others/theirs").exists()


def test_make_help_lists_every_target() -> None:
    done = subprocess.run(
        ["make", "-C", ROOT, "--no-print-directory", "help"], capture_output=True, text=True
    )

    targets = [line.split()[0] for line in done.stdout.splitlines()]
    slow = ["fuzz", "sweeps", "conformance", "oldest", "live", "repos"]
    slow += ["environments", "builders", "podman", "faults", "naive", "storm"]
    slow += ["suggestions", "pictures", "bench", "bench-table"]
    assert targets == ["help", "compare", "test", "lint", *slow, "clean"]


def test_bench_goes_on_after_a_failure_names_it_and_lets_python_keep_its_bytecode(tmp_path: Path) -> None:
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    python.write_text(
        '#!/bin/sh\necho "$@" "${PYTHONDONTWRITEBYTECODE-unset}"\n[ "$1" != benchmarks/check.py ]\n'
    )
    python.chmod(0o755)

    done = run("bench", "check", "scan", "--runs", "1", VENV=str(tmp_path), PYTHONDONTWRITEBYTECODE="1")

    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "== check",
        "benchmarks/check.py --runs 1 unset",
        "== scan",
        "benchmarks/scan.py --runs 1 unset",
        "== table",
        "benchmarks/rows.py .cache/bench/rows.jsonl --save .cache/bench/results.json --failed=check unset",
    ]
    assert done.stderr == "failed, or missed the bar: check\n"


def test_every_locked_package_has_a_version_and_hashes_and_names_no_place_of_one_machine() -> None:
    lock = (ROOT / "requirements-dev.txt").read_text()

    packages = [each for each in lock.replace("\\\n", " ").splitlines() if not each.startswith("#")]
    assert packages
    for package in packages:
        assert re.match(r"[\w.-]+==[\w.]+ ", package), package
        assert " --hash=sha256:" in package
        assert "://" not in package
