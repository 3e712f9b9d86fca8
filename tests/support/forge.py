"""Stand-ins of GitHub's and GitLab's API on loopback, as far as comments go.

They keep what they are sent, count pages as the real ones do, and refuse what these refuse.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "secret-token"


@dataclass
class Forge:
    """What a service knows. ``login`` is the account of the token, None for a workflow's own. ``deny`` are
    methods that are refused."""

    root: str = ""
    login: str | None = "reviewer"
    comments: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    head: str = "abc123"
    deny: frozenset[str] = frozenset()
    redirect: str = ""
    said: list[str] = field(default_factory=list)

    def add(self, author: str, body: str) -> None:
        """A comment that somebody wrote before."""
        user = {"login": author, "username": author}
        self.comments.append({"id": 100 + len(self.comments), "user": user, "author": user, "body": body})

    @property
    def bodies(self) -> list[tuple[str, str]]:
        """Author and text of every comment."""
        return [(each["user"]["login"], each["body"]) for each in self.comments]

    def answer(self, method: str, path: str, data: Any) -> tuple[int, Any]:
        """Status and JSON for a request."""
        url = urlsplit(path)
        page = int(parse_qs(url.query).get("page", ["1"])[0])
        where = re.sub(r"^/(repos|projects)/[^/]+/[^/]+/", r"/\1/", unquote(url.path))
        if where == "/user":
            found = {"login": self.login, "username": self.login}
            return (
                (403, {"message": "Resource not accessible by integration"})
                if self.login is None
                else (200, found)
            )
        if re.fullmatch(r"/repos/pulls/7", where):
            return 200, {"head": {"sha": self.head}}
        if re.fullmatch(r"/repos/pulls/7/files|/projects/merge_requests/7/diffs", where):
            return 200, self.files[100 * (page - 1) : 100 * page]
        if re.fullmatch(r"/repos/issues/7/comments|/projects/merge_requests/7/notes", where):
            if method == "POST":
                self.add(self.login or "github-actions[bot]", data["body"])
                return 201, self.comments[-1]
            return 200, self.comments[100 * (page - 1) : 100 * page]
        if found_id := re.fullmatch(
            r"(/repos/issues/comments|/projects/merge_requests/7/notes)/(\d+)", where
        ):
            wanted = "PATCH" if "/repos/" in where else "PUT"
            for each in self.comments:
                if each["id"] == int(found_id[2]) and method == wanted:
                    each["body"] = data["body"]
                    return 200, each
        return 404, {"message": "Not Found"}


@contextmanager
def forge() -> Iterator[Forge]:
    """A service that runs as long as the block."""
    state = Forge()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            data = json.loads(self.rfile.read(size)) if size else None
            state.said.append(f"{self.command} {self.path}")
            token = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or ""
            if state.redirect:
                self.send_response(302)
                self.send_header("Location", state.redirect)
                self.end_headers()
                return
            if "token" not in token:
                status, answer = 401, {"message": "Bad credentials"}
            elif self.command in state.deny:
                status, answer = 403, {"message": "Forbidden"}
            else:
                status, answer = state.answer(self.command, self.path, data)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_PUT = _serve

        def log_message(self, *words: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.root = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
