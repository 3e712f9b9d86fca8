"""What the classic builder is sent: a variant's tree, and the Dockerfile with the run's label.

The builder reads the Dockerfile from the tar, and a COPY reaches whatever is in the tar. But the builder
takes the Dockerfile and the ignore file out again when the `.dockerignore` in the tar says so
(`removeDockerfile` in builder/remotecontext/detect.go of github.com/moby/moby). So our Dockerfile has a name
that the ignore file keeps out, and a step can copy exactly what it always could.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ctxsize.context.classic import missed_by_client, removed_by_daemon
from ctxsize.context.variant import Variant
from ctxsize.context.walk import Entry
from ctxsize.dockerfile.rewrite import RewrittenDockerfile
from ctxsize.engine.builders.markers import with_labels
from ctxsize.engine.builders.plan import BuildPlan
from ctxsize.errors import BuildFailed

_IGNORE_FILE = ".dockerignore"
#: Patterns that every version of the builder reads alike.
_PLAIN = re.compile(r"[\w./*-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class ClassicTar:
    """``dockerfile`` is the path of the Dockerfile in the tar, ``rewritten`` what is in it.

    ``extra`` are the files that the tar holds in place of the tree's, or besides; ``left_out`` are files of
    the tree that the builder would take out again and that are not sent.
    """

    dockerfile: str
    rewritten: RewrittenDockerfile
    extra: Mapping[str, bytes]
    left_out: frozenset[str] = frozenset()

    def entries(self, variant: Variant, dockerfile: str | None) -> Iterator[Entry]:
        """What is sent of the tree; ``dockerfile`` is the path of the user's own in it, if it is there."""
        return (entry for entry in variant.walk(dockerfile) if entry.path not in self.left_out)


def classic_tar(plan: BuildPlan, variant: Variant, run: str) -> ClassicTar:
    """Where the Dockerfile goes in the tar of ``variant``, so that no step can copy it.

    Where there is no ignored name that it can have (an ignore file that arrives itself and keeps nothing
    out, or one that is a symlink) the tar is the official client's, and the Dockerfile has no label. So it
    is where that client does not send the Dockerfile, and the build fails. Raises BuildFailed where that
    client fails itself.
    """
    labelled = with_labels(plan, run)
    own_name = _own_name()
    as_the_client = _as_the_client(plan, variant, own_name)
    ignore_file = variant.root / _IGNORE_FILE
    dockerfile = plan.dockerfile_in_context
    if not variant.without and (ignore_file.is_symlink() or missed_by_client(variant.rules, dockerfile)):
        return as_the_client
    removed = removed_by_daemon(variant.rules, dockerfile)
    if variant.without or not ignore_file.is_file() or _IGNORE_FILE in removed:
        ours = f"{_IGNORE_FILE}\n{own_name}\n".encode()
        extra = {own_name: labelled.data, _IGNORE_FILE: ours}
        return ClassicTar(own_name, labelled, extra, frozenset(removed))
    if dockerfile is None:
        return replace(
            as_the_client, rewritten=labelled, extra={**as_the_client.extra, own_name: labelled.data}
        )
    if name := _ignored_name(plan, variant):
        return ClassicTar(name, labelled, {name: labelled.data}, frozenset(removed) - {name})
    return as_the_client


def podman_tar(plan: BuildPlan, variant: Variant, run: str, build: int | None) -> ClassicTar:
    """The tar of ``variant`` for Podman, with the labels of the ``build`` (see ``with_labels``).

    Podman filters what it was sent once more, by an ignore file in it, unless the request says what to keep
    out: ours names this Dockerfile, and nothing else. So what can be copied is what was sent of the tree,
    its own ignore files among it.
    """
    own_name = _own_name()
    labelled = with_labels(plan, run, build)
    removed = removed_by_daemon(variant.rules, None)
    return ClassicTar(own_name, labelled, {own_name: labelled.data}, frozenset(removed))


def _own_name() -> str:
    return f".dockerfile.{secrets.token_hex(10)}"


def _as_the_client(plan: BuildPlan, variant: Variant, own_name: str) -> ClassicTar:
    """The tar as the official client makes it: a Dockerfile from outside the context goes under a random name
    that the `.dockerignore` in the tar lists, another stays where it is."""
    unchanged = RewrittenDockerfile(plan.dockerfile_data, ())
    if plan.dockerfile_in_context is not None:
        return ClassicTar(plan.dockerfile_in_context, unchanged, {})
    given = None if variant.without else plan.ignore_data
    if given is not None and (variant.root / _IGNORE_FILE).is_symlink():
        # What the link leads to would become a file of the context, which it need not be.
        raise BuildFailed(
            "the classic builder takes no Dockerfile from outside the context where this is a symbolic link",
            where=_IGNORE_FILE,
            hint="put the rules themselves into the file",
        )
    rules = _IGNORE_FILE.encode() if given is None else given
    extra = {own_name: unchanged.data, _IGNORE_FILE: rules + f"\n{own_name}\n".encode()}
    return ClassicTar(own_name, unchanged, extra)


def _ignored_name(plan: BuildPlan, variant: Variant) -> str | None:
    """A path that the variant's ignore file keeps out for certain, by the simplest rule there is; near the
    root, as its directory is made anew when it is taken away."""
    rules = variant.rules
    if rules is None:
        return None
    for path in sorted(plan.ignored, key=lambda path: (path.count("/"), len(path), path)):
        if path == _IGNORE_FILE or not path.isprintable():
            continue
        verdict = rules.verdict(path)
        plain = verdict.rule is not None and _PLAIN.fullmatch(verdict.rule.pattern)
        excepted = any(rule.negated for rule in verdict.matches)
        if verdict.ignored and plain and not excepted and rules.matches_or_parent(path):
            # A link in its place would be followed when it is taken away.
            if path == plan.dockerfile_in_context and (variant.root / path).is_symlink():
                continue
            return path
    return None
