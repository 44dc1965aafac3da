"""The tour: callouts that point at one panel after the other. Everything stays usable; Esc ends it, arrows go on and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import frozen
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from rmapexplorer.gui.icons import icon
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.plain_text import PlainLabel
from rmapexplorer.gui.theme import Theme

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow

ARROW = 11
"""Length of the arrow at a callout, in device-independent pixels."""
LETTERS = 46
"""Letters of a line of a callout."""


@frozen
class Stop:
    """One callout: name of a dock, or of a part of the window in brackets; what it says."""

    place: str
    title: str
    text: str


STOPS = (
    Stop("memory_map", "What a reverse map is for",
         "A page table says which page lies at an address. To free a page, the kernel needs the way back: from the page "
         "to every process that maps it. After fork many do. That way back is the reverse map; this program shows how "
         "Linux built it since 2002, and what each way costs."),
    Stop("timeline", "One log of operations",
         "Six operations are loaded: mmap, writes, a fork, an mremap, reclaim. Drag the slider or press Alt+Left and "
         "Alt+Right: all panels show the state after the operation it stands at, the sentence says what it did."),
    Stop("processes", "Who there is",
         "A server has forked a worker. Click one to select it; right-click for what it can do: fork, exec, mmap, exit."),
    Stop("memory_map", "Where everything is mapped",
         "One row a process. Faded pages are shared, a line above marks those copied when they were written. Click a page: "
         "it lights up wherever else it is mapped. mremap has put one at two addresses."),
    Stop("structures", "How the kernel finds it again",
         "From the page to all who map it, through the objects of the design in view. That is what reverse mapping is."),
    Stop("inspector", "The walk, step by step",
         "A walk looks at every candidate, which is a hit or a miss; it has been run, Again runs it anew. Below it says why a vma "
         "does not merge with its neighbours."),
    Stop("[designs]", "The same under another design",
         "All designs ran the same operations. Point at one to read its idea, choose it to look into it: anonmm had to copy "
         "the pages that were moved, for its pages know one address only."),
    Stop("overhead", "What it cost",
         "One line a design: the memory of its reverse map, how many nodes it would have to look at to find all who map the "
         "pages (a probe), the pages mremap made it copy. Where lines part, click: the window goes to that operation."),
    Stop("[palette]", "Everything is one key away",
         "Ctrl+K finds every action, panel and scenario by a few letters; Ctrl+F finds pages, processes and operations. "
         "Help has the letter of 2004 with its experiments, and this tour."),
)  # fmt: skip
"""The stops, in order."""


class Ring(QWidget):
    """A line around what a callout is about; the mouse goes through it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.theme: Theme | None = None

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """The line."""
        if self.theme is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.theme.color("accent"), 2.5))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 9, 9)
        painter.end()


