"""What is done beside the screen, in a process of its own: linting a draft, and proving one.

A process keeps the keys quick while it works. It ends with its standard input: when it is closed, or whoever
started it is gone, even killed. What it has made on an engine it removes then.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from ctxsize.errors import CtxsizeError
from ctxsize.ignore.types import Dialect
from ctxsize.progress import Progress, Terminal

if TYPE_CHECKING:
    from ctxsize.engine.containers import VerifyCommand
    from ctxsize.engine.options import BuildOptions

# The directory that the user is in may be a stranger's: nothing of it is imported (-I); what is imported is
# what this process would import, too.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from ctxsize.browse.jobs import main; main()"
)


class Job(Protocol):
    """What a process does: ``run`` is given what it is asked (None at the end), and says what comes of it."""

    def run(self, asked: Callable[[], Any], say: Callable[[object], None]) -> None:
        """Do it."""


@dataclass(frozen=True, slots=True)
class Found:
    """What lint finds in a draft: the text of each finding, by what it is known again by. ``trouble`` is why
    it could not be linted."""

    data: bytes
    texts: Mapping[tuple[str, str, str], str]
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class LintJob:
    """Lints drafts of a project's ignore file; the tree is read once. As ctxsize.lint.lint.Subject."""

    path: Path
    dockerfile: Path | None
    target: str | None
    build_args: Mapping[str, str]
    dialect: Dialect

    def run(self, asked: Callable[[], Any], say: Callable[[object], None]) -> None:
        """Say a Found for each content that is asked about."""
        # Imported here so that the screen is there sooner.
        from ctxsize.budget.config import load_config
        from ctxsize.context.reading import Reading
        from ctxsize.lint.lint import Subject
        from ctxsize.project import open_project

        # What is on the screen comes first.
        os.nice(5)
        subject = Subject(self.path, self.dockerfile, self.target, self.build_args, self.dialect)
        reading = Reading()
        while (data := asked()) is not None:
            try:
                config = load_config(self.path).defaults.lint
                project = open_project(
                    self.path, dockerfile=self.dockerfile, dialect=self.dialect, required=False
                )
                say(self._found(subject, config, data, project, reading))
            except CtxsizeError as error:
                say(Found(data, {}, str(error)))

    @staticmethod
    def _found(subject: Any, config: Any, data: bytes, project: Any, reading: Any) -> Found:
        from ctxsize.ignore.parse import parse_ignore
        from ctxsize.lint.lint import look

        if project.ignore is None and data:
            # What there would be to lint.
            empty = parse_ignore(b"", ".dockerignore", subject.dialect)
            project = replace(project, ignore=empty, ignore_path=project.context / ".dockerignore")
        given = data if project.ignore is not None else None
        _, target = look(subject, config, data=given, project=project, reading=reading)
        texts = {}
        for each in target.findings:
            line = target.lines.get((each.path, each.line), "") if each.line is not None else ""
            where = each.path if each.line is None else f"{each.path}:{each.line}"
            texts[each.code, each.path, line or each.message] = f"{each.code} {where} {each.message}"
        return Found(data, texts)


@dataclass(frozen=True, slots=True)
class Doing:
    """What a proof is doing."""

    text: str


@dataclass(frozen=True, slots=True)
class ProofJob:
    """Proves the draft ``data`` by builds; as ctxsize.suggest.draft.prove_draft."""

    path: Path
    dockerfile: Path | None
    builder: str
    options: BuildOptions
    verify: VerifyCommand | None
    data: bytes

    def run(self, asked: Callable[[], Any], say: Callable[[object], None]) -> None:
        """Say what is being done, and at the end a DraftProof, or the error that there is none."""
        from ctxsize.suggest.draft import prove_draft

        over = threading.Event()
        threading.Thread(target=_interrupt_at_end, args=[asked, over], daemon=True).start()
        try:
            said = prove_draft(
                self.path,
                self.data,
                dockerfile=self.dockerfile,
                builder=self.builder,
                options=self.options,
                verify=self.verify,
                progress=terminal(say),
            )
            over.set()
            say(said)
        except CtxsizeError as error:
            over.set()
            say(error)
        except KeyboardInterrupt:
            say(None)


def _interrupt_at_end(asked: Callable[[], Any], over: threading.Event) -> None:
    """As if Ctrl-C had been pressed, once nobody waits for the result any more."""
    while asked() is not None:
        pass
    if not over.is_set():
        # To the main thread: it may be waiting for the engine.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


class Lines:
    """Where a Terminal draws its one line."""

    def __init__(self, say: Callable[[object], None]) -> None:
        self._say = say

    def write(self, text: str) -> None:
        """Say it without what moves a cursor."""
        if line := text.replace("\r\x1b[K", "").strip():
            self._say(Doing(line))

    def flush(self) -> None:
        """Nothing is kept."""


def terminal(say: Callable[[object], None]) -> Progress:
    """A progress that says Doing what a terminal would show."""
    return Terminal(Lines(say), width=200)  # type: ignore[arg-type]


class Worker:
    """A process that does a job, and whose answers are ``told`` in a thread; None when it is over."""

    def __init__(self, job: Job, told: Callable[[Any], None]) -> None:
        self._told = told
        self._process = subprocess.Popen(  # noqa: S603  (this very program)
            [sys.executable, "-I", "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.ask(job)
        threading.Thread(target=self._listen, name="worker", daemon=True).start()

    def ask(self, what: object) -> None:
        """Ask it; nothing where it is gone."""
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):
            pickle.dump(what, self._process.stdin)
            self._process.stdin.flush()

    def close(self) -> None:
        """Have it end, and clean up first."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def wait(self) -> None:
        """Until it has ended."""
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            while (answer := _read(answers)) is not None:
                self._told(answer)
        self._process.wait()
        self._told(None)


def _read(stream: IO[bytes]) -> Any:
    try:
        return pickle.load(stream)  # noqa: S301  (written by our own process)
    except (EOFError, OSError, ValueError, pickle.UnpicklingError):
        return None


def main() -> None:
    """The process: a job comes first, then what is asked."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    lock = threading.Lock()

    def say(what: object) -> None:
        with lock, suppress(OSError):
            pickle.dump(what, answers)
            answers.flush()

    job = _read(sys.stdin.buffer)
    if job is not None:
        job.run(lambda: _read(sys.stdin.buffer), say)
