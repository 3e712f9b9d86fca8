"""How the program ends when nobody reads it, a machine lacks something, or ctxsize itself is at fault."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OVER, WITHIN = '[budget]\ncontext = "1 kB"\n', '[budget]\ncontext = "1 MB"\n'


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project over its limit, with more files than fit into a pipe when they are listed."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (folder / ".ctxsize.toml").write_text(OVER)
    for number in range(400):
        (folder / f"{'x' * 200}{number}").write_bytes(b"x" * 200)
    return folder


def shell(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a bash ``script`` in which ``$ctxsize`` is the program."""
    environment = {
        **os.environ,
        "ctxsize": f"{sys.executable} -m ctxsize",
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder.parent),
        "XDG_STATE_HOME": str(folder.parent / "state"),
    }
    environment.pop("GITHUB_STEP_SUMMARY", None)
    return subprocess.run(
        ["bash", "--norc", "-c", script], cwd=folder, env=environment, capture_output=True, text=True
    )


# Nobody reads what is printed


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("$ctxsize check --static --top 0 | true", 1),
        ("$ctxsize check --static --report json=b.json | true", 1),
        ("$ctxsize check --static --report json=- --report csv=b.csv | true", 1),
        ("$ctxsize check --static -v 2>&1 >/dev/null | true", 1),
        ("$ctxsize check --static -v 2>/dev/full >/dev/null", 1),
        ("$ctxsize check --static -v 2>&- >/dev/null", 1),
        ("$ctxsize check --static 2>&- | true", 1),
        ("$ctxsize why $(ls) Dockerfile | true", 1),
        ("yes x | head -c 10000000 | $ctxsize why --stdin | true", 1),
        ("$ctxsize context --files --top 0 | true", 0),
        ("$ctxsize --help | true", 0),
        ("$ctxsize nonsense 2>&- | true", 2),
        ("$ctxsize check --static nowhere 2>/dev/full | true", 2),
    ],
)
def test_a_reader_that_goes_away_changes_no_verdict(shop: Path, script: str, code: int) -> None:
    which = "${PIPESTATUS[-2]}" if "|" in script else "$?"
    done = shell(shop, f"sleep 0; {script}; echo {which} >code")

    assert (shop / "code").read_text() == f"{code}\n", done.stderr
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    for report in re.findall(r"=(b\.\w+)", script):
        assert (shop / report).stat().st_size > 100, "files are written before anything is printed"


def test_a_check_within_its_limits_passes_unread(shop: Path) -> None:
    (shop / ".ctxsize.toml").write_text(WITHIN)
    done = shell(shop, "$ctxsize check --static --report json=b.json | true; exit ${PIPESTATUS[0]}")

    assert done.returncode == 0
    assert json.loads((shop / "b.json").read_text())["exit_code"] == 0


@pytest.mark.parametrize(
    "command", ["check --static", "context", "why x", "--version", "--help", "completion zsh"]
)
@pytest.mark.parametrize("sink", [">/dev/full", ">&-"])
def test_what_was_asked_for_and_cant_be_printed_is_an_error(shop: Path, command: str, sink: str) -> None:
    done = shell(shop, f"$ctxsize {command} {sink}")

    assert done.returncode == 2
    reason = "No space left on device" if "full" in sink else "Bad file descriptor"
    assert done.stderr == f"ctxsize: error: -: can't be written: {reason}\n"


def test_standard_input_that_is_closed_is_no_list_of_paths_without_paths(shop: Path) -> None:
    done = shell(shop, "$ctxsize why --stdin <&-")

    assert done.returncode == 2
    assert done.stderr == "ctxsize: error: standard input: can't be read: Bad file descriptor\n"


def test_a_file_never_gets_the_number_of_a_closed_stream(shop: Path) -> None:
    done = shell(shop, "$ctxsize check --static nowhere . -o report >&- 2>&-; cat report 2>/dev/null")

    assert "error" not in done.stdout


def test_each_report_that_cant_be_written_is_said_and_the_others_are(shop: Path) -> None:
    done = shell(shop, "$ctxsize check --static -o no/a --report csv=no/b --report json=c.json")

    assert done.returncode == 2
    assert [line.split(": ")[2] for line in done.stderr.splitlines()] == ["no/a", "no/b"]
    assert "over" in done.stdout and "shop,limit,context,over," in done.stdout, "nothing measured is lost"
    assert json.loads((shop / "c.json").read_text())["exit_code"] == 1


