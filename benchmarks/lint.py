#!/usr/bin/env python3
"""How long `ctxsize lint` takes, as a ratio to `ctxsize context` of the same tree in the same run.

    python benchmarks/lint.py [--files 100000] [--runs 5]

Whole processes, start-up included, on a warm cache; medians of alternating runs. The tree is that of
benchmarks/scan.py with 50 rules, as a project that used several templates has them.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rows import row  # noqa: E402

from benchmarks.scan import make_tree  # noqa: E402

BAR = 1.5
RULES = """
    **/node_modules .git .gitignore .github .env* !.env.example **/__pycache__ **/*.py[co] *.log logs tmp
    dist build
    coverage .nyc_output .vscode .idea **/.DS_Store **/*.swp Dockerfile* .dockerignore compose*.y*ml docs *.md
    !README.md test tests .venv venv .tox .pytest_cache .mypy_cache .ruff_cache htmlcov *.egg-info target
    **/*.rs.bk .next .nuxt .cache .turbo *.tsbuildinfo .eslintcache npm-debug.log* yarn-error.log *.tfstate*
    **/.terraform *.pem *.key p19
""".split()  # noqa: SIM905


def seconds(command: Sequence[str], expected: Sequence[int]) -> float:
    """Wall time of a process, which must end with one of the exit codes ``expected``."""
    start = time.perf_counter()
    code = subprocess.run(command, stdout=subprocess.DEVNULL, cwd=ROOT, check=False).returncode
    taken = time.perf_counter() - start
    if code not in expected:
        sys.exit(f"{' '.join(command)}: exit code {code}")
    return taken


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ctxsize-bench-") as name:
        root = Path(name)
        make_tree(root, asked.files)
        (root / "Dockerfile").write_text("FROM scratch\nCOPY . /app\n")
        (root / ".dockerignore").write_text("".join(f"{rule}\n" for rule in RULES))
        program = [sys.executable, "-m", "ctxsize"]
        times: dict[str, list[float]] = {"context": [], "lint": []}
        for run in range(asked.runs + 1):
            for command, codes in (("context", (0,)), ("lint", (0, 1))):
                taken = seconds([*program, command, name], codes)
                if run:  # the first fills the cache
                    times[command].append(taken)
    context, lint = (statistics.median(times[command]) for command in ("context", "lint"))
    print(f"{len(RULES)} rules, {asked.files} files: context {context:.2f} s, lint {lint:.2f} s")
    print(f"ratio {lint / context:.2f} (bar {BAR})")
    detail = f"{lint:.2f} s against {context:.2f} s of context"
    return int(not row(f"{len(RULES)} rules, {asked.files} files", lint / context, BAR, detail=detail))


if __name__ == "__main__":
    sys.exit(main())
