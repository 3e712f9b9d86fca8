"""The draft as text that can be typed in, beside the tree."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import TextArea

from ctxsize.browse.draft import Draft
from ctxsize.text import printable

_BOM = b"\xef\xbb\xbf"
_READ_ONLY = (
    "Not all of this file is plain lines of UTF-8: it can't be typed in here (i and e can add to it)."
)


class Editor(TextArea):
    """``draft`` to be edited. A file that would come out otherwise than it went in can only be read, and is
    shown as harmless text; ``trouble`` says so."""

    def __init__(self, draft: Draft, *, id: str) -> None:
        super().__init__("", id=id, read_only=True, soft_wrap=False, show_line_numbers=True)
        self._draft = draft
        self._old: frozenset[str] = frozenset()
        self.trouble = ""
        self._newline = "\n"
        self._mark = b""

    def begin(self) -> None:
        """Show the draft, to be typed in from now on."""
        self.follow()

    def follow(self) -> None:
        """Show what the draft is now."""
        data = self._draft.data
        self._mark = _BOM if data.startswith(_BOM) else b""
        text = data.removeprefix(_BOM).decode("utf-8", "replace")
        self._newline = "\r\n" if "\r\n" in text else "\n"
        lines = text.split(self._newline)
        plain = all(line.replace("\t", "").isprintable() for line in lines)
        whole = self._mark + self._newline.join(lines).encode() == data
        self.trouble = "" if plain and whole else _READ_ONLY
        self.read_only = bool(self.trouble)
        saved = self._draft.saved.removeprefix(_BOM).decode("utf-8", "replace")
        self._old = frozenset(saved.splitlines())
        shown = "\n".join(map(printable, lines)) if self.trouble else "\n".join(lines)
        if shown != self.text:
            self.load_text(shown)
            self.move_cursor(self.document.end)

    @property
    def data(self) -> bytes:
        """What the file would have in it."""
        if self.trouble:
            return self._draft.data
        return self._mark + self._newline.join(self.text.split("\n")).encode()

    def get_line(self, line_index: int) -> Text:
        """Lines that are new stand out."""
        line = super().get_line(line_index)
        if line.plain and line.plain not in self._old:
            line.stylize("green")
        return line
