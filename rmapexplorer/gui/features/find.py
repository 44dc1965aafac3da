"""Find (Ctrl+F): one bar over everything, F3 and Shift+F3 from hit to hit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rmapexplorer.engine.frames import Frame, HistoryEntry, Notice, PathChanged, SessionOpened
from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature
from rmapexplorer.gui.models.history import Path

if TYPE_CHECKING:
    from rmapexplorer.engine.lookups import Mappers
    from rmapexplorer.gui.find_bar import FindBar
    from rmapexplorer.gui.find_search import Hit
    from rmapexplorer.gui.theme import Theme
    from rmapexplorer.gui.window import MainWindow


class Find(Feature):
    """Makes the bar when it is first opened, keeps the operations it searches."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="find", text="&Find…", menu="Edit", handler="find", shortcut=("Ctrl+F",), ruled=True,
               tip="Find a process, an address, a vma, a page frame, an anon_vma or an operation"),
        Action(id="find_next", text="Find &next", menu="Edit", handler="find_step", shortcut=("F3",),
               values={"by": 1}, tip="Go to the next thing found"),
        Action(id="find_previous", text="Find pre&vious", menu="Edit", handler="find_step", shortcut=("Shift+F3",),
               values={"by": -1}, tip="Go to the thing found before"),
    )  # fmt: skip

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.bar: FindBar | None = None
        self.path = Path()
        self._text = ""

    def told(self, message: Any) -> None:
        """Keep the operations; what was found in another session is forgotten."""
        if isinstance(message, PathChanged):
            self.path.apply(message)
        elif isinstance(message, SessionOpened) and self.bar is not None:
            self.bar.line.clear()

    def set_theme(self, theme: Theme) -> None:
        """Colours of the bar."""
        if self.bar is not None:
            self.bar.set_theme(theme)

    def views_changed(self) -> None:
        """Another text size: made anew when it is next opened."""
        if self.bar is not None:
            self._text = self.bar.line.text()
            self.bar.shut()
            self.bar.deleteLater()
            self.bar = None

    def do_find(self, record: Action, given: dict[str, Any]) -> None:
        """Open the bar with what was looked for last, or with ``text``."""
        bar = self._made()
        bar.open(given.get("text") or bar.line.text() or self._text)

    def do_find_step(self, record: Action, given: dict[str, Any]) -> None:
        """Go from hit to hit; with nothing looked for yet the bar opens."""
        if self.bar is None or not self.bar.line.text().strip():
            self.do_find(record, {})
        elif not self.bar.step(given["by"]):
            text = f"Nothing is found for “{self.bar.line.text().strip()}”."
            self.window.show_notice(Notice(level="info", text=text))

    def _made(self) -> FindBar:
        if self.bar is None:
            from rmapexplorer.gui.find_bar import FindBar

            self.bar = FindBar(self._source, self._go, self._ask, self.window.themes.current, self.window)
        return self.bar

    def _source(self) -> tuple[Frame | None, Sequence[HistoryEntry]]:
        return self.window.frame, self.path.entries

    def _ask(self, page: int, reply: Callable[[Mappers | None], None]) -> None:
        from rmapexplorer.engine.lookups import MappersOf

        self.window.bridge.ask(MappersOf(page), reply)

    def _go(self, hit: Hit) -> None:
        if hit.position >= 0:
            self.window.commands.run("seek", {"position": hit.position})
        else:
            self.window.selection.select(hit.pid, hit.vpn)
