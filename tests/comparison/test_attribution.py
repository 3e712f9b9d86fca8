"""Every changed byte of an image goes to the ignored path it came from, or is said not to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ctxsize.comparison.attribution import ImageSavings, attribute
from ctxsize.comparison.layers import StepChanges
from ctxsize.dockerfile.mapping import Origin
from ctxsize.ignore import Dialect, Matcher
from ctxsize.image.types import Change

MATCHER = Matcher.from_patterns(["data", "*.log"], Dialect.BUILDKIT)
CONTEXT = {"data/a": 100, "data/b": 50, "x.log": 7, "src/main.py": 30, "bundle.tar": 999}


def added(path: str, size: int, *, link: str | None = None) -> Change:
    """A path that only the ``without`` image has."""
    return Change(path, 0, size, pull_bytes=size // 2, link=link)


def copied_to_app(path: str) -> Iterable[Origin]:
    """The origins of ``COPY . /app``."""
    return [Origin(path.removeprefix("app/"), "file")] if path.startswith("app/") else []


def step(
    changes: Iterable[Change],
    *,
    run: bool = False,
    origins: Callable[[str], Iterable[Origin]] = copied_to_app,
    after_difference: bool = True,
) -> StepChanges:
    return StepChanges(changes, origins, makes_files=run, after_difference=after_difference)


def place(*steps: StepChanges, context: Mapping[str, int] = CONTEXT) -> ImageSavings:
    return attribute(steps, MATCHER.verdict, lambda path, size, variant: context.get(path) == size)


def test_files_of_an_ignored_directory_are_added_up_under_its_root() -> None:
    found = place(step([added("app/data/a", 100), added("app/data/b", 50), added("app/x.log", 7)]))

    assert dict(found.image_bytes) == {"data": 150, "x.log": 7}
    assert dict(found.pull_bytes) == {"data": 75, "x.log": 3}
    assert (found.derived_bytes, found.unattributed_bytes) == (0, 0)


def test_a_run_that_changes_owners_doubles_every_byte_and_still_belongs_to_the_path() -> None:
    copy, chown = step([added("app/data/a", 100)]), step([added("app/data/a", 100)], run=True)

    assert dict(place(copy, chown).image_bytes) == {"data": 200}


def test_what_a_run_makes_from_ignored_files_is_derived() -> None:
    found = place(step([added("app/all.csv", 150)], run=True, origins=lambda path: []))

    assert found.derived_bytes == 150


def test_what_a_run_makes_before_anything_differs_is_noise_and_not_attributed() -> None:
    found = place(
        step([added("var/log/apt.log", 3)], run=True, origins=lambda path: [], after_difference=False)
    )

    assert (found.derived_bytes, found.unattributed_bytes) == (0, 3)


def test_an_origin_of_another_size_is_not_believed() -> None:
    found = place(step([added("app/data/a", 101)]))

    assert (dict(found.image_bytes), found.unattributed_bytes) == ({}, 101)


def test_what_add_unpacked_from_an_ignored_archive_belongs_to_the_archive() -> None:
    archive = Matcher.from_patterns(["*.tar"], Dialect.BUILDKIT)
    unpacked = step([added("opt/tool", 5)], origins=lambda path: [Origin("bundle.tar", "archive")])

    found = attribute([unpacked], archive.verdict, lambda path, size, variant: CONTEXT.get(path) == size)
    assert dict(found.image_bytes) == {"bundle.tar": 5}


def test_an_ignored_hard_link_is_looked_up_in_the_build_that_was_sent_it() -> None:
    sent = {("data/a", "without"): 100, ("kept", "with"): 100, ("kept", "without"): 100}
    first = added("app/data/a", 100)
    second = Change("app/kept", 100, 0, pull_bytes=0, link="app/data/a")

    found = attribute(
        [step([first, second])], MATCHER.verdict, lambda path, size, name: sent.get((path, name)) == size
    )

    assert (dict(found.image_bytes), found.unattributed_bytes) == ({"data": 0}, 0)


def test_an_ignored_hard_link_to_a_kept_file_saves_nothing() -> None:
    """Without the ignore file the content lies under the ignored name, with it under the kept one."""
    context = {**CONTEXT, "kept": 100}
    first = added("app/data/a", 100)
    second = Change("app/kept", 100, 0, pull_bytes=0, link="app/data/a")

    assert dict(place(step([first, second]), context=context).image_bytes) == {"data": 0}


def test_the_ignore_file_itself_is_only_in_the_with_image_and_counts_against_it() -> None:
    context = {**CONTEXT, ".dockerignore": 20}
    found = place(step([Change("app/.dockerignore", 20, 0, pull_bytes=0, link=None)]), context=context)

    assert found.unattributed_bytes == -20


def test_the_parts_add_up_to_all_changes() -> None:
    changes = [added("app/data/a", 100), added("elsewhere", 9), Change("app/gone", 4, 0, 0, None)]
    found = place(step(changes), step([added("made", 11)], run=True))

    parts = sum(found.image_bytes.values()) + found.derived_bytes + found.unattributed_bytes
    assert parts == 100 + 9 - 4 + 11
