"""The pytest plugin, as a project's own tests use it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from ctxsize.testing import Project

pytest_plugins = ["pytester"]


@pytest.fixture
def shop(pytester: pytest.Pytester) -> Path:
    """A project in ``services/shop``: 3,000,036 bytes of context, and a ``.git`` that is kept out."""
    root = pytester.mkdir("services") / "shop"
    (root / "web").mkdir(parents=True)
    (root / "web" / "app.js").write_bytes(b"x" * 3_000_000)
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (root / ".dockerignore").write_text(".git\n*.log\n")
    (root / ".git").mkdir()
    return root


def run(pytester: pytest.Pytester, tests: str) -> pytest.RunResult:
    """Run ``tests``; of all plugins there are in this environment only ours is loaded, which is quicker."""
    pytester.makepyfile(tests)
    return pytester.runpytest("-p", "ctxsize.pytest_plugin")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def test_pytest_finds_the_plugin_itself() -> None:
    found = {each.name for each in entry_points(group="pytest11") if each.value == "ctxsize.pytest_plugin"}

    assert found == {"ctxsize"}


def test_what_a_project_can_say_of_its_context(pytester: pytest.Pytester, shop: Path) -> None:
    result = run(
        pytester,
        """
        def test_small(ctxsize):
            shop = ctxsize("services/shop")
            assert shop.context <= "10 MB"
            assert shop.context <= 10_000_000
            assert shop.context > 3_000_000 and shop.context == 3_000_033
            assert shop.files == 3
            assert ".git" not in shop
            assert "web" in shop and "web/app.js" in shop
            assert "old.log" not in shop and "there/is/none" not in shop
            assert ctxsize("services/shop") is shop, "measured once"
        """,
    )

    result.assert_outcomes(passed=1)


def test_a_failure_says_how_much_and_which_paths(pytester: pytest.Pytester, shop: Path) -> None:
    result = run(
        pytester,
        """
        def test_size(ctxsize):
            assert ctxsize("services/shop").context <= "2 MB"

        def test_there(ctxsize):
            assert "web" not in ctxsize("services/shop")

        def test_not_there(ctxsize):
            assert ".git" in ctxsize("services/shop")

        def test_of_something_else(ctxsize):
            assert "abc" == "abd"
        """,
    )

    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(
        [
            "E*context of <build of services/shop> <= 2 MB",
            "E*it is 3,000,033 bytes, 1,000,033 too many",
            "E*3MB  web",
            "E*3MB  web/app.js",
            "E*'web' reaches <build of services/shop>",
            "E*keep it out with the ignore file*",
            "E*'.git' does not reach <build of services/shop>",
            "E*- abd",
            "E*+ abc",
        ]
    )


def test_a_projects_own_limits_fail_with_the_whole_report(pytester: pytest.Pytester, shop: Path) -> None:
    (shop / ".ctxsize.toml").write_text('[budget]\ncontext = "2 MB"\nforbid = ["web/*.js"]\n')
    (shop / "web" / ".ctxsize.toml").write_text('[budget]\ncontext = "4 MB"\n')
    result = run(
        pytester,
        """
        def test_over(ctxsize):
            ctxsize("services/shop").check()

        def test_within(ctxsize):
            ctxsize("services/shop/web").check()
        """,
    )

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["E*context*3MB*2MB*", "E*web/app.js*"])


def test_what_cant_be_measured_fails_and_is_never_small(
    pytester: pytest.Pytester, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such.sock")
    result = run(
        pytester,
        """
        def test_image(ctxsize):
            assert ctxsize("services/shop").image <= "1 PB"

        def test_directory(ctxsize):
            assert ctxsize("no/such/directory").context <= "1 PB"

        def test_nonsense(ctxsize):
            assert ctxsize("services/shop").context <= "10 megs"
        """,
    )

    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "E*no Docker engine answers at unix:///no/such.sock*",
            "E*no such directory*",
            "E*'megs' is not a unit*",
        ]
    )


@pytest.mark.docker
def test_the_image_is_built_once(
    make_fixture: Callable[..., Path], base_args: Callable[[str], dict[str, str]]
) -> None:
    project = Project(make_fixture("links"), build_args=base_args("links"))

    assert project.pull < project.image
    assert project.image > project.context > 0


def test_the_environments_limits_do_not_count(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTXSIZE_CONTEXT", "1 B")

    assert Project(shop).context == 3_000_033


def test_it_costs_nothing_where_it_is_not_used() -> None:
    """pytest imports the module in every project of an environment that has ctxsize."""
    code = (
        "import sys, pytest; before = set(sys.modules); import ctxsize.pytest_plugin;"
        "print(sorted(name for name in set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "['ctxsize', 'ctxsize.pytest_plugin']"


def test_findings_of_lint(pytester: pytest.Pytester, shop: Path) -> None:
    (shop / "web" / "node_modules").mkdir()
    (shop / "web" / "node_modules" / "x").write_text("x")
    (shop / ".dockerignore").write_text("node_modules\n")
    result = run(
        pytester,
        """
        def test_a_code(ctxsize):
            found = ctxsize("services/shop").findings
            assert "CX101" in found and "CX102" not in found
            assert {each.code for each in found} == {"CX101", "CX503"}

        def test_none(ctxsize):
            assert ctxsize("services/shop").findings == ()
        """,
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*the ignore file has findings:*", "*.dockerignore:1: CX101 *"])
