"""The report of what changes cost, whole: what a person reads and what a program reads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from ctxsize.engine.builders.interface import Step
from ctxsize.ignore.types import Rule
from ctxsize.measure.figures import EngineFigures, ProjectFigures
from ctxsize.rebuild.types import ChangeCost, LateInstall, Rebuild, RebuildCost
from ctxsize.report.formats import drawing
from ctxsize.report.shared.look import Look
from ctxsize.warning import Warning

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/schema/cache-1.json").read_text())

GIT = Rule(1, ".git", ".git", False)
LOGS = Rule(2, "*.log", "*.log", False)
COPY = Step("COPY . .", 0.5, cached=False, phase="copy", line=3)
RUN = Step("RUN pip install -r requirements.txt", 3.0, cached=False, phase="other", line=4)


def rebuild(seconds: float, *steps: Step, sent: int = 320) -> Rebuild:
    return Rebuild(seconds, (seconds,), steps, 3, sent, len(steps))


RESULT = RebuildCost(
    version="0.1.0",
    created="2026-11-23T12:00:00+00:00",
    project=ProjectFigures("shop", "Dockerfile", ".dockerignore", None),
    engine=EngineFigures("28.5.2", "1.51", "buildkit", "overlay2", remote=False),
    unchanged={"with": rebuild(0.25), "without": rebuild(0.5, sent=34_600)},
    ignored=(
        ChangeCost(
            ".git",
            GIT,
            None,
            ".git",
            "a commit (8 files)",
            {"with": rebuild(0.25), "without": rebuild(4.5, COPY, RUN, sent=37_700)},
        ),
        ChangeCost(
            "logs\n",
            LOGS,
            None,
            "logs\n/a.log",
            "one more byte",
            {"with": rebuild(0.3)},
            {"without": "Dockerfile:4: no"},
        ),
        ChangeCost("link", LOGS, None, None, None),
    ),
    eligible=(ChangeCost("main.py", None, 3, "main.py", "one more byte", {"with": rebuild(4.0, COPY, RUN)}),),
    late_installs=(LateInstall(3, "COPY . .", 4, "RUN pip install -r requirements.txt", 3.0),),
    left_out=0,
    errors={},
    warnings=(Warning("some-code", "look at this", ".dockerignore:2"),),
)


def draw(name: str, result: RebuildCost) -> str:
    return "".join(drawing("cache", name)(result, Look()))


TABLE = """\
shop: Dockerfile, .dockerignore
Docker 28.5.2, buildkit, overlay2

The next build after a change to an ignored path
changed      with   steps  sent  without   steps    sent       saved  how
(nothing)  0.25 s  0 of 3  320B   0.50 s  0 of 3  34.6kB
.git       0.25 s  0 of 3  320B   4.50 s  2 of 3  37.7kB  4.00 s (1)  a commit (8 files)
logs\\n     0.30 s  0 of 3  320B   failed       ?       ?           ?  one more byte in logs\\n/a.log
link            ?       ?     ?        ?       ?       ?           ?  no file or directory: not simulated
  (1) too few builds to tell it from noise

The next build after a change to a file that the build needs
changed    taken by      seconds   steps  sent  lines that ran again
(nothing)                 0.25 s  0 of 3  320B
main.py    Dockerfile:3   4.00 s  2 of 3  320B  3, 4

note: Dockerfile:3: `COPY . .` comes before `RUN pip install -r requirements.txt` (line 4), which a change \
to any file it takes runs again, 3.00 s: copy what that needs before it, and the rest after it
note: .dockerignore:2: look at this
"""


def test_the_table_shows_what_a_change_re_runs_and_what_the_ignore_file_saves() -> None:
    assert draw("table", RESULT) == TABLE


def test_what_noise_could_explain_is_not_called_saved() -> None:
    runs = (0.2, 0.5, 0.9)
    noisy = replace(rebuild(0.6, COPY), runs=(0.3, 0.6, 1.1))
    unchanged = {"with": rebuild(0.25), "without": replace(rebuild(0.5), runs=runs)}
    change = ChangeCost(
        ".git", GIT, None, ".git", "a commit (8 files)", {"with": rebuild(0.25), "without": noisy}
    )
    text = draw("table", replace(RESULT, unchanged=unchanged, ignored=(change,)))
    assert "not measurable  a commit (8 files)" in text


def test_the_json_follows_its_schema() -> None:
    report = json.loads(draw("json", RESULT))
    jsonschema.validate(report, SCHEMA)
    git, logs, link = report["ignored"]
    extra = [git[name]["extra_seconds"]["median"] for name in ("with", "without")]
    assert (git["saved_seconds"], extra) == (4.0, [0.0, 4.0])
    assert [step["line"] for step in git["without"]["steps"]] == [3, 4]
    assert (logs["without"], logs["saved_seconds"], logs["errors"]["without"]) == (
        None,
        None,
        "Dockerfile:4: no",
    )
    assert link["changed"] is None
    assert report["eligible"][0]["without"] is None
    assert report["late_installs"][0]["run"]["line"] == 4


@pytest.mark.parametrize(
    "result",
    [
        replace(RESULT, unchanged={}, ignored=(), eligible=(), errors={"with": "no", "without": "no"}),
        replace(
            RESULT, project=ProjectFigures("shop", "Dockerfile", None, "app"), ignored=(), late_installs=()
        ),
    ],
    ids=["nothing-built", "no-ignore-file"],
)
def test_what_was_not_measured_can_be_reported(result: RebuildCost) -> None:
    jsonschema.validate(json.loads(draw("json", result)), SCHEMA)
    assert "an ignored path" not in draw("table", result)
