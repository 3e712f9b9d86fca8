"""Pages as text: what they say, that they are one file, and that nothing hostile gets through."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import ctxsize.report.page
from ctxsize.errors import UsageError
from ctxsize.report.page.documents import page_of, page_of_two, read
from tests.report.page.samples import comparison, documents, hostile, image, many

SCHEMAS = Path(ctxsize.__file__).parent.parent / "docs" / "schema"
ASSETS = Path(ctxsize.report.page.__file__).parent / "assets"


class Parsed(HTMLParser):
    """The elements of a page, its text outside of scripts and styles, and the content of these."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.raw:
            self.raw[self._inside].append(data)
        else:
            self.text += data


@pytest.mark.parametrize("kind", documents())
def test_a_page_of_each_kind_is_one_file_that_asks_for_nothing(kind: str) -> None:
    text = page_of(documents()[kind], "x.json")
    page = Parsed(text)

    urls = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href")
    ]
    assert urls == []
    assert not re.search(r"\bstyle=|\bon[a-z]+=", text.partition("<script")[0].partition("</style>")[2])
    policy = next(
        attributes["content"]
        for tag, attributes in page.elements
        if "content" in attributes and tag == "meta"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for kind_, (content, *_) in (("style", page.raw["style"]), ("script", page.raw["script"][-1:])):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind_}-src 'sha256-{digest}'" in policy


def test_the_page_of_a_comparison_has_every_figure_as_text() -> None:
    text = " ".join(Parsed(page_of(comparison(), "x")).text.split())

    assert text.startswith(
        "What the ignore file saves: shop Your .dockerignore saves 3MB of context, 3MB of image and 1.50 s"
        " per build (60%); “.git” alone is 2.9MB."
    )
    assert "context 10kB 3.01MB 3MB 99.7%" in text
    assert ".git 295 2.9MB 2.9MB 1.4MB 1.25 s 1 .git" in text
    assert "odd\\nname.log 1 100kB 100kB 90kB ~0.12 s 2 *.log a note" in text
    assert "in all 296 3MB 3MB 1.5MB 1.50 s" in text
    assert "COPY . . 3 0.50 s 1.25 s" in text
    assert "with 95 % certainty between 1.20 s and 1.80 s" in text


def test_the_page_of_an_image_says_what_is_wasted_and_what_would_help() -> None:
    page = page_of(image(), "x")
    text = " ".join(Parsed(page).text.split())

    assert "The image has 108kB, of which 4kB (3.7%) are wasted; 1 fix would save 4kB." in text
    assert "use COPY --chown 3, 4 4kB" in text
    assert "/app/a same-content (owner) #2 #3 1 4kB" in text
    data = json.loads(page.split('id="map-data">')[1].split("</script>")[0])
    assert data[4] == [0, 108_000, 300]
    assert [(node[0], node[1], node[4][1]) for node in data[5] if sum(node[4][1:2])] == [
        ("the base image", "base", 100_000),
        ("COPY . ∕app", "wasted", 4000),
        ("RUN chown -R app ∕app", "live", 4000),
    ]


def test_two_images_show_what_grew_by_step() -> None:
    after = image()
    after["steps"][1]["bytes"] += 1000
    after["totals"]["bytes"] += 1000
    text = " ".join(Parsed(page_of_two(image(), after, "x")).text.split())

    assert "The image grew by 1kB to 109kB." in text
    assert "COPY . /app 4kB 5kB +1kB (+25%)" in text


def test_hostile_names_are_text_and_nothing_else() -> None:
    page = Parsed(page_of(hostile(), "x", many(3000)))

    assert {tag for tag, _ in page.elements}.isdisjoint({"img", "iframe", "link", "object", "a"})
    assert "{{7*7}}" in page.text
    assert "\u202e" not in page.text
    assert len(page.raw["script"]) == 3


