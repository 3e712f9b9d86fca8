"""What the classic builder's client and daemon do to the Dockerfile and the ignore file."""

from __future__ import annotations

from ctxsize.ignore.matcher import Matcher


def removed_by_daemon(rules: Matcher | None, dockerfile: str | None) -> dict[str, int]:
    """The paths that the daemon removes from what it got, with the indexes of their rules.

    ``dockerfile`` is its path in the context, None when it lies outside.
    """
    removed: dict[str, int] = {}
    if rules is None:
        return removed
    for path in {".dockerignore", dockerfile or ".dockerignore"}:
        if rules.matches_or_parent(path):
            decides = rules.quick_verdict(path).rule
            if decides is None or decides.negated:  # the daemon looks at the path alone, without a walk
                decides = [rule for rule in rules.verdict(path).matches if not rule.negated][-1]
            removed[path] = next(index for index, rule in enumerate(rules.rules) if rule is decides)
    return removed


def missed_by_client(rules: Matcher | None, dockerfile: str | None) -> bool:
    """Whether the client, which makes exceptions for the Dockerfile, nevertheless does not send it."""
    if rules is None or dockerfile is None:
        return False
    return rules.for_classic_build(dockerfile).quick_verdict(dockerfile).ignored
