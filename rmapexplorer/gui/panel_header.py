"""The header row of a panel: title left, small controls and a hint right; controls that find no room go into a menu."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QSize, QTimer
from PySide6.QtGui import QContextMenuEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

HINT_LEAST = 40
"""Room the hint keeps before a control gives way, in device-independent pixels."""

MARGIN = 12
"""Left and right of the row."""

MEASURED_ANEW = (QEvent.Type.LayoutRequest, QEvent.Type.Show, QEvent.Type.StyleChange, QEvent.Type.FontChange)
"""Events after which controls may be wider or narrower: title and tabs change without a request while they are hidden."""


class Header(QWidget):
    """Measures its controls when it is laid out, and puts the last of them into the menu of ``more`` where it is narrow.

    :param squeezes: whether a widget is a control that may go into the menu.
    """

    def __init__(self, title: QLabel, hint: QLabel, more: QToolButton, squeezes: Callable[[QWidget], bool]) -> None:
        super().__init__()
        self._title: QWidget = title
        self._hint, self._more, self._squeezes = hint, more, squeezes
        self._away: list[QToolButton] = []
        """Controls in the menu, the leftmost first."""
        self.controls = QHBoxLayout()
        self.controls.setSpacing(2)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(MARGIN, 5, MARGIN, 5)
        self._row.setSpacing(6)
        self._row.addWidget(title)
        self._row.addStretch(1)
        self._row.addLayout(self.controls)
        self._row.addWidget(more)
        self._row.addWidget(hint)
        more.hide()
        hint.setMinimumWidth(1)  # it is the first to give way
        menu = QMenu(more)
        more.setMenu(menu)
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu.aboutToShow.connect(self._fill)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.fit)

    # a docked panel is held by its header: what is pressed here and not by a button is its dock's

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """The dock may be dragged from here."""
        self._pass_on(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """The dock is dragged."""
        self._pass_on(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """The dock is dropped."""
        self._pass_on(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """The dock floats, or is put back."""
        dock = self._dock()
        if dock is not None:
            dock.setFloating(not dock.isFloating())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """The dock's menu."""
        dock = self._dock()
        if dock is not None:
            QCoreApplication.sendEvent(dock.titleBarWidget(), event)

    def _dock(self) -> QDockWidget | None:
        parent = self.parentWidget()
        while parent is not None and not isinstance(parent, QDockWidget):
            parent = None if parent.isWindow() else parent.parentWidget()
        return parent if isinstance(parent, QDockWidget) and parent.titleBarWidget() is not None else None

    def _pass_on(self, event: QMouseEvent) -> None:
        dock = self._dock()
        if dock is None:
            event.ignore()
            return
        bar = dock.titleBarWidget()
        assert bar is not None
        inside = QPointF(min(self.mapTo(dock, event.position()).x(), bar.width() - 1.0), bar.geometry().center().y())
        kind, buttons = event.type(), event.buttons()
        moved = QMouseEvent(kind, inside, event.globalPosition(), event.button(), buttons, event.modifiers())
        QCoreApplication.sendEvent(dock, moved)

    def set_title_widget(self, widget: QWidget) -> None:
        """Another widget where the title stands."""
        self._title.setVisible(False)
        self._title.setMinimumWidth(0)
        self._title = widget
        self._row.insertWidget(0, widget)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """The title and the menu button: everything else gives way."""
        title = self._title.minimumSizeHint().width()
        wide = title + self._more.sizeHint().width() + 2 * MARGIN + 12
        return QSize(wide, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Another width: other controls fit."""
        super().resizeEvent(event)
        self.fit()

    def event(self, event: QEvent) -> bool:
        """A control or the hint changed its size or came: look again, once all of them did."""
        if event.type() in MEASURED_ANEW:
            self._soon.start(0)
        return super().event(event)

    def fit(self) -> None:
        """Show as many controls as there is room for."""
        there = [one for one in self._buttons() if one in self._away or not one.isHidden()]
        wanted = there[: self._fitting(there)]
        away = there[len(wanted) :]
        if away != self._away:
            self._put_away(away)
        self._favour_title()

    def _put_away(self, away: list[QToolButton]) -> None:
        back = [one for one in self._away if one not in away]
        self._away = away
        for one in away:
            one.hide()
        for one in back:
            one.show()
        self._more.setVisible(bool(away))

    def _favour_title(self) -> None:
        """The title keeps what the controls leave; the hint is what gives way."""
        if not isinstance(self._title, QLabel):
            return
        taken = self.controls.sizeHint().width() + 2 * MARGIN + 2 * self._row.spacing()
        taken += 0 if self._more.isHidden() else self._more.sizeHint().width() + self._row.spacing()
        taken += 0 if self._hint.isHidden() else self._row.spacing()
        wide = min(self._title.sizeHint().width(), self.width() - taken)
        wide = max(wide, self._title.minimumSizeHint().width())
        if wide != self._title.minimumWidth():
            self._title.setMinimumWidth(wide)

    def _buttons(self) -> list[QToolButton]:
        found: list[QToolButton] = []

        def collect(widget: QWidget | None) -> None:
            if isinstance(widget, QToolButton) and self._squeezes(widget):
                found.append(widget)
            elif widget is not None and widget.layout() is not None:
                inner = widget.layout()
                for n in range(inner.count()):
                    collect(inner.itemAt(n).widget())

        for n in range(self.controls.count()):
            collect(self.controls.itemAt(n).widget())
        return found

    def _fitting(self, buttons: list[QToolButton]) -> int:
        others = sum(
            self.controls.itemAt(n).widget().sizeHint().width()
            for n in range(self.controls.count())
            if not self._holds(self.controls.itemAt(n).widget(), buttons)
            and not self.controls.itemAt(n).widget().isHidden()
        )
        hint = 0 if self._hint.isHidden() else min(self._hint.sizeHint().width(), HINT_LEAST) + 6
        room = self.width() - 2 * MARGIN - 12 - self._title.minimumSizeHint().width() - hint - others
        widths = [button.sizeHint().width() + 2 for button in buttons]
        if sum(widths) <= room:
            return len(buttons)
        room -= self._more.sizeHint().width() + 6
        count = 0
        while count < len(widths) and sum(widths[: count + 1]) <= room:
            count += 1
        return count

    @staticmethod
    def _holds(widget: QWidget, buttons: list[QToolButton]) -> bool:
        return any(widget is one or widget.isAncestorOf(one) for one in buttons)

    def _fill(self) -> None:
        menu = self._more.menu()
        menu.clear()
        for button in self._away:
            own = button.menu()
            if own is not None:
                menu.addMenu(own).setText(button.text())
                continue
            action = menu.addAction(button.text() or button.accessibleName())
            action.setToolTip(button.toolTip())
            action.setEnabled(button.isEnabled())
            action.setCheckable(button.isCheckable())
            action.setChecked(button.isChecked())
            action.triggered.connect(lambda _=False, b=button: b.click())
