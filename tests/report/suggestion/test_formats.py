"""The formats of ``ctxsize suggest``: whole texts, and the JSON held against its schema."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from ctxsize.measure.figures import EngineFigures, ProjectFigures, SecondsSaved
from ctxsize.report.formats import FORMATS, drawing
from ctxsize.report.shared.look import Look
from ctxsize.suggest.types import NoRules, SavedByRules, SuggestedRule, Suggestion
from ctxsize.warning import Warning

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "docs/schema/suggestion-1.json").read_text())
MODULES = SuggestedRule(
    rule="**/node_modules",
    paths=("node_modules", "web/node_modules"),
    files=6000,
    context_bytes=300_000_000,
    image_bytes=299_000_000,
    pull_bytes=80_000_000,
    evidence=("git ignores it", "`npm ci` (Dockerfile:7) makes it anew"),
    proof="verified",
    proposed=True,
    rebuild_seconds=4.5,
    rebuild_steps=3,
)
DESCRIBED = SuggestedRule(
    rule=".git",
    paths=(".git",),
    files=400,
    context_bytes=8_000_000,
    image_bytes=None,
    pull_bytes=None,
    evidence=("the repository's history",),
    proof="builds",
    proposed=False,
    reason="the image is not the same: /VERSION has another content",
)
FULL = Suggestion(
    version="1.2",
    created="2026-01-02T03:04:05+00:00",
    project=ProjectFigures("shop", "Dockerfile", None, None),
    engine=EngineFigures("28.5.2", "1.51", "buildkit", "overlay2", False),
    static=False,
    allowlist=False,
    rules=(MODULES, DESCRIBED),
    saved=SavedByRules(300_000_000, 6000, 299_000_000, 80_000_000, SecondsSaved(3.2, 2.9, 3.6, True)),
    unattributed=NoRules(0, 0, 12),
    builds=4,
    timed_builds=6,
    context_bytes=310_000_000,
    ignore_file=".dockerignore",
    new=True,
    block="# packages\n**/node_modules\n",
    diff="--- /dev/null\n+++ .dockerignore\n@@ -0,0 +1,2 @@\n+# packages\n+**/node_modules\n",
    written=False,
    warnings=(Warning("small", "2 rules would keep out too little"),),
    words=" services/shop",
)
STATIC = replace(
    FULL,
    engine=None,
    static=True,
    rules=(replace(MODULES, image_bytes=None, pull_bytes=None, proof="none", rebuild_seconds=None),),
    saved=SavedByRules(300_000_000, 6000),
    unattributed=NoRules(),
    builds=0,
    timed_builds=0,
    warnings=(),
)
NOTHING = replace(STATIC, rules=(), saved=SavedByRules(0, 0), block="", diff="")
HOSTILE = replace(
    FULL,
    rules=(
        replace(MODULES, rule="a\x1b[31m|`x`\n", evidence=("::error::evil", "*b*")),
        replace(DESCRIBED, rule="\udcff", reason="x\n# y"),
    ),
)


def draw(name: str, result: Suggestion) -> str:
    return "".join(drawing("suggestion", name)(result, Look()))


def test_the_table() -> None:
    assert (
        draw("table", FULL)
        == """\
shop: Dockerfile, no ignore file
Docker 28.5.2, buildkit, overlay2

Worth adding
rule             files  context  image  pull  proof              why
**/node_modules   6000    300MB  299MB  80MB  same image, works  git ignores it; `npm ci` (Dockerfile:7)\
 makes it anew; each change to it costs 4.50 s

Not proposed
rule  context  proof   because
.git      8MB  builds  the image is not the same: /VERSION has another content

1 rule saves 300MB of 310MB of context, 299MB of image, 80MB of each pull,\
 3.20 s of a build (95% 2.90 s to 3.60 s)
4 builds, and 6 more that were timed
`ctxsize suggest --write services/shop` adds them to .dockerignore, --diff shows it

note: 2 rules would keep out too little
"""
    )


def test_the_table_without_an_engine() -> None:
    assert (
        draw("table", STATIC)
        == """\
shop: Dockerfile, no ignore file

Worth a try, not proven
rule             files  context  why
**/node_modules   6000    300MB  git ignores it; `npm ci` (Dockerfile:7) makes it anew

1 rule may save 300MB of 310MB of context
nothing of this is proven: `ctxsize suggest services/shop` builds, and keeps what holds
"""
    )


def test_the_table_with_nothing_to_say() -> None:
    assert draw("table", NOTHING) == "shop: Dockerfile, no ignore file\n\nno rule is worth adding\n"
    written = draw("table", replace(FULL, written=True))
    assert ".dockerignore is new\n" in written and "--write" not in written


def test_markdown() -> None:
    text = draw("markdown", FULL)

    assert text.startswith("### Rules for .dockerignore: shop\n\n**1 rule saves 300MB")
    assert "| `**/node_modules` | 6000 | 300MB | 299MB | same image, works |" in text
    assert "- not proposed: `.git` (8MB): the image is not the same: /VERSION has another content\n" in text
    assert text.endswith("<sub>ctxsize 1.2, Docker 28.5.2, buildkit</sub>\n")


def test_the_lines_and_the_diff_are_what_they_are() -> None:
    assert draw("dockerignore", FULL) == FULL.block
    assert draw("diff", FULL) == FULL.diff
    assert draw("dockerignore", NOTHING) == draw("diff", NOTHING) == ""


@pytest.mark.parametrize("result", [FULL, STATIC, NOTHING, HOSTILE], ids=["full", "static", "none", "odd"])
def test_the_json_follows_its_schema(result: Suggestion) -> None:
    document = json.loads(draw("json", result))

    jsonschema.validate(document, SCHEMA)
    assert document["builds"] == result.builds
    assert [rule["proof"] for rule in document["rules"]] == [rule.proof for rule in result.rules]


@pytest.mark.parametrize("name", sorted({*FORMATS["suggestion"]} - {"diff", "dockerignore"}))
def test_hostile_names_stay_in_their_place(name: str) -> None:
    text = draw(name, HOSTILE)

    assert "\x1b" not in text
    assert "\n::error::" not in text
    text.encode()
