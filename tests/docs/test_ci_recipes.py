"""Every recipe of docs/ci.md is run, where there is nothing to complain of and where there is."""

from __future__ import annotations

import hashlib
import importlib.resources
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jsonschema
import pytest

from ctxsize.budget.config import load_config
from tests.support import traps as TRAPS
from tests.support.ci import ROOT, SITE, GitHub, Machine, Outcome, load_yaml, run_gitlab
from tests.support.forge import TOKEN, Forge, forge

# What pip needs to install from a folder without an index.
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "false"}
# A Python whose environments have what ctxsize and its build need.
_WITH_DEPENDENCIES = """\
#!/bin/sh
"{python}" "$@" || exit
case " $* " in *" -m venv "*)
  for folder; do :; done
  for site in "$folder"/lib/python3*/site-packages; do
    echo "import sys; sys.path.insert(0, '{site}')" >"$site/dependencies.pth"
  done ;;
esac
"""
VENDOR = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
TEXT = (ROOT / "docs" / "ci.md").read_text()


@dataclass(frozen=True)
class Recipe:
    """A fenced block: the heading above it, its language, whether it says that it needs an engine."""

    heading: str
    language: str
    engine: bool
    text: str

    @cached_property
    def kind(self) -> str:
        """What runs it."""
        if self.language != "yaml":
            return self.language
        keys = load_yaml(self.text)
        return "github" if "jobs" in keys else "pre-commit" if "repos" in keys else "gitlab"


def recipes() -> list[Recipe]:
    found, heading = [], ""
    block = (
        r"^#+ (?P<heading>[^\n]*)$"
        r"|(?P<engine>^<!-- needs an engine -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$"
    )
    for match in re.finditer(block, TEXT, re.MULTILINE | re.DOTALL):
        if match["heading"]:
            heading = match["heading"]
        else:
            found.append(Recipe(heading, match["language"], bool(match["engine"]), match["text"]))
    return found


RECIPES = recipes()


def each(*kinds: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "recipe",
        [
            pytest.param(recipe, id=recipe.heading, marks=[pytest.mark.docker] if recipe.engine else [])
            for recipe in RECIPES
            if recipe.kind in kinds
        ],
    )


@pytest.fixture
def api() -> Iterator[Forge]:
    """GitHub's API, to a workflow's own token."""
    with forge() as found:
        found.login = None
        yield found


