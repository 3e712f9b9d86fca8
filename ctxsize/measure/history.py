"""The entries of an image's history as instructions of a Dockerfile."""

from __future__ import annotations

import re

from ctxsize.engine.marks import RUN_LABEL, is_marker
from ctxsize.image.types import HistoryEntry, Image

#: The instructions that can make a layer.
_KEYWORDS = {"COPY", "ADD", "RUN", "WORKDIR", "FROM"}
_CLASSIC = re.compile(r"#\(nop\)\s+([A-Z]+)\b")
_BUILDKIT = re.compile(r"([A-Z]+)\b")
_METADATA = {
    *("ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "SHELL"),
    *("STOPSIGNAL", "USER", "VOLUME"),
}
#: What the builders write around an instruction: the shell, the values of build arguments, who wrote it.
_ARGUMENTS = re.compile(r"^(?:RUN )?\|\d+ (?:\S+=.*? )??(?=/bin/sh -c )", re.DOTALL)
_SHELL, _BUILDKIT_END = "/bin/sh -c ", re.compile(r"\s*# buildkit\s*$")


def layer_history(image: Image) -> list[HistoryEntry]:
    """The entries of the instructions that can make a layer, without what a measurement inserted."""
    return [entry for entry in image.history if makes_layers(entry)]


def makes_layers(entry: HistoryEntry) -> bool:
    """Whether the entry is of an instruction that can make a layer."""
    return keyword_of(entry.created_by) in _KEYWORDS


def is_ours(entry: HistoryEntry) -> bool:
    """Whether a measurement inserted the step of this entry."""
    return is_marker(entry.created_by) or RUN_LABEL in entry.created_by


def instruction_text(created_by: str) -> str:
    """What the history says as one would write it in a Dockerfile, on one line: ``RUN make``."""
    text = _BUILDKIT_END.sub("", created_by)
    if match := _CLASSIC.search(text):
        return " ".join(text[match.start(1) :].split())
    text = _ARGUMENTS.sub("", text).removeprefix("RUN ").removeprefix(_SHELL)
    keyword = keyword_of(created_by)
    text = " ".join(text.split())
    return f"RUN {text}" if keyword == "RUN" and text else text


def keyword_of(created_by: str) -> str | None:
    """The instruction a history entry is of; None for a step that a measurement inserted.

    The classic builder writes ``/bin/sh -c #(nop) COPY …`` and, for a RUN, only the command.
    """
    if is_marker(created_by):
        return None
    if match := _CLASSIC.search(created_by):
        return match[1]
    match = _BUILDKIT.match(created_by)
    if match and (match[1] in _KEYWORDS or match[1] in _METADATA):
        return match[1]
    return "RUN"
