"""The layers of an image by size, one of which can be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import OptionList


class ChooseStep(ModalScreen[int | str | None]):
    """``layers`` are positions (None: all) and what is shown of them. Gives the chosen one, or LEFT."""

    AUTO_FOCUS = "OptionList"
    LEFT: ClassVar[str] = "left"
    DEFAULT_CSS = """
    ChooseStep { align: center middle; }
    ChooseStep > OptionList { width: 90%; max-width: 110; height: auto; max-height: 80%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,l", "leave", "leave")]

    def __init__(self, layers: Sequence[tuple[int | None, str]]) -> None:
        super().__init__()
        self._layers = layers

    def compose(self) -> ComposeResult:
        yield OptionList(*(Text(text, no_wrap=True, overflow="ellipsis") for _, text in self._layers))

    def on_mount(self) -> None:
        """The first is where the cursor is."""
        self.query_one(OptionList).highlighted = 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter was pressed."""
        self.dismiss(self._layers[event.option_index][0])

    def action_leave(self) -> None:
        """Nothing is chosen."""
        self.dismiss(self.LEFT)