@pytest.mark.parametrize("files", [30_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_very_many_files_take_less_than_a_megabyte(files: int) -> None:
    text = page_of(comparison(), "x", many(files))

    assert len(text.encode()) < 1_000_000


def test_two_comparisons_show_what_grew_and_shrank() -> None:
    before, after = comparison(), comparison()
    after["paths"][0]["context_bytes"] += 1_000_000
    after["paths"][0]["image_bytes"] += 1_000_000
    after["paths"][1]["path"] = "new.log"
    after["variants"]["with"]["image"]["bytes"] += 500_000
    text = " ".join(Parsed(page_of_two(before, after, "x")).text.split())

    assert "The image grew by 500kB to 2.51MB." in text
    assert ".git 2.9MB 3.9MB +1MB (+34%) 2.9MB 3.9MB +1MB (+34%)" in text
    assert "new.log 0B 100kB +100kB 0B 100kB +100kB" in text
    assert "odd\\nname.log 100kB 0B -100kB (-100%) 100kB 0B -100kB (-100%)" in text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "is no JSON"),
        (b"[" * 200_000, "is no JSON"),
        (b"[1]", "is no report that a page can be made of"),
        (b'{"schema": 1, "paths": []}', "is no report that a page can be made of"),
        (b'{"schema": 2, "variants": 1, "saved": 1, "paths": 1}', "is of schema 2"),
    ],
)
def test_what_is_no_report_is_one_error(data: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read(data, "x.json")
    assert caught.value.where == "x.json"


def test_reports_of_two_kinds_are_not_compared() -> None:
    found = documents()
    with pytest.raises(UsageError, match="a report of comparison and one of lint"):
        page_of_two(found["comparison"], found["lint"], "x")


def spoiled(document: Any) -> list[Any]:
    """Copies of ``document``, each with one value of another type."""
    copies = []
    for key in document:
        for value in (None, "x", 5, [], [5], {}):
            changed = copy.deepcopy(document)
            changed[key] = value
            copies.append(changed)
    return copies


@pytest.mark.parametrize("kind", documents())
def test_a_report_that_is_not_as_its_schema_says_is_an_error_or_a_page_but_no_traceback(kind: str) -> None:
    errors = 0
    for document in spoiled(documents()[kind]):
        try:
            page_of(document, "x")
        except UsageError:
            errors += 1
    assert errors > 3


def test_the_vendored_library_is_the_published_one() -> None:
    said = json.loads((ASSETS / "d3-hierarchy.json").read_text())
    digest = hashlib.sha256((ASSETS / "d3-hierarchy.min.js").read_bytes()).hexdigest()

    assert said["sha256"] == digest
    assert (ASSETS / "LICENSE.d3-hierarchy").read_text().startswith("Copyright 2010-2026 Mike Bostock")


def _nullable(document: Any, schema: Any, whole: Any) -> Iterator[tuple[str | int, ...]]:
    """The places in a document at which its schema allows null."""
    if "$ref" in schema:
        schema = {**whole["$defs"][schema["$ref"].rpartition("/")[2]], **schema}
    kinds = [schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())]
    if document is not None and any("null" in _types(kind) for kind in kinds):
        yield ()
    for kind in kinds[1:]:
        if document is not None and "null" not in _types(kind):
            yield from (place for place in _nullable(document, kind, whole) if place)
    if isinstance(document, dict):
        for name, value in document.items():
            below = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if isinstance(below, dict):
                yield from ((name, *place) for place in _nullable(value, below, whole))
    if isinstance(document, list) and isinstance(schema.get("items"), dict):
        for number, value in enumerate(document[:3]):
            yield from ((number, *place) for place in _nullable(value, schema["items"], whole))


def _types(schema: Any) -> list[str]:
    found = schema.get("type", [])
    return [found] if isinstance(found, str) else found


@pytest.mark.parametrize("kind", documents())
def test_what_is_not_known_is_not_known_on_the_page_either(kind: str) -> None:
    schema = json.loads((SCHEMAS / f"{kind}-1.json").read_text())
    whole = documents()[kind]
    places = [*dict.fromkeys(_nullable(whole, schema, schema))]
    assert len(places) > 5

    for place in places:
        document = copy.deepcopy(whole)
        inner = document
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = None
        page_of(document, f"{kind} without {place}")
        if kind in ("comparison", "context", "image"):
            page_of_two(document, whole, f"{kind} without {place}")
            page_of_two(whole, document, f"{kind} without {place}")


def test_an_image_whose_layers_were_not_read_has_a_page() -> None:
    document = image()
    document["totals"] = {**dict.fromkeys(document["totals"]), "pull_bytes": 40_000}
    for step in document["steps"]:
        step.update(bytes=None, files=None, live_bytes=None, wasted_bytes=None, buried_bytes=None)
    document.update(waste_groups=[], wasted=[], fixes=[], leftovers=[], duplicates=[], rows=[], largest=[])

    text = Parsed(page_of(document, "x")).text

    assert "What the image has is not known; a pull of it takes 40kB." in text


def test_the_page_of_an_image_counts_what_a_fix_saves_where_that_is_known() -> None:
    document = image()
    first = document["fixes"][0]
    document["fixes"] = [
        first,
        {**first, "code": "build-tools", "bytes": None, "pull_bytes": None, "patched": False},
        {**first, "bytes": 7_000, "proven": False, "reason": "the image is not the same: /a is new"},
    ]

    text = " ".join(Parsed(page_of(document, "x")).text.split())

    assert "1 fix would save 4kB." in text
    assert "left out: the image is not the same: /a is new" in text
