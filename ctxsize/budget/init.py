"""A first configuration: limits a little above what a project has today, with comments that explain them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from ctxsize.budget.config import Target
from ctxsize.budget.limits import Budget, Limit, Listed, parse_limit
from ctxsize.budget.types import TargetReport
from ctxsize.units import format_bytes

_FORBID = ("**/.env", "**/.env.*", "**/*.pem", "**/id_rsa", "**/.aws/credentials")
_REQUIRE = (".git",)
_ENDLESS = "999 YB"
# The configuration itself will be in the context, and may be copied into the image.
_OWN_BYTES = 2000


def init_target(directory: Path, *, static: bool) -> Target:
    """What to check to learn what a configuration of the project in ``directory`` can say; ``static``:
    without an image. How it is built is for the options to say."""
    budget = Budget(
        {} if static else {name: _endless(name) for name in ("image", "pull")},
        forbid=tuple(Listed(pattern, "") for pattern in _FORBID),
        require_ignored=tuple(Listed(path, "") for path in _REQUIRE),
    )
    return Target(directory.resolve().name, str(directory), budget=budget)


def without_found(target: Target, report: TargetReport) -> Target | None:
    """The target without the patterns that forbid something which ``report`` found there, so that this shows
    as a secret if it looks like one; None when there is no such pattern."""
    there = _forbidden(report)
    kept = tuple(each for each in target.budget.forbid if each.text not in there)
    if len(kept) == len(target.budget.forbid):
        return None
    return replace(target, budget=replace(target.budget, forbid=kept))


def configuration(
    report: TargetReport, target: Target, secrets: TargetReport, from_environment: Collection[str] = ()
) -> str:
    """A configuration that the project is within today. ``report`` is of :func:`init_target`; what was not
    measured is there as a comment. ``target`` says how it was built, its Dockerfile relative to the project;
    the values of the build arguments ``from_environment`` are not written. ``secrets`` is of
    :func:`without_found`, or the report itself."""
    return "".join(f"{line}\n" for line in _lines(report, target, secrets, from_environment))


def _forbidden(report: TargetReport) -> dict[str, str]:
    """The patterns that forbid something which is there, with the first path of each."""
    found = [finding for finding in report.findings if finding.code == "forbidden"]
    paths = {
        pattern: next((each.path for each in found if f'"{pattern}"' in each.message), None)
        for pattern in _FORBID
    }
    return {pattern: path for pattern, path in paths.items() if path is not None}


def _endless(name: str) -> Limit | None:
    return parse_limit(name, _ENDLESS, "")


def _lines(
    report: TargetReport, target: Target, secrets: TargetReport, from_environment: Collection[str]
) -> Iterable[str]:
    sizes = report.sizes
    yield "# What `ctxsize check` holds this project to: docs/check.md of ctxsize has every key."
    yield "# 10 MB is decimal, 10 MiB is not. A limit that can't be measured fails the check."
    yield ""
    built = [*_built(target, from_environment)]
    if built:
        yield "# How it is built; compare, context, why and cache read these, too."
        yield from built
        yield ""
    yield "[budget]"
    yield from _limit("context", sizes.context_bytes, "what the build can see; no engine is needed to know")
    files = sizes.context_files
    if files is not None:
        yield f"context-files = {_a_little_above(files + 1)}  # {files} today"
    yield from _limit("image", sizes.image_bytes, "the files in its layers")
    yield from _limit("pull", sizes.pull_bytes, "the layers compressed, as a registry has them")
    yield ""
    yield "# Growth since a baseline: --save-baseline FILE makes one, --baseline FILE compares with it."
    yield '# growth = { context = "1 MB", image = "5%", build-time = "20%" }'
    yield ""
    yield "# What must never reach a build, as patterns of a .dockerignore."
    forbidden = _forbidden(report)
    yield "forbid = ["
    for pattern in _FORBID:
        found = forbidden.get(pattern)
        yield f'  "{pattern}",' if found is None else f'  # "{pattern}",  # is there today: {_comment(found)}'
    yield "]"
    yield "# Files that look like secrets, by name and content, and reach the build: off, warn or fail."
    secret = next((found.path for found in secrets.findings if found.code == "sensitive"), None)
    fail = 'sensitive = "fail"'
    yield fail if secret is None else f'sensitive = "warn"  # not "fail" because of {_comment(secret)}'
    yield "# What the ignore file must name, whether it is there or not."
    missing = {finding.path for finding in report.findings if finding.code == "not-ignored"}
    for path in _REQUIRE:
        text = f'require-ignored = ["{path}"]'
        yield f"# {text}  # is not ignored today" if path in missing else text
    yield ""
    yield "# A project of several images: the keys above are then for all of them."
    yield "# [targets.api]"
    yield '# path = "services/api"'
    yield '# budget = { image = "90 MB" }'


def _built(target: Target, from_environment: Collection[str]) -> Iterable[str]:
    """How the target is built, as keys."""
    if target.dockerfile is not None and target.dockerfile.split("/")[0] in ("", ".."):
        yield f"# Give -f {_comment(target.dockerfile)}: a configuration names only files below it."
    elif target.dockerfile is not None:
        yield f"dockerfile = {_string(target.dockerfile)}"
    for key, value in (("target", target.stage), ("platform", target.platform)):
        if value is not None:
            yield f"{key} = {_string(value)}"
    if target.builder != "auto":
        yield f"builder = {_string(target.builder)}"
    for name in sorted(target.build_args.keys() & set(from_environment)):
        yield f"# Give --build-arg {_comment(name)}: its value is from the environment, and not written here."
    args = {name: value for name, value in target.build_args.items() if name not in from_environment}
    if args:
        pairs = ", ".join(f"{_string(name)} = {_string(value)}" for name, value in args.items())
        yield f"build-args = {{ {pairs} }}"


def _string(text: str) -> str:
    """A string of TOML: JSON's, but for what JSON leaves as it is (DEL)."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def _limit(name: str, size: int | None, meaning: str) -> Iterable[str]:
    if size is None:
        yield f'# {name} = "250 MB"  # {meaning}; not measured today'
    else:
        most = _bytes_a_little_above(size + _OWN_BYTES)
        yield f'{name} = "{most}"  # {meaning}: {format_bytes(size)} today'


def _a_little_above(number: int) -> int:
    """A tenth more, rounded up to two digits: 1,234 becomes 1,400."""
    more = number + -(-number // 10)
    step = int("1" + "0" * (len(str(more)) - 2))
    return max(10, -(-more // step) * step)


def _bytes_a_little_above(size: int) -> str:
    amount = _a_little_above(size)
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 1000)):
        if amount >= factor:
            whole, tenths = divmod(amount * 10 // factor, 10)
            return f"{whole}.{tenths} {unit}" if tenths else f"{whole} {unit}"
    raise AssertionError("the smallest amount is more than a kB")


def _comment(path: str) -> str:
    """A path as it may stand in a comment of a TOML file."""
    return "".join(letter if letter.isprintable() else "?" for letter in path)
