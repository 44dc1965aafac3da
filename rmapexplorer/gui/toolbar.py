"""The toolbar: time, the operations by name, and a chip a design that shows it when clicked."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QFontMetrics
from PySide6.QtWidgets import QLabel, QToolBar, QToolButton, QWidget

from rmapexplorer.gui.actions import BY_ID, TOOLBAR_OPERATIONS, TOOLBAR_TIME, ActionSet
from rmapexplorer.gui.icons import icon, marker
from rmapexplorer.gui.statusbar import chip_text
from rmapexplorer.gui.theme import Theme


class Chip(QToolButton):
    """One design: marker and name; outlined in its colour while it is the one in view."""

    def __init__(self, key: str, title: str, theme: Theme) -> None:
        super().__init__()
        self.key = key
        self.setText(f" {chip_text(key)}")
        self.setToolTip(f"Show memory as {title} sees it")
        self.setAccessibleName(f"Show {chip_text(key)}")
        self.setCheckable(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(12, 12))
        self.set_theme(theme)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Marker, name (bold or not, so that nothing moves when it is chosen) and a little air."""
        font = self.font()
        font.setBold(True)
        return QSize(QFontMetrics(font).horizontalAdvance(self.text()) + 12 + 28, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Never narrower than its name."""
        return self.sizeHint()

    def set_theme(self, theme: Theme) -> None:
        """Take the design's colour from ``theme``."""
        self.setIcon(marker(self.key, theme))
        colour, wash = theme.design(self.key).name(), theme.color("sel").name()
        self.setStyleSheet(
            f"QToolButton:checked {{ border: 1px solid {colour}; background: {wash}; font-weight: 600; }}"
        )


class ToolBar(QToolBar):
    """``design_chosen`` carries the key of the chip clicked."""

    design_chosen = Signal(str)

    def __init__(self, actions: ActionSet, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Toolbar", parent)
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.setFloatable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setIconSize(QSize(16, 16))
        self._theme = theme
        self._qactions = actions
        self.buttons: dict[str, QToolButton] = {}
        for id_ in TOOLBAR_TIME:
            self._button(id_, Qt.ToolButtonStyle.ToolButtonIconOnly)
        self.addSeparator()
        for id_ in TOOLBAR_OPERATIONS:
            self._button(id_, Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.addSeparator()
        self.chips: dict[str, Chip] = {}
        self._chip_actions: list[QAction] = []
        self.speed = QLabel()
        self.speed.setProperty("role", "dim")
        self._speed_action = self.insertWidget(self.actions()[len(TOOLBAR_TIME)], self.speed)
        self._speed_action.setVisible(False)

    def _button(self, id_: str, style: Qt.ToolButtonStyle) -> None:
        self.addAction(self._qactions[id_])
        button = self.widgetForAction(self._qactions[id_])
        assert isinstance(button, QToolButton)
        button.setToolButtonStyle(style)
        button.setProperty("icononly", style == Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setAccessibleName(BY_ID[id_].title)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.buttons[id_] = button

    def set_designs(self, designs: list[tuple[str, str]], view: str) -> None:
        """Chips for these (key, title); ``view`` is the one shown."""
        if list(self.chips) != [key for key, _ in designs]:
            for action in self._chip_actions:
                self.removeAction(action)
            self.chips = {}
            self._chip_actions = []
            for key, title in designs:
                chip = Chip(key, title, self._theme)
                chip.clicked.connect(lambda _=False, k=key: self.design_chosen.emit(k))
                self.chips[key] = chip
                self._chip_actions.append(self.addWidget(chip))
        for key, chip in self.chips.items():
            chip.setChecked(key == view)

    def set_playing(self, playing: bool) -> None:
        """The play button shows what it would do."""
        self._qactions["play"].setIcon(icon("pause" if playing else "play", self._theme))

    def set_speed(self, per_second: float, shown: bool) -> None:
        """``2 /s`` beside the time buttons while playing."""
        self.speed.setText(f"{per_second:g} a second")
        self._speed_action.setVisible(shown)

    def set_open(self, id_: str) -> None:
        """Mark the operation whose form is open ("" for none)."""
        for name, button in self.buttons.items():
            button.setProperty("open", bool(id_) and name == id_)
            button.style().unpolish(button)
            button.style().polish(button)

    def set_theme(self, theme: Theme) -> None:
        """Colour the chips anew."""
        self._theme = theme
        for chip in self.chips.values():
            chip.set_theme(theme)
