"""The help's own entries in the menu, and What's This for every panel and control."""

from __future__ import annotations

from typing import Any, ClassVar

from PySide6.QtWidgets import QWhatsThis, QWidget

from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature
from rmapexplorer.gui.layout import PLACES


def _page(id_: str, text: str, tip: str, **more: Any) -> Action:
    return Action(id=f"help_{id_}", text=text, menu="Help", handler="help_page", values={"page": id_}, tip=tip, **more)


class HelpPages(Feature):
    """Opens pages, and explains what is pointed at."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        _page("why", "What a re&verse map is for", "The subject in a page: pages, fork, copy on write, and why designs differ",
              ruled=True),
        _page("letter", "The &letter, paragraph by paragraph",
              "Who argued what in March 2004, each statement with its experiment"),
        _page("panels", "Pa&nels", "What each panel shows"),
        _page("vocabulary", "&Words", "The kernel's words, one line each"),
        _page("script", "S&cript language", "Operations, names and loops of a script, each with an example"),
        _page("formats", "&Files", "What can be opened and what is written"),
        _page("simulated", "What is s&imulated", "What the explorer simulates, and what it does not"),
        _page("bench", "H&ow fast it is", "How the program is measured beside the kernel, and how its figures moved"),
        Action(id="whats_this", text="W&hat is this?", menu="Help", handler="whats_this", shortcut=("Ctrl+F1",), ruled=True,
               tip="Click a panel or a control to read what it is"),
    )  # fmt: skip

    def do_help_page(self, record: Action, given: dict[str, Any]) -> None:
        """Show a page."""
        self.window.show_page(given["page"])

    def do_whats_this(self, record: Action, given: dict[str, Any]) -> None:
        """The next click explains what is clicked."""
        self.explain()
        QWhatsThis.enterWhatsThisMode()

    def explain(self) -> None:
        """Give every panel and control that has none yet its sentences; views are remade, so this is done anew."""
        from rmapexplorer.gui.actions import BY_ID

        words = panel_words()
        for place in PLACES:
            view = self.window.views[place.name]
            dock = self.window.docks.docks[place.name]
            for widget in (dock, view):
                if not widget.whatsThis():
                    widget.setWhatsThis(words.get(place.name, f"The panel {place.title}."))
        for id_, record in BY_ID.items():
            keys = f" ({' or '.join(record.shortcut)})" if record.shortcut else ""
            self.window.actions_[id_].setWhatsThis(f"<b>{record.title}</b>{keys}: {record.tip}.")
        for widget in self.window.findChildren(QWidget):
            tip = widget.toolTip() or (widget.accessibleName() if widget.focusPolicy().value else "")
            if tip and not widget.whatsThis():
                widget.setWhatsThis(tip)

    def closing(self) -> None:
        """Nobody is asked any more."""
        if QWhatsThis.inWhatsThisMode():
            QWhatsThis.leaveWhatsThisMode()


def panel_words() -> dict[str, str]:
    """Name of a dock -> what the page about the panels says of it, without its links."""
    from rmapexplorer.gui import help_text

    found = {}
    for part in help_text.text("panels").split("\n## ")[1:]:
        title, _, text = part.partition("\n")
        words = text.partition("). ")[2].replace("\n", " ").replace("*", "").replace("`", "").strip()
        name = next((place.name for place in PLACES if place.title == title.strip()), "")
        found[name] = f"<b>{title.strip()}</b>: {help_text.unlinked(words)}"
    return found
