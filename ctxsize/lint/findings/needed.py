"""CX4, the second half: what programs in the build need, and the ignore file keeps out of their sight."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from ctxsize.files.nested import nested_input
from ctxsize.ignore.types import Rule
from ctxsize.lint.facts import Facts
from ctxsize.lint.findings.registry import check
from ctxsize.lint.findings.sources import deciding, let_in
from ctxsize.lint.runs import Command, commands
from ctxsize.lint.tree import File
from ctxsize.lint.types import Edit, Finding

# Commands that fail without a lock file: the files (one of them is enough), the manifest beside them.
_LOCKED: tuple[tuple[re.Pattern[str], tuple[str, ...], str], ...] = (
    (re.compile(r"\bnpm\s+(?:\S+\s+)*?(?:ci|clean-install)\b"),
     ("package-lock.json", "npm-shrinkwrap.json"), "package.json"),
    (re.compile(r"\byarn\b.*--(?:immutable|frozen-lockfile)\b"), ("yarn.lock",), "package.json"),
    (re.compile(r"\bpnpm\b.*--frozen-lockfile\b"), ("pnpm-lock.yaml",), "package.json"),
    (re.compile(r"\bbun\s+.*--frozen-lockfile\b"), ("bun.lock", "bun.lockb"), "package.json"),
    (re.compile(r"\buv\s+(?:sync|run|export)\b.*--(?:frozen|locked)\b"), ("uv.lock",), "pyproject.toml"),
    (re.compile(r"\bpoetry\s+(?:install|sync)\b"), ("poetry.lock",), "pyproject.toml"),
    (re.compile(r"\bpdm\s+sync\b"), ("pdm.lock",), "pyproject.toml"),
    (re.compile(r"\bbundle\s+install\b.*--(?:deployment|frozen)\b"), ("Gemfile.lock",), "Gemfile"),
    (re.compile(r"\bcargo\s+.*--(?:locked|frozen)\b"), ("Cargo.lock",), "Cargo.toml"),
    (re.compile(r"\bcomposer\s+install\b"), ("composer.lock",), "composer.json"),
)  # fmt: skip
#: Build backends that fail when a file that the metadata name is missing. setuptools only warns.
_STRICT = re.compile(r"\b(?:hatchling|poetry|flit_core|pdm|uv_build)\b")
_BUILDS_PROJECT = re.compile(
    r"\bpip3?\s+install\s+(?:\S+\s+)*?(?:-e\s*)?\.(?:\[[^]]*\])?(?:\s|$)|\bpython3?\s+-m\s+build\b|\bpyproject-build\b"
    r"|\bhatch\s+build\b|\buv\s+build\b"
)
_WRAPPERS = (
    (re.compile(r"(?:^|\s)(?:sh\s+)?\./gradlew\b"),
     ("gradlew", "gradle/wrapper/gradle-wrapper.jar", "gradle/wrapper/gradle-wrapper.properties")),
    (re.compile(r"(?:^|\s)(?:sh\s+)?\./mvnw\b"),
     ("mvnw", ".mvn/wrapper/maven-wrapper.properties", ".mvn/wrapper/maven-wrapper.jar")),
)  # fmt: skip


def all_commands(facts: Facts) -> Iterator[tuple[int, Command]]:
    """The commands of the stages that are needed, each stage with those it starts from."""
    plan = facts.plan
    for stage in plan.reachable if plan is not None else ():
        for command in commands(plan, stage) if plan is not None else ():
            yield stage, command


def _kept_out(facts: Facts, path: str) -> Rule | None:
    """The rule that keeps out a file that is there; None when it arrives, or is not there."""
    match = facts.tree.entry(path)
    if match is None or match.below is not None or facts.tree.arrives(path):
        return None
    return deciding(facts, path)


def _needs(
    facts: Facts, code: str, rule: Rule, path: str, message: str, help: str, *, severe: bool
) -> Finding:
    match = facts.tree.entry(path)
    files = [File(match.folder, match.name, match.folder.files[match.name])] if match is not None else []
    return facts.at_rule(
        code,
        rule,
        message,
        help,
        severity="error" if severe else "warning",
        cost=facts.cost(files),
        edit=let_in(facts, rule, path),
    )


def _manifests(facts: Facts, name: str) -> list[str]:
    """The directories with a manifest that arrives and is taken, the context's root first."""
    found = []
    for folder in facts.tree.folders:
        if name in folder.files and "node_modules" not in folder.path:
            path = folder.join(name)
            root_or_named = not folder.path or any(
                taker.pattern != "." and taker.takes(path) and "/" in taker.pattern for taker in facts.takers
            )
            if root_or_named and facts.tree.arrives(path):
                found.append(folder.path)
    return sorted(found)


