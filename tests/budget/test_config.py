"""Where limits come from, which one wins, and how what can't be meant is refused: file, line, nearest."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ctxsize.budget import config
from ctxsize.budget.config import environment_budget, load_config, options_budget
from ctxsize.budget.limits import KINDS, Budget
from ctxsize.errors import ConfigError

DESIGN = """\
[budget]
context = "10 MB"
context-files = 2000
image = "250 MB"
pull = "90 MB"
growth = { image = "5%", context = "1 MB" }     # against --baseline FILE
forbid = ["**/.env", "**/*.pem"]                # must not be eligible
[targets.api]
path = "services/api"
"""


def texts(budget: Budget) -> dict[str, str]:
    return {limit.kind.name: limit.text for limit in budget.set_limits()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_as_in_the_design(here: Path) -> None:
    (here / ".ctxsize.toml").write_text(DESIGN)
    (target,) = load_config(".").targets
    assert (target.name, target.path) == ("api", "services/api")
    assert texts(target.budget) == {
        "context": "10 MB",
        "context-files": "2000",
        "image": "250 MB",
        "pull": "90 MB",
        "growth.context": "1 MB",
        "growth.image": "5%",
    }
    assert [(listed.text, listed.where) for listed in target.budget.forbid] == [
        ("**/.env", ".ctxsize.toml:7"),
        ("**/*.pem", ".ctxsize.toml:7"),
    ]
    assert target.budget.set_limits()[2].where == ".ctxsize.toml:4"


def test_the_reference_in_the_docs_is_read_and_complete(here: Path) -> None:
    text = (Path(__file__).parents[2] / "docs/check.md").read_text()
    example = text.split("```toml\n")[1].split("```")[0]
    (here / ".ctxsize.toml").write_text(example)
    api, web = load_config(".").targets
    assert api.budget.limits["pull"] is None
    assert web.stage == "assets"
    assert all(f"`{name}`" in text for name in KINDS), "every limit is in the table"
    keys = (*config._TOP_KEYS, *config._TARGET_KEYS, *config._BUDGET_KEYS)
    assert [key for key in keys if not re.search(rf"(?m)^\[?{key}\b", example)] == []


def test_the_same_in_pyproject(here: Path) -> None:
    header = "[project]\nname = 'x'\n\n"
    moved = DESIGN.replace("[budget]", "[tool.ctxsize.budget]").replace("[targets.", "[tool.ctxsize.targets.")
    (here / "pyproject.toml").write_text(header + moved)
    (target,) = load_config(".").targets
    assert texts(target.budget)["image"] == "250 MB"
    assert target.budget.set_limits()[2].where == "pyproject.toml:7"


def test_a_pyproject_without_us_is_nothing(here: Path) -> None:
    (here / "pyproject.toml").write_text("[tool.ruff]\n# ctxsize\n")
    (target,) = load_config(".").targets
    assert (target.name, target.path, target.budget.empty) == (here.name, ".", True)


def test_our_own_file_hides_pyproject_and_says_so(here: Path) -> None:
    (here / ".ctxsize.toml").write_text("[budget]\nimage = '1 MB'\n")
    (here / "pyproject.toml").write_text("[tool.ctxsize.budget]\nimage = '2 MB'\n")
    loaded = load_config(".")
    assert texts(loaded.targets[0].budget) == {"image": "1 MB"}
    assert loaded.shadowed == "pyproject.toml"


def test_targets_inherit_what_they_do_not_say(here: Path) -> None:
    (here / ".ctxsize.toml").write_text(
        """\
