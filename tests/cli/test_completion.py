"""``ctxsize completion``: the scripts, in the shells they are for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ctxsize.cli import main


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A PATH whose ``ctxsize`` is this one."""
    program = tmp_path / "bin" / "ctxsize"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom ctxsize.cli import main\nmain()\n")
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}


# What bash does when Tab is pressed after "ctxsize …": it calls the registered function.
BASH = """
eval "$(ctxsize completion bash)"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
function=$(complete -p ctxsize | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
compopt() { echo "compopt $*"; }
$function ctxsize
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["comp"], ["compare", "completion"]),
        (["compare", "--form"], ["--format"]),
        (["context", "--format", "c"], ["csv"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["docker-plugin", ""], ["install", "remove"]),
    ],
)
def test_bash_completes(environment: dict[str, str], words: list[str], expected: list[str]) -> None:
    done = subprocess.run(
        ["bash", "--norc", "-c", BASH, "bash", "ctxsize", *words],
        capture_output=True,
        text=True,
        env=environment,
    )

    assert done.stderr == ""
    assert done.stdout.split() == expected


def test_the_tab_key_runs_nothing_of_a_strange_directory(environment: dict[str, str], tmp_path: Path) -> None:
    """bash takes the completion of ``ctxsize`` for ``./ctxsize``, too."""
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "ctxsize").write_text("#!/bin/sh\ntouch sprung\n")
    (strange / "ctxsize").chmod(0o755)
    done = subprocess.run(
        [
            "bash",
            "--norc",
            "-c",
            BASH.replace("$function ctxsize", "$function ./ctxsize"),
            "bash",
            "ctxsize",
            "comp",
        ],
        capture_output=True,
        text=True,
        env=environment,
        cwd=strange,
    )

    assert not (strange / "sprung").exists()
    assert done.stdout.split() == ["compare", "completion"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_take_their_script(environment: dict[str, str], shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    before = "autoload -U compinit; compinit -D; " if shell == "zsh" else ""
    load = f"{before}ctxsize completion {shell} > script && source ./script && echo loaded"
    ask = {"zsh": 'echo "${_comps[ctxsize]}"', "fish": 'complete --do-complete "ctxsize comp"'}[shell]
    done = subprocess.run(
        [shell, "-c", f"{load} && {ask}"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=environment["HOME"],
    )

    assert done.stderr == ""
    loaded, *answer = done.stdout.splitlines()
    assert loaded == "loaded"
    if shell == "zsh":
        assert answer == ["_ctxsize_completion"]
    else:
        assert [line.split("\t")[0] for line in answer] == ["compare", "completion"]


def test_another_shell_is_refused_with_the_known_ones() -> None:
    result = CliRunner().invoke(main, ["completion", "tcsh"])

    assert result.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in result.output
