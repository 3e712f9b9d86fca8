"""Build time divided over the ignored roots: the parts are the whole, a share is in proportion to cost."""

from __future__ import annotations

import pytest

from ctxsize.comparison.seconds import DividedSeconds, Load, Loads, Seconds, divide, phase_costs
from ctxsize.engine.builders.interface import BuildResult, Part, Step
from ctxsize.measure.figures import Cost

COPY = Part("copy", 3)
LOAD = Part("load")
EXPORT = Part("export")
REST = Part("rest")

#: A second per megabyte, and one per thousand entries.
COST = Cost(1e-6, 1e-3)
COSTS = {"load": COST, "copy": COST, "export": COST}


def build(*, load: float = 0.0, copy: float = 0.0, export: float = 0.0, rest: float = 0.0) -> BuildResult:
    """A build that waited that long for each phase, and ``rest`` for nothing."""
    steps = (
        Step("load", load, False, "load", critical=load),
        Step("COPY . /", copy, False, "copy", line=3, critical=copy),
        Step("export", export, False, "export", critical=export),
    )
    return BuildResult("image", load + copy + export + rest, steps, 0)


def runs(count: int = 3, **seconds: float) -> list[BuildResult]:
    """``count`` builds, each 1 % slower than the one before."""
    return [
        build(**{part: value * (1 + number / 100) for part, value in seconds.items()})
        for number in range(count)
    ]


def total(with_runs: list[BuildResult], without_runs: list[BuildResult]) -> float:
    """The difference of the medians of three builds."""
    return without_runs[1].seconds - with_runs[1].seconds


def whole(divided: DividedSeconds) -> float:
    return sum(seconds.median for seconds in divided.roots.values()) + divided.unattributed


def test_a_root_gets_as_much_of_a_part_as_what_it_puts_there_costs() -> None:
    """One large file and a thousand of nothing: at these costs three to one."""
    loads: Loads = {LOAD: {"big": Load(3_000_000, 0), "tiny": Load(0, 1000)}}
    divided = divide(runs(load=1.0), runs(load=9.0), loads, COSTS)

    assert divided.roots["big"].median == pytest.approx(3 * divided.roots["tiny"].median)
    assert divided.roots["big"].median == pytest.approx(6.0, rel=0.02)
    assert divided.unattributed == pytest.approx(0.0, abs=1e-9)


def test_what_the_entries_do_not_explain_of_a_phase_its_bytes_took() -> None:
    """Two copies of 3 MB and 3,000 entries took 9 s, of which the entries explain 3: 2 s a megabyte."""
    loads: Loads = {
        Part("copy", 3): {"big": Load(1_000_000, 0), "tiny": Load(0, 1000)},
        Part("copy", 4): {"big": Load(2_000_000, 2000)},
        LOAD: {"tiny": Load(0, 10)},
    }
    slow = BuildResult(
        "image",
        9.0,
        tuple(Step("COPY", s, False, "copy", line, critical=s) for line, s in ((3, 4.0), (4, 5.0))),
        0,
    )
    found = phase_costs([build()] * 3, [slow] * 3, loads, {"copy": 1e-3, "load": 5e-3})

    assert found == {"copy": Cost(pytest.approx(2e-6), 1e-3), "load": Cost(0.0, 5e-3)}


def test_entries_that_explain_more_than_a_phase_took_leave_the_bytes_nothing() -> None:
    found = phase_costs([build()] * 3, [build(load=1.0)] * 3, {LOAD: {"a": Load(100, 2000)}}, {"load": 1e-3})

    assert found == {"load": Cost(0.0, 1e-3)}


def test_each_part_is_divided_for_itself() -> None:
    """``a`` is loaded and copied, ``b`` only loaded: the time of the copy is all ``a``'s."""
    load = Load(1_000_000, 0)
    divided = divide(
        runs(load=0.0), runs(load=2.0, copy=5.0), {LOAD: {"a": load, "b": load}, COPY: {"a": load}}, COSTS
    )

    assert divided.roots["a"].median == pytest.approx(6.0, rel=0.02)
    assert divided.roots["b"].median == pytest.approx(1.0, rel=0.02)


def test_one_root_gets_all_whatever_the_costs_are() -> None:
    loads: Loads = {LOAD: {"only": Load(1, 1)}, COPY: {"only": Load(1, 1)}}
    divided = divide(runs(load=1.0), runs(load=3.0, copy=4.0), loads, {})

    assert divided.roots["only"].median == pytest.approx(6.0, rel=0.02)


