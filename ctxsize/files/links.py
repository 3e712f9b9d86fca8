"""Where a path leads whose symbolic links stay inside a directory."""

from __future__ import annotations

from collections.abc import Callable


def follow(path: str, target: Callable[[str], str | None], most: int) -> str | None:
    """The path below a directory that ``path`` stands for when all links are followed, with the directory
    taken as ``/``; '' is the directory itself.

    ``target`` gives what a path links to, None for no link. None for more than ``most`` links: a loop.
    """
    done: list[str] = []
    ahead = path.split("/")[::-1]
    links = 0
    while ahead:
        part = ahead.pop()
        if part == "..":
            del done[-1:]
        elif part not in ("", "."):
            leads_to = target("/".join([*done, part]))
            if leads_to is None:
                done.append(part)
                continue
            links += 1
            if links > most:
                return None
            if leads_to.startswith("/"):
                done.clear()
            ahead += leads_to.split("/")[::-1]
    return "/".join(done)