@pytest.fixture
def machine(tmp_path: Path, api: Forge) -> Machine:
    """A checkout of a project that is within its limits."""
    shop = tmp_path / "shop"
    for folder in ("", "services/api", "services/web"):
        context = shop / folder
        context.mkdir(parents=True, exist_ok=True)
        (context / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
        (context / "app.txt").write_text("x" * 1000)
        (context / ".ctxsize.toml").write_text('[budget]\ncontext = "100 kB"\nimage = "100 kB"\n')
    (shop / ".dockerignore").write_text(".git\n*.tar\n*.log\n")
    (shop / "compose.yaml").write_text("services: {api: {build: services/api}, web: {build: services/web}}\n")
    shutil.copytree(ROOT / "ci", shop / "ci")
    _save_image(shop / "image.tar")
    environment = {"DOCKER_CONFIG": str(tmp_path / "docker"), "DOCKER_HOST": "unix:///no/engine.sock"}
    environment["GITHUB_API_URL"] = api.root
    return Machine(shop, tmp_path / "home", environment)


def with_main_branch(recipe: Recipe, machine: Machine) -> None:
    """Have the checkout be of a repository whose main branch is as it is now, where a recipe needs that."""
    if "fetch-depth: 0" in recipe.text or ".ctxsize-note" in recipe.text:
        commit = _commit(machine.workspace)
        machine.environment["CI_MERGE_REQUEST_DIFF_BASE_SHA"] = commit
        main = ["update-ref", "refs/remotes/origin/main", "HEAD"]
        subprocess.run(["git", "-C", str(machine.workspace), *main], check=True)


def grow(machine: Machine) -> None:
    """Bring the contexts over their limits."""
    for folder in ("", "services/api"):
        (machine.workspace / folder / "big.bin").write_bytes(b"x" * 200_000)


def _save_image(path: Path) -> None:
    """What ``docker save`` writes, of an image with one small file."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        info = tarfile.TarInfo("app.txt")
        info.size = 1000
        tar.addfile(info, io.BytesIO(bytes(1000)))
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created_by": "COPY app.txt /"}],
    }
    manifest = [{"Config": "config.json", "RepoTags": ["shop:ci"], "Layers": ["layer.tar"]}]
    parts = {
        "config.json": json.dumps(config).encode(),
        "layer.tar": layer.getvalue(),
        "manifest.json": json.dumps(manifest).encode(),
    }
    with tarfile.open(path, "w") as tar:
        for name, data in parts.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def run_recipe(recipe: Recipe, machine: Machine) -> Outcome:
    if recipe.engine:
        machine.environment["DOCKER_HOST"] = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    match recipe.kind:
        case "sh":
            done = machine.run(["bash", "--norc", "-e", "-c", recipe.text])
            if "docker build" in recipe.text:
                machine.run(["docker", "image", "rm", "--force", "shop:ci"])
            return Outcome(done.returncode, done.stdout + done.stderr)
        case "github":
            return GitHub(machine).workflow(recipe.text)
        case "gitlab":
            return run_gitlab(machine, recipe.text)
        case "python":
            (machine.workspace / "test_size.py").write_text(recipe.text)
            # Named instead of found: the other plugins of this environment take a second to load.
            options = ["-q", "-p", "no:cacheprovider", "-p", "ctxsize.pytest_plugin"]
            alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
            done = machine.run([sys.executable, "-m", "pytest", *options, "."], alone)
            return Outcome(done.returncode, done.stdout + done.stderr)
    raise ValueError(recipe.kind)


# What is in the document


def test_every_block_is_run_by_one_of_the_tests_here() -> None:
    known = {"sh", "github", "gitlab", "pre-commit", "python", "toml"}

    assert {recipe.kind for recipe in RECIPES} == known
    assert TEXT.count("```") == 2 * len(RECIPES)


@each("github")
def test_github_workflow(recipe: Recipe) -> None:
    schema = json.loads((VENDOR / "github-workflows.json").read_text())

    jsonschema.Draft7Validator(schema).validate(load_yaml(recipe.text))


@each("github")
def test_github_workflow_over_budget(recipe: Recipe, machine: Machine, api: Forge) -> None:
    with_main_branch(recipe, machine)
    grow(machine)
    outcome = run_recipe(recipe, machine)
    if "comment" in recipe.text:
        ((author, text),) = api.bodies
        assert author == "github-actions[bot]"
        assert "not within budget" in text.splitlines()[1]
        assert ("context +400kB" in text.splitlines()[1]) == ("fetch-depth" in recipe.text)
        done = machine.run(["git", "worktree", "list"]).stdout if "fetch-depth" in recipe.text else ""
        assert done.count("\n") <= 1, "the merge base's checkout is gone"
    if "workflow_run" in recipe.text:
        assert outcome.code == 0, outcome.output
        return

    assert outcome.code == (0 if "fail:" in recipe.text else 1), outcome.output
    assert (
        "::error file=.ctxsize.toml,line=2,title=ctxsize%3A over budget (shop)::context is" in outcome.output
    )


@each("gitlab")
def test_gitlab_pipeline(recipe: Recipe, machine: Machine, api: Forge) -> None:
    schema = json.loads((VENDOR / "gitlab-ci.json").read_text())
    jsonschema.Draft7Validator(schema).validate(load_yaml(recipe.text))
    with_main_branch(recipe, machine)
    api.login = "bot"
    machine.environment |= {"CI_API_V4_URL": api.root, "GITLAB_TOKEN": TOKEN}
    outcome = run_gitlab(machine, recipe.text)

    assert outcome.code == 0, outcome.output
    assert api.bodies == []
    assert json.loads((machine.workspace / "gl-code-quality-report.json").read_text()) == []
    assert "python -I -m pip install" in machine.log

    grow(machine)
    outcome = run_gitlab(machine, recipe.text)

    assert outcome.code == 1, outcome.output
    (issue,) = json.loads((machine.workspace / "gl-code-quality-report.json").read_text())
    assert issue["location"] == {"path": ".ctxsize.toml", "lines": {"begin": 2}}
    notes = ".ctxsize-note" in recipe.text
    assert [author for author, _ in api.bodies] == ["bot"] * notes
    if notes:
        # The reports of the run before are in the checkout, too.
        assert "context +401kB" in api.bodies[0][1].splitlines()[1]


@each("python")
def test_pytest_tests(recipe: Recipe, machine: Machine) -> None:
    assert run_recipe(recipe, machine).code == 0, "within the limits"

    (machine.workspace / "big.bin").write_bytes(bytes(200_000))
    (machine.workspace / ".git").mkdir()
    (machine.workspace / ".dockerignore").unlink()
    if not recipe.engine:
        outcome = run_recipe(recipe, machine)
        assert outcome.code == 1
        assert "'.git' reaches <build of .>" in outcome.output
        assert "context" in outcome.output and "over" in outcome.output


@each("toml")
def test_configuration(recipe: Recipe, machine: Machine) -> None:
    (machine.workspace / ".ctxsize.toml").write_text(recipe.text)

    assert load_config(machine.workspace).targets
    assert machine.run(["ctxsize", "check", "--static", "--compose", "compose.yaml"]).returncode == 0


@each("pre-commit")
@pytest.mark.parametrize("language", ["system", pytest.param("python", marks=pytest.mark.slow)])
def test_pre_commit(recipe: Recipe, machine: Machine, tmp_path: Path, language: str) -> None:
    """``python`` installs the hook from its repository, as users' do, with the tests' own dependencies;
    ``system`` takes the program that is there, which is quicker."""
    hooks = tmp_path / "ctxsize"
    _copy_package(hooks)
    manifest = hooks / ".pre-commit-hooks.yaml"
    manifest.write_text(manifest.read_text().replace("language: python", f"language: {language}"))
    commit = _commit(hooks)
    config = recipe.text.replace("COMMIT", commit).replace("https://example.com/OWNER/ctxsize", str(hooks))
    (machine.workspace / ".pre-commit-config.yaml").write_text(config)
    TRAPS.lay(machine.workspace)
    _commit(machine.workspace)
    TRAPS.reset(machine.workspace)  # git itself runs hooks
    offline = {
        **OFFLINE,
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
        "PATH": f"{machine.installation()}:{machine.environment['PATH']}",
    }
    pre_commit = [sys.executable, "-I", "-m", "pre_commit"]
    machine.run([*pre_commit, "install-hooks"], {**offline, "PYTHONPATH": SITE}).check_returncode()
    for site in (tmp_path / "pre-commit").glob("repo*/py_env-*/lib/python*/site-packages"):
        (site / "dependencies.pth").write_text(f"{SITE}\n")
    run = [*pre_commit, "run", "--all-files", "--verbose"]
    # pre-commit itself starts the Python of an environment of its own with the user's PYTHONPATH.
    led_astray = TRAPS.environment(machine.workspace) if language == "system" else {}
    done = machine.run(run, offline | led_astray)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "within budget" in done.stdout or "Passed" in done.stdout

    grow(machine)
    done = machine.run(run, offline)

    assert done.returncode == 1
    assert "over its limit" in done.stdout
    assert TRAPS.sprung(machine.workspace) == []


def _copy_package(dest: Path) -> None:
    """What is installed from: pip builds beside the sources, and this checkout stays as it is."""
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "ctxsize", dest / "ctxsize", ignore=ignore)
    for name in (".pre-commit-hooks.yaml", "action.yml", "LICENSE", "README.md", "setup.cfg", "setup.py"):
        shutil.copy(ROOT / name, dest)
    shutil.copy(ROOT / "pyproject.toml", dest)


def _commit(folder: Path) -> str:
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], check=True)
    return subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()


# Within the limits, and nothing of the checkout runs


@each("sh", "github", "gitlab")
def test_no_recipe_runs_or_heeds_what_lies_in_the_checkout(
    recipe: Recipe, machine: Machine, api: Forge
) -> None:
    """Each does what it says in a checkout full of traps. PATH, too, leads into the checkout first, but for
    commands that a recipe itself has."""
    with_main_branch(recipe, machine)
    if "workflow_run" not in recipe.text:  # such a one has no checkout
        TRAPS.lay(machine.workspace)
        foreign = recipe.kind == "sh" or "run:" in recipe.text
        machine.environment |= TRAPS.environment(
            machine.workspace, path=None if foreign else machine.environment["PATH"]
        )
        machine.environment["SHIM_PIP"] = "yes"
    if recipe.kind == "sh":
        machine.environment["PYTHONPATH"] = str(ROOT)  # docs/security.md: a script heeds it
    if "--init" in recipe.text:
        (machine.workspace / ".ctxsize.toml").unlink()
    outcome = run_recipe(recipe, machine)

    assert outcome.code == 0, outcome.output
    assert api.bodies == [], "nothing has changed"
    if "workflow_run" in recipe.text:
        return
    assert TRAPS.sprung(machine.workspace) == [], outcome.output
    assert TRAPS.INDEX not in machine.log, "no configuration of pip's"
    if recipe.kind == "github":
        _assert_reported(recipe, machine)


def _assert_reported(recipe: Recipe, machine: Machine) -> None:
    assert "### ctxsize: within budget" in (machine.home / "summary.md").read_text()
    if "gh " in recipe.text:
        (called,) = (line for line in machine.log.splitlines() if line.startswith("gh "))
        named = [word.partition("=@")[2] or word for word in called.split() if "ctxsize." in word]
        assert named and all((machine.home / "runner-temp" / name).stat().st_size for name in named)


def test_the_traps_work(machine: Machine) -> None:
    """What recipes must not do springs them."""
    TRAPS.lay(machine.workspace)
    machine.environment |= TRAPS.environment(machine.workspace, path=machine.environment["PATH"])
    for command in ("python -m venv new", "python -c 'import secrets'", "git status", "docker version"):
        machine.run(["/bin/sh", "-c", command])

        assert TRAPS.sprung(machine.workspace) != [], command
        TRAPS.reset(machine.workspace)
    machine.environment["SHIM_PIP"] = "yes"
    machine.run(["/bin/sh", "-c", f"{machine.home}/bin/python -I -m pip install x"])
    assert TRAPS.INDEX in machine.log


# The action and the templates themselves


def test_the_actions_file_follows_githubs_schema_and_uses_nothing_else() -> None:
    action = load_yaml((ROOT / "action.yml").read_text())

    jsonschema.Draft7Validator(json.loads((VENDOR / "github-actions.json").read_text())).validate(action)
    for step in action["runs"]["steps"]:
        assert "uses" not in step and "${{" not in step["run"]


def test_the_gitlab_template_follows_gitlabs_schema() -> None:
    template = load_yaml((ROOT / "ci" / "gitlab.yml").read_text())

    jsonschema.Draft7Validator(json.loads((VENDOR / "gitlab-ci.json").read_text())).validate(template)


@pytest.mark.slow
def test_the_action_installs_itself(machine: Machine, tmp_path: Path) -> None:
    """The real thing, in a checkout full of traps: a virtual environment, pip, the program in it."""
    _copy_package(tmp_path / "ctxsize")
    runner = GitHub(machine, tmp_path / "ctxsize")
    python = machine.home / "bin" / "real"
    python.write_text(_WITH_DEPENDENCIES.format(python=sys.executable, site=SITE))
    python.chmod(0o755)
    TRAPS.lay(machine.workspace)
    machine.environment |= OFFLINE | TRAPS.environment(machine.workspace)
    outcome = runner.use_action({"arguments": "--static", "python": "real"})

    assert outcome.code == 0, outcome.output
    assert runner.outputs["action"]["exit-code"] == "0"
    assert json.loads(Path(runner.outputs["action"]["json"]).read_text())["exit_code"] == 0
    assert Path(runner.outputs["action"]["markdown"]).read_text().startswith("<!-- ctxsize check -->")
    assert TRAPS.sprung(machine.workspace) == []


def test_the_actions_inputs(machine: Machine) -> None:
    runner = GitHub(machine)
    inputs = {
        "arguments": "--static\n--limit\ncontext=1 MB\n",
        "paths": "services/api\nservices/web",
        "sarif": "out.sarif",
        "baseline": "baseline.json",
    }
    outcome = runner.use_action(inputs)

    assert outcome.code == 0, outcome.output
    report = json.loads(Path(runner.outputs["action"]["json"]).read_text())
    assert [target["path"] for target in report["targets"]] == ["services/api", "services/web"]
    assert report["targets"][0]["limits"][0]["limit"] == 1_000_000
    assert json.loads((machine.workspace / "out.sarif").read_text())["version"] == "2.1.0"
    assert "there is no baseline.json yet: this run writes it" in outcome.output
    assert (machine.workspace / "baseline.json").exists()


def test_the_action_checks_compose_files(machine: Machine) -> None:
    runner = GitHub(machine)
    outcome = runner.use_action({"arguments": "--static", "compose": "compose.yaml"})

    assert outcome.code == 0, outcome.output
    assert f"{ROOT}[compose]" in machine.log, "with the extra that reads them"
    report = json.loads(Path(runner.outputs["action"]["json"]).read_text())
    assert [target["name"] for target in report["targets"]] == ["api", "web"]


@pytest.mark.parametrize(("fail", "code"), [("true", 1), ("false", 0)])
def test_the_action_fails_when_asked_to(machine: Machine, fail: str, code: int) -> None:
    grow(machine)
    runner = GitHub(machine)

    assert runner.use_action({"arguments": "--static", "fail": fail}).code == code
    assert runner.outputs["action"]["exit-code"] == "1"


def commented(machine: Machine, api: Forge, fork: bool, **inputs: str) -> Outcome:
    """The action on a pull request that adds 200 kB."""
    with_main_branch(Recipe("", "yaml", False, "fetch-depth: 0"), machine)
    (machine.workspace / "big.bin").write_bytes(b"x" * 200_000)
    runner = GitHub(machine)
    runner.pull_request(fork=fork)
    found = {"arguments": "--static", "comment": "true", "fail": "false", **inputs}
    outcome = runner.use_action({key.replace("_", "-"): value for key, value in found.items()})
    assert outcome.code == 0, outcome.output
    assert runner.outputs["action"]["fork"] == str(fork).lower()
    artifact = {each.name for each in Path(runner.outputs["action"]["artifact"]).iterdir()}
    assert {"ctxsize.json", "base.json", "number"} <= artifact
    return outcome


def test_the_action_leaves_a_forks_comment_to_another_workflow(machine: Machine, api: Forge) -> None:
    outcome = commented(machine, api, fork=True)

    assert api.said == []
    assert "a second workflow does" in outcome.output


def test_a_comment_that_is_refused_is_a_warning(machine: Machine, api: Forge) -> None:
    api.deny = frozenset({"POST"})

    assert (
        "::warning title=ctxsize::the comment could not be written"
        in commented(machine, api, fork=False).output
    )


@pytest.mark.docker
def test_the_actions_comment_names_the_lines_of_the_dockerfile_that_grew(
    machine: Machine, api: Forge, engine: object
) -> None:
    machine.environment["DOCKER_HOST"] = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    commented(machine, api, fork=False, comment_image="true")

    ((_, text),) = api.bodies
    assert "| 2 | `COPY . /` |" in text


def test_trouble_is_never_a_passed_step(machine: Machine) -> None:
    machine.environment["DOCKER_HOST"] = "unix:///no/such.sock"
    runner = GitHub(machine)

    assert runner.use_action({"fail": "false"}).code == 4, "the engine does not answer"


def test_an_old_python_is_said(machine: Machine) -> None:
    old = machine.home / "bin" / "old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    outcome = GitHub(machine).use_action({"python": "old"})

    assert outcome.code == 2
    assert "::error title=ctxsize::old is no Python 3.11 or newer" in outcome.output


def test_names_of_files_are_no_commands_to_the_runner(machine: Machine) -> None:
    """actions/runner takes any line that begins with :: for a command, white space before it or not."""
    name = "::set-output name=exit-code::0"
    (machine.workspace / name).write_text("x")
    outcome = GitHub(machine).use_action({"arguments": f"--static\n--forbid\n{name}"})
    lines = [line.lstrip() for line in outcome.output.splitlines()]
    stopped = next(index for index, line in enumerate(lines) if line.startswith("::stop-commands::"))
    resumed = lines.index(f"::{lines[stopped].removeprefix('::stop-commands::')}::")

    assert any(name in line for line in lines[stopped:resumed]), "the table names it"
    commands = [line for line in (*lines[:stopped], *lines[resumed + 1 :]) if line.startswith("::")]
    assert [line.split(" ")[0] for line in commands] == ["::error"]


@pytest.mark.parametrize(
    "value", ["$(touch hacked)", "`touch hacked`", '"; touch hacked; "', "-h; touch hacked"]
)
def test_inputs_are_never_run(machine: Machine, value: str) -> None:
    GitHub(machine).use_action(dict.fromkeys(["paths", "arguments", "compose", "baseline", "sarif"], value))

    assert not list(machine.workspace.rglob("hacked"))
