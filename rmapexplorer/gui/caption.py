"""The caption of the timeline: what the operation at the cursor does, in a sentence; large where one reads from far."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.plain_text import PlainLabel

LARGE = 1.4
"""How much larger it is in a lecture."""
LINES, LINES_LARGE = 2, 3
"""Lines of a sentence that show; what is longer is in the tool tip."""


class Caption(PlainLabel):
    """Plain text in a line or a few; ``longest`` is a sentence for which there is always room, so that nothing jumps."""

    fitted = Signal()
    """Its height is another."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._sentence, self._longest, self._large = "", "", False
        super().__init__(parent)
        self.setObjectName("caption")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("What the operation does")
        self._base = self.font()

    @property
    def sentence(self) -> str:
        """The whole sentence."""
        return self._sentence

    @property
    def large(self) -> bool:
        """Whether it is as large as for a lecture."""
        return self._large

    @large.setter
    def large(self, large: bool) -> None:
        if large != self._large:
            self._large = large
            self.setFont(scaled(self._base, LARGE) if large else self._base)
            self._fit()

    def say(self, sentence: str, longest: str = "") -> None:
        """Show a sentence."""
        if (sentence, longest) != (self._sentence, self._longest):
            self._sentence, self._longest = sentence, longest
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Other lines."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._fit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Another font: other lines."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Any width; the height is fixed."""
        return QSize(60, self.minimumHeight())

    def _fit(self) -> None:
        metrics = QFontMetrics(self.font())
        most = LINES_LARGE if self._large else LINES
        lines = min(most, max(self._lines(metrics, self._sentence), self._lines(metrics, self._longest), 1))
        high = lines * metrics.lineSpacing() + 2
        if high != self.minimumHeight():
            self.setFixedHeight(high)
            self.fitted.emit()
        self.setText(self._cut(metrics, most))
        self.setToolTip("" if self.text() == self._sentence else self._sentence)

    def _lines(self, metrics: QFontMetrics, text: str) -> int:
        room = metrics.boundingRect(0, 0, max(self.width(), 60), 10_000, Qt.TextFlag.TextWordWrap, text)
        return round(room.height() / metrics.lineSpacing()) if text else 0

    def _cut(self, metrics: QFontMetrics, most: int) -> str:
        """The sentence, or as many words of it as ``most`` lines hold."""
        words = self._sentence.split(" ")
        low, high = 0, len(words)
        while low < high:
            middle = (low + high + 1) // 2
            text = " ".join(words[:middle]) + ("" if middle == len(words) else " …")
            low, high = (middle, high) if self._lines(metrics, text) <= most else (low, middle - 1)
        return self._sentence if low == len(words) else " ".join(words[: max(low, 1)]) + " …"
