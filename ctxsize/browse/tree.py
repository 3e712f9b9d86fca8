"""The tree in memory: what is in each directory, and what of it the rules of a draft keep.

Every directory has the sums of what lies in it, so that a change of one path costs no more than that path has
below it and the directories above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ctxsize.context.errors import ContextError
from ctxsize.context.walk import walk
from ctxsize.ignore.automaton import DirState
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.table import Outcome
from ctxsize.project import Project
from ctxsize.sensitive.names import classify, suspects

#: Entries after which progress is told.
_OFTEN = 2000


class Node:
    """A file or a directory (``below`` is not None). ``files`` and ``bytes`` are all that is in it, or
    itself; ``kept_files`` and ``kept_bytes`` what of it arrives; ``needed`` what of its bytes a step takes.
    """

    __slots__ = ("below", "bytes", "files", "kept_bytes", "kept_files", "name", "needed", "up")

    def __init__(self, name: str, up: Node | None, *, directory: bool, size: int = 0) -> None:
        self.name = name
        self.up = up
        self.below: dict[str, Node] | None = {} if directory else None
        self.files = 0 if directory else 1
        self.bytes = size
        self.kept_files = self.files
        self.kept_bytes = size
        self.needed = 0

    @property
    def path(self) -> str:
        """The context path; '' is the context itself."""
        names = []
        node: Node | None = self
        while node is not None and node.up is not None:
            names.append(node.name)
            node = node.up
        return "/".join(reversed(names))

    def leaves(self) -> Iterator[Node]:
        """Every file in it, or itself."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            if node.below is None:
                yield node
            else:
                waiting.extend(node.below.values())


class FileTree:
    """The context of ``project`` as if it had no ignore file.

    ``complete`` once all of it was read, ``trouble`` why some of it was not. ``secrets`` are files whose
    names look like one.
    """

    def __init__(self, project: Project, needs: Callable[[str], bool] | None) -> None:
        self.root = Node("", None, directory=True)
        self.complete = False
        self.trouble = ""
        self.seen = 0
        self.secrets: list[Node] = []
        self._project = project
        self._needs = needs
        self.known_needs = needs is not None

    def read(
        self, told: Callable[[], object] = lambda: None, stop: Callable[[], bool] = lambda: False
    ) -> None:
        """Read it; ``told`` is called now and then, and nothing more is read once ``stop`` says so."""
        directories = {"": self.root}
        try:
            for entry in walk(self._project.context, None, hidden=self._project.ignore_files):
                above, _, name = entry.path.rpartition("/")
                up = directories[above]
                node = Node(name, up, directory=entry.is_dir, size=entry.bytes)
                assert up.below is not None
                up.below[name] = node
                if entry.is_dir:
                    directories[entry.path] = node
                else:
                    self._count(node, entry.path)
                self.seen += 1
                if self.seen % _OFTEN == 0:
                    told()
                    if stop():
                        return
        except ContextError as error:
            self.trouble = str(error)
        self._find_secrets(directories)
        self.complete = True

    def _find_secrets(self, directories: Mapping[str, Node]) -> None:
        """Classifying a name takes long; asking which of a directory's are worth it does not."""
        for path, directory in directories.items():
            assert directory.below is not None
            for name in suspects(path, [*directory.below]):
                node = directory.below[name]
                found = classify(f"{path}/{name}" if path else name)
                if node.below is None and found is not None and found.alone == "likely":
                    self.secrets.append(node)

    def _count(self, node: Node, path: str) -> None:
        node.needed = node.bytes if self._needs is not None and self._needs(path) else 0
        up = node.up
        while up is not None:
            up.files += 1
            up.bytes += node.bytes
            up.kept_files += 1
            up.kept_bytes += node.bytes
            up.needed += node.needed
            up = up.up

    def judge(self, rules: Matcher | None, path: str = "") -> None:
        """Have the rules decide about ``path`` and all in it. Raises IgnoreFileError where a build fails."""
        node, state, outcome = self.root, rules.start() if rules is not None else None, None
        for name in filter(None, path.split("/")):
            if node.below is None or name not in node.below:
                return
            node = node.below[name]
            if state is not None:
                outcome = state.outcome(name)
                state = state.child(name, outcome) if node.below is not None else state
        before = node.kept_files, node.kept_bytes
        if node.below is None:
            _keep(
                node, outcome is None or not outcome.ignored, emptied=outcome is not None and outcome.emptied
            )
        else:
            _judge(node, state, outcome)
        files, size = node.kept_files - before[0], node.kept_bytes - before[1]
        up = node.up
        while up is not None:
            up.kept_files += files
            up.kept_bytes += size
            up = up.up

    def seen_secrets(self) -> int:
        """How many of the files that look like secrets arrive."""
        return sum(node.kept_files for node in self.secrets)


def _judge(top: Node, state: DirState | None, outcome: Outcome | None) -> None:
    """Decide about all in ``top``: down, then up again with the sums."""
    order: list[Node] = []
    waiting: list[tuple[Node, DirState | None, Outcome | None]] = [(top, state, outcome)]
    while waiting:
        node, state, outcome = waiting.pop()
        below = node.below
        assert below is not None
        if state is None or (state.sink and not state.default.ignored and not state.default.emptied):
            _keep_all(node, True)
            continue
        if outcome is not None and outcome.prunable:
            _keep_all(node, False)
            continue
        order.append(node)
        special = state.special([*below])
        default = state.default
        for name, child in below.items():
            found = special.get(name, default)
            if child.below is None:
                _keep(child, not found.ignored, emptied=found.emptied)
            elif found.ignored and found.prunable:
                _keep_all(child, False)
            else:
                waiting.append((child, state.child(name, found), found))
    for node in reversed(order):
        assert node.below is not None
        node.kept_files = sum(child.kept_files for child in node.below.values())
        node.kept_bytes = sum(child.kept_bytes for child in node.below.values())


def _keep(node: Node, kept: bool, *, emptied: bool = False) -> None:
    node.kept_files = int(kept)
    node.kept_bytes = node.bytes if kept and not emptied else 0


def _keep_all(top: Node, kept: bool) -> None:
    waiting = [top]
    while waiting:
        node = waiting.pop()
        node.kept_files = node.files if kept else 0
        node.kept_bytes = node.bytes if kept else 0
        if node.below is not None:
            waiting.extend(node.below.values())
