"""Enough of GitHub Actions and GitLab CI to run recipes: environment, shells, outcome."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
#: Where the packages are that ctxsize needs.
SITE = next(path for path in sys.path if path.endswith("site-packages"))
BASH = shutil.which("bash") or "/bin/bash"
SH = shutil.which("sh") or "/bin/sh"

# A stand-in for what would fetch packages. Python itself is real, so that a recipe finds the modules "venv"
# and "pip" where Python does: an environment is made without pip, and finds what is installed here; of pip it
# is written down what would configure it, where SHIM_PIP is set.
_PYTHON = """\
#!/bin/sh
echo "python $*" >>"$SHIM_LOG"
flags=
for word; do
  [ "$word" = -m ] && break
  flags="$flags $word"
done
case " $* " in
  *" -m venv "*)
    for folder; do :; done
    "$0-real" "$@" --without-pip || exit
    python=$(readlink -f "$folder/bin/python")
    rm -f "$folder"/bin/python*
    ln -s "$python" "$folder/bin/python-real"
    cp "$0" "$folder/bin/python"
    for site in "$folder"/lib/python3*/site-packages; do
      printf '%s\\n' "{root}" "{site}" >"$site/all.pth"
    done ;;
  *" -m pip install "*) [ -z "$SHIM_PIP" ] || "$0-real" $flags -m pip config list >>"$SHIM_LOG" ;;
  *) exec "$0-real" "$@" ;;
esac
"""
_ECHO = '#!/bin/sh\necho "{name} $*" >>"$SHIM_LOG"\nfor word; do :; done\n'


def load_yaml(text: str) -> Any:
    """YAML 1.2, in which ``on`` is a word."""
    return YAML(typ="safe", pure=True).load(text)


@dataclass
class Machine:
    """A machine that CI runs jobs on: a checkout, a folder for temporary files, programs."""

    workspace: Path
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Programs that need the network (pip, gh) are stand-ins that write down their arguments."""
        programs = self.home / "bin"
        programs.mkdir(parents=True)
        own = Path(sys.executable).parent
        for name, text in {
            "python": _PYTHON.format(root=ROOT, site=SITE),
            "python3": _PYTHON.format(root=ROOT, site=SITE),
            "gh": _ECHO.format(name="gh"),
        }.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        for name in ("python", "python3"):
            (programs / f"{name}-real").symlink_to(sys.executable)
        left_out = ("GITHUB_", "CI_", "GITLAB_", "CTXSIZE_", "RUNNER_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        self.environment = {
            **kept,
            "PATH": f"{programs}:{own}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "SHIM_LOG": str(self.home / "log"),
            **self.environment,
        }

    @property
    def log(self) -> str:
        """What the stand-ins were called with."""
        log = self.home / "log"
        return log.read_text() if log.exists() else ""

    def installation(self) -> Path:
        """The programs of an environment with ctxsize in it, made as a recipe makes one."""
        folder = self.home / "installation"
        self.run(["python", "-I", "-m", "venv", str(folder)]).check_returncode()
        return folder / "bin"

    def run(
        self, command: list[str], env: Mapping[str, str] | None = None, folder: str | Path = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=self.workspace / folder,
            env={**self.environment, **(env or {})},
            timeout=300,
        )


@dataclass
class Outcome:
    """How a job ended: its exit code, all that it printed."""

    code: int
    output: str


