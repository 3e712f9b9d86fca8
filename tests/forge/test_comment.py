"""A comment on a change is one, ours, and up to date; through stand-ins of GitHub's and GitLab's API."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ctxsize.cli import main
from ctxsize.forge.service import added_lines
from tests.report.check.samples import ALL_WELL, EVERYTHING, HOSTILE_REPORT
from tests.report.page.samples import document, image
from tests.support.forge import TOKEN, Forge, forge

Comment = Callable[..., tuple[int, str]]
WELL = document("check", ALL_WELL)


def grown(by: int, **more: Any) -> dict[str, Any]:
    """WELL with a larger image."""
    found = copy.deepcopy(WELL)
    for target in found["targets"]:
        target["sizes"]["image_bytes"] = 200_000_000 + by
    return {**found, **more}


BASE = grown(0)


@pytest.fixture(params=["github", "gitlab"])
def service(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Forge]:
    """A service, and the environment of a job on its change 7."""
    for name in ("GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "GITLAB_CI", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    event = tmp_path / "event.json"
    event.write_text('{"number": 7}')
    with forge() as found:
        names = {
            "github": {"GITHUB_API_URL": found.root, "GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": "o/n",
                       "GITHUB_EVENT_PATH": str(event)},
            "gitlab": {"CI_API_V4_URL": found.root, "GITLAB_TOKEN": TOKEN, "CI_PROJECT_ID": "o/n",
                       "CI_MERGE_REQUEST_IID": "7", "GITLAB_CI": "true"},
        }[request.param]  # fmt: skip
        for name, value in names.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def comment(tmp_path: Path) -> Comment:
    """``comment(report, base, *words)``: exit code, and what is said on stderr."""

    def run(report: Any, base: Any = BASE, *words: str) -> tuple[int, str]:
        given: list[str] = []
        for name, each in (("report", report), ("base", base)):
            if each is not None:
                (tmp_path / f"{name}.json").write_text(json.dumps(each))
        given += [str(tmp_path / "report.json"), *words]
        if base is not None:
            given += ["--base", str(tmp_path / "base.json")]
        result = CliRunner().invoke(main, ["comment", *given])
        return result.exit_code, result.output

    return run


def test_it_is_written_edited_left_alone_and_says_when_all_is_as_before(
    service: Forge, comment: Comment
) -> None:
    service.add("somebody", "hello")
    assert comment(grown(10_000_000)) == (0, "comment: written\n")
    (_, (author, text)) = service.bodies
    assert author == "reviewer"
    assert text.splitlines()[1] == "### ctxsize: image +10MB, +5.0%"
    service.add("somebody", "and the newest one is not ours")

    assert comment(grown(20_000_000)) == (0, "comment: edited\n")
    assert comment(grown(20_000_000)) == (0, "comment: unchanged\n")
    assert service.bodies[1][1].splitlines()[1] == "### ctxsize: image +20MB, +10%"
    assert comment(grown(0)) == (0, "comment: edited\n")
    assert service.bodies[1][1].splitlines()[1] == "### ctxsize: as the baseline"
    assert comment(grown(0)) == (0, "comment: unchanged\n")
    assert [author for author, _ in service.bodies] == ["somebody", "reviewer", "somebody"]
    assert [service.bodies[at][1] for at in (0, 2)] == ["hello", "and the newest one is not ours"]


@pytest.mark.parametrize("by", [0, 99_999, -50_000, 1_900_000])
def test_it_is_silent_below_the_threshold(by: int, service: Forge, comment: Comment) -> None:
    assert comment(grown(by)) == (0, "comment: nothing to say\n")
    assert service.bodies == []
    assert not any(said.startswith(("POST", "PATCH", "PUT")) for said in service.said)


def test_what_is_over_its_limit_is_told_whatever_changed(service: Forge, comment: Comment) -> None:
    assert comment(document("check", EVERYTHING), None) == (0, "comment: written\n")
    assert "not within budget" in service.bodies[0][1].splitlines()[1]


def test_a_comment_of_somebody_else_or_of_another_target_is_never_touched(
    service: Forge, comment: Comment
) -> None:
    comment(grown(10_000_000))
    ours = service.bodies[0][1]
    service.comments.clear()
    service.add("attacker", ours)
    service.add("reviewer", f"quoted:\n{ours}")

    assert comment(grown(20_000_000)) == (0, "comment: written\n")
    assert comment(grown(20_000_000), BASE, "--key", "other job") == (0, "comment: written\n")
    assert [body for _, body in service.bodies[:2]] == [ours, f"quoted:\n{ours}"]
    assert len({body.splitlines()[0] for _, body in service.bodies[2:]}) == 2


def test_it_is_found_among_many(service: Forge, comment: Comment) -> None:
    for number in range(250):
        service.add("somebody", f"{number}")
    comment(grown(10_000_000))

    assert comment(grown(20_000_000)) == (0, "comment: edited\n")
    assert len(service.comments) == 251


def test_a_refusal_is_one_line_and_shows_no_token(service: Forge, comment: Comment) -> None:
    service.deny = frozenset({"POST"})
    code, said = comment(grown(10_000_000))

    assert (code, said.count("\n")) == (2, 1)
    assert "POST is refused with 403" in said
    assert TOKEN not in said


def test_a_redirect_does_not_take_the_token_elsewhere(service: Forge, comment: Comment) -> None:
    with forge() as other:
        service.redirect = f"{other.root}/user"
        assert comment(grown(10_000_000))[0] == 2
        assert other.said == []


def test_findings_on_changed_lines_come_first(service: Forge, comment: Comment) -> None:
    report = grown(10_000_000)
    finding = {"level": "error", "hint": None, "path": ".dockerignore", "where": None}
    report["targets"][0] |= {
        "path": ".",
        "findings": [
            {**finding, "code": "CX101", "message": "matches at the root only", "line": 3},
            {**finding, "code": "CX102", "message": "has a comment in it", "line": 9},
        ],
    }
    patch = "@@ -1,2 +1,3 @@\n a\n b\n+node_modules\n"
    service.files = [{"filename": "x", "new_path": "x"}] * 100
    service.files.append(
        {"filename": ".dockerignore", "new_path": ".dockerignore", "patch": patch, "diff": patch}
    )
    comment(report)

    text = service.bodies[0][1]
    above, folded = text.split("<details>")
    assert "`.dockerignore:3` CX101" in above.split("**On lines that this changes**")[1]
    assert "`.dockerignore:9` CX102" in folded


@pytest.mark.parametrize("service", ["github"], indirect=True)
def test_a_workflows_own_token_has_no_account(service: Forge, comment: Comment) -> None:
    service.login = None
    comment(grown(10_000_000))

    assert comment(grown(20_000_000)) == (0, "comment: edited\n")
    assert [author for author, _ in service.bodies] == ["github-actions[bot]"]


@pytest.mark.parametrize("service", ["github"], indirect=True)
def test_the_number_in_a_forks_artifact_must_be_of_its_own_commit(service: Forge, comment: Comment) -> None:
    words = ["--number", "7", "--head"]

    assert comment(grown(10_000_000), BASE, *words, "other")[0] == 2
    assert service.bodies == []
    assert comment(grown(10_000_000), BASE, *words, "abc123") == (0, "comment: written\n")


def test_lines_and_files_of_the_image_that_grew(tmp_path: Path, comment: Comment) -> None:
    after = image()
    after["steps"][1]["bytes"] += 7_000_000
    for each, name in ((image(), "a"), (after, "b")):
        (tmp_path / f"image-{name}.json").write_text(json.dumps(each))
    words = ("--image", str(tmp_path / "image-b.json"), "--image-base", str(tmp_path / "image-a.json"))
    code, text = comment(grown(7_000_000), BASE, *words, "--dry-run")

    assert code == 0
    assert "| 3 | `COPY . /app` | 4kB | 7MB (+7MB, +175000%) |" in text


def test_hostile_reports_become_no_markup(comment: Comment) -> None:
    code, text = comment(document("check", HOSTILE_REPORT), None, "--dry-run")

    assert code == 0
    assert "<script" not in text.replace("\\<script", "")
    assert text.splitlines()[0].startswith("<!-- ctxsize ")
    assert text.count("<!--") == 1 + text.count("\\<!--") + text.count("`<!--")


@pytest.mark.parametrize("key", ["targets", "ctxsize", "passed"])
def test_a_misshapen_report_is_one_line(key: str, comment: Comment) -> None:
    code, said = comment({**BASE, key: 5 if key == "targets" else BASE[key], "targets": 5}, None, "--dry-run")

    assert (code, said.count("\n"), "is not as its schema" in said) == (2, 1, True)


def test_lines_that_a_patch_adds() -> None:
    patch = "@@ -1,3 +1,3 @@\n a\n-b\n+c\n d\n@@ -10 +10,2 @@ f\n+x\n y\n\\ No newline at end of file"

    assert added_lines(patch) == {2, 10}
