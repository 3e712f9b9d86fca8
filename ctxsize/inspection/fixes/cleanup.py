"""What a RUN leaves that nothing needs, and tools that only the build needs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ctxsize.inspection.fixes.find import LEAST, Case, loses, quoted
from ctxsize.inspection.fixes.shell import is_shell
from ctxsize.inspection.leftovers import WORDS
from ctxsize.inspection.types import Fix
from ctxsize.units import format_bytes

#: What removes each kind of leftovers; the others may be somebody's data.
_REMOVE = {
    "apt-lists": "rm -rf {path}/*",
    "apt-archives": "rm -rf {path}/archives/*.deb {path}/*.bin",
    "apk-cache": "rm -rf {path}/*",
    "dnf-cache": "rm -rf {path}/*",
    "pip-cache": "rm -rf {path}",
    "uv-cache": "rm -rf {path}",
    "yarn-cache": "rm -rf {path}",
    "npm-cache": "rm -rf {path}",
    "go-build-cache": "rm -rf {path}",
}
_OTHERWISE = {
    "apk-cache": "apk add --no-cache",
    "pip-cache": "pip install --no-cache-dir",
    "apt-lists": "a cache mount",
}
_INSTALLS = re.compile(r"\b(?:apt-get|apt|apk|dnf|microdnf|yum)\b[^;&|]*?\b(?:install|add)\b([^;&|]*)")
_TOOLS = re.compile(
    r"(?<![\w.+-])(?:build-essential|build-base|gcc|g\+\+|clang|make|cmake|cargo|rustc|golang(?:-go)?|autoconf"
    r"|automake|musl-dev|libc-dev|libc6-dev|linux-headers|python3?-dev|python3-devel|gcc-c\+\+|ninja-build"
    r"|openjdk-\d+-jdk(?:-headless)?|[\w.+-]+-dev(?:el)?)(?![\w.+-])"
)


def cleanup_fixes(case: Case) -> Iterator[Fix]:
    """A fix for each directory of leftovers that RUN lines of the user's wrote."""
    for found in case.report.leftovers:
        for number, size in found.steps.items():
            run = case.instruction(number)
            if size < LEAST or run is None or not is_shell(run):
                continue
            pull = found.pulls.get(number)
            command = _REMOVE.get(found.kind, "").format(path=found.path)
            if command:
                case.rewriting.append(run.line, command)
                otherwise = f" (or use {_OTHERWISE[found.kind]})" if found.kind in _OTHERWISE else ""
                advice = f"end it with `&& {command}`{otherwise}"
            else:
                advice = f"remove what is not needed in the same RUN, or mount {found.path} as a cache"
            yield Fix(
                code="cleanup",
                lines=(run.line,),
                text=f"{quoted(run)} leaves {format_bytes(size)} of {WORDS[found.kind]} in {found.path};"
                f" {advice}: {loses(size, pull)}",
                bytes=size,
                pull_bytes=pull,
                patched=bool(command),
            )


def tool_fixes(case: Case) -> Iterator[Fix]:
    """What installs compilers and headers into the image itself. What they take is not known apart."""
    for step in case.report.steps:
        run = case.instruction(step.number)
        if run is None or run.keyword != "RUN" or step.bytes is None or step.bytes < LEAST:
            continue
        tools = dict.fromkeys(
            tool for packages in _INSTALLS.findall(run.args) for tool in _TOOLS.findall(packages)
        )
        if tools and not _removed_again(run.args):
            yield Fix(
                code="build-tools",
                lines=(run.line,),
                text=f"{quoted(run)} installs what only a build needs ({', '.join(tools)}) into the image:"
                f" the step stores {format_bytes(step.bytes)}; build in a stage of its own, and"
                " COPY --from it what is needed",
                bytes=None,
                pull_bytes=None,
                patched=False,
            )


def _removed_again(text: str) -> bool:
    return (
        re.search(r"\b(?:apt-get|apt|apk|dnf|microdnf|yum)\b[^;&|]*\b(?:purge|remove|autoremove|del)\b", text)
        is not None
    )
