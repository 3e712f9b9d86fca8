"""GitHub's and GitLab's comments through their APIs: found again, written, edited."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ctxsize.errors import UsageError
from ctxsize.files.nested import nested_input

_SECONDS = 30
#: Pages of a list that are read, of a hundred items each, and the bytes of an answer.
_MOST_PAGES = 30
_MOST_BYTES = 16 << 20
_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment: ``author`` is the account's name."""

    id: int
    author: str
    body: str


class Service(Protocol):
    """What a comment is kept up to date through. Every method raises UsageError when the service refuses."""

    def me(self) -> str:
        """The account that the token is of."""

    def comments(self) -> Iterator[Comment]:
        """Those on the change, the oldest first."""

    def write(self, body: str) -> None:
        """A new one."""

    def edit(self, comment: Comment, body: str) -> None:
        """Replace what it says."""

    def changed_lines(self) -> dict[str, frozenset[int]]:
        """By file, the lines that the change adds or alters."""


def keep_comment(service: Service, key: str, text: str, quiet: str | None) -> str:
    """Have the one comment that begins with the line ``key`` say ``text``. With ``quiet`` there is nothing to
    say: one that is there says that instead, and none is written. Returns what was done."""
    me = service.me()
    mine = (each for each in service.comments() if each.author == me)
    ours = [each for each in mine if each.body.partition("\n")[0].strip() == key]
    wanted = text if quiet is None else quiet
    if not ours:
        if quiet is not None:
            return "nothing to say"
        service.write(wanted)
        return "written"
    if ours[0].body.strip() == wanted.strip():
        return "unchanged"
    service.edit(ours[0], wanted)
    return "edited"


@dataclass(frozen=True, slots=True)
class _Api:
    """JSON over HTTP. ``headers`` authenticate."""

    root: str
    headers: Mapping[str, str] = field(repr=False)

    def ask(self, method: str, path: str, data: Any = None) -> Any:
        return self._answer(method, path, data)[0]

    def all(self, path: str) -> Iterator[Any]:
        """Every item of a list, page by page."""
        for page in range(1, _MOST_PAGES + 1):
            separator = "&" if "?" in path else "?"
            items = self.ask("GET", f"{path}{separator}per_page=100&page={page}")
            if not isinstance(items, list):
                raise UsageError("the service's answer is no list", where=path)
            yield from items
            if len(items) < 100:
                return

    def _answer(self, method: str, path: str, data: Any) -> tuple[Any, int]:
        body = None if data is None else json.dumps(data).encode()
        headers = {**self.headers, "Content-Type": "application/json", "User-Agent": "ctxsize"}
        if urllib.parse.urlsplit(self.root).scheme not in ("http", "https"):
            raise UsageError("is no address of an API", where=self.root)
        request = urllib.request.Request(self.root + path, body, headers, method=method)  # noqa: S310
        try:
            with _OPENER.open(request, timeout=_SECONDS) as answer:
                text = answer.read(_MOST_BYTES + 1)
                status = answer.status
        except urllib.error.HTTPError as error:
            what = f"{method} is refused with {error.code} {error.reason}"
            raise Refused(what, error.code, self.root + path) from error
        except OSError as error:
            raise UsageError(f"does not answer: {error}", where=self.root) from error
        if len(text) > _MOST_BYTES:
            raise UsageError("the service's answer is too large", where=path)
        try:
            with nested_input():
                return json.loads(text) if text else None, status
        except ValueError as error:
            raise UsageError("the service's answer is no JSON", where=path) from error


class Refused(UsageError):
    """The service answered, with an error."""

    def __init__(self, message: str, status: int, where: str) -> None:
        super().__init__(message, where=where, hint="may the token write comments there?")
        self.status = status


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect could take the token to another host."""

    def redirect_request(self, *_words: Any, **_more: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


class GitHub:
    """A pull request on GitHub: ``repository`` is OWNER/NAME. ``head``, where given, is the commit that the
    reports are of: another pull request's number is refused then."""

    def __init__(self, root: str, token: str, repository: str, number: int, head: str | None = None) -> None:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        self._api = _Api(root.rstrip("/"), headers)
        self._repository = f"/repos/{urllib.parse.quote(repository)}"
        self._number = number
        if head is not None and _text(self._pull(), "head", "sha") != head:
            hint = "it is somebody else's, or moved on"
            raise UsageError(f"pull request {number} is not at the commit {head}", hint=hint)

    def _pull(self) -> Any:
        return self._api.ask("GET", f"{self._repository}/pulls/{self._number}")

    def me(self) -> str:
        """See Service. A workflow's own token has no account; its comments are by this one."""
        try:
            return _text(self._api.ask("GET", "/user"), "login")
        except Refused as error:
            if error.status in (401, 404) or error.status >= 500:
                raise
            return "github-actions[bot]"

    def comments(self) -> Iterator[Comment]:
        """See Service."""
        for each in self._api.all(f"{self._repository}/issues/{self._number}/comments"):
            if isinstance(each.get("user"), dict):  # a deleted account's has none
                yield Comment(int(each["id"]), _text(each, "user", "login"), str(each.get("body") or ""))

    def write(self, body: str) -> None:
        """See Service."""
        self._api.ask("POST", f"{self._repository}/issues/{self._number}/comments", {"body": body})

    def edit(self, comment: Comment, body: str) -> None:
        """See Service."""
        self._api.ask("PATCH", f"{self._repository}/issues/comments/{comment.id}", {"body": body})

    def changed_lines(self) -> dict[str, frozenset[int]]:
        """See Service."""
        files = self._api.all(f"{self._repository}/pulls/{self._number}/files")
        return {str(each["filename"]): added_lines(str(each.get("patch") or "")) for each in files}


class GitLab:
    """A merge request on GitLab: ``project`` is its number or path."""

    def __init__(self, root: str, token: str, project: str, number: int) -> None:
        self._api = _Api(root.rstrip("/"), {"PRIVATE-TOKEN": token})
        self._merge_request = f"/projects/{urllib.parse.quote(project, safe='')}/merge_requests/{number}"

    def me(self) -> str:
        """See Service."""
        return _text(self._api.ask("GET", "/user"), "username")

    def comments(self) -> Iterator[Comment]:
        """See Service."""
        for each in self._api.all(f"{self._merge_request}/notes?sort=asc"):
            if not each.get("system"):
                yield Comment(int(each["id"]), _text(each, "author", "username"), str(each.get("body") or ""))

    def write(self, body: str) -> None:
        """See Service."""
        self._api.ask("POST", f"{self._merge_request}/notes", {"body": body})

    def edit(self, comment: Comment, body: str) -> None:
        """See Service."""
        self._api.ask("PUT", f"{self._merge_request}/notes/{comment.id}", {"body": body})

    def changed_lines(self) -> dict[str, frozenset[int]]:
        """See Service."""
        files = self._api.all(f"{self._merge_request}/diffs")
        return {str(each["new_path"]): added_lines(str(each.get("diff") or "")) for each in files}


def added_lines(patch: str) -> frozenset[int]:
    """The numbers, in the new file, of the lines that a unified diff adds."""
    found, number = set(), 0
    for line in patch.splitlines():
        if hunk := _HUNK.match(line):
            number = int(hunk[1])
        elif line.startswith("+"):
            found.add(number)
            number += 1
        elif not line.startswith(("-", "\\")):
            number += 1
    return frozenset(found)


def _text(answer: Any, *keys: str) -> str:
    for key in keys:
        answer = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(answer, str):
        raise UsageError(f"the service's answer has no {'.'.join(keys)}")
    return answer
