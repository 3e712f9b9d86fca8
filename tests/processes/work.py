"""What the processes of test_pool do."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ctxsize.errors import UsageError
from ctxsize.progress import Progress


class Working:
    """Does what an item says; ``left`` is the number of its process."""

    def __init__(self, argument: str, progress: Progress, turn: int) -> None:
        self.argument = Path(argument)
        self.progress = progress
        self.turn = turn
        self.left = [turn]

    def __enter__(self) -> Callable[[Any], Any]:
        return self.work

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        said = "interrupted" if kind is KeyboardInterrupt else "done"
        (self.argument / f"end-{os.getpid()}").write_text(said)

    def work(self, item: Any) -> Any:
        """``pid`` and ``turn`` of the process, once as many as ``together`` says have begun."""
        self.progress.phase(f"working on {item}")
        if item == "die":
            os.kill(os.getpid(), 9)
        if item == "refuse":
            raise UsageError("no", hint="ask otherwise")
        if item == "break":
            raise ValueError("broken")
        if item == "print":
            print("not an answer")
        if isinstance(item, int):
            (self.argument / f"begun-{os.getpid()}").write_text("")
            while len(list(self.argument.glob("begun-*"))) < item:
                time.sleep(0.01)
        if item == "wait":
            (self.argument / f"begun-{os.getpid()}").write_text("")
            time.sleep(600)
        return os.getpid(), self.turn
