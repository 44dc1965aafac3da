"""The command palette (Ctrl+K), and the button at the right end of the menu bar that says so."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton

from rmapexplorer.engine.frames import PathChanged
from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature
from rmapexplorer.gui.models.history import Path

if TYPE_CHECKING:
    from rmapexplorer.gui.palette import Entry, Palette
    from rmapexplorer.gui.theme import Theme
    from rmapexplorer.gui.window import MainWindow


class PaletteFeature(Feature):
    """Makes the palette when it is first opened."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="palette", text="Command pa&lette…", menu="Edit", handler="palette", shortcut=("Ctrl+K",), ruled=True,
               tip="Find any action, panel, scenario or page by a few letters, and run it"),
    )  # fmt: skip

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.palette: Palette | None = None
        self.path = Path()
        self._recent: list[str] = []

    def built(self) -> None:
        """Put the button where it is looked for."""
        button = QToolButton()
        button.setObjectName("palette_button")
        button.setText("Find or run anything    Ctrl+K")
        button.setToolTip("Every action, panel, scenario and page by a few letters (Ctrl+K)")
        button.setAccessibleName("Find or run anything")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(partial(self.window.commands.run, "palette", {}))
        self.window.menuBar().setCornerWidget(button, Qt.Corner.TopRightCorner)
        self.button = button
        self.set_theme(self.window.themes.current)

    def set_theme(self, theme: Theme) -> None:
        """Colours of the button and of the palette."""
        if hasattr(self, "button"):
            line, text, panel = (theme.color(name).name() for name in ("line", "dim", "panel"))
            self.button.setStyleSheet(
                f"QToolButton {{ background: {panel}; color: {text}; border: 1px solid {line}; border-radius: 6px;"
                f" padding: 3px 12px; }} QToolButton:hover {{ border-color: {theme.color('faint').name()};"
                f" color: {theme.color('text').name()}; }}"
            )
        if self.palette is not None:
            self.palette.set_theme(theme)

    def told(self, message: Any) -> None:
        """Keep the names of the operations."""
        if isinstance(message, PathChanged):
            self.path.apply(message)

    def views_changed(self) -> None:
        """Another text size: made anew when it is next opened."""
        if self.palette is not None:
            self._recent = self.palette.recent
            self.palette.shut()
            self.palette.deleteLater()
            self.palette = None

    def do_palette(self, record: Action, given: dict[str, Any]) -> None:
        """Open it, or close it where it is open."""
        if self.palette is None:
            self._make()
        assert self.palette is not None
        if self.palette.isVisible():
            self.palette.shut()
        else:
            self.palette.open(given.get("text", ""))

    def _make(self) -> None:
        from rmapexplorer.gui.palette import Palette
        from rmapexplorer.gui.palette_entries import entries

        self.palette = Palette(partial(entries, self.window), self._special, self.window.themes.current, self.window)
        self.palette.recent = self._recent

    def _special(self, text: str) -> list[Entry]:
        from rmapexplorer.gui.palette import Entry
        from rmapexplorer.gui.palette_entries import position_entry

        return [
            *position_entry(self.window, text, self.path),
            Entry(
                key="find", title=f"Find “{text}” in the session", where="Edit › Find", keys="Ctrl+F",
                run=partial(self.window.commands.run, "find", {"text": text}),
            ),
        ]  # fmt: skip
