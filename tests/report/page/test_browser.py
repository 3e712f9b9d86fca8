"""Pages as people see them: in a real browser, with and without scripts, by keyboard, in light and dark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from ctxsize.report.page.documents import page_of, page_of_two
from tests.conftest import IN_CI
from tests.report.page.samples import comparison, documents, hostile, many

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Skipped without a Chromium on a developer's machine, failed in CI (`make test` installs it)."""
    if CHROMIUM is None:
        (pytest.fail if IN_CI else pytest.skip)("there is no Chromium: scripts/apt-install chromium chromium")
    with sync_playwright() as playwright:
        # It runs as root in CI, where its sandbox does not work; it opens nothing but our own files.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of every kind as files."""
    folder = tmp_path_factory.mktemp("pages")
    texts = {kind: page_of(document, kind) for kind, document in documents().items()}
    texts["tree"] = page_of(comparison(), "tree", many(4000))
    texts["hostile"] = page_of(hostile(), "hostile", many(3000))
    after = comparison()
    after["paths"][0]["context_bytes"] //= 2
    after["paths"][1]["context_bytes"] *= 9
    texts["change"] = page_of_two(comparison(), after, "change")
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text)
    return {name: folder / f"{name}.html" for name in texts}


class Opened:
    """A page in a browser, with all that went wrong in it and all that it asked for."""

    def __init__(self, browser: Browser, file: Path, fragment: str = "", **options: Any) -> None:
        self.troubles: list[str] = []
        self.requests: list[str] = []
        self.page: Page = browser.new_context(**options).new_page()
        self.page.on("console", lambda message: self.troubles.append(message.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("dialog", lambda dialog: self.troubles.append(dialog.message))
        self.page.on("request", lambda request: self.requests.append(urlsplit(request.url).scheme))
        self.page.goto(file.as_uri() + fragment)
        if options.get("java_script_enabled", True) and self.page.query_selector("#map-data"):
            self.page.wait_for_selector("html[data-ready]", state="attached")

    def close(self) -> None:
        """Close it, and see that nothing went wrong."""
        self.page.context.close()
        assert (self.troubles, self.requests) == ([], ["file"])

    @property
    def tiles(self) -> list[dict[str, Any]]:
        """The tiles on top: their boxes, values and labels."""
        return self.page.eval_on_selector_all(
            "#tiles button",
            "all => all.map(each => ({value: Number(each.dataset.value),"
            " label: each.getAttribute('aria-label'), width: each.getBoundingClientRect().width,"
            " height: each.getBoundingClientRect().height}))",
        )  # type: ignore[no-any-return]

    @property
    def view(self) -> dict[str, str]:
        """What the address says of the view."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).fragment).items()}


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("comparison", "light"),
        ("comparison", "dark"),
        ("check", "dark"),
        ("lint", "light"),
        ("change", "dark"),
    ],
)
def test_nothing_fails_nothing_is_asked_for_and_axe_finds_nothing(
    name: str, scheme: str, browser: Browser, pages: dict[str, Path]
) -> None:
    opened = Opened(browser, pages[name], color_scheme=scheme, bypass_csp=True)
    found = Axe().run(opened.page)

    assert found.violations_count == 0, found.generate_report()
    opened.close()


@pytest.mark.parametrize("name", ["hostile", "change"])
def test_under_its_own_policy_the_map_works(name: str, browser: Browser, pages: dict[str, Path]) -> None:
    opened = Opened(browser, pages[name])

    assert len(opened.tiles) > 1
    assert opened.page.is_visible("#map")
    assert opened.page.evaluate("document.querySelectorAll('img, iframe').length") == 0
    opened.close()


def test_the_area_of_a_tile_is_its_part_of_the_bytes(browser: Browser, pages: dict[str, Path]) -> None:
    opened = Opened(browser, pages["tree"])
    box = opened.page.eval_on_selector("#tiles", "each => each.clientWidth * each.clientHeight")
    total = sum(tile["value"] for tile in opened.tiles)

    for tile in opened.tiles:
        # A pixel more or less on each side.
        assert (
            abs(tile["width"] * tile["height"] - tile["value"] / total * box)
            <= tile["width"] + tile["height"]
        )
    files = sum(leaf.bytes for leaf in many(4000))
    assert total == files
    # Every tile has a colour that the legend explains.
    named = {line.rpartition(" ")[0] for line in opened.page.inner_text("#legend").splitlines()}
    assert named == {"kept and needed", "kept, no step takes it", "ignored"}
    opened.close()


def test_the_keyboard_reaches_everything_and_a_view_has_an_address(
    browser: Browser, pages: dict[str, Path]
) -> None:
    opened = Opened(browser, pages["tree"])
    page = opened.page
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.parentElement.id"))
    assert {"area", "colour", "filter", "tiles"} <= reached

    page.focus("#tiles button[tabindex='0']")
    first = page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") != first
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    inside = opened.view["at"]
    assert first.startswith(f"{inside}/ ")
    labels = [tile["label"] for tile in opened.tiles]
    page.keyboard.press("Backspace")
    assert opened.view.get("at", "") == ""
    page.go_back()
    assert [tile["label"] for tile in opened.tiles] == labels
    address = urlsplit(page.url).fragment
    page.keyboard.press("/")
    page.keyboard.type("name-77")
    assert " tiles match “name-77”: " in page.inner_text("#status")
    opened.close()

    again = Opened(browser, pages["tree"], f"#{address}")
    assert [tile["label"] for tile in again.tiles] == labels
    again.close()


def test_area_and_colour_change_what_is_seen(browser: Browser, pages: dict[str, Path]) -> None:
    opened = Opened(browser, pages["comparison"])
    options = opened.page.eval_on_selector_all("#area option", "all => all.map(each => each.value)")
    assert options == ["context", "image", "pull", "seconds"]
    values = {}
    for option in options:
        opened.page.select_option("#area", option)
        values[option] = sorted(tile["value"] for tile in opened.tiles)
    assert values["context"] == [9_990, 100_010, 2_900_000]
    assert values["image"] == [10, 100_000, 2_900_000]
    assert values["seconds"] == [0.125, 0.13, 1.25]
    opened.page.select_option("#colour", "rule")
    assert ".dockerignore:1 .git 1.25 s" in opened.page.inner_text("#legend")
    opened.close()


def test_without_scripts_every_figure_is_there_and_can_be_found(
    browser: Browser, pages: dict[str, Path]
) -> None:
    opened = Opened(browser, pages["comparison"], java_script_enabled=False)

    assert not opened.page.is_visible("#map")
    assert opened.page.is_visible("text=The map of the tree needs scripts")
    row = opened.page.locator("tr", has=opened.page.locator("th", has_text=".git")).first
    assert row.inner_text().split("\t")[:6] == [".git", "295", "2.9MB", "2.9MB", "1.4MB", "1.25 s"]
    opened.close()


def test_in_print_the_map_stays_and_its_controls_go(browser: Browser, pages: dict[str, Path]) -> None:
    opened = Opened(browser, pages["tree"])
    opened.page.emulate_media(media="print")

    assert opened.page.is_visible("#tiles")
    assert not opened.page.is_visible("#filter")
    assert opened.page.pdf()[:5] == b"%PDF-"
    opened.close()