class Callout(QFrame):
    """A bubble with an arrow on one side (``side``: where the target lies)."""

    wanted = Signal(int)
    """+1 next, -1 back, 0 close."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("callout")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.side, self.tip = "left", QPoint()
        self._theme: Theme | None = None
        self.title, self.text, self.count = PlainLabel(), PlainLabel(), PlainLabel()
        self.title.setFont(scaled(self.font(), 1.06, bold=True))
        self.text.setWordWrap(True)
        self.count.setProperty("role", "dim")
        self.back_button, self.next_button, self.close_button = QPushButton("Back"), QPushButton("Next"), QToolButton()
        self.next_button.setProperty("primary", True)
        self.back_button.setFlat(True)
        self.close_button.setProperty("quiet", True)
        self.close_button.setToolTip("End the tour (Esc); Help has it again")
        self.close_button.setAccessibleName("End the tour")
        for button, step in ((self.back_button, -1), (self.next_button, 1), (self.close_button, 0)):
            button.clicked.connect(lambda _=False, by=step: self.wanted.emit(by))
        self._assemble()

    def _assemble(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16 + ARROW, 12 + ARROW, 12 + ARROW, 12 + ARROW)
        column.setSpacing(8)
        head, foot = QHBoxLayout(), QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.close_button)
        foot.addWidget(self.count, 1)
        foot.addWidget(self.back_button)
        foot.addWidget(self.next_button)
        column.addLayout(head)
        column.addWidget(self.text)
        column.addLayout(foot)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        self.close_button.setIcon(icon("close", theme, 12))
        self.update()

    def fill(self, stop: Stop, number: int, total: int) -> None:
        """Show a stop."""
        self.title.setText(stop.title)
        self.text.setText(stop.text)
        self.count.setText(f"{number + 1} of {total}")
        self.back_button.setVisible(number > 0)
        self.next_button.setText("Done" if number + 1 == total else "Next")
        self.setAccessibleName(f"Tour, {number + 1} of {total}: {stop.title}. {stop.text}")
        width = LETTERS * self.fontMetrics().averageCharWidth() + 2 * ARROW + 28
        self.text.setFixedWidth(width - 2 * ARROW - 28)
        self.setFixedWidth(width)
        self.layout().activate()
        self.resize(width, self.layout().heightForWidth(width))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows go on and back, Esc ends; Enter is the next one."""
        key = Qt.Key
        ways = {key.Key_Right: 1, key.Key_Down: 1, key.Key_Left: -1, key.Key_Up: -1, key.Key_Escape: 0,
                key.Key_Return: 1, key.Key_Enter: 1}  # fmt: skip
        if event.key() in ways:
            self.wanted.emit(ways[key(event.key())])
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Bubble and arrow."""
        if self._theme is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("accent"), 1.4))
        painter.setBrush(self._theme.color("raised"))
        box = QRectF(self.rect()).adjusted(ARROW, ARROW, -ARROW, -ARROW)
        painter.drawRoundedRect(box, 9, 9)
        at, half = QPointF(self.tip), ARROW * 0.8
        x, y = min(max(at.x(), box.left() + 14), box.right() - 14), min(max(at.y(), box.top() + 14), box.bottom() - 14)
        edges = {
            "left": (QPointF(box.left() + 1, y - half), QPointF(1, y), QPointF(box.left() + 1, y + half)),
            "right": (QPointF(box.right() - 1, y - half), QPointF(self.width() - 1, y), QPointF(box.right() - 1, y + half)),
            "top": (QPointF(x - half, box.top() + 1), QPointF(x, 1), QPointF(x + half, box.top() + 1)),
            "bottom": (QPointF(x - half, box.bottom() - 1), QPointF(x, self.height() - 1), QPointF(x + half, box.bottom() - 1)),
        }  # fmt: skip
        if self.side in edges:
            corners = edges[self.side]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawPolygon(QPolygonF(list(corners)))
            painter.setPen(QPen(self._theme.color("accent"), 1.4))
            painter.drawPolyline(QPolygonF(list(corners)))
        painter.end()


def beside(target: QRect, size: QSize, room: QRect) -> tuple[QRect, str]:
    """Where a callout of ``size`` stands beside ``target`` within ``room``, and on which of its sides the target lies.

    Where no side has room it lies over the target, without an arrow.
    """
    w, h = size.width(), size.height()
    middle = target.center()
    ways = {
        "left": QRect(target.right() - 4, middle.y() - h // 2, w, h),
        "right": QRect(target.left() - w + 4, middle.y() - h // 2, w, h),
        "bottom": QRect(middle.x() - w // 2, target.top() - h + 4, w, h),
        "top": QRect(middle.x() - w // 2, target.bottom() - 4, w, h),
    }
    for side, rect in ways.items():
        long = side in ("left", "right")
        if (
            (room.left() <= rect.left() and rect.right() <= room.right())
            if long
            else (room.top() <= rect.top() and rect.bottom() <= room.bottom())
        ):
            return _within(rect, room), side
    return _within(QRect(middle.x() - w // 2, middle.y() - h // 2, w, h), room), ""


def _within(rect: QRect, room: QRect) -> QRect:
    x = max(room.left(), min(rect.left(), room.right() - rect.width()))
    y = max(room.top(), min(rect.top(), room.bottom() - rect.height()))
    return QRect(QPoint(x, y), rect.size())


class Tour(QObject):
    """Goes from stop to stop; ``ended`` once."""

    ended = Signal()

    def __init__(self, window: MainWindow, part: Callable[[str], QWidget | None]) -> None:
        super().__init__(window)
        self._window, self._part = window, part
        self.at = -1
        self.ring, self.callout = Ring(window), Callout(window)
        self.callout.wanted.connect(self._go)
        window.installEventFilter(self)
        self.set_theme(window.themes.current)
        self.ring.hide()
        self.callout.hide()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self.ring.theme = theme
        self.callout.set_theme(theme)
        self.ring.update()

    def start(self) -> None:
        """Begin at the first stop, which gets the keyboard."""
        self.at = -1
        self._go(1)
        self.callout.setFocus(Qt.FocusReason.OtherFocusReason)

    def stop(self) -> None:
        """End; the keyboard goes back to the panels."""
        if self.callout.isVisible():
            inside = self.callout.hasFocus() or self.callout.isAncestorOf(self._window.focusWidget() or self.callout)
            self.ring.hide()
            self.callout.hide()
            if inside:
                self._window.views["processes"].setFocus()
        self.ended.emit()

    def _go(self, by: int) -> None:
        at = self.at + by
        while 0 <= at < len(STOPS) and self._widget(STOPS[at]) is None:
            at += by  # what is hidden is passed over
        if by == 0 or at >= len(STOPS):
            self.stop()
        elif at >= 0:
            self.at = at
            self._show()

    def _widget(self, stop: Stop) -> QWidget | None:
        widget = self._part(stop.place)
        return widget if widget is not None and not widget.isHidden() else None

    def _show(self) -> None:
        stop = STOPS[self.at]
        dock = self._window.docks.docks.get(stop.place)
        if dock is not None:
            dock.raise_()
        self.callout.fill(stop, self.at, len(STOPS))
        self.place()
        self.ring.show()
        self.ring.raise_()
        self.callout.show()
        self.callout.raise_()

    def place(self) -> None:
        """Ring and callout where the target is now."""
        widget = self._widget(STOPS[self.at])
        if widget is None:
            return
        target = QRect(widget.mapTo(self._window, QPoint(0, 0)), widget.size())
        self.ring.setGeometry(target.adjusted(-3, -3, 3, 3).intersected(self._window.rect()))
        rect, side = beside(target, self.callout.size(), self._window.rect().adjusted(4, 4, -4, -4))
        self.callout.side, self.callout.tip = side, target.center() - rect.topLeft()
        self.callout.setGeometry(rect)
        self.callout.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Follow the window's size."""
        if event.type() == QEvent.Type.Resize and watched is self._window and self.callout.isVisible():
            self.place()
        return False