@check(
    "CX402",
    "a lock file is ignored, and needed",
    "error",
    fix="unsafe",
    why="""`npm ci`, `uv sync --frozen`, `cargo build --locked` and the like fail without the lock file.
    (`composer install` works, with other versions: a warning.)""",
    example="package-lock.json\nDockerfile:\nCOPY package*.json ./\nRUN npm ci",
    instead="",
)
def lock_file(facts: Facts) -> Iterator[Finding]:
    """A RUN needs a lock file that is there and ignored."""
    told: set[int] = set()
    for _stage, command in all_commands(facts):
        for pattern, locks, manifest in _LOCKED:
            if not pattern.search(command.text) or command.excused:
                continue
            for directory in _manifests(facts, manifest):
                paths = [posixpath.join(directory, lock) for lock in locks]
                if any(facts.tree.arrives(path) for path in paths):
                    continue
                for path in paths:
                    rule = _kept_out(facts, path)
                    if rule is None or rule.line in told or facts.said_of(rule.line, "CX401"):
                        continue
                    told.add(rule.line)
                    composer = manifest == "composer.json"
                    yield _needs(
                        facts,
                        "CX402",
                        rule,
                        path,
                        f"{'other versions may be installed' if composer else 'the build fails'}:"
                        f" {asks(facts, command)} needs {path}, ignored by this rule",
                        f"let it in with !{path}",
                        severe=not composer,
                    )


def asks(facts: Facts, command: Command) -> str:
    """A command and where it stands."""
    return f"`{short(command.text)}` ({facts.dockerfile}:{command.line})"


def short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"


def toml(facts: Facts, path: str) -> dict[str, Any]:
    if facts.tree.entry(path) is None:
        return {}
    import tomllib  # most projects have no such file

    data = facts.read(path)
    try:
        with nested_input():
            return tomllib.loads((data or b"").decode("utf-8", "replace"))
    except ValueError:
        return {}


def table(value: object, *names: str) -> dict[str, Any]:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


@check(
    "CX403",
    "a file that the package's metadata name is ignored",
    "warning",
    fix="unsafe",
    why="""pyproject.toml names a README or a license file, and a RUN builds the package. hatchling,
    poetry-core, flit, pdm and uv_build fail without it (setuptools only warns).""",
    example='*.md\n# pyproject.toml: readme = "README.md"\nDockerfile:\nCOPY . .\nRUN pip install .',
    instead="*.md\n!README.md",
)
def metadata(facts: Facts) -> Iterator[Finding]:
    """readme or license of pyproject.toml, ignored, and the project is built by a backend that needs it."""
    if facts.tree.entry("pyproject.toml") is None or not facts.tree.arrives("pyproject.toml"):
        return
    document = toml(facts, "pyproject.toml")
    build = table(document, "build-system")
    backend = str(build.get("build-backend", ""))
    if not _STRICT.search(backend.replace(".", " ")):
        return
    builder = next((command for _, command in all_commands(facts) if builds(command, bool(build))), None)
    if builder is None:
        return
    project, poetry = table(document, "project"), table(document, "tool", "poetry")
    told: set[int] = set()
    for key, value in (
        ("readme", project.get("readme")),
        ("license", project.get("license")),
        ("readme", poetry.get("readme")),
    ):
        names = (
            value if isinstance(value, list) else [value.get("file") if isinstance(value, dict) else value]
        )
        for name in names:
            if not isinstance(name, str) or (key == "license" and not isinstance(value, dict)):
                continue
            path = posixpath.normpath(name)
            rule = _kept_out(facts, path)
            if rule is None or rule.line in told or facts.said_of(rule.line, "CX401"):
                continue
            told.add(rule.line)
            yield _needs(
                facts,
                "CX403",
                rule,
                path,
                f"the build fails: pyproject.toml says {key} = {name}, ignored by this rule, and"
                f" {asks(facts, builder)} builds the package with {backend}",
                f"let it in with !{path}",
                severe=False,
            )


def builds(command: Command, has_backend: bool) -> bool:
    text = command.text
    if _BUILDS_PROJECT.search(text):
        return True
    if re.search(r"\buv\s+sync\b", text):
        return has_backend and "--no-install-project" not in text
    if re.search(r"\buv\s+pip\s+install\b", text):
        return bool(re.search(r"\s\.(?:\[|\s|$)", text))
    return bool(re.search(r"\bpoetry\s+install\b", text)) and "--no-root" not in text


@check(
    "CX407",
    "a part of a build wrapper is ignored",
    "warning",
    fix="unsafe",
    why="""`./gradlew` and `./mvnw` are scripts that need their jar or properties: without them "Could not
    find or load main class org.gradle.wrapper.GradleWrapperMain".""",
    example="**/*.jar\nDockerfile:\nCOPY . .\nRUN ./gradlew build",
    instead="**/*.jar\n!gradle/wrapper/gradle-wrapper.jar",
)
def wrapper(facts: Facts) -> Iterator[Finding]:
    """A RUN starts a wrapper of which a file is there and ignored."""
    told: set[int] = set()
    for _stage, command in all_commands(facts):
        for pattern, files in _WRAPPERS:
            if not pattern.search(command.text):
                continue
            for path in files:
                rule = _kept_out(facts, path)
                if rule is None or rule.line in told or facts.said_of(rule.line, "CX401"):
                    continue
                told.add(rule.line)
                found = _needs(
                    facts,
                    "CX407",
                    rule,
                    path,
                    f"the build fails: {asks(facts, command)} needs {path}, ignored by this rule",
                    f"let it in with !{path}",
                    severe=False,
                )
                yield _without_rule(facts, found, rule, path)


def _without_rule(facts: Facts, found: Finding, rule: Rule, path: str) -> Finding:
    """The finding, mended by removing the rule where that keeps out nothing but the wrapper's own
    directory."""
    from dataclasses import replace

    above = path.split("/")[0]
    if rule.pattern == above and above in (".mvn", "gradle"):
        return replace(found, edit=Edit(facts.ignore_file, {rule.line: ()}))
    return found
