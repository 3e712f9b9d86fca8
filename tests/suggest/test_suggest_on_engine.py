"""Rules tried on a real engine: what is proposed holds, what the build needs is not, and nothing is left.

The fixtures below fixtures/suggest have an expert's ignore file beside them. At full size, and with all
builders, they are in the sweep at the end (`make suggestions`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from ctxsize import api as ctxsize_api
from ctxsize.engine.containers import VerifyCommand
from ctxsize.engine.options import BuildOptions
from ctxsize.errors import BuildFailed, Interrupted, VerifyFailed
from ctxsize.ignore.types import Dialect
from ctxsize.project import open_project
from ctxsize.suggest.suggest import suggest
from ctxsize.suggest.trials import Trials
from ctxsize.suggest.types import Suggestion, SuggestMeasurement
from ctxsize.survey.survey import survey
from fixtures import make
from tests.support.tree import tree_hash

pytestmark = pytest.mark.docker

SCALE = 0.03
FIXTURES = sorted(path.parent.name for path in (make.FIXTURES / "suggest").glob("*/recipe.toml"))
#: What must not be proposed, as the build, or another stage, or the running program needs it.
NEEDED = {
    "culprits": {".git", "tests", "*.md"},
    "either": {"examples"},
    "git-describe": {".git"},
    "monorepo": {"services/api", "libs"},
    "readme": {"*.md"},
    "scm": {".git"},
    "test-stage": {"tests"},
    "vendored": {"**/node_modules", "node_modules", "vendor"},
}
_Suggest = Callable[..., SuggestMeasurement]


@pytest.fixture
def suggested(base_image: Callable[[str], str]) -> _Suggest:
    def run(root: Path, **options: object) -> SuggestMeasurement:
        build = BuildOptions(build_args={"BASE": base_image("busybox:1.36")})
        given = {"options": build, "min_bytes": 0, "repeat": 0, **options}
        return suggest(root, **given)  # type: ignore[arg-type]

    return run


@pytest.fixture
def made(make_fixture: Callable[..., Path]) -> Callable[[str], Path]:
    return lambda name: make_fixture(f"suggest/{name}", scale=SCALE)


@pytest.fixture(autouse=True)
def _nothing_is_left(api: docker.APIClient) -> Iterator[None]:
    before = {each["Id"] for each in api.images(all=True)}
    yield
    assert {each["Id"] for each in api.images(all=True)} == before


def proposed(suggestion: Suggestion) -> set[str]:
    return {rule.rule for rule in suggestion.proposed}


def kept_out(root: Path, content: bytes) -> int:
    """The bytes that an ignore file with that content keeps out of the context."""
    copy = root.parent / "judged"
    shutil.copytree(root, copy, symlinks=True)
    whole = survey(open_project(copy, dialect=Dialect.BUILDKIT), None, roots=False).scan.eligible.bytes
    (copy / ".dockerignore").write_bytes(content)
    left = survey(open_project(copy, dialect=Dialect.BUILDKIT), None, roots=False).scan.eligible.bytes
    shutil.rmtree(copy)
    return whole - left


def hold(name: str, root: Path, suggestion: Suggestion) -> None:
    """Nothing proposed is needed, and it keeps out what the expert's file does, or nearly."""
    assert not proposed(suggestion) & NEEDED.get(name, set())
    assert {rule.proof for rule in suggestion.proposed} <= {"same-image", "verified"}
    expert = (make.FIXTURES / "suggest" / name / "expert.dockerignore").read_bytes()
    assert kept_out(root, suggestion.block.encode()) >= 0.95 * kept_out(root, expert)
    total = sum(rule.image_bytes or 0 for rule in suggestion.rules)
    rest = suggestion.unattributed
    assert rest.image_bytes is not None and rest.derived_bytes is not None
    assert total + rest.image_bytes + rest.derived_bytes == suggestion.saved.image_bytes
    assert sum(rule.context_bytes for rule in suggestion.proposed) == suggestion.saved.context_bytes


def test_three_culprits_among_twenty(suggested: _Suggest, made: Callable[[str], Path]) -> None:
    root = made("culprits")
    before = tree_hash(root)

    found = suggested(root).suggestion

    hold("culprits", root, found)
    assert len(found.rules) >= 20
    assert found.builds <= 12
    why = {rule.rule: (rule.proof, rule.reason) for rule in found.rules if not rule.proposed}
    assert why[".git"] == ("builds", "the image is not the same: /VERSION has another content")
    assert why["*.md"] == ("builds", "the image is not the same: /METADATA has another content")
    assert why["tests"][0] == "none" and "tests/run.sh" in (why["tests"][1] or "")
    assert tree_hash(root) == before


