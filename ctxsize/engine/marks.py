"""What marks things on an engine as ours: labels on images and containers, and the names of steps."""

from __future__ import annotations

#: On everything a run makes on the engine; its value is the run's id.
RUN_LABEL = "org.ctxsize.run"
#: Also on the containers a run makes. A container that somebody starts from an image that was kept inherits
#: only the image's labels, and is not ours to remove.
OBJECT_LABEL = "org.ctxsize.object"
#: Part of the text of every marker, and so of its step's name and its layer's history.
MARKER = "ctxsize-marker-"


def object_labels(run: str) -> dict[str, str]:
    """The labels of a container that ``run`` makes."""
    return {RUN_LABEL: run, OBJECT_LABEL: "1"}


def is_marker(text: str) -> bool:
    """Whether a step's name or a history entry is a marker's."""
    return MARKER in text


def is_first_marker(text: str, run: str) -> bool:
    """Whether a step's name is that of a marker of ``run`` right after a FROM; its other markers come
    later."""
    return f"{MARKER}{run}*" in text
