"""The toolbar: time, the operations by name, and a chip for each design that runs, which shows it when clicked."""

from __future__ import annotations

from textwrap import fill

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QStyle, QToolBar, QToolButton, QWidget

from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.gui.actions import BY_ID, TOOLBAR_OPERATIONS, TOOLBAR_TIME, ActionSet
from rmapexplorer.gui.icons import grown, icon, marker
from rmapexplorer.gui.plain_text import PlainLabel
from rmapexplorer.gui.statusbar import chip_text
from rmapexplorer.gui.theme import Theme

TIP_LETTERS = 64
"""Letters of a line of a tip."""


def design_tip(key: str, title: str) -> str:
    """Name, year, version and idea of a design in two lines of plain text."""
    name = key.partition(":")[0]
    kind = next((kind for kind in DESIGNS if kind.key == name), None)
    about = f"{title}, {kind.when}.\nIdea: {kind.story}." if kind is not None else f"{title}."
    about = "\n".join(fill(line, TIP_LETTERS) for line in about.split("\n"))
    return f"{about}\nClick to look into it: all designs ran the same operations."


class Chip(QToolButton):
    """One design: marker and name; outlined in its colour while it is the one in view."""

    def __init__(self, key: str, title: str, theme: Theme) -> None:
        super().__init__()
        self.key = key
        self.setText(f" {chip_text(key)}")
        self.setToolTip(design_tip(key, title))
        self.setAccessibleName(f"Show {chip_text(key)}")
        self.setCheckable(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.set_theme(theme)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Marker, name (bold or not, so that nothing moves when it is chosen) and a little air."""
        font = self.font()
        font.setBold(True)
        return QSize(QFontMetrics(font).horizontalAdvance(self.text()) + grown(12) + 25, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Never narrower than its name."""
        return self.sizeHint()

    def set_theme(self, theme: Theme) -> None:
        """Take the design's colour from ``theme``."""
        self.setIconSize(QSize(grown(12), grown(12)))
        self.setIcon(marker(self.key, theme))
        colour, wash = theme.design(self.key).name(), theme.color("sel").name()
        self.setStyleSheet(
            f"QToolButton:checked {{ border: 1px solid {colour}; background: {wash}; font-weight: 600; }}"
        )


class Chips(QWidget):
    """The chips in a row, as many as fit; the others are a menu at its end. The one in view always has its chip."""

    GAP = 4
    FEW = 4
    """So many designs are all shown before any operation is, where there is room for them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chips: list[Chip] = []
        self.more = QToolButton(self)
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setMenu(QMenu(self.more))
        self.more.setToolTip("More designs that run")
        self.more.setAccessibleName("More designs that run")
        self.more.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.more.hide()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def set_chips(self, chips: list[Chip]) -> None:
        """Show other chips; those of before are thrown away."""
        for chip in self._chips:
            chip.hide()
            chip.deleteLater()
        self._chips = chips
        for chip in chips:
            chip.setParent(self)
        self.arrange()

    def hidden_keys(self) -> list[str]:
        """Keys of the chips for which there is no room."""
        return [chip.key for chip in self._chips if chip.isHidden()]

    def arrange(self) -> None:
        """Lay the chips out; what does not fit goes into the menu."""
        fitting = self._fitting()
        left, height = 0, self.height()
        for chip in self._chips:
            chip.setVisible(chip in fitting)
            if chip in fitting:
                size = chip.sizeHint()
                chip.setGeometry(left, (height - size.height()) // 2, size.width(), size.height())
                left += size.width() + self.GAP
        rest = [chip for chip in self._chips if chip not in fitting]
        self.more.setVisible(bool(rest))
        if rest:
            self.more.setText(f"+{len(rest)} ▾")
            size = self.more.sizeHint()
            self.more.setGeometry(left, (height - size.height()) // 2, size.width(), size.height())
        menu = self.more.menu()
        menu.clear()
        for chip in rest:
            action = menu.addAction(chip.icon(), chip.text().strip(), chip.click)
            action.setToolTip(chip.toolTip())

    def _fitting(self) -> list[Chip]:
        wide = {chip: chip.sizeHint().width() + self.GAP for chip in self._chips}
        if sum(wide.values()) - self.GAP <= self.width():
            return self._chips
        shown = next((chip for chip in self._chips if chip.isChecked()), None)
        room = self.width() - self._more_width() - (wide[shown] if shown else 0)
        fitting = []
        for chip in self._chips:
            if chip is shown or wide[chip] <= room:
                fitting.append(chip)
                room -= 0 if chip is shown else wide[chip]
            else:
                room = 0  # in their order: no later one jumps in
        return fitting

    def _more_width(self) -> int:
        return self.fontMetrics().horizontalAdvance("+8 ▾") + 34

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """All of them."""
        wide = sum(chip.sizeHint().width() + self.GAP for chip in self._chips)
        return QSize(wide, self._height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """The widest, and the menu of the others."""
        widest = max((chip.sizeHint().width() for chip in self._chips), default=0)
        return QSize(widest + self.GAP + self._more_width(), self._height())

    def _height(self) -> int:
        return max((chip.sizeHint().height() for chip in self._chips), default=self.fontMetrics().height() + 12)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Another width: other chips."""
        super().resizeEvent(event)
        self.arrange()


class ToolBar(QToolBar):
    """``design_chosen`` carries the key of the chip clicked."""

    design_chosen = Signal(str)
    SPACING = 6
    """Between two things, with their borders, in device-independent pixels."""

    def __init__(self, actions: ActionSet, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Toolbar", parent)
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.setFloatable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setIconSize(QSize(grown(16), grown(16)))
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
        self.row = Chips()
        self._row_action = self.addWidget(self.row)
        self._narrow = False
        self.speed = PlainLabel()
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

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Where not everything fits the designs come first: operations have their menu too."""
        super().resizeEvent(event)
        self._order()

    def _order(self) -> None:
        wide = {id_: button.sizeHint().width() + self.SPACING for id_, button in self.buttons.items()}
        arrow = self.style().pixelMetric(QStyle.PixelMetric.PM_ToolBarExtensionExtent)
        room = self.width() - sum(wide[id_] for id_ in TOOLBAR_TIME) - arrow - 4 * self.SPACING
        whole = self.row.sizeHint().width()
        if len(self.chips) <= Chips.FEW and whole <= room:
            least, air = whole, -Chips.GAP
        else:
            least, air = self.row.minimumSizeHint().width(), 4 * self.SPACING
        narrow = sum(wide.values()) + least + air > self.width()
        self.row.setMinimumWidth(least if narrow else 0)
        if narrow != self._narrow:
            self._narrow = narrow
            self.removeAction(self._row_action)
            before = self._qactions[TOOLBAR_OPERATIONS[0]] if narrow else None
            self.insertAction(before, self._row_action) if before is not None else self.addAction(self._row_action)
            self.row.show()

    def set_designs(self, designs: list[tuple[str, str]], view: str) -> None:
        """Chips for these (key, title); ``view`` is the one shown."""
        changed = list(self.chips) != [key for key, _ in designs]
        if changed:
            self.chips = {key: Chip(key, title, self._theme) for key, title in designs}
            for key, chip in self.chips.items():
                chip.clicked.connect(lambda _=False, k=key: self.design_chosen.emit(k))
        moved = [chip.key for chip in self.chips.values() if chip.isChecked()] != [view]
        for key, chip in self.chips.items():
            chip.setChecked(key == view)
        if changed:
            self.row.set_chips(list(self.chips.values()))
            self.row.updateGeometry()
            self._order()
        elif moved:
            self.row.arrange()

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
        """Colour the chips anew, and size the pictures for the text."""
        self._theme = theme
        self.setIconSize(QSize(grown(16), grown(16)))
        for chip in self.chips.values():
            chip.set_theme(theme)
        self.row.arrange()