class GitHub:
    """Runs a workflow's steps, and a composite action's, as actions/runner does."""

    def __init__(self, machine: Machine, action: Path = ROOT) -> None:
        self.machine = machine
        self.action = action
        self.outputs: dict[str, dict[str, str]] = {}
        self.code = 0
        self.printed: list[str] = []
        temp = machine.home / "runner-temp"
        temp.mkdir()
        self.summary = machine.home / "summary.md"
        self._output = machine.home / "output"
        self._environment = {
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "GITHUB_WORKSPACE": str(machine.workspace),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self._output),
            "GITHUB_REPOSITORY": "owner/shop",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_BASE_REF": "main",
            "GITHUB_SHA": "0" * 40,
            "RUNNER_TEMP": str(temp),
            "GITHUB_EVENT_PATH": str(machine.home / "event.json"),
        }
        self.pull_request(fork=False)

    def pull_request(self, *, fork: bool) -> None:
        """Have the job be about pull request 7."""
        event = {"number": 7, "pull_request": {"head": {"repo": {"fork": fork}}}}
        (self.machine.home / "event.json").write_text(json.dumps(event))

    def workflow(self, text: str) -> Outcome:
        """Run the steps of its one job."""
        (job,) = load_yaml(text)["jobs"].values()
        for step in job["steps"]:
            self._step(step, {})
        return Outcome(self.code, "".join(self.printed))

    def use_action(self, inputs: Mapping[str, str], name: str = "action") -> Outcome:
        """Run our action with ``inputs``."""
        action = load_yaml((self.action / "action.yml").read_text())
        values = {
            key: self._filled(str(each.get("default", "")), {}) for key, each in action["inputs"].items()
        }
        unknown = set(inputs) - set(values)
        assert not unknown, f"no inputs of the action: {unknown}"
        values |= {key: str(value) for key, value in inputs.items()}
        before = self.code
        for step in action["runs"]["steps"]:
            self._step(step, values)
        self.outputs[name] = {
            key: self._filled(each["value"], values) for key, each in action["outputs"].items()
        }
        return Outcome(self.code if before == 0 else before, "".join(self.printed))

    def _step(self, step: Mapping[str, Any], inputs: Mapping[str, str]) -> None:
        if not self._wanted(str(step.get("if", "success()")), inputs):
            return
        if "uses" in step:
            if re.fullmatch(r"\S+/ctxsize@COMMIT", step["uses"]):
                self.use_action(
                    {key: self._filled(str(value), inputs) for key, value in step.get("with", {}).items()},
                    step.get("id", "action"),
                )
            else:
                assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", step["uses"]), "pinned by full hash"
                if step["uses"].startswith("actions/download-artifact@"):
                    self._download()
            return
        self._output.write_text("")
        env = {name: self._filled(str(value), inputs) for name, value in step.get("env", {}).items()}
        assert "${{" not in step["run"], "what comes in as text of a script can be a script"
        done = self.machine.run(
            [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            {**self._environment, "GITHUB_ACTION_PATH": str(self.action), **env},
            self._filled(step.get("working-directory", ""), inputs),
        )
        self.printed.append(done.stdout + done.stderr)
        self.code = self.code or done.returncode
        if "id" in step:
            lines = self._output.read_text().splitlines()
            self.outputs[step["id"]] = dict(line.split("=", 1) for line in lines)

    def _download(self) -> None:
        """What the workflow before this one has left."""
        temp = Path(self._environment["RUNNER_TEMP"])
        python = str(self.machine.installation() / "python")
        check = [python, "-I", "-m", "ctxsize", "check", "--static", "--format", "json"]
        self.machine.run([*check, "-o", str(temp / "ctxsize.json")])
        (temp / "number").write_text("7\n")

    def _wanted(self, condition: str, inputs: Mapping[str, str]) -> bool:
        parts = condition.split(" && ")
        return all(self._holds(part, inputs) for part in parts) and ("always()" in parts or self.code == 0)

    def _holds(self, part: str, inputs: Mapping[str, str]) -> bool:
        if part in ("always()", "success()"):
            return True
        said = re.fullmatch(r"(\S+) (==|!=) '([^']*)'", part)
        assert said, f"this stand-in does not know: {part}"
        return (self._filled(f"${{{{ {said[1]} }}}}", inputs) == said[3]) == (said[2] == "==")

    def _filled(self, text: str, inputs: Mapping[str, str]) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1]
            known = {
                "github.token": "token",
                "github.ref": "refs/heads/main",
                "github.sha": "0" * 40,
                "github.event.number": "7",
                "github.event.workflow_run.head_sha": "abc123",
                "runner.temp": self._environment["RUNNER_TEMP"],
            }
            if name.startswith("inputs."):
                return inputs[name.removeprefix("inputs.")]
            if step := re.fullmatch(r"steps\.([\w-]+)\.outputs\.([\w-]+)", name):
                return self.outputs.get(step[1], {}).get(step[2], "")
            return known[name]

        return re.sub(r"\$\{\{ *(\S+?) *\}\}", value, text)


def run_gitlab(machine: Machine, text: str) -> Outcome:
    """Run the one job of a pipeline that is not hidden, with what it includes and extends."""
    pipeline = load_yaml(text)
    jobs: dict[str, Any] = {}
    for each in pipeline.pop("include", []):
        jobs |= load_yaml((machine.workspace / each["local"]).read_text())
    jobs |= pipeline
    (job,) = (content for name, content in jobs.items() if not name.startswith("."))
    while base := job.pop("extends", None):
        below = dict(jobs[base])
        job = {**below, **job, "variables": {**below.get("variables", {}), **job.get("variables", {})}}
    lines = [*job.get("before_script", []), *job["script"]]
    env = {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_PROJECT_ID": "o/n",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_PROJECT_DIR": str(machine.workspace),
        "TMPDIR": str(machine.home),
        **{name: str(value) for name, value in job.get("variables", {}).items()},
    }
    done = machine.run([SH, "-e", "-c", "\n".join(lines)], env)
    for kind, name in job["artifacts"]["reports"].items():
        assert (machine.workspace / name).exists(), f"the {kind} report is missing: {done.stderr}"
    return Outcome(done.returncode, done.stdout + done.stderr)
