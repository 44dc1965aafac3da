"""The frame around every view: quiet rounded border, a header row, the body, one dim hint line, an empty state.

A view puts its widget in with ``set_body``, its small controls into ``header_layout()``; the panel draws the rest.
"""

from __future__ import annotations

import textwrap

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QColor,
    QFont,
    QFontMetrics,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QStackedLayout,
    QStyle,
    QStyleOptionToolButton,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rmapexplorer.gui.panel_header import Header
from rmapexplorer.gui.plain_text import PlainLabel, plain_tip
from rmapexplorer.gui.theme import Theme

FOOTER_LINES = 8
"""Lines of text that a panel is high before its last line is given to what can be done."""

RADIUS = 8.0
"""Corner of a panel, in device-independent pixels."""


def wrapped(text: str, width: int = 76) -> str:
    """A tool tip in lines of at most ``width`` letters: Qt shows plain text on one line however long it is."""
    return plain_tip("\n".join(textwrap.fill(line, width) for line in text.split("\n")))


def scaled(font: QFont, factor: float, *, bold: bool = False) -> QFont:
    """A copy of ``font``, ``factor`` times as large."""
    copy = QFont(font)
    if font.pointSizeF() > 0:
        copy.setPointSizeF(max(6.0, font.pointSizeF() * factor))
    else:
        copy.setPixelSize(max(8, round(font.pixelSize() * factor)))
    copy.setBold(bold)
    return copy


ROLES = {"text": "", "dim": "dim", "warn": "warn", "bad": "error", "good": "good"}
"""Colour tokens a label can have -> the role by which the style sheet knows it."""


def tone(label: QLabel, token: str) -> None:
    """Give a label the colour token ``token``, one of ROLES: the style sheet colours it, in every theme to come too."""
    role = ROLES[token]
    if (label.property("role") or "") == role:
        return
    label.setProperty("role", role)
    if label.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):
        label.style().unpolish(label)
        label.style().polish(label)


WIDTH_STEP = 24
"""Labels that change often take room in steps of so many device-independent pixels."""


