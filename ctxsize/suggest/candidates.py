"""What may be worth ignoring in one project, and why: from its tree, its Dockerfile, git, and the table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ctxsize.context.roots import IgnoredRoots
from ctxsize.lint.facts import Facts, literal_pattern
from ctxsize.lint.findings.all import BY_CODE
from ctxsize.lint.findings.needed import asks
from ctxsize.lint.findings.words import count
from ctxsize.lint.tree import File, Folder, Match
from ctxsize.lint.types import Finding
from ctxsize.suggest.ecosystems import Ecosystem, Usual, ecosystems
from ctxsize.suggest.needs import Needs
from ctxsize.suggest.types import Candidate

#: Directories of other people's packages: what marks an ecosystem there says nothing of the project.
_FOREIGN = frozenset(
    ["node_modules", "vendor", ".venv", "venv", "site-packages", ".git", "target", ".tox", ".nox"]
)
#: Findings of lint whose fix adds a rule, or makes one wider.
_CODES = ("CX101", "CX105", "CX108", "CX306", "CX409", "CX501")
#: Rules with more hits than this that have to be written as single paths are not.
_MOST_LITERALS = 10
_MOST_GIT_IGNORED = 200
_SAME_NAME = 3  # paths of one name that git ignores, from which on the name is the rule
_BUILD_FILE = "builders read it all the same; every edit of it makes COPY anew"
_ONLY_CLASSIC = "only the classic builder would be sent it"
#: Rules whose paths change although no source does.
_OFTEN = frozenset((".git", "**/*.log", "logs", "log/*", "storage/logs/*", "var/log"))


class _Gathering:
    """Candidates in the making: each counts what no earlier one keeps out."""

    def __init__(self, facts: Facts, verifies: bool) -> None:
        self.facts = facts
        self.needs = Needs(facts)
        self.found: list[Candidate] = []
        self._covered: set[str] = set()
        self._roots = IgnoredRoots(())
        self._verifies = verifies

    def fresh(self, matches: Iterable[Match]) -> list[Match]:
        """The entries that arrive, and that no earlier candidate keeps out."""
        removed = self.facts.tree.removed
        return [
            match
            for match in matches
            if match.kept and match.path not in removed and self._roots.of(match.path) is None
        ]

    def add(
        self,
        rule: str,
        matches: list[Match],
        evidence: Iterable[str],
        *,
        doubts: Iterable[str] = (),
        blocked: str | None = None,
        always: bool = False,
        uncertain: bool = False,
    ) -> None:
        """Take in a candidate that keeps out ``matches``."""
        evidence = tuple(evidence)
        if self.facts.known and not any(
            taker.matcher.cover(match.path) != "none" for match in matches for taker in self.facts.takers
        ):
            evidence = ("no step takes it", *evidence)
        if rule in _OFTEN and (steps := _steps_after(self.facts, matches[0].path)):
            evidence = (*evidence, f"each change to it runs {count(steps, 'step')} again")
        files, size, _ = self.facts.tree.size(self._left(matches))
        self.found.append(
            Candidate(
                rule=rule,
                hits=tuple(match.path for match in matches),
                files=files,
                bytes=size,
                evidence=evidence,
                doubts=tuple(doubts),
                blocked=blocked,
                always=always,
                stages=tuple(
                    dict.fromkeys(stage for match in matches for stage in self.needs.other_stages(match.path))
                ),
                uncertain=uncertain,
            )
        )
        self._covered.update(match.path for match in matches)
        self._roots = IgnoredRoots(self._covered)

    def _left(self, matches: Iterable[Match]) -> Iterator[File]:
        """The files below ``matches`` that arrive, and that no earlier candidate keeps out."""
        for file in self.facts.tree.files(matches):
            if file.kept and self._roots.of(file.path) is None:
                yield file

    def add_literals(
        self, matches: list[Match], evidence: Iterable[str], *, blocked: str | None = None
    ) -> None:
        """Take in a candidate for each of a few entries, by its own path."""
        if len(matches) > _MOST_LITERALS:
            return
        for match in matches:
            pattern = literal_pattern(match.path)
            if pattern is not None:
                self.add(pattern, [match], evidence, blocked=blocked)

    def named(self, matches: Iterable[Match]) -> str | None:
        """Why nobody but a verify command can tell whether the running program needs one of them."""
        if self._verifies:
            return None
        for match in matches:
            where = self.needs.named_somewhere(match)
            if where is not None:
                return f"{where} names {match.path}: the program may need it when it runs (--verify tells)"
        return None


def candidates(facts: Facts, *, verifies: bool, min_bytes: int) -> tuple[list[Candidate], int]:
    """The candidates of a project, the largest first, and how many are left out because they keep out less
    than ``min_bytes``.

    ``verifies``: a verify command will say whether the image works, so that what the source names is tried.
    """
    gathering = _Gathering(facts, verifies)
    usual = [row for each in ecosystems() if _is(facts, each) for row in each.patterns]
    # What only builds can tell comes last, so that what is certain anyway does not count there.
    for row in sorted(usual, key=lambda row: row.kind == "prove"):
        _usual(gathering, row)
    _build_files(gathering)
    _secrets(gathering)
    _found_by_lint(gathering)
    _git_ignored(gathering)
    _not_taken(gathering, min_bytes)
    worth = [each for each in gathering.found if each.always or each.bytes >= max(min_bytes, 1)]
    worth.sort(key=lambda each: (-each.bytes, each.rule))
    return worth, len(gathering.found) - len(worth)


def _is(facts: Facts, ecosystem: Ecosystem) -> bool:
    """Whether the project is of this kind."""
    return not ecosystem.markers or any(
        _FOREIGN.isdisjoint(match.folder.path.split("/"))
        for marker in ecosystem.markers
        for match in facts.tree.matches(f"**/{marker}")
    )


def _usual(gathering: _Gathering, usual: Usual) -> None:
    """The candidate of a row of the table."""
    facts, needs = gathering.facts, gathering.needs
    present = gathering.fresh(facts.tree.matches(usual.rule))
    free = [match for match in present if not needs.copied_by_name(match.path)]
    if usual.kind == "made":
        free = [match for match in free if not needs.tracked(match.path)]
    elif usual.kind == "local":
        free = [match for match in free if needs.git_ignored(match)]
    if not free:
        return
    evidence = [usual.why]
    doubts: list[str] = []
    blocked = None
    if usual.kind == "made":
        command = needs.made_by(usual.made_by)
        if command is None:
            blocked = "no step of the Dockerfile makes it anew"
        else:
            evidence.insert(0, f"{asks(facts, command)} makes it anew")
    elif usual.kind == "local":
        blocked = gathering.named(free)
    elif usual.kind == "prove":
        doubts += needs.named_in_metadata(free)
    if usual.rule == ".git":
        if free[0].below is None:
            return  # a worktree's, or a submodule's: a few bytes
        doubts += needs.asks_git()
    if facts.git.there and all(needs.git_ignored(match) for match in free):
        evidence.insert(0, "git ignores it")
    if len(free) < len(present):
        gathering.add_literals(free, evidence, blocked=blocked)
        return
    gathering.add(
        usual.rule,
        free,
        evidence,
        doubts=doubts,
        blocked=blocked,
        always=usual.rule == ".git",
        uncertain=usual.kind == "prove",
    )


def _steps_after(facts: Facts, path: str) -> int:
    """How many steps of its stage run again when a path changes: that which takes it, and those after it."""
    taker = facts.taker_of(path)
    if taker is None or facts.plan is None:
        return 0
    steps = [step for step in facts.plan.stages[taker.stage].steps if step.kind != "other"]
    return len(steps) - next((n for n, step in enumerate(steps) if step is taker.step), len(steps))


def _build_files(gathering: _Gathering) -> None:
    """The Dockerfile and the ignore file, where everything is copied."""
    facts = gathering.facts
    if not facts.all_takers:
        return
    for name in dict.fromkeys([facts.project.dockerfile_in_context, facts.ignore_file]):
        match = facts.tree.entry(name) if name and not name.startswith("../") else None
        pattern = literal_pattern(name) if name and match is not None else None
        if match is None or pattern is None or not gathering.fresh([match]):
            continue
        gathering.add(pattern, [match], [_BUILD_FILE], always=True)
    if facts.project.ignore_path is None and not any(
        each.rule == ".dockerignore" for each in gathering.found
    ):
        # It comes with the other rules, and would be a new file in the image.
        gathering.found.append(Candidate(".dockerignore", (), 0, 0, (_BUILD_FILE,), always=True))


def _secrets(gathering: _Gathering) -> None:
    """Files that almost certainly hold a secret, and that a step takes."""
    facts = gathering.facts
    for file in facts.secrets:
        match = facts.tree.entry(file.path)
        pattern = literal_pattern(file.path)
        if match is None or pattern is None or not gathering.fresh([match]):
            continue
        if gathering.needs.copied_by_name(file.path) or facts.taker_of(file.path) is None:
            continue
        gathering.add(pattern, [match], [f"looks like a secret: {file.reason}"], always=True)


def _found_by_lint(gathering: _Gathering) -> None:
    """What the unsafe fixes of lint's findings would add."""
    facts = gathering.facts
    for code in _CODES:
        for finding in BY_CODE[code].find(facts):
            for rule in _added_by(finding):
                said = f"{code}: {finding.message}"
                known = next((n for n, each in enumerate(gathering.found) if each.rule == rule), None)
                if known is not None:
                    old = gathering.found[known]
                    gathering.found[known] = replace(old, evidence=(*old.evidence, said))
                    continue
                matches = gathering.fresh(facts.tree.matches(rule.removeprefix("/")))
                if matches and not any(gathering.needs.copied_by_name(match.path) for match in matches):
                    gathering.add(rule, matches, [said], always=code == "CX306")


