"""What can go wrong while a context is read."""

from __future__ import annotations

from ctxsize.errors import CtxsizeError


class ContextError(CtxsizeError):
    """Something in the context can't be read, or changed while it was being read.

    ``where`` is the path, as the user would type it. ``docker build`` refuses an unreadable context
    too, so a measurement that left the entry out would not be of the build the user has.
    """


def unreadable(path: str, error: OSError) -> ContextError:
    """The error for ``path`` (shown as it is) that the system refused with ``error``."""
    reason = error.strerror or str(error)
    if isinstance(error, PermissionError):
        hint = "docker build needs to read it too: ignore it, or give yourself permission"
    else:
        hint = "ignore it if the image does not need it"
    return ContextError(f"can't read it: {reason}", where=path, hint=hint)


def changed(path: str, how: str) -> ContextError:
    """The error for ``path`` that changed under us; ``how`` completes "it … while it was being read"."""
    return ContextError(
        f"it {how} while it was being read",
        where=path,
        hint="docker build fails then, too: stop what writes there, and run again",
    )
