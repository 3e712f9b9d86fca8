"""Comparisons and suggestions, each stopped by a random signal at a random moment, and then what is left.

    python tests/faults/storm.py --runs 1000 --minutes 60

Half of the signals are SIGKILL, the rest SIGINT and SIGTERM. At the end a run is left alone, and after it
nothing may be left: no image, container, network, cache record or build in the engine's history that was not
there before, no journal, no temporary file; and the project is as it was. Exit code 1 says what is. Cache
records that have no description of their own, as on Engine 20.10, are counted apart: when nobody was left to
hear of a step, nobody can tell whose they are. Needs an engine on which nobody else makes anything meanwhile:
every new thing counts, but for what the official client's builds send and a newer engine's memory of them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import docker

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from ctxsize.engine.buildkit import connect  # noqa: E402
from ctxsize.engine.footprint import cache_records  # noqa: E402
from ctxsize.engine.footprint.clean import _WINDING_DOWN  # noqa: E402
from ctxsize.engine.marks import RUN_LABEL  # noqa: E402
from ctxsize.errors import Interrupted  # noqa: E402
from tests.support import buildcache  # noqa: E402
from tests.support.tree import tree_hash  # noqa: E402

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
BUILDERS = ("buildkit", "classic")
#: What is run, with the options that make it short.
COMMANDS = {"compare": ("--repeat", "1"), "suggest": ("--repeat", "0", "--min-bytes", "0")}
#: Seconds after which a run that was sent a signal counts as hanging.
LIMIT = 120
#: What the official client's builds send; ours carries the run.
RECEIVED = ("local source for context", "local source for dockerfile")
#: What a build of ours has in the history of a newer engine.
OPTION = f"label:{RUN_LABEL}"


def make_project(folder: Path, base: str | None) -> Path:
    """A project with something to send, to run and to ignore."""
    (folder / "logs").mkdir(parents=True)
    (folder / "keep").write_text("kept")
    (folder / "docs").mkdir()
    (folder / ".dockerignore").write_text("logs\n")
    for number in range(5):
        (folder / "docs" / f"{number}.txt").write_text("documentation\n" * 1000)
    for number in range(20):
        (folder / "logs" / f"{number}.log").write_bytes(random.Random(number).randbytes(100_000))
    steps = f"FROM {base}\nRUN echo 1 > /one\nCOPY . /src/\nRUN sleep 0.3\n" if base else None
    (folder / "Dockerfile").write_text(steps or "FROM scratch\nCOPY . /src/\nCOPY keep /keep\n")
    return folder


def things(api: docker.APIClient) -> set[str]:
    """Everything on the engine but what is somebody else's for certain."""
    return {
        *(f"image {each['Id']}" for each in api.images(all=True)),
        *(f"container {each['Id']}" for each in api.containers(all=True)),
        *(f"network {each['Id']}" for each in api.networks()),
        *(f"volume {each['Name']}" for each in api.volumes()["Volumes"] or []),
        *(f"cache record {each.id}" for each in buildcache.records(api) if each.description not in RECEIVED),
        *(f"past build {ref}" for ref, options in connect(api).past_builds().items() if OPTION in options),
    }


def shown(api: docker.APIClient, thing: str) -> str:
    """``thing`` with what the engine knows of it."""
    kind, _, name = thing.rpartition(" ")
    with contextlib.suppress(docker.errors.APIError, StopIteration):
        if kind == "image":
            found = api.inspect_image(name)
            return f"{thing} labels={found['Config'].get('Labels')} of {api.history(name)[0]['CreatedBy']!r}"
        if kind == "cache record":
            return str(next(each for each in buildcache.records(api) if each.id == name))
    return thing


