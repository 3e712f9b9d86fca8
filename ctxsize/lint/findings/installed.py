"""CX409: modules of this machine over those that the build installed."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ctxsize.dockerfile.resolve import ResolvedDockerfile
from ctxsize.dockerfile.wildcard import has_wildcard, unescape
from ctxsize.lint.facts import Facts, Taker, literal_pattern
from ctxsize.lint.findings.registry import check
from ctxsize.lint.findings.words import amount
from ctxsize.lint.runs import Command, chain, commands
from ctxsize.lint.tree import Folder, Match
from ctxsize.lint.types import Finding, Severity

_NODE = re.compile(
    r"\b(?:npm|pnpm|bun)\s+(?:\S+\s+)*?(?:install|ci|i|clean-install|add)\b|\byarn(?:\s+(?:install|--\S+)|\s*$)"
)
_CLEAN = re.compile(r"\bnpm\s+(?:\S+\s+)*?(?:ci|clean-install)\b")
_VENV = re.compile(r"(?:-m\s+venv|\bvirtualenv|\buv\s+venv)\s+(?:--?\S+\s+)*([\w./-]+)")
_UV_SYNC = re.compile(r"\buv\s+sync\b")
_BUNDLE = re.compile(r"\bbundle\s+install\b")
_COMPOSER = re.compile(r"\bcomposer\s+install\b")
_KINDS = ("node_modules", ".venv", "venv", "vendor/bundle", "vendor")


@dataclass(frozen=True, slots=True)
class _Installed:
    """A directory of the image that a step installs into."""

    directory: str
    kind: str
    index: int
    by: str


def _installs(command: Command) -> Iterator[tuple[str, str]]:
    """The directories that a command installs into, and what they are called."""
    here = command.directory
    if here is None:
        return
    if _NODE.search(command.text) and not re.search(r"\s(?:-g|--global)\b", command.text):
        yield posixpath.join(here, "node_modules"), "node_modules"
    if found := _VENV.search(command.text):
        yield posixpath.normpath(posixpath.join(here, found[1])), posixpath.basename(found[1])
    if _UV_SYNC.search(command.text):
        yield posixpath.join(here, ".venv"), ".venv"
    if _BUNDLE.search(command.text):
        yield posixpath.join(here, "vendor/bundle"), "vendor/bundle"
    if _COMPOSER.search(command.text):
        yield posixpath.join(here, "vendor"), "vendor"


def _installed(plan: ResolvedDockerfile, stage: int) -> list[_Installed]:
    found = [
        _Installed(directory, kind, command.index, command.text)
        for command in commands(plan, stage)
        for directory, kind in _installs(command)
    ]
    for index, (_stage, step) in enumerate(chain(plan, stage)):
        for pick in step.picks:
            if step.kind == "copy" and not pick.from_context and pick.dest is not None:
                for pattern in pick.patterns:
                    name = posixpath.basename(pattern)
                    dest = "/" + pick.dest
                    # A directory's content is copied, whatever the directory is called.
                    if name in _KINDS and posixpath.basename(dest) == name:
                        found.append(_Installed(dest, name, index, f"COPY --from … {pattern}"))
    return found


@check(
    "CX409",
    "modules of this machine over the installed ones",
    "error",
    fix="unsafe",
    why="""The build installs packages, and then a COPY brings this machine's `node_modules`, `.venv` or
    `vendor` over them: its files replace those of the image, and what only it has is added. Binaries for
    another system crash at run time. Also the other way round: `npm install` after the COPY keeps what is
    there in the right version (a warning; `npm ci` deletes it first).""",
    example="# nothing ignores node_modules\nDockerfile:\nRUN npm ci\nCOPY . .",
    instead="**/node_modules",
)
def host_modules(facts: Facts) -> Iterator[Finding]:
    """A directory of installed packages arrives, is taken, and lands where the build installs its own."""
    if facts.plan is None:
        return
    hosts = _hosts(facts)
    told: set[int] = set()
    for taker in facts.takers if hosts else ():
        if taker.step.kind not in ("copy", "add") or taker.line in told or taker.pick.dest is None:
            continue
        found = _over(facts, facts.plan, taker, hosts)
        if found is None:
            continue
        host, by, severity = found
        told.add(taker.line)
        cost = facts.cost(facts.tree.arriving([host]))
        pattern = literal_pattern(host.path)
        anywhere = next(
            (rule for rule in facts.rules if not rule.negated and rule.pattern == host.name), None
        )
        edit = None
        if anywhere is not None and host.folder.path:
            edit = facts.replaced(anywhere, anywhere.text.replace(host.name, f"**/{host.name}", 1))
        elif pattern:
            edit = facts.appended(pattern)
        later = "over what" if severity == "error" else "before"
        yield facts.at_file(
            "CX409",
            facts.dockerfile,
            f"this copies {host.path} of this machine ({amount(cost)}) {later} `{' '.join(by.split())[:40]}`"
            f"{' installed' if severity == 'error' else ', which keeps what is there'}",
            f"add {f'**/{host.name}' if host.folder.path else pattern or host.path} to the ignore file",
            severity=severity,
            line=taker.line,
            cost=cost,
            edit=edit,
        )


def _hosts(facts: Facts) -> list[Match]:
    """The topmost directories of installed packages that arrive."""
    found: list[Match] = []
    stack: list[Folder] = [facts.tree.root]
    while stack:
        folder = stack.pop()
        for name, child in folder.folders.items():
            if not child.arrives or name == ".git":
                continue
            if name in ("node_modules", ".venv", "venv", "vendor"):
                below = child.folders.get("bundle") if name == "vendor" else None
                if below is not None and below.arrives:
                    found.append(Match(child, "bundle", below))
                found.append(Match(folder, name, child))
            else:
                stack.append(child)
    return found


def _over(
    facts: Facts, plan: ResolvedDockerfile, taker: Taker, hosts: list[Match]
) -> tuple[Match, str, Severity] | None:
    """The host's directory that the taker brings over, or under, what a step installs, and that step."""
    steps = chain(plan, taker.stage)
    copied = next(index for index, (_, step) in enumerate(steps) if step is taker.step)
    installed = _installed(plan, taker.stage)
    run = [command for command in commands(plan, taker.stage) if command.index > copied]
    for host in hosts:
        kind = "vendor/bundle" if host.name == "bundle" else host.name
        place = _lands(taker, host.path)
        if place is None or not taker.takes(host.path):
            continue
        if any(_undone(command, place, kind) for command in run):
            continue
        parent = place.removesuffix(f"/{kind}")
        for each in installed:
            if each.kind != kind:
                continue
            same = each.directory == place
            base = each.directory.removesuffix(f"/{kind}")
            above = kind == "node_modules" and (parent == base or parent.startswith(base.rstrip("/") + "/"))
            if each.index < copied and (same or above):
                return host, each.by, "error"
            if each.index > copied and same and kind == "node_modules" and not each.by.startswith("COPY"):
                return host, each.by, "warning"
    return None


def _undone(command: Command, place: str, kind: str) -> bool:
    """Whether a command deletes what the host brought."""
    if kind == "node_modules" and _CLEAN.search(command.text):
        return command.directory is not None and posixpath.join(command.directory, kind) == place
    return bool(re.search(rf"\brm\s+-\w*[rR]\w*\s.*{re.escape(kind)}", command.text))


def _lands(taker: Taker, path: str) -> str | None:
    """Where a context path lands in the image; None where that is not known."""
    pattern, dest = taker.pattern, "/" + (taker.pick.dest or "")
    if taker.pick.parents:
        return posixpath.normpath(f"{dest}/{path}")
    if pattern == ".":
        return posixpath.normpath(f"{dest}/{path}")
    if has_wildcard(pattern):
        depth = pattern.count("/") + 1
        return posixpath.normpath("/".join([dest, *path.split("/")[depth:]]))
    plain = unescape(pattern)
    if path == plain:
        return posixpath.normpath(dest)
    return posixpath.normpath(f"{dest}/{path[len(plain) + 1 :]}")
