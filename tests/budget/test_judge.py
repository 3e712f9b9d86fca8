"""A limit is kept at the limit and not one byte above it, whatever unit it is written in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ctxsize.budget import words
from ctxsize.budget.judge import judge
from ctxsize.budget.limits import KINDS, Limit, parse_limit
from ctxsize.budget.types import Judged
from ctxsize.measure.target import MeasuredTarget, StepSize

SPELLINGS = [
    *((f"7 {unit}", 7 * 1000**power) for power, unit in enumerate(["B", "kB", "MB", "GB", "TB", "PB"])),
    *((f"7 {unit}", 7 * 1024**power) for power, unit in enumerate(["B", "KiB", "MiB", "GiB", "TiB", "PiB"])),
    ("7kb", 7000),
    ("7KB", 7000),
    ("7mib", 7 << 20),
    ("2.27kB", 2270),
    ("1e+03kB", 1_000_000),
    ("8388607.999999 TB", 8_388_607_999_999_000_000),  # past what a float can hold
]


def limit(name: str, text: str) -> Limit:
    found = parse_limit(name, text, "here:1")
    assert found is not None
    return found


def size(name: str, text: str, now: int) -> Judged:
    return judge(limit(name, text), of(**{name.replace("-", "_"): now}), None)


def of(
    *,
    context: int | None = None,
    context_files: int | None = None,
    image: int | None = None,
    pull: int | None = None,
    without: MeasuredTarget | None = None,
) -> MeasuredTarget:
    return MeasuredTarget(context, context_files, image_bytes=image, pull_bytes=pull, without=without)


@pytest.mark.parametrize(("text", "most"), SPELLINGS)
@pytest.mark.parametrize("name", ["context", "image", "pull"])
def test_a_size_is_within_at_the_limit_and_over_with_one_byte_more(name: str, text: str, most: int) -> None:
    assert not size(name, text, most).over
    over = size(name, text, most + 1)
    assert over.over
    assert over.overshoot == 1


def test_files_are_counted() -> None:
    assert not size("context-files", "2000", 2000).over
    assert size("context-files", "2000", 2001).over


@pytest.mark.parametrize(("text", "most"), [(text, most) for text, most in SPELLINGS if most < 10**15])
def test_growth_by_an_amount(text: str, most: int) -> None:
    def grown(by: int) -> Judged:
        return judge(limit("growth.image", text), of(image=500 + by), of(image=500))

    assert not grown(most).over
    assert grown(most + 1).over
    assert not grown(-500).over, "shrinking is no growth"


@pytest.mark.parametrize(
    ("text", "before", "most"),
    [
        ("5%", 1_000_000, 50_000),
        ("5%", 999_999, 49_999),  # 49,999.95
        ("2.5 %", 1000, 25),
        ("0%", 1000, 0),
        ("0.1%", 9_007_199_254_740_993, 9_007_199_254_740),
        ("200%", 10, 20),
        ("10%", 0, 0),
    ],
)
def test_growth_by_a_share_of_the_baseline(text: str, before: int, most: int) -> None:
    def grown(by: int) -> Judged:
        return judge(limit("growth.pull", text), of(pull=before + by), of(pull=before))

    assert not grown(most).over
    over = grown(most + 1)
    assert over.over
    assert (over.limit, over.value, over.baseline, over.total) == (most, most + 1, before, before + most + 1)


@pytest.mark.parametrize(
    ("text", "without", "least"),
    [("10 MB", 90_000_000, 10_000_000), ("50%", 1000, 500), ("33.3%", 1000, 333), ("50%", 1001, 501)],
)
def test_savings_are_at_least(text: str, without: int, least: int) -> None:
    def saving(saved: int) -> Judged:
        now = of(image=without - saved, without=of(image=without))
        return judge(limit("savings.image", text), now, None)

    assert not saving(least).over
    short = saving(least - 1)
    assert short.over
    assert short.overshoot == 1


FAST, SLOW = (10.0, 10.1, 10.2, 9.9, 10.0), (13.0, 13.1, 13.2, 12.9, 13.0)


@pytest.mark.parametrize(
    ("text", "before", "now", "over"),
    [
        ("20%", FAST, SLOW, True),
        ("40%", FAST, SLOW, False),
        ("1%", SLOW, FAST, False),
        ("1%", (10.0, 14.0, 11.0), (10.5, 14.5, 11.5), False),  # more, but no more than noise
    ],
)
def test_build_time_is_over_only_beyond_noise(
    text: str, before: tuple[float, ...], now: tuple[float, ...], over: bool
) -> None:
    judged = judge(limit("growth.build-time", text), MeasuredTarget(runs=now), MeasuredTarget(runs=before))
    assert judged.over is over
    assert judged.value is not None


@pytest.mark.parametrize(
    ("name", "now", "past", "reason"),
    [
        ("image", MeasuredTarget(missing={"image": "no engine"}), None, "no engine"),
        ("image", of(), None, "it was not measured"),
        ("growth.image", of(image=1), None, "there is no baseline"),
        ("growth.image", of(image=1), of(), "the baseline does not know it (image)"),
        ("growth.image", of(), of(image=1), "it was not measured"),
        ("savings.image", of(image=1), None, "it was not measured"),
        (
            "growth.build-time",
            MeasuredTarget(runs=FAST),
            MeasuredTarget(runs=(1.0, 2.0)),
            "the baseline has 2 timed builds and 3 are the least that says something",
        ),
        (
            "growth.build-time",
            MeasuredTarget(runs=(1.0,)),
            MeasuredTarget(runs=FAST),
            "there were 1 timed builds and 3 are the least that says something",
        ),
    ],
)
def test_what_is_not_known_is_never_within(
    name: str, now: MeasuredTarget, past: MeasuredTarget | None, reason: str
) -> None:
    text = "5%" if name.startswith("growth") else "5 MB"
    judged = judge(limit(name, text), now, past, "there is no baseline")
    assert judged.value is None
    assert judged.failed
    assert judged.reason == reason


@pytest.mark.parametrize(
    ("judged", "sentence"),
    [
        (size("image", "250 MB", 260_000_000), "image is 260MB, 10MB over its limit of 250MB"),
        (
            size("image", "250 MB", 250_000_001),
            "image is 250,000,001 bytes, 1B over its limit of 250,000,000 bytes",
        ),
        (
            size("context", "250 MB", 249_999_999),
            "context is 249,999,999 bytes, within its limit of 250,000,000 bytes",
        ),
        (size("context-files", "10", 11), "context-files is 11 files, 1 file over its limit of 10 files"),
        (
            judge(limit("growth.image", "5%"), of(image=108), of(image=100)),
            "image grew by 8B, 3B more than the 5B (5%) it may",
        ),
        (
            judge(limit("growth.image", "5%"), of(image=90), of(image=100)),
            "image shrank by 10B and may by 5B (5%)",
        ),
        (
            judge(limit("savings.context", "10 kB"), of(context=1, without=of(context=9001)), None),
            "the ignore file saves 9kB of context, 1kB less than the 10kB it must",
        ),
        (
            judge(limit("pull", "1 MB"), MeasuredTarget(missing={"pull": "no engine"}), None),
            "pull (limit 1 MB) is not known: no engine",
        ),
    ],
)
def test_in_words(judged: Judged, sentence: str) -> None:
    assert words.verdict(judged) == sentence


def test_every_kind_can_be_judged() -> None:
    past = MeasuredTarget(
        1,
        1,
        image_bytes=1,
        pull_bytes=1,
        runs=FAST,
        steps=(StepSize("COPY . .", 3, 1, 1),),
        inside=dict.fromkeys(("wasted", "reclaimable", "leftovers", "layer"), 1),
    )
    for name, kind in KINDS.items():
        text = "5%" if kind.relative else "5" if kind.unit == "files" else "5 MB"
        judged = judge(limit(name, text), replace(past, without=past), past)
        assert judged.value is not None, name