dockerfile = "build/Dockerfile"
builder = "classic"
build-args = { BASE = "a", MODE = "x" }
baseline = "baseline.json"
[budget]
image = "250 MB"
pull = "90 MB"
forbid = ["**/.env"]
[targets.api]
path = "services/api"
target = "run"
build-args = { MODE = "y" }
[targets.api.budget]
image = "100 MB"
pull = "off"
forbid = ["**/*.pem"]
[targets.web]
path = "services/web"
builder = "buildkit"
dockerfile = "D"
"""
    )
    loaded = load_config(".")
    api, web = loaded.targets
    assert loaded.baseline == "baseline.json"
    assert texts(api.budget) == {"image": "100 MB"}
    assert [listed.text for listed in api.budget.forbid] == ["**/.env", "**/*.pem"]
    assert (api.dockerfile, api.stage, api.builder) == ("services/api/build/Dockerfile", "run", "classic")
    assert api.build_args == {"BASE": "a", "MODE": "y"}
    assert texts(web.budget) == {"image": "250 MB", "pull": "90 MB"}
    assert (web.dockerfile, web.stage, web.builder) == ("services/web/D", None, "buildkit")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[budget]\nimgae = '1 MB'", ".ctxsize.toml:2: unknown key 'imgae' (did you mean image?)"),
        ("[bugdet]\nimage = '1 MB'", ".ctxsize.toml:1: unknown key 'bugdet' (did you mean budget?)"),
        ("image = '1 MB'", ".ctxsize.toml:1: unknown key 'image' (it belongs in [budget])"),
        (
            "[targets.api]\npath = 'x'\nimage = '1 MB'",
            ".ctxsize.toml:3: unknown key 'image' (it belongs in [targets.api.budget])",
        ),
        ("[budget.growth]\nimages = '5%'", ".ctxsize.toml:2: unknown key 'images' (did you mean image?)"),
        (
            "[budget]\n\nimage = '10 MBB'",
            ".ctxsize.toml:3: image: 'MBB' is not a unit: did you mean MB?",
        ),
        ("[budget]\nimage = 10", '.ctxsize.toml:2: image: 10 of what? (write "10 MB")'),
        (
            "[budget]\ncontext-files = '1 MB'",
            ".ctxsize.toml:2: context-files: '1 MB' is not a number of files: write an integer, such as 2000",
        ),
        ("[budget]\nimage = true", ".ctxsize.toml:2: budget.image must be a string, not true or false"),
        (
            "[budget]\nimage = '5%'",
            ".ctxsize.toml:2: image: '5%' is a percentage: of what? growth.image takes one",
        ),
        (
            "[budget]\ngrowth.build-time = '5 MB'",
            ".ctxsize.toml:2: growth.build-time: '5 MB' is not a percentage: seconds differ from machine to"
            " machine",
        ),
        (
            "[budget]\nforbid = '**/.env'",
            ".ctxsize.toml:2: budget.forbid must be a list of strings, not a string",
        ),
        ("[budget]\nforbid = [\n 'a',\n 1]", ".ctxsize.toml:4: budget.forbid must be a string, not a number"),
        ("budget = 1", ".ctxsize.toml:1: budget must be a table, not a number"),
        ("[targets]\napi = 'x'", ".ctxsize.toml:2: targets.api must be a table, not a string"),
        (
            "builder = '../x'",
            ".ctxsize.toml:1: '../x' names no builder (an address goes on the command line: --builder)",
        ),
        ("[budget]\nimage = 1979-05-27", ".ctxsize.toml:2: budget.image must be a string, not a date"),
        (
            '[targets.a]\npath = "a\\u0000b"',
            ".ctxsize.toml:2: targets.a.path must be text without null characters, not such a string",
        ),
        ("[budget\n", ".ctxsize.toml:1: not TOML: Expected ']' at the end of a table declaration"),
        ("a = ", ".ctxsize.toml:1: not TOML: Invalid value"),
    ],
)
def test_what_can_not_be_meant(here: Path, text: str, error: str) -> None:
    (here / ".ctxsize.toml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_config(".")
    assert str(raised.value) == error
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[targets.a]\npath = '..'", ".ctxsize.toml:2"),
        ("[targets.a]\npath = '/'", ".ctxsize.toml:2"),
        ("[targets.a]\npath = 'link'", ".ctxsize.toml:2"),
        ("dockerfile = '../Dockerfile'", ".ctxsize.toml:1"),
        ("[targets.a]\ndockerfile = 'link/Dockerfile'", ".ctxsize.toml:2"),
    ],
)
def test_a_configuration_can_not_lead_out_of_its_directory(here: Path, text: str, where: str) -> None:
    (here / "link").symlink_to("/")
    (here / ".ctxsize.toml").write_text(text)
    with pytest.raises(ConfigError, match="lies outside of") as raised:
        load_config(".")
    assert raised.value.where == where


def test_a_dockerfile_beside_targets_is_fine(here: Path) -> None:
    (here / ".ctxsize.toml").write_text("dockerfile = '../../docker/a'\n[targets.a]\npath = 'services/a'\n")
    assert load_config(".").targets[0].dockerfile == "docker/a"


def test_a_pipe_is_not_waited_for(here: Path) -> None:
    os.mkfifo(here / ".ctxsize.toml")
    with pytest.raises(ConfigError, match="not a regular file"):
        load_config(".")


def test_a_line_in_pyproject(here: Path) -> None:
    (here / "pyproject.toml").write_text("[project]\nname = 'x'\n\n[tool.ctxsize]\nimage = '1 MB'\n")
    with pytest.raises(ConfigError) as raised:
        load_config(".")
    assert str(raised.value) == (
        "pyproject.toml:5: unknown key 'image' (it belongs in [tool.ctxsize.budget])"
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[budget]\nimage = '\xff'", "the file is not UTF-8, as TOML must be"),
        (b"#" * 1_100_000, "can't be read: it is larger than 256 KiB"),
        (b"a = " + b"[" * 50_000, "not TOML: nested too deeply"),
    ],
)
def test_files_that_are_no_configuration(here: Path, data: bytes, message: str) -> None:
    (here / ".ctxsize.toml").write_bytes(data)
    with pytest.raises(ConfigError) as raised:
        load_config(".")
    assert raised.value.message == message


def test_a_key_of_thousands_of_parts_is_refused(here: Path) -> None:
    (here / ".ctxsize.toml").write_text("targets." + ".".join("a" * 3000) + " = 1\n")
    with pytest.raises(ConfigError, match="a key of more than 64 parts"):
        load_config(".")


def test_the_environment() -> None:
    budget = environment_budget(
        {
            "CTXSIZE_IMAGE": "1 GB",
            "CTXSIZE_CONTEXT_FILES": "12",
            "CTXSIZE_GROWTH_BUILD_TIME": "10%",
            "CTXSIZE_PULL": "off",
            "CTXSIZE_CONTEXT": "",
            "CTXSIZE_FORBID": "**/.env\n\n**/*.pem\n",
            "CTXSIZE_BASELINE": "b.json",
            "CTXSIZE_MODERN_ENGINE": "/x",
            "IMAGE": "2 GB",
        }
    )
    assert texts(budget) == {"context-files": "12", "image": "1 GB", "growth.build-time": "10%"}
    assert budget.limits["pull"] is None
    assert [listed.text for listed in budget.forbid] == ["**/.env", "**/*.pem"]
    assert budget.set_limits()[1].where == "CTXSIZE_IMAGE"


@pytest.mark.parametrize(
    ("environ", "error"),
    [
        (
            {"CTXSIZE_IMGAE": "1 MB"},
            "CTXSIZE_IMGAE: unknown environment variable (did you mean CTXSIZE_IMAGE?)",
        ),
        ({"CTXSIZE_IMAGE": "1"}, "CTXSIZE_IMAGE: image: '1' has no unit: write 1 MB, 1 MiB or 1 B"),
    ],
)
def test_the_environment_is_read_as_strictly(environ: dict[str, str], error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        environment_budget(environ)
    assert str(raised.value) == error


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("imgae=1 MB", "--limit: unknown limit 'imgae' (did you mean image?)"),
        ("image", "--limit: 'image' sets no limit (write NAME=SIZE: image='250 MB')"),
        ("image=1", "--limit: image: '1' has no unit: write 1 MB, 1 MiB or 1 B"),
    ],
)
def test_the_command_line_is_read_as_strictly(word: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        options_budget([word], [], [])
    assert str(raised.value) == error


def test_who_wins(here: Path) -> None:
    (here / ".ctxsize.toml").write_text(
        "[budget]\nimage = '1 MB'\npull = '1 MB'\ncontext = '1 MB'\nforbid = ['a']\n"
    )
    file = load_config(".").targets[0].budget
    environ = environment_budget({"CTXSIZE_IMAGE": "2 MB", "CTXSIZE_PULL": "2 MB"})
    options = options_budget(["image=3 MB"], ["b", "a"], [".git"])
    merged = options.over(environ).over(file)
    assert texts(merged) == {"context": "1 MB", "image": "3 MB", "pull": "2 MB"}
    assert [listed.text for listed in merged.forbid] == ["a", "b", "a"], "lists add up"
    assert [listed.text for listed in merged.require_ignored] == [".git"]
    assert texts(options_budget(["image=off"], [], []).over(file)) == {"context": "1 MB", "pull": "1 MB"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[budget]\nforbid = [" + "'a'," * 1001 + "]", ".ctxsize.toml:2: forbid: more than 1000 items"),
        ("".join(f"[targets.a{n}]\npath='.'\n" for n in range(501)), ".ctxsize.toml: more than 500 targets"),
        (
            "[budget]\nforbid = ["
            + "".join(f"'{n}'," for n in range(1000))
            + "]\n"
            + "".join(f"[targets.a{n}]\n" for n in range(21)),
            ".ctxsize.toml:23: the lists of all targets have more than 20000 items",
        ),
        ("a = {" + "a." * 70 + "a = 1}", ".ctxsize.toml:1: a key of more than 64 parts"),
        ("[" + "a." * 70 + "a]", ".ctxsize.toml:1: a key of more than 64 parts"),
        ("#" * (1 << 18) + "x", ".ctxsize.toml: can't be read: it is larger than 256 KiB"),
    ],
)
def test_what_is_too_much_is_refused(here: Path, text: str, message: str) -> None:
    (here / ".ctxsize.toml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_config(".")
    assert str(raised.value).startswith(message)


def test_a_list_of_many_names_with_dots_is_no_long_key(here: Path) -> None:
    patterns = ", ".join(f"'*.a.{n}'" for n in range(200))
    (here / ".ctxsize.toml").write_text(f"[budget]\nforbid = [{patterns}]\n")

    assert len(load_config(".").targets[0].budget.forbid) == 200


@pytest.mark.parametrize("text", ["tool = 'ctxsize'\n", "tool = ['ctxsize']\n", "[[tool]]\nctxsize = 1\n"])
def test_a_pyproject_whose_tool_is_no_table_says_nothing(here: Path, text: str) -> None:
    (here / "pyproject.toml").write_text(text)

    assert load_config(".").targets[0].config is None
