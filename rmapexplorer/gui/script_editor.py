"""The text of a script: line numbers, the line of the position shown, faults underlined, remarks behind lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPolygonF,
    QResizeEvent,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QPlainTextDocumentLayout, QPlainTextEdit, QTextEdit, QToolTip, QWidget

from rmapexplorer.formats.script_cursor import Fault
from rmapexplorer.gui.plain_text import plain_tip
from rmapexplorer.gui.script_complete import Completer
from rmapexplorer.gui.script_highlight import Highlighter
from rmapexplorer.gui.theme import Theme, mono

Suggest = Callable[[str], tuple[str, list[tuple[str, str]]]]
"""The line up to the cursor -> the word begun, and (word, hint) of what it could become."""

INDENT = 4
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_MODIFIED = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class Gutter(QWidget):
    """Left of the text: line numbers, an arrow at the position shown, a dot at each fault."""

    def __init__(self, editor: ScriptEditor) -> None:
        super().__init__(editor)
        self._editor = editor

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As wide as the longest number."""
        return QSize(self._editor.gutter_width(), 0)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Only the lines in sight."""
        self._editor.paint_gutter(self, event.rect())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Asks for the position of that line."""
        self._editor.seek_wanted.emit(self._editor.block_at(round(event.position().y())))


class ScriptEditor(QPlainTextEdit):
    """Shows what it is told; ``suggest`` says what could be typed."""

    seek_wanted = Signal(int)
    """A double-click on the number of this line (from 0)."""

    def __init__(self, theme: Theme, suggest: Suggest, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("scripttext")
        self.setAccessibleName("Script")
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setFont(mono())
        self.setTabStopDistance(QFontMetricsF(mono()).horizontalAdvance(" ") * INDENT)
        self.setTabChangesFocus(True)
        self.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.setStyleSheet("QPlainTextEdit { border: none; border-radius: 0; padding: 0; }")
        self.first_number = 1
        self.current = -1
        """Block of the operation at the position shown, -1 for none."""
        self.faults: list[Fault] = []
        self.remark_of: Callable[[int], str] = lambda block: ""
        """Block -> what stands behind its line."""
        self._theme, self._suggest = theme, suggest
        self.gutter = Gutter(self)
        self.highlighter = Highlighter(self.document(), theme)
        self.completer = Completer(self)
        self.completer.picked.connect(self._complete)
        self.blockCountChanged.connect(lambda count: self._room())
        self.updateRequest.connect(self._scrolled)
        self._room()

    # -- what is shown --------------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        self.highlighter.set_theme(theme)
        if self.document().characterCount() > 1:
            self.highlighter.again(self.firstVisibleBlock().blockNumber(), self.rows() + 1)
        self._underline()
        self.gutter.update()

    def set_current(self, block: int, follow: bool) -> None:
        """Mark the line of the position shown; ``follow`` keeps it in sight."""
        if block != self.current:
            self.current = block
            self.viewport().update()
            self.gutter.update()
            if follow and block >= 0:
                self.reveal(block)

    def rows(self) -> int:
        """Lines that fit into sight."""
        return max(1, self.viewport().height() // max(1, self.fontMetrics().height()))

    def adopt(self, old: ScriptEditor) -> None:
        """Take over the text of an editor that goes, with its colours, its undo stack and its cursor."""
        document, place, top = old.document(), old.textCursor(), old.verticalScrollBar().value()
        at, anchor = place.position(), place.anchor()
        document.setParent(self)
        empty = QTextDocument(old)
        empty.setDocumentLayout(QPlainTextDocumentLayout(empty))
        old.setDocument(empty)
        document.setDefaultFont(self.font())
        self.setDocument(document)
        self.highlighter = old.highlighter
        cursor = QTextCursor(document)
        cursor.setPosition(anchor)
        cursor.setPosition(at, QTextCursor.MoveMode.KeepAnchor)
        self.setTextCursor(cursor)
        self.verticalScrollBar().setValue(top)
        self._room()

    def reveal(self, block: int) -> None:
        """Scroll so that a line is in sight, no further than needed."""
        bar, rows = self.verticalScrollBar(), max(1, self.verticalScrollBar().pageStep())
        if not bar.value() <= block < bar.value() + rows - 1:
            bar.setValue(max(0, block - rows // 2))

    def set_faults(self, faults: Sequence[Fault]) -> None:
        """Underline these and mark their lines."""
        self.faults = list(faults)
        self._underline()
        self.gutter.update()

    def set_first_number(self, number: int) -> None:
        """The number of the first line."""
        if number != self.first_number:
            self.first_number = number
            self._room()
            self.gutter.update()

    def go_to(self, line: int, column: int) -> None:
        """The cursor to a place, both counted from 1, and the focus."""
        block = self.document().findBlockByNumber(line - 1)
        if block.isValid():
            cursor = QTextCursor(block)
            cursor.setPosition(block.position() + min(column - 1, block.length() - 1))
            self.setTextCursor(cursor)
            self.reveal(line - 1)
        self.setFocus()

    def _underline(self) -> None:
        marks = []
        look = QTextCharFormat()
        look.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
        look.setUnderlineColor(self._theme.color("bad"))
        for fault in self.faults:
            block = self.document().findBlockByNumber(fault.line - 1)
            if not block.isValid():
                continue
            room = max(block.length() - 1, 0)
            start = min(fault.column - 1, max(room - 1, 0))
            mark = QTextEdit.ExtraSelection()
            cursor = QTextCursor(block)
            cursor.setPosition(block.position() + start)
            stop = block.position() + min(start + max(fault.length, 1), room)
            cursor.setPosition(stop, QTextCursor.MoveMode.KeepAnchor)
            mark.cursor, mark.format = cursor, look
            marks.append(mark)
        self.setExtraSelections(marks)

    # -- painting -------------------------------------------------------------------------------------

    def gutter_width(self) -> int:
        """Room for the longest number, the dot and the arrow."""
        digits = max(2, len(str(self.first_number + self.blockCount())))
        return round(self.fontMetrics().horizontalAdvance("0") * (digits + 2.5)) + 6

    def _room(self) -> None:
        self.setViewportMargins(self.gutter_width(), 0, 0, 0)
        area = self.contentsRect()
        self.gutter.setGeometry(QRect(area.left(), area.top(), self.gutter_width(), area.height()))

    def _scrolled(self, rect: QRect, by: int) -> None:
        if by:
            self.gutter.scroll(0, by)
        else:
            self.gutter.update(0, rect.y(), self.gutter.width(), rect.height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Keep the gutter as high as the text, and the cursor in sight where faults take room from it."""
        seen = self.hasFocus() and 0 <= self.cursorRect().top() < event.oldSize().height()
        super().resizeEvent(event)
        self._room()
        if seen:
            self.ensureCursorVisible()

    def _in_sight(self, rect: QRect) -> list[tuple[QTextBlock, QRectF]]:
        found, block = [], self.firstVisibleBlock()
        box = self.blockBoundingGeometry(block).translated(self.contentOffset())
        while block.isValid() and box.top() <= rect.bottom():
            if box.bottom() >= rect.top():
                found.append((block, QRectF(box)))
            top = box.bottom()
            block = block.next()
            box = QRectF(box.left(), top, box.width(), self.blockBoundingRect(block).height())
        return found

    def paint_gutter(self, gutter: QWidget, rect: QRect) -> None:
        """Numbers right-aligned; the arrow of the position between them and the text."""
        painter = QPainter(gutter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(rect, self._theme.color("panel"))
        painter.setFont(self.font())
        bad = {fault.line - 1 for fault in self.faults}
        unit = self.fontMetrics().horizontalAdvance("0")
        for block, box in self._in_sight(rect):
            number, middle = block.blockNumber(), box.center().y()
            here = number == self.current
            painter.setPen(self._theme.color("bad" if number in bad else "text" if here else "faint"))
            place = QRectF(0, box.top(), gutter.width() - unit * 1.6, box.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                             str(self.first_number + number))  # fmt: skip
            painter.setPen(Qt.PenStyle.NoPen)
            if number in bad:
                painter.setBrush(self._theme.color("bad"))
                painter.drawEllipse(QPointF(unit * 0.8, middle), unit * 0.38, unit * 0.38)
            if here:
                painter.setBrush(self._theme.color("accent"))
                x, half = gutter.width() - unit * 1.15, unit * 0.45
                painter.drawPolygon(
                    QPolygonF([QPointF(x, middle - half), QPointF(x + unit * 0.7, middle), QPointF(x, middle + half)])
                )
        painter.end()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """The wash of the position's line below the text, the remarks behind it."""
        lines = self._in_sight(event.rect())
        wash = QPainter(self.viewport())
        for block, box in lines:
            if block.blockNumber() == self.current:
                wash.fillRect(QRectF(0, box.top(), self.viewport().width(), box.height()), self._theme.color("sel"))
        wash.end()
        super().paintEvent(event)
        self._paint_remarks(lines)

    def _paint_remarks(self, lines: list[tuple[QTextBlock, QRectF]]) -> None:
        painter = QPainter(self.viewport())
        painter.setFont(self.font())
        metrics = self.fontMetrics()
        for block, box in lines:
            remark = self.remark_of(block.blockNumber())
            if not remark:
                continue
            painter.setPen(self._theme.color("bad" if remark[0].isalpha() else "warn"))
            left = box.left() + metrics.horizontalAdvance(block.text()) + metrics.horizontalAdvance("  ") + 6
            room = self.viewport().width() - left - 6
            if room > metrics.horizontalAdvance("EINVAL"):
                shown = metrics.elidedText(remark, Qt.TextElideMode.ElideRight, int(room))
                painter.drawText(QRectF(left, box.top(), room, box.height()), Qt.AlignmentFlag.AlignVCenter, shown)
        painter.end()

    # -- keys and mouse -------------------------------------------------------------------------------

    def block_at(self, y: int) -> int:
        """The line (from 0) at a height of the viewport, -1 for none."""
        hit = self._in_sight(QRect(0, y, 1, 1))
        return hit[0][0].blockNumber() if hit else -1

    def event(self, event: QEvent) -> bool:
        """The tooltip of a line: its fault, or what became of it."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            spot = self.viewport().mapFrom(self, event.pos())
            block = self.block_at(spot.y())
            said = [fault.text for fault in self.faults if fault.line - 1 == block]
            said += [remark] if (remark := self.remark_of(block)) else []
            QToolTip.showText(event.globalPos(), plain_tip("\n".join(said)), self)
            return True
        tab = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Tab
        if tab and event.type() == QEvent.Type.KeyPress and self.completer.open:  # else it would leave the text
            self.completer.take()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Enter keeps the indentation, Backspace takes it back; Ctrl+Space and typing open the suggestions."""
        key, modified = event.key(), bool(event.modifiers() & _MODIFIED)
        if self.completer.open and (key == Qt.Key.Key_Escape or (key in _ENTER and self.completer.chosen)):
            event.ignore()  # the list takes it
            return
        if key == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.ControlModifier:
            self.suggest()
            return
        if modified and key in _ENTER:
            event.ignore()
            return
        if self.isReadOnly() or modified or not self._typed_specially(event):
            super().keyPressEvent(event)
        letter = event.text()
        if letter and not modified and (letter.isalnum() or letter in " _") and not self.isReadOnly():
            QTimer.singleShot(0, self, self._suggest_on)
        elif self.completer.open:
            QTimer.singleShot(0, self, self._suggest_on if key == Qt.Key.Key_Backspace else self.completer.hide)

    def _typed_specially(self, event: QKeyEvent) -> bool:
        cursor = self.textCursor()
        if event.key() in _ENTER:
            line = cursor.block().text()[: cursor.positionInBlock()]
            deeper = INDENT if line.rstrip().endswith(":") else 0
            cursor.insertText("\n" + " " * (len(line) - len(line.lstrip(" ")) + deeper))
            self.setTextCursor(cursor)
            self.ensureCursorVisible()
            return True
        column = cursor.positionInBlock()
        if (
            event.key() == Qt.Key.Key_Backspace
            and not cursor.hasSelection()
            and column
            and not self._before().strip(" ")
        ):
            back = (column - 1) % INDENT + 1
            cursor.movePosition(QTextCursor.MoveOperation.Left, QTextCursor.MoveMode.KeepAnchor, back)
            cursor.removeSelectedText()
            return True
        return False

    def _before(self) -> str:
        cursor = self.textCursor()
        return cursor.block().text()[: cursor.positionInBlock()]

    def suggest(self) -> None:
        """Show what could stand at the cursor."""
        begun, found = self._suggest(self._before())
        self.completer.offer(begun, found, self.cursorRect().translated(self.gutter_width(), 4), choose=True)

    def _suggest_on(self) -> None:
        # while typing: only where a word was begun, and something could become of it
        before = self._before()
        if not self.hasFocus() and not self.completer.open:
            return
        begun, found = self._suggest(before)
        useful = found if begun and not before.lstrip().startswith("#") else []
        self.completer.offer(begun, useful, self.cursorRect().translated(self.gutter_width(), 4))

    def _complete(self, word: str, begun: int) -> None:
        cursor = self.textCursor()
        cursor.movePosition(QTextCursor.MoveOperation.Left, QTextCursor.MoveMode.KeepAnchor, begun)
        cursor.insertText(word + " ")
        self.setTextCursor(cursor)