def test_nothing_fails_takes_two_builds_and_what_is_written_is_what_was_built(
    suggested: _Suggest, copy_fixture: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "suggest").mkdir()
    root = copy_fixture("suggest/node", scale=0.002)

    found = suggested(root, write=True, verify=VerifyCommand("test -e server.js")).suggestion

    hold("node", root, found)
    assert (found.builds, found.written, found.new) == (2, True, True)
    assert {rule.proof for rule in found.proposed} == {"verified"}
    assert (root / ".dockerignore").read_text() == found.block
    # Nothing is left to propose, and nothing has to be built to know that.
    again = suggested(root, write=True).suggestion
    assert (again.rules, again.builds, again.written) == ((), 0, False)
    assert (root / ".dockerignore").read_text() == found.block


@pytest.mark.parametrize("builder", ["buildkit", pytest.param("classic", marks=pytest.mark.slow)])
def test_a_version_that_is_silently_unknown_is_another_image(
    builder: str, suggested: _Suggest, made: Callable[[str], Path]
) -> None:
    root = made("git-describe")

    found = suggested(root, builder=builder).suggestion

    hold("git-describe", root, found)
    assert found.builds == 4


@pytest.mark.slow
def test_another_stage_has_to_build_too(suggested: _Suggest, made: Callable[[str], Path]) -> None:
    root = made("test-stage")

    found = suggested(root).suggestion

    hold("test-stage", root, found)
    (tests,) = [rule for rule in found.rules if rule.rule == "tests"]
    assert "the stage test" in (tests.reason or "")


@pytest.mark.slow
def test_an_allowlist_holds_for_both_builders(suggested: _Suggest, made: Callable[[str], Path]) -> None:
    root = made("monorepo")

    found = suggested(root, allowlist=True).suggestion

    hold("monorepo", root, found)
    assert {"*", "!libs", "!services/api", "**/node_modules"} == proposed(found)
    assert found.builds == 4
    assert not found.warnings


def test_an_interruption_reports_what_is_proven_so_far(
    suggested: _Suggest, made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third attempt is broken off: the first failed, and the second held."""
    attempt, count = Trials.attempt, [0]

    def interrupted(self: Trials, candidates: object) -> object:
        count[0] += 1
        if count[0] == 3:
            raise KeyboardInterrupt
        return attempt(self, candidates)  # type: ignore[arg-type]

    monkeypatch.setattr(Trials, "attempt", interrupted)
    root = made("either")
    before = tree_hash(root)

    measurement = suggested(root, write=True)

    assert isinstance(measurement.failures[""], Interrupted)
    assert not measurement.suggestion.written
    assert proposed(measurement.suggestion) == {"Dockerfile", ".dockerignore"}
    assert {rule.proof for rule in measurement.suggestion.proposed} == {"same-image"}
    assert measurement.suggestion.saved.image_bytes
    assert tree_hash(root) == before


def test_a_project_that_does_not_build_or_work_is_told(suggested: _Suggest, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("x")
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY . /app/\nRUN false\n")
    with pytest.raises(BuildFailed):
        suggested(tmp_path)

    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY . /app/\n")
    measurement = suggested(tmp_path, verify=VerifyCommand("false"))
    assert isinstance(measurement.failures[""], VerifyFailed)
    assert measurement.suggestion.proposed == ()
    assert measurement.suggestion.builds == 1


@pytest.mark.slow
def test_what_every_build_makes_otherwise_is_no_rules_fault(suggested: _Suggest, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("x" * 1000)
    steps = "RUN head -c 12 /dev/urandom | md5sum > /chance && date +%N > /tmp/log.$(date +%N)\n"
    (tmp_path / "Dockerfile").write_text(f"ARG BASE\nFROM ${{BASE}}\nCOPY . /app/\n{steps}")

    found = suggested(tmp_path, repeat=1, cache_cost=True).suggestion

    assert proposed(found) == {"docs", "Dockerfile", ".dockerignore"}
    assert (found.builds, found.timed_builds) == (3, 2)
    assert found.saved.seconds is not None and found.saved.seconds.low is None
    (docs,) = [rule for rule in found.rules if rule.rule == "docs"]
    assert docs.rebuild_steps == 2


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
@pytest.mark.parametrize("name", FIXTURES)
def test_every_fixture_against_its_expert(
    name: str, builder: str, suggested: _Suggest, make_fixture: Callable[..., Path]
) -> None:
    """At full size: 0 wrong, at least 95 % of the bytes, and no more builds than allowed."""
    root = make_fixture(f"suggest/{name}")
    before = tree_hash(root)

    found = suggested(root, builder=builder).suggestion

    hold(name, root, found)
    assert found.builds <= 12
    never = "no step of the Dockerfile makes it anew"
    tried = [rule for rule in found.rules if rule.reason not in (None, never)]
    assert tried or found.builds == 2
    assert tree_hash(root) == before


def test_the_api_has_it() -> None:
    assert ctxsize_api.suggest is suggest
