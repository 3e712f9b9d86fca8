"""Keep the nastiest real results of a sweep: ``python …/ignore/record.py SWEEP.jsonl.gz [N]``.

``sweep.py --record`` writes them all; this keeps N of them (1,500), the nastiest first, as
recorded/cases.jsonl.gz, which ``make test`` replays without an engine.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[3])]

from ctxsize.errors import CtxsizeError  # noqa: E402
from ctxsize.ignore import Dialect, Matcher, parse_ignore  # noqa: E402

RECORDED = Path(__file__).parent / "recorded" / "cases.jsonl.gz"


def nastiness(record: dict[str, Any]) -> float:
    """How much of what is easily got wrong a case shows."""
    case, dialect = record["case"], Dialect(record["dialect"])
    if record["real"] == [["error"]]:
        return 3 + len(case["ignore"] or "") / 1000
    text = case["ignore"] or ""
    score = len(set(text) & set("[]\\|{}^+()$\r\t\ufeff")) + 2 * text.count("!") * ("**" in text)
    score += 4 * (case["own_ignore"] is not None) + 4 * (case["ignore_link"] is not None)
    score += 3 * (case["dockerfile"] != "Dockerfile") + 2 * (not text.isascii())
    try:
        rules = parse_ignore(text.encode("utf-8", "surrogateescape"), "", dialect).rules
        walked = Matcher(rules, dialect)
        other = Matcher(rules, Dialect.CLASSIC if dialect is Dialect.BUILDKIT else Dialect.BUILDKIT)
        for path, kind, _ in case["tree"]:
            verdict = walked.verdict(path, kind == "d")
            score += 3 * verdict.emptied + 2 * (verdict.unreached is not None)
            score += 2 * (verdict.ignored != walked.matches_or_parent(path))
            score += verdict.ignored != other.verdict(path, kind == "d").ignored
    except CtxsizeError:
        score += 3
    return score / (1 + len(case["tree"]) / 20)


def main() -> None:
    keep = int(sys.argv[2]) if len(sys.argv) > 2 else 1500
    with gzip.open(sys.argv[1], "rt") as lines:
        records = [json.loads(line) for line in lines]
    refused = sorted((record for record in records if record["real"] == [["error"]]), key=nastiness)[::-1]
    built = sorted((record for record in records if record["real"] != [["error"]]), key=nastiness)[::-1]
    chosen = refused[: keep // 10]
    for dialect in Dialect:
        chosen += [record for record in built if record["dialect"] == dialect.value][: keep * 9 // 20]
    chosen.sort(key=nastiness, reverse=True)
    # No name and no time in the header: the same cases make the same file.
    with open(RECORDED, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as out:
        for record in chosen:
            out.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
    print(f"{len(chosen)} of {len(records)} kept, {RECORDED.stat().st_size} bytes")


if __name__ == "__main__":
    main()
