"""Record what the official client does with every case, for test_parity.py to hold us against.

    python -m tests.engine.buildkit.record --client COMMAND --host DOCKER_HOST --name NAME

``COMMAND`` runs the reference client (buildx 0.29 or later) and sees this machine's files when called in
the directory of the context; ``DOCKER_HOST`` is the engine as the client reaches it, ``--here`` as we do,
when that differs. Writes recorded/NAME.json. Needs root, strace and the base image, which it makes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import docker

from tests.engine.buildkit.base import SECRET, make_base
from tests.engine.buildkit.cases import BASE, CASES, Case, make_case
from tests.engine.buildkit.contents import image_changes

RECORDED = Path(__file__).parent / "recorded"
TAG = "ctxsize-test-reference"


def reference(
    case: Case, variant: str, client: list[str], host: str, api: docker.APIClient
) -> dict[str, object]:
    """Build one variant of a case with the official client: the image's files, the files sent, their
    bytes."""

    def files(_folder: Path) -> dict[str, list[object]]:
        try:
            return image_changes(api, TAG, BASE)
        finally:
            api.remove_image(TAG)

    return official(case, variant, [*client, "-H", host, "build", "-t", TAG], files)


def official(
    case: Case,
    variant: str,
    command: Sequence[str],
    files: Callable[[Path], dict[str, list[object]]],
    environment: Mapping[str, str] | None = None,
) -> dict[str, object]:
    """Have ``command`` build, to which options and the context are added; it may write to ``../out``.
    ``files`` gives the image's files, from that path or wherever they are."""
    with tempfile.TemporaryDirectory() as folder:
        context = make_case(case, Path(folder))
        if variant == "without":
            for path in case.hidden:
                (context / path).unlink(missing_ok=True)
        trace = Path(folder, "strace")
        options = ["--network=none", "--no-cache", "--progress=rawjson", "-f", case.file]
        if case.target:
            options += ["--target", case.target]
        for name, value in case.build_args.items():
            options += ["--build-arg", f"{name}={value}"]
        for secret in case.secrets:
            options += ["--secret", secret]
        strace = [
            "strace",
            "-f",
            "-qq",
            "-s",
            "5000",
            "-e",
            "trace=openat",
            "-e",
            "signal=none",
            "-o",
            str(trace),
        ]
        for _ in range(3):
            done = subprocess.run(
                [*strace, *command, *options, "."],
                cwd=context,
                env={
                    **os.environ,
                    "CTXSIZE_TEST_SECRET": SECRET,
                    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
                    **(environment or {}),
                },
                capture_output=True,
                text=True,
            )
            if "strace: ptrace" not in done.stderr:  # a thread that ends at the wrong moment breaks strace
                break
        if done.returncode:
            return {"error": done.stderr.strip().splitlines()[-1]}
        return {
            "files": files(Path(folder, "out")),
            "sent": sorted(_opened(trace, context) - {"../out"}),
            "bytes": _transferred(done.stderr),
        }


def _opened(trace: Path, context: Path) -> set[str]:
    """Regular files of the context the client opened, but for those buildx reads for itself."""
    found = set()
    for line in trace.read_text(errors="surrogateescape").splitlines():
        # A call that another thread's interrupts has no result on its line; a file that is there did open.
        opened = re.search(
            r'openat\(\S+, "((?:[^"\\]|\\.)*)", ([A-Z_|]+)(?:, \d+)?(?:\) += \d| <unfinished)', line
        )
        if not opened or "O_DIRECTORY" in opened[2]:
            continue
        path = os.fsdecode(opened[1].encode("latin-1").decode("unicode_escape").encode("latin-1"))
        if path.startswith("/") or path.endswith((".dockerignore", "Dockerfile", "Dockerfile.prod")):
            continue
        if (context / path).is_file() and not (context / path).is_symlink():
            found.add(path)
    return found


def _transferred(progress: str) -> list[int]:
    """Bytes of each "transferring context" that loads the build context, in ascending order."""
    loads, current = set(), {}
    for line in progress.splitlines():
        try:
            update = json.loads(line)
        except ValueError:
            continue
        for vertex in update.get("vertexes") or []:
            if "load build context" in vertex["name"]:
                loads.add(vertex["digest"])
        for status in update.get("statuses") or []:
            if status["id"].startswith("transferring"):
                current[status["vertex"]] = status.get("current", 0)
    return sorted(current[v] for v in loads if v in current)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--client", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--here")
    parser.add_argument("--name", required=True)
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    api = docker.APIClient(base_url=options.here or options.host, timeout=300)
    target = RECORDED / f"{options.name}.json"
    results = json.loads(target.read_text()) if options.cases and target.exists() else {}
    made = make_base(api)
    try:
        for case in CASES:
            if options.cases and case.name not in options.cases:
                continue
            results[case.name] = {
                variant: reference(case, variant, shlex.split(options.client), options.host, api)
                for variant in ("with", "without")
            }
            print(
                case.name, {k: v.get("error", "ok") for k, v in results[case.name].items()}, file=sys.stderr
            )
    finally:
        if made:
            api.remove_image(BASE)
    RECORDED.mkdir(exist_ok=True)
    ordered = {case.name: results[case.name] for case in CASES if case.name in results}
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, sort_keys=True)}" for k, v in ordered.items())
    target.write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
