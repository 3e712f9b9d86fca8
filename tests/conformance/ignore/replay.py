"""Replay recorded real builds against today's matcher: ``python …/ignore/replay.py FILE.jsonl.gz``."""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[3])]

from ignore_cases import Case, expected, write_case  # noqa: E402
from ignore_reference import scratch_directory  # noqa: E402

from ctxsize.ignore import Dialect  # noqa: E402


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a sweep, one at a time: seed, dialect, case and the real listing."""
    with gzip.open(path, "rt") as lines:
        for line in lines:
            yield json.loads(line)


def replay(record: dict[str, Any], root: Path) -> list[list[Any]]:
    """What ctxsize says of the recorded case today; ``root`` is made for it and removed."""
    case = Case(**record["case"])
    root.mkdir()
    try:
        write_case(case, root)
        return expected(root, case.dockerfile, Dialect(record["dialect"]))
    finally:
        shutil.rmtree(root)


def main() -> int:
    differences = count = 0
    for record in read_records(Path(sys.argv[1])):
        count += 1
        ours = replay(record, scratch_directory())
        if ours != record["real"]:
            differences += 1
            print(json.dumps({**record, "ours": ours, "message": ""}))
    print(f"{count} recorded builds, {differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