def _added_by(finding: Finding) -> Iterator[str]:
    """The rules that the edit of a finding puts into the ignore file."""
    if finding.edit is None or finding.edit.content is not None or finding.edit.rename is not None:
        return
    for lines in (finding.edit.append, *finding.edit.lines.values()):
        for line in lines:
            text = line.strip()
            if text and text[0] not in "#!" and (finding.rule is None or text != finding.rule.text.strip()):
                yield text


def _git_ignored(gathering: _Gathering) -> None:
    """What git ignores, and the table does not know."""
    facts = gathering.facts
    if not facts.git.there or not facts.takers:
        return
    entries = [match for path in facts.git.ignored if (match := facts.tree.entry(path)) is not None]
    entries = [
        match
        for match in gathering.fresh(entries)
        if not gathering.needs.copied_by_name(match.path) and facts.taker_of(match.path) is not None
    ]
    by_name: dict[str, list[Match]] = {}
    for match in entries:
        by_name.setdefault(match.name, []).append(match)
    singles: list[Match] = []
    for name, matches in by_name.items():
        pattern = literal_pattern(name)
        anywhere = gathering.fresh(facts.tree.matches(f"**/{pattern}")) if pattern else []
        if len(matches) >= _SAME_NAME and all(map(gathering.needs.git_ignored, anywhere)):
            blocked = gathering.named(anywhere[:1])
            gathering.add(
                f"**/{pattern}", anywhere, [f"git ignores it, {_why(facts, matches[0])}"], blocked=blocked
            )
        else:
            singles += matches
    singles.sort(key=lambda match: -sum(file.size for file in facts.tree.files([match])))
    for match in singles[:_MOST_GIT_IGNORED]:
        pattern = literal_pattern(match.path)
        if pattern is not None and gathering.fresh([match]):
            why = f"git ignores it, {_why(facts, match)}"
            gathering.add(pattern, [match], [why], blocked=gathering.named([match]))


def _why(facts: Facts, match: Match) -> str:
    return facts.git.why_ignored(match.path) or "by its own rules"


def _not_taken(gathering: _Gathering, min_bytes: int) -> None:
    """Large directories that no step takes: the classic builder sends them all the same."""
    facts = gathering.facts
    if not facts.known or facts.all_takers:
        return
    stack: list[Folder] = [facts.tree.root]
    while stack:
        folder = stack.pop()
        for name, child in folder.folders.items():
            if not child.arrives:
                continue
            match = Match(folder, name, child)
            if child.cover != "none":
                stack.append(child)
                continue
            if not gathering.fresh([match]) or gathering.needs.copied_by_name(match.path):
                continue
            size = sum(file.size for file in facts.tree.files([match]) if file.kept)
            pattern = literal_pattern(match.path)
            if pattern is not None and size >= max(min_bytes, 1):
                uncertain = bool(gathering.needs.other_stages(match.path))
                gathering.add(pattern, [match], [_ONLY_CLASSIC], uncertain=uncertain)