class ElidedLabel(PlainLabel):
    """A one-line label that elides on the right instead of being clipped; the whole text is then its tooltip."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._full = self._shown = self._told = ""
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802 (Qt's name)
        """Show ``text``, elided where it does not fit."""
        if text == self._full:
            return
        wide = self.sizeHint().width()
        self._full = text
        self.setAccessibleName(text)
        free = self.minimumWidth() != self.maximumWidth()
        free &= self.sizePolicy().horizontalPolicy() != QSizePolicy.Policy.Ignored
        if free and self.sizeHint().width() != wide:
            self.updateGeometry()  # lays out the whole window anew: not for every figure that changes
        self._elide()

    def full_text(self) -> str:
        """The text as given."""
        return self._full

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """As narrow as three letters."""
        return QSize(
            min(self.sizeHint().width(), self.fontMetrics().horizontalAdvance("abc…")), self.sizeHint().height()
        )

    def text(self) -> str:
        """What is shown of it."""
        return self._shown

    def sizeHint(self) -> QSize:  # noqa: N802
        """As wide as the whole text, in steps: a digit more or less changes no layout."""
        wide = self.fontMetrics().horizontalAdvance(self._full) + 2
        return QSize(-(-wide // WIDTH_STEP) * WIDTH_STEP if self._full else 2, self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """The words, elided: QLabel would ask for a new layout with each of them."""
        painter = QPainter(self)
        painter.setFont(self.font())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.contentsRect(), int(self.alignment()) | int(Qt.TextFlag.TextSingleLine), self._shown)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Elide anew."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        shown = self.fontMetrics().elidedText(self._full, Qt.TextElideMode.ElideRight, max(self.width(), 8))
        # sizeHint() would polish the label: a style sheet then forgets the font that is set later
        needed = self.fontMetrics().horizontalAdvance(self._full) + 2
        self._shown = shown if self.width() < needed else self._full
        if self._shown != self._full:
            self._told = plain_tip(self._full)
            self.setToolTip(plain_tip(self._full))
        elif self._told and self.toolTip() == self._told:  # a tip that somebody else gave stays
            self.setToolTip("")
        self.update()


class HeaderButton(QToolButton):
    """A small text button for a panel's header: outlined, so that it is not taken for a label; brighter under the mouse."""

    def __init__(self, text: str, tip: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setToolTip(plain_tip(tip))
        self.setAccessibleName(tip or text)
        self.setAutoRaise(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFont(scaled(self.font(), 0.92))
        self._dim = self._text = self._accent = self._line = QColor("gray")
        self._wash = QColor(0, 0, 0, 0)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._dim, self._text = theme.color("dim"), theme.color("text")
        self._wash, self._accent, self._line = theme.color("raised"), theme.color("accent"), theme.color("line")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Room for the text and a little air."""
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self._label()) + 14, metrics.height() + 6)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Never narrower than its text."""
        return self.sizeHint()

    def _label(self) -> str:
        return self.text() + (" ▾" if self.menu() is not None else "")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Outline and text, and a wash where it is hovered, open or checked."""
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        hot = bool(option.state & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_Sunken))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setOpacity(1.0 if self.isEnabled() else 0.45)
        washed = hot and self.isEnabled() or self.isChecked()
        painter.setPen(QPen(self._accent, 1.2) if self.hasFocus() or self.isChecked() else QPen(self._line, 1))
        painter.setBrush(self._wash if washed else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(self._text if hot or self.isChecked() else self._dim)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._label())
        painter.end()


class HeaderChoice(HeaderButton):
    """A small drop-down in a header: ``colour: anon_vma ▾``. ``chosen`` carries the key picked by the user."""

    chosen = Signal(str)

    def __init__(self, title: str, choices: dict[str, str], parent: QWidget | None = None) -> None:
        super().__init__(title, parent=parent)
        self._title, self._choices, self._key = title, choices, next(iter(choices))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu, group = QMenu(self), QActionGroup(self)
        self._actions: dict[str, QAction] = {}
        for key, text in choices.items():
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setData(key)
            group.addAction(action)
            self._actions[key] = action
        self.setMenu(menu)
        menu.triggered.connect(self._picked)
        self.set_key(self._key)

    @property
    def key(self) -> str:
        """The key shown."""
        return self._key

    def set_key(self, key: str) -> None:
        """Show ``key`` without telling anyone."""
        self._key = key
        self._actions[key].setChecked(True)
        self.setText(f"{self._title}: {self._choices[key]}")
        self.setAccessibleName(self.text())
        self.updateGeometry()

    def _picked(self, action: QAction) -> None:
        if action.data() != self._key:
            self.set_key(action.data())
            self.chosen.emit(self._key)


class HeaderTabs(QTabBar):
    """Tabs in a panel's header: words, the current one bold and underlined."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDrawBase(False)
        self.setExpanding(False)
        self._text, self._dim, self._accent = QColor("gray"), QColor("gray"), QColor("gray")

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._text, self._dim, self._accent = theme.color("text"), theme.color("dim"), theme.color("accent")
        self.update()

    def tabSizeHint(self, index: int) -> QSize:  # noqa: N802
        """Room for the bold text."""
        metrics = QFontMetrics(scaled(self.font(), 1.0, bold=True))
        return QSize(metrics.horizontalAdvance(self.tabText(index)) + 16, metrics.height() + 6)

    minimumTabSizeHint = tabSizeHint  # noqa: N815

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Text and underline."""
        painter = QPainter(self)
        for i in range(self.count()):
            box, current = self.tabRect(i), i == self.currentIndex()
            painter.setFont(scaled(self.font(), 1.0, bold=current))
            painter.setPen(self._text if current else self._dim)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, self.tabText(i))
            if current:
                thick = 3 if self.hasFocus() else 2
                painter.fillRect(QRectF(box.left(), box.bottom() + 1 - thick, box.width() - 16, thick), self._accent)
        painter.end()


class Panel(QWidget):
    """A view's frame. Layout from the top: title, controls and hint; the body (or why it is empty); the footer."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme | None = None
        self._footer_widget: QWidget | None = None
        self._title = ElidedLabel(title)
        self._title.setFont(scaled(self.font(), 1.0, bold=True))
        self._hint, self._footer = ElidedLabel(), ElidedLabel()
        self._hint.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for label in (self._hint, self._footer):
            label.setFont(scaled(self.font(), 0.92))
        more = HeaderButton("⋯", "Controls for which there is no room")
        self._header = Header(self._title, self._hint, more, lambda widget: isinstance(widget, HeaderButton))
        self._controls = self._header.controls
        self._empty = PlainLabel()
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._empty.setMargin(12)
        for label in (self._hint, self._footer, self._empty):
            tone(label, "dim")
        self._body: QWidget | None = None
        self._holder = QWidget()
        self._pages = QStackedLayout(self._holder)  # without a widget it would show the label as a window
        self._pages.addWidget(self._empty)
        self._assemble()
        self.setAccessibleName(title)

    def _assemble(self) -> None:
        bottom = QWidget()
        line = QHBoxLayout(bottom)
        line.setContentsMargins(12, 4, 12, 7)
        line.addWidget(self._footer)
        self._bottom = bottom
        bottom.setVisible(False)
        self._hint.setVisible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addSpacing(1)
        column.addWidget(self._holder, 1)
        column.addWidget(bottom)

    def set_title(self, title: str) -> None:
        """The bold words top left."""
        self._title.setText(title)
        self.setAccessibleName(title)

    def keep_title(self) -> None:
        """The title stays whole; the hint gives way."""
        self._title.setMinimumWidth(self._title.sizeHint().width())

    def title(self) -> str:
        """The title as given."""
        return self._title.full_text()

    def set_hint(self, hint: str) -> None:
        """Dim text top right; empty hides it."""
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))

    def hint(self) -> str:
        """The hint as given."""
        return self._hint.full_text()

    def set_footer(self, footer: str) -> None:
        """One dim line at the bottom that says what can be done; empty hides it."""
        self._footer.setText(footer)
        self._show_footer()

    def set_footer_widget(self, widget: QWidget) -> None:
        """``widget`` (a legend, say) at the bottom in front of the footer, shown with it."""
        layout = self._bottom.layout()
        assert isinstance(layout, QHBoxLayout)
        layout.insertWidget(0, widget, 1)
        self._footer_widget = widget
        self._show_footer()

    def _show_footer(self) -> None:
        # where there is room for a few lines only they are the body's; the panel's tip then says what can be done
        room = self.height() >= FOOTER_LINES * self.fontMetrics().height() or not self.isVisible()
        self._footer.setVisible(bool(self._footer.full_text()))
        own = self._footer_widget is not None and not self._footer_widget.isHidden()
        self._bottom.setVisible((bool(self._footer.full_text()) or own) and room)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Low panels have no footer."""
        super().resizeEvent(event)
        self._show_footer()

    def set_footer_tone(self, token: str) -> None:
        """Colour token of the footer ("dim" by default, "warn" where it is about the thing under discussion)."""
        tone(self._footer, token)

    def header_layout(self) -> QHBoxLayout:
        """Where small controls go: right in the header, before the hint."""
        return self._controls

    def set_title_widget(self, widget: QWidget) -> None:
        """Put ``widget`` (tabs, say) where the title stands."""
        self._header.set_title_widget(widget)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Its header at its narrowest, and two lines: bodies scroll, elide or say that there is no room."""
        least = super().minimumSizeHint()
        lines = self._header.sizeHint().height() + 2 * self.fontMetrics().height()
        return QSize(min(least.width(), self._header.minimumSizeHint().width()), min(least.height(), lines))

    def fill(self, view: QWidget, focus: QWidget) -> None:
        """Be all of ``view``, which hands the keyboard on to ``focus``."""
        layout = QVBoxLayout(view)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self)
        view.setFocusProxy(focus)

    def set_body(self, widget: QWidget) -> None:
        """The view itself; replaces the one before."""
        if self._body is not None:
            self._pages.removeWidget(self._body)
            self._body.deleteLater()
        self._body = widget
        self._pages.addWidget(widget)
        self._pages.setCurrentWidget(widget)
        self.setFocusProxy(widget)

    def set_empty(self, text: str | None) -> None:
        """Show ``text`` (what to do) instead of the body; None shows the body."""
        self._empty.setText(text or "")
        self._pages.setCurrentWidget(self._empty if text or self._body is None else self._body)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``; header buttons follow, the body is its owner's business."""
        self._theme = theme
        for button in self._header.findChildren(HeaderButton):
            button.set_theme(theme)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Border, background and the line under the header."""
        if self._theme is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = QPen(self._theme.color("line"), 1)
        painter.setPen(line)
        painter.setBrush(self._theme.color("panel"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        y = self._header.geometry().bottom() + 1.5
        painter.drawLine(QPointF(1, y), QPointF(self.width() - 1, y))
        painter.end()
