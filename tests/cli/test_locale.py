"""Names are UTF-8, whatever the locale says: what is ignored stays ignored, and is shown as it is called."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import GIVE_UP_SECONDS

ROOT = Path(__file__).parents[2]
NAME = "geheim-é.txt"


@pytest.fixture(params=["C", "POSIX", "ISO-8859-1"])
def locale(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The environment of a locale whose names are not UTF-8, which Python is told not to mend."""
    name = request.param
    more = {}
    if name == "ISO-8859-1":
        made = tmp_path / "locales"
        made.mkdir()
        if not shutil.which("localedef"):
            pytest.skip("there is no localedef to make the locale")
        command = ["localedef", "-i", "en_US", "-f", name, str(made / "en_US.ISO-8859-1")]
        if subprocess.run(command, capture_output=True).returncode > 1:
            pytest.skip("there are no sources of locales")
        name, more = "en_US.ISO-8859-1", {"LOCPATH": str(made)}
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT)),
        "LC_ALL": name,
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "iso8859-1",
        **more,
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "projekt-ü"
    root.mkdir()
    for name in (NAME, "gesendet-ö"):
        (root / name).write_bytes(b"x")
    (root / "Dockerfile").write_text("FROM scratch\n")
    (root / ".dockerignore").write_text(f"{NAME}\nDockerfile\n.dockerignore\n", "utf-8")
    return root


def run(locale: dict[str, str], *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, *words], env=locale, capture_output=True, timeout=GIVE_UP_SECONDS)


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_what_is_ignored_is_not_sent(locale: dict[str, str], project: Path, builder: str) -> None:
    listed = ("--builder", builder, "--format", "list", str(project))
    done = run(locale, "-m", "ctxsize", "context", *listed)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == "gesendet-ö\n"


def test_a_report_is_utf8(locale: dict[str, str], project: Path) -> None:
    done = run(locale, "-m", "ctxsize", "context", "--files", "--format", "json", str(project))

    assert "gesendet-ö" in str(json.loads(done.stdout))
    asked = ("-m", "ctxsize", "why", "--context", str(project), "gesendet-ö")
    shown = run(locale, *asked).stdout
    assert shown == run({**os.environ, "PYTHONUTF8": "1"}, *asked).stdout
    assert shown.decode().startswith("gesendet-ö: ")


def test_a_library_user_is_told(locale: dict[str, str], project: Path) -> None:
    code = f"import os; from ctxsize.project import *; open_context(os.fsdecode({os.fsencode(project)!r}))"
    done = run(locale, "-c", code)

    assert done.returncode == 1
    assert b"UsageError: Python reads file names as" in done.stderr
    assert b"PYTHONUTF8=1" in done.stderr
