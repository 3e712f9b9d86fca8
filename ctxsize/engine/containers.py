"""Whether an image works: what is asked of it, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

#: Seconds a command may take unless the user says otherwise.
DEFAULT_TIMEOUT = 60.0
#: What an image without a SHELL instruction runs a command with.
_SHELL = ("/bin/sh", "-c")


@dataclass(frozen=True, slots=True)
class VerifyCommand:
    """A command that has to end with exit code 0 in a container of an image.

    ``command`` is written as after RUN in a Dockerfile: a line for the image's shell, or a JSON array of
    words that are run as they are, for images that have no shell. ``network`` lets it reach the network;
    ``timeout`` is in seconds.
    """

    command: str
    network: bool = False
    timeout: float = DEFAULT_TIMEOUT

    def words(self, shell: Sequence[str] | None) -> tuple[str, ...]:
        """What is run, where the image's own shell is ``shell`` (None: the usual one)."""
        if self.command.lstrip().startswith("["):
            try:
                words = json.loads(self.command)
            except ValueError:
                words = None
            if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
                return tuple(words)
        return (*(shell or _SHELL), self.command)


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of a VerifyCommand in one image.

    ``exit_code`` is None when the command was stopped because its time was over (``timed_out``); 126 and 127
    when it could not be run, as in a shell. ``output_tail`` are the last lines of what it wrote.
    """

    command: str
    exit_code: int | None
    seconds: float
    output_tail: tuple[str, ...]
    timed_out: bool

    @property
    def passed(self) -> bool:
        """Whether the image works."""
        return self.exit_code == 0
