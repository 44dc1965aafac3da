"""The docks: which panel stands where, how they are dragged, remembered and put back."""

from __future__ import annotations

from attrs import frozen
from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QContextMenuEvent, QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QMainWindow, QMenu, QTabWidget, QToolButton, QWidget

from rmapexplorer.gui.icons import icon
from rmapexplorer.gui.panel import Panel
from rmapexplorer.gui.perspectives import EXPLORE, PERSPECTIVES, Room, narrow
from rmapexplorer.gui.plain_text import PlainLabel
from rmapexplorer.gui.settings import LAYOUT_VERSION
from rmapexplorer.gui.shares import Parts, Shares, aside
from rmapexplorer.gui.theme import Theme

STRIP = 10
"""Height of the strip above a docked panel by which it is dragged, in device-independent pixels."""


SIDE = 3
"""Room left and right of a panel, in device-independent pixels: with the splitters' own it makes the gaps even."""


@frozen
class Place:
    """One dock: its name, the title in the View menu, its shortcut."""

    name: str
    title: str
    shortcut: str


PLACES = (
    Place("processes", "Processes", "Alt+1"),
    Place("vmas", "VMAs", "Alt+2"),
    Place("memory_map", "Memory map", "Alt+3"),
    Place("structures", "Structures", "Alt+4"),
    Place("inspector", "Inspector", "Alt+5"),
    Place("history", "History", "Alt+6"),
    Place("script", "Script", "Alt+S"),
    Place("timeline", "Timeline", "Alt+7"),
    Place("overhead", "Overhead", "Alt+8"),
    Place("claims", "Claims", "Alt+9"),
    Place("sizes", "Sizes", "Alt+0"),
    Place("compare", "Compare", "Alt+C"),
)
"""Every dock, in the order of the View menu."""

_AREA = Qt.DockWidgetArea


