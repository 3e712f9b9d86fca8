"""Hold ctxsize's ignore matcher against real builds: ``python …/ignore/sweep.py --cases 10000``.

The reference engine and client are those of ``scripts/modern-engine``, in the directory that
CTXSIZE_MODERN_ENGINE names (or .cache/modern-engine); it is made and started when it is not there. Case N is
BuildKit's when N is even and the classic builder's when it is odd. Prints each difference, and ends with 1
if there was one. ``--record FILE`` writes the cases with their real results, for record.py.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[3])]

from ignore_cases import Case, expected, generate, write_case  # noqa: E402
from ignore_reference import Reference, scratch_directory  # noqa: E402

from ctxsize.ignore import Dialect  # noqa: E402


def run_case(
    reference: Reference, case: Case, dialect: Dialect
) -> tuple[list[list[Any]], list[list[Any]], str]:
    """What the real build delivered, what ctxsize expected, and the builder's error message."""
    root = scratch_directory()
    root.mkdir()
    try:
        write_case(case, root)
        real, message = reference.build(root, case.dockerfile, dialect)
        return real, expected(root, case.dockerfile, dialect), message
    finally:
        shutil.rmtree(root)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--record", type=Path, help="write cases and results as JSON lines, gzipped")
    options = parser.parse_args()
    reference = Reference.start()
    began = time.monotonic()
    counts = {"buildkit": 0, "classic": 0, "error": 0}
    differences = 0

    def one(seed: int) -> tuple[int, Dialect, Case, list[list[Any]], list[list[Any]], str]:
        dialect = Dialect.CLASSIC if seed % 2 else Dialect.BUILDKIT
        case = generate(seed)
        return (seed, dialect, case, *run_case(reference, case, dialect))

    seeds = range(options.first, options.first + options.cases)
    with ExitStack() as stack:
        out = stack.enter_context(gzip.open(options.record, "wt")) if options.record else None
        pool = stack.enter_context(ThreadPoolExecutor(options.jobs))
        for done, (seed, dialect, case, real, ours, message) in enumerate(pool.map(one, seeds), 1):
            counts[dialect.value] += 1
            counts["error"] += real == [["error"]]
            record = {"seed": seed, "dialect": dialect.value, "case": case.to_json(), "real": real}
            if out:
                out.write(json.dumps(record, separators=(",", ":")) + "\n")
            if real != ours:
                differences += 1
                print(json.dumps({**record, "ours": ours, "message": message[-300:]}), flush=True)
            if done % 500 == 0:
                seconds = time.monotonic() - began
                print(f"{done} cases, {differences} differences, {seconds:.0f} s", file=sys.stderr)
    builds = f"{counts['buildkit']} BuildKit and {counts['classic']} classic builds"
    seconds = time.monotonic() - began
    print(f"{builds} ({counts['error']} of them refused), {differences} differences, {seconds:.0f} s")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