class Storm:
    """Runs of one project in an environment of its own."""

    def __init__(self, folder: Path, project: Path, chance: random.Random) -> None:
        self.state, self.tmp = folder / "state", folder / "tmp"
        self.tmp.mkdir()
        self._project = project
        self._chance = chance
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.tmp),
            "XDG_STATE_HOME": str(self.state),
            "XDG_CACHE_HOME": str(folder / "cache"),
        }
        self.outcomes: Counter[str] = Counter()
        self.odd: list[str] = []

    def start(self, builder: str, command: str) -> subprocess.Popen[str]:
        """A run of one command."""
        words = [sys.executable, "-m", "ctxsize", command, str(self._project), "--builder", builder]
        return subprocess.Popen(
            [*words, *COMMANDS[command], "--quiet"],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def quiet_run(self, builder: str, command: str) -> float:
        """A run that nobody disturbs; returns its seconds."""
        started = time.monotonic()
        process = self.start(builder, command)
        _, errors = process.communicate(timeout=LIMIT)
        if process.returncode:
            raise SystemExit(f"an undisturbed {command} with {builder} failed: {errors}")
        return time.monotonic() - started

    def disturbed_run(self, builder: str, command: str, seconds: float) -> None:
        """A run that gets a signal within ``seconds``, the same again shortly after at times."""
        sent = self._chance.choice(SIGNALS)
        process = self.start(builder, command)
        time.sleep(self._chance.uniform(0, seconds))
        process.send_signal(sent)
        if self._chance.random() < 0.1:
            time.sleep(self._chance.uniform(0, 0.5))
            process.send_signal(sent)
        try:
            _, errors = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.odd.append(f"{command}, {builder}, {sent.name}: still there after {LIMIT} seconds")
            return
        code = process.returncode
        self.outcomes[f"{command}, {builder}, {sent.name}: exit {code}"] += 1
        # A signal before the program's first line is Python's own affair.
        if "Fatal Python error: init_import_site" in errors:
            return
        # Python also ends by SIGINT, which a shell shows as 130, when it was interrupted in an exec() (of a
        # dataclass that is being made, for instance).
        if code not in (0, Interrupted.exit_code, -sent, -signal.SIGINT) or (
            "Traceback" in errors and "/ctxsize/" in errors
        ):
            self.odd.append(f"{command}, {builder}, {sent.name}: exit {code}: {errors[-1500:]}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=60.0, help="stop earlier after so long")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--base", default=None, help="an image with a shell, for RUN steps (default: none)")
    parser.add_argument("--builder", action="append", choices=BUILDERS, help="repeatable (default: all)")
    options = parser.parse_args()
    # A shell ignores SIGINT for what it starts in the background, and so would our children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    builders = options.builder or BUILDERS
    api = docker.from_env(timeout=300).api
    with tempfile.TemporaryDirectory(prefix="storm-") as name:
        project = make_project(Path(name) / "project", options.base)
        storm = Storm(Path(name), project, random.Random(options.seed))
        kinds = [(builder, command) for command in COMMANDS for builder in builders]
        taken = {kind: storm.quiet_run(*kind) for kind in kinds}
        before, tree = things(api), tree_hash(project)
        deadline = time.monotonic() + options.minutes * 60
        done = 0
        while done < options.runs and time.monotonic() < deadline:
            kind = kinds[done % len(kinds)]
            storm.disturbed_run(*kind, taken[kind] * 1.1)
            done += 1
            if done % 25 == 0:
                print(f"{done} runs, {len(things(api) - before)} things on the way", flush=True)
        print(f"{done} runs (seed {options.seed}):")
        for outcome, count in sorted(storm.outcomes.items()):
            print(f"  {count:5} {outcome}")
        time.sleep(_WINDING_DOWN + 1)
        for kind in kinds:
            storm.quiet_run(*kind)
        anonymous = {
            f"cache record {each.id}" for each in buildcache.records(api) if cache_records.is_anonymous(each)
        }
        new = things(api) - before
        left = [shown(api, thing) for thing in sorted(new - anonymous)]
        left += [f"file {path}" for path in storm.tmp.iterdir()]
        left += [f"file {path}" for path in (storm.state / "ctxsize").rglob("*.jsonl")]
        missing = sorted(before - things(api))
        troubles = [f"left: {each}" for each in left] + [f"gone: {each}" for each in missing] + storm.odd
        if tree_hash(project) != tree:
            troubles.append("the project changed")
        print(f"{len(new & anonymous)} cache records that nobody can tell whose they are")
        print("\n".join(troubles) or "nothing is left, nothing is gone, the project is as it was")
        raise SystemExit(1 if troubles else 0)


if __name__ == "__main__":
    main()