@pytest.mark.parametrize(
    "words",
    ["-o report", "--report json=report", "--save-baseline report", "--init -o report", "--init"],
)
def test_no_report_goes_through_a_link_of_the_tree(shop: Path, tmp_path: Path, words: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (shop / "report").symlink_to(victim)
    if words == "--init":
        (shop / ".ctxsize.toml").unlink()
        (shop / ".ctxsize.toml").symlink_to(tmp_path / "made")
    done = shell(shop, f"$ctxsize check --static {words}")

    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert victim.read_text() == "untouched"
    assert not (tmp_path / "made").exists()


def test_a_jobs_summary_is_no_link_either(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("untouched")
    (shop / "summary").symlink_to(tmp_path / "victim")
    done = shell(shop, "GITHUB_STEP_SUMMARY=summary $ctxsize check --static")

    assert done.returncode == 1, "a summary is no reason to fail otherwise"
    assert "summary: the summary can't be written: it is a link" in done.stderr
    assert (tmp_path / "victim").read_text() == "untouched"


# The machine lacks something


@pytest.mark.parametrize("command", ["check --static", "context", "why x"])
@pytest.mark.parametrize("files", [8, 20])
def test_few_open_files_are_one_line(shop: Path, command: str, files: int) -> None:
    (shop / ("d/" * 40)).mkdir(parents=True)
    done = shell(shop, f"ulimit -n {files}; $ctxsize {command} >/dev/null")

    assert done.returncode in (0, 1, 2)
    if done.returncode == 2:
        (line,) = done.stderr.splitlines()
        assert "Too many open files" in line


# ctxsize is at fault

FAULT = """
import sys
import ctxsize.project
def fault(*_args, **_more):
    raise ValueError("a value that is nobody's business")
ctxsize.project.open_project = fault
from ctxsize.__main__ import main
main()
"""


def at_fault(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", FAULT, "why", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )


def test_a_fault_of_ours_is_a_line_a_code_of_its_own_and_a_file_elsewhere(shop: Path, tmp_path: Path) -> None:
    before = sorted(shop.iterdir())
    done = at_fault(shop, "x", XDG_STATE_HOME=str(tmp_path / "state"))

    assert done.returncode == 70
    file = tmp_path / "state" / "ctxsize" / "crash.txt"
    assert re.fullmatch(
        r"ctxsize: internal error: ValueError at cli/why\.py:\d+; this is a fault of ctxsize: please"
        rf" report it where you got it from, with {file}, which may quote names and values:"
        r" look first\n",
        done.stderr,
    )
    assert "Traceback" in file.read_text() and "nobody's business" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(shop.iterdir()) == before


def test_a_traceback_is_never_written_into_what_is_measured(shop: Path) -> None:
    """Where the state and temporary files are both measured, it goes to a private folder elsewhere."""
    inside = {"XDG_STATE_HOME": str(shop / "state"), "TMPDIR": str(shop)}
    for words, folder in (
        (["x"], shop),
        (["--context", str(shop), "x"], ROOT),
        ([f"--context={shop}", "x"], ROOT),
    ):
        done = at_fault(folder, *words, **inside)

        assert done.returncode == 70
        file = Path(re.search(r"with (/\S+/crash\.txt), which", done.stderr)[1])  # type: ignore[index]
        assert "Traceback" in file.read_text() and not file.is_relative_to(shop)
        file.unlink()
    assert not (shop / "state").exists()


def test_a_thread_that_breaks_is_no_success() -> None:
    code = (
        "import threading, ctxsize.cli\n"
        "def program(**_options):\n"
        "    thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()\n"
        "ctxsize.cli.main = program\n"
        "from ctxsize.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.returncode == 70
    assert done.stderr.startswith("ctxsize: internal error: ZeroDivisionError")
    assert len(done.stderr.splitlines()) == 1


def test_what_fails_to_start_is_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise ImportError('broken')\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}", "XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", "from ctxsize.__main__ import main; main()", "check"],
        env=environment,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 70
    assert done.stderr.startswith("ctxsize: internal error: ImportError at ")