def test_the_parts_add_up_to_the_measured_difference() -> None:
    with_runs = runs(load=0.3, copy=0.2, export=0.1, rest=0.7)
    without_runs = runs(load=3.3, copy=1.7, export=2.9, rest=0.6)
    loads: Loads = {
        LOAD: {"a": Load(7, 3), "b": Load(1, 900)},
        COPY: {"a": Load(7, 3)},
        EXPORT: {"b": Load(99, 1)},
    }
    divided = divide(with_runs, without_runs, loads, COSTS)

    assert whole(divided) == pytest.approx(total(with_runs, without_runs), abs=1e-9)


def test_what_no_root_explains_is_not_attributed() -> None:
    """The export has no loads, and nobody knows what a byte costs where no step ran."""
    loads: Loads = {LOAD: {"a": Load(1, 1)}, REST: {"a": Load(1, 1), "b": Load(1, 1)}}
    divided = divide(runs(load=0.0), runs(load=1.0, export=2.0, rest=4.0), loads, COSTS)

    assert divided.roots["a"].median == pytest.approx(1.0, rel=0.02)
    assert divided.unattributed == pytest.approx(6.0, rel=0.02)


@pytest.mark.parametrize(
    "costs",
    [{}, {"load": Cost(0.0, 0.0)}, {"load": Cost(1.0, 0.0)}],
    ids=["unknown", "nothing", "only bytes"],
)
def test_a_part_without_any_weight_is_not_divided(costs: dict[str, Cost]) -> None:
    empty = Load(0, 5)
    divided = divide(runs(load=0.0), runs(load=1.0), {LOAD: {"one": empty, "other": empty}}, costs)

    assert not divided.roots
    assert divided.unattributed == pytest.approx(1.01)


def test_a_part_that_became_faster_is_a_negative_share() -> None:
    loads: Loads = {LOAD: {"a": Load(1_000_000, 0), "b": Load(1_000_000, 0)}}
    divided = divide(runs(load=3.0), runs(load=1.0), loads, COSTS)

    assert divided.roots["a"].median == pytest.approx(-1.0, rel=0.02)
    assert whole(divided) == pytest.approx(-2.02)


def test_an_interval_is_the_share_of_each_parts_interval_added_up() -> None:
    loads: Loads = {part: {"a": Load(1_000_000, 0)} for part in (LOAD, COPY)}
    both = divide(runs(load=1.0, copy=2.0), runs(load=5.0, copy=4.0), loads, COSTS).roots["a"]
    load = divide(runs(load=1.0, copy=2.0), runs(load=5.0, copy=4.0), {LOAD: loads[LOAD]}, COSTS).roots["a"]
    copy = divide(runs(load=1.0, copy=2.0), runs(load=5.0, copy=4.0), {COPY: loads[COPY]}, COSTS).roots["a"]

    assert load.low is not None and copy.low is not None and load.high is not None and copy.high is not None
    assert both.low == pytest.approx(load.low + copy.low)
    assert both.high == pytest.approx(load.high + copy.high)
    assert load.low < load.median < load.high


def test_with_two_runs_there_is_no_interval() -> None:
    loads: Loads = {part: {"a": Load(1, 1)} for part in (LOAD, COPY)}
    (seconds,) = divide(runs(2, load=1.0), runs(2, load=5.0), loads, COSTS).roots.values()

    assert (seconds.low, seconds.high, seconds.measured) == (None, None, False)


def test_a_measured_root_keeps_its_figure_and_the_rest_still_adds_up() -> None:
    """The others' estimates do not change: what the measurement and the share differ by is not theirs."""
    with_runs, without_runs = runs(load=1.0), runs(load=9.0)
    loads: Loads = {LOAD: {"big": Load(3_000_000, 0), "tiny": Load(0, 1000)}}
    measured = Seconds(5.0, 4.5, 5.5, measured=True)
    estimated = divide(with_runs, without_runs, loads, COSTS)
    divided = divide(with_runs, without_runs, loads, COSTS, {"big": measured})

    assert divided.roots["big"] == measured
    assert divided.roots["tiny"] == estimated.roots["tiny"]
    assert divided.unattributed == pytest.approx(estimated.roots["big"].median - 5.0)
    assert whole(divided) == pytest.approx(total(with_runs, without_runs))


def test_a_measured_root_that_no_part_takes_counts_too() -> None:
    divided = divide(
        runs(load=1.0), runs(load=2.0), {}, COSTS, {"odd": Seconds(0.25, 0.2, 0.3, measured=True)}
    )

    assert divided.roots["odd"].median == 0.25
    assert divided.unattributed == pytest.approx(1.01 - 0.25)