class Handle(QWidget):
    """The title bar of a dock: a bare strip while docked, as the panel has its own header; title and close when not."""

    def __init__(self, dock: Dock) -> None:
        super().__init__(dock)
        self._dock = dock
        self._hot = False
        self._line, self._accent = QColor("gray"), QColor("gray")
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setToolTip("Drag to move this panel, double-click to float it, right-click for its menu")
        self._title = PlainLabel(dock.windowTitle())
        self._title.setProperty("role", "title")
        self._close = QToolButton()
        self._close.setProperty("quiet", True)
        self._close.setAccessibleName(f"Hide {dock.windowTitle()}")
        self._close.clicked.connect(dock.close)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 0, 4, 0)
        row.addWidget(self._title)
        row.addStretch()
        row.addWidget(self._close)
        dock.topLevelChanged.connect(self._float)
        self._float(False)

    def _float(self, floating: bool) -> None:
        self._title.setVisible(floating and not _says(self._dock.view, self._dock.windowTitle()))
        self._close.setVisible(floating)
        self.setFixedHeight(28 if floating else STRIP)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 (Qt's name)
        """Float, hide, and the list of all panels."""
        self.menu().popup(event.globalPos())

    def menu(self) -> QMenu:
        """What can be done with the panel."""
        dock, menu = self._dock, QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Put back" if dock.isFloating() else "Float", lambda: dock.setFloating(not dock.isFloating()))
        menu.addAction("Hide", dock.close)
        menu.addSeparator()
        others = menu.addMenu("Panels")
        for other in dock.parentWidget().findChildren(QDockWidget):
            others.addAction(other.toggleViewAction())
        return menu

    def sizeHint(self) -> QSize:  # noqa: N802
        """The strip's height."""
        return QSize(40, self.maximumHeight())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Narrow enough not to matter."""
        return QSize(20, self.maximumHeight())

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._line, self._accent = theme.color("line"), theme.color("accent")
        self._close.setIcon(icon("close", theme, 12))
        self.update()

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802
        """Show the grip."""
        self._hot = True
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Hide the grip."""
        self._hot = False
        self.update()
        super().leaveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """A short bar under the mouse."""
        if self._hot and not self._dock.isFloating():
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._accent)
            painter.drawRoundedRect(self.width() // 2 - 22, self.height() // 2 - 1, 44, 3, 1.5, 1.5)
            painter.end()


def _says(view: QWidget, title: str) -> bool:
    """Whether a view has its title in its own header."""
    panels = [view, *view.findChildren(Panel)]
    words = [panel.title() for panel in panels if isinstance(panel, Panel)]
    words += [label.text() for label in view.findChildren(QLabel)]
    return any(word.startswith(title) for word in words)


class Dock(QDockWidget):
    """A panel that can be moved, floated and hidden."""

    def __init__(self, place: Place, view: QWidget, parent: QMainWindow) -> None:
        super().__init__(place.title, parent)
        self.setObjectName(f"dock_{place.name}")
        self.view = view
        self.handle = Handle(self)
        self.setTitleBarWidget(self.handle)
        holder = QWidget()
        self._row = QHBoxLayout(holder)
        self._row.setContentsMargins(SIDE, 0, SIDE, 0)
        self._row.addWidget(view)
        self.setWidget(holder)

    def set_view(self, view: QWidget) -> None:
        """Show another view in the place of the present one, which is the caller's to delete."""
        self._row.replaceWidget(self.view, view)
        self.view.hide()
        self.view = view
        view.show()


class Layout:
    """Makes the docks of a window and arranges them."""

    def __init__(self, window: QMainWindow, views: dict[str, QWidget]) -> None:
        self._window = window
        window.setDockNestingEnabled(True)
        window.setTabPosition(_AREA.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        window.setCorner(Qt.Corner.BottomLeftCorner, _AREA.BottomDockWidgetArea)
        window.setCorner(Qt.Corner.BottomRightCorner, _AREA.BottomDockWidgetArea)
        self.docks = {place.name: Dock(place, views[place.name], window) for place in PLACES}
        self.perspective = EXPLORE
        self._heights: dict[str, int] = {}
        self._tall = 0
        self._arranging = False
        self._stacked = (Room.AMPLE, False)
        """The room the docks were arranged for."""
        self._own = False
        """The user put a dock elsewhere, or the arrangement is one that was saved."""
        self._arranged: set[str] = set()
        """The docks that the arrangement hides."""
        self._others: dict[tuple[Room, bool], Parts] = {}
        """What the user made of the docks' shares where they were stacked otherwise."""
        self.shares = Shares(window, self.docks, self.proportion, self._restack)
        self.reset()
        for dock in self.docks.values():
            dock.dockLocationChanged.connect(self._moved)
            dock.topLevelChanged.connect(self._moved)

    def set_theme(self, theme: Theme) -> None:
        """Colour the handles anew."""
        for dock in self.docks.values():
            dock.handle.set_theme(theme)

    def reset(self) -> None:
        """Every dock where it belongs in the arrangement named by ``perspective``."""
        self.arrange(self.perspective)

    def arrange(self, name: str) -> None:
        """Put the docks as a perspective says; the others stay hidden until they are asked for."""
        self.perspective, self._own, self._others = name, False, {}
        self._place()
        self.proportion()
        self._arranged = self._hidden()

    def _hidden(self) -> set[str]:
        return {name for name, dock in self.docks.items() if dock.isHidden()}

    def _place(self) -> None:
        self._stacked = self._fitting()
        self._arranging = True
        for dock in self.docks.values():
            dock.setFloating(False)
            self._window.removeDockWidget(dock)
        PERSPECTIVES[self.perspective].place(self._window, self.docks, self._stacked[0])
        self._arranging = False

    def _fitting(self) -> tuple[Room, bool]:
        return Room.of(self._window, PERSPECTIVES[self.perspective].low), narrow(self._window)

    def _moved(self, *_: object) -> None:
        if not self._arranging:
            self._own = True
            self.shares.note()

    def proportion(self) -> None:
        """Share the window's present size out as in the default arrangement."""
        self.shares.forget()
        PERSPECTIVES[self.perspective].share(self._window, self.docks, self._stacked[0])

    def _restack(self) -> None:
        """Stack as many docks as there is room for, unless the user arranged them."""
        before = self._stacked
        if self._own or before == self._fitting():
            return
        away = [dock for dock in self.docks.values() if dock.isHidden()]
        keyboard = self._window.focusWidget()
        self._others[before] = self.shares.parts
        self._place()
        for dock in self.docks.values():
            if dock.isHidden() != (dock in away):
                dock.setVisible(dock not in away)
        self.shares.parts = self._others.get(self._stacked, {})
        for dock in self.docks.values():
            if keyboard is not None and dock.isAncestorOf(keyboard):  # taken out and put in, a dock loses it
                keyboard.setFocus()

    def make_room(self, bar: QWidget, shown: bool) -> None:
        """Show or hide a bar above the docks; when it is gone they have the heights of before, in a window of that size."""
        if shown == (not bar.isHidden()):
            return
        if shown:
            self._heights = {name: dock.height() for name, dock in self.docks.items() if not aside(dock)}
            self._tall = self._window.height()
        bar.setVisible(shown)
        if not shown and self._heights and self._tall == self._window.height():
            QTimer.singleShot(0, self._window, self._give_back)

    def _give_back(self) -> None:
        before = {name: high for name, high in self._heights.items() if not aside(self.docks[name])}
        docks = [self.docks[name] for name in before]
        self._window.resizeDocks(docks, list(before.values()), Qt.Orientation.Vertical)

    def save(self) -> QByteArray:
        """The arrangement, to be restored later; empty where it is the perspective's, which goes on fitting the window."""
        if not self._own and not self.shares.parts and self._hidden() == self._arranged:
            return QByteArray()
        return self.state()

    def state(self) -> QByteArray:
        """The arrangement as it stands, whoever made it."""
        return self._window.saveState(LAYOUT_VERSION)

    def restore(self, state: QByteArray) -> bool:
        """An arrangement saved before; the default one where it cannot be restored (False)."""
        if not state.isEmpty() and self._window.restoreState(state, LAYOUT_VERSION):
            self._own = True
            self.shares.note()
            return True
        self.reset()
        return False
