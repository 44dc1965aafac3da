"""One column of the Compare panel: a design's name and result, its strips, its walk and what it refused to merge."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from rmapexplorer.engine.comparison import Side
from rmapexplorer.gui import memory_geometry as geo
from rmapexplorer.gui.compare_strips import Strips
from rmapexplorer.gui.icons import grown, marker
from rmapexplorer.gui.inspector_parts import RichText, WalkList, span
from rmapexplorer.gui.models.base import plural
from rmapexplorer.gui.models.walk import tally
from rmapexplorer.gui.panel import ElidedLabel, scaled, tone
from rmapexplorer.gui.plain_text import PlainLabel
from rmapexplorer.gui.theme import Theme


class SideColumn(QWidget):
    """``picked`` carries (pid, page number) to select, ``viewed`` the design whose name was clicked."""

    picked = Signal(int, object)
    viewed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.side: Side | None = None
        self._theme: Theme | None = None
        self._mark = PlainLabel()
        self.title = ElidedLabel()
        self.title.setFont(scaled(self.font(), 1.0, bold=True))
        self.result = ElidedLabel()
        tone(self.result, "warn")
        self.result.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.strips = Strips()
        self.walk = WalkList()
        self.text = RichText()
        self.strips.picked.connect(self.picked)
        self.walk.clicked.connect(self._clicked)
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self._mark)
        head.addWidget(self.title, 1)
        head.addWidget(self.result)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 6)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.strips)
        column.addWidget(self.walk)
        column.addWidget(self.text)
        column.addStretch(1)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    @property
    def steps(self) -> int:
        """Candidates of its walk."""
        return len(self.side.walk.steps) if self.side is not None and self.side.walk is not None else 0

    def set_side(self, side: Side, axis: geo.Axis, spot: tuple[int, int], revealed: int) -> None:
        """Show a side."""
        self.side = side
        self.title.setText(side.design)
        self.setAccessibleName(f"{side.design}: {side.title}")
        self.strips.set_side(side, axis, spot)
        self.walk.steps.set_walk(side.walk, 0)
        self.reveal(revealed)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """A line between the columns."""
        if self._theme is not None and self.x() > 0:
            painter = QPainter(self)
            painter.fillRect(0, 6, 1, self.height() - 12, self._theme.color("line"))
            painter.end()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        self.strips.set_theme(theme)
        self.walk.set_theme(theme)
        self._tell(self.walk.steps.revealed)

    def reveal(self, revealed: int) -> None:
        """Show the first steps of the walk."""
        self.walk.steps.reveal(min(revealed, self.steps))
        self.walk.fit()
        self._tell(revealed)

    def _tell(self, revealed: int) -> None:
        side, theme = self.side, self._theme
        if side is None or theme is None:
            return
        self._mark.setPixmap(marker(side.design, theme, 13).pixmap(grown(13), grown(13)))
        self.result.setText(side.error or "")
        self.text.show_html("".join(f'<div style="margin-top:3px">{line}</div>' for line in self._lines(revealed)))

    def _lines(self, revealed: int) -> list[str]:
        side, theme = self.side, self._theme
        assert side is not None and theme is not None
        small, lines = f"{self.font().pointSizeF() * 0.92:.1f}pt", []
        if side.rule:
            lines.append(span(side.rule, theme.color("warn"), size=small))
        if side.walk is not None:
            begin = f" from {side.owner}" if side.owner else ""
            words = tally(side.walk, revealed).sentence() if revealed else f"{plural(self.steps, 'candidate')}{begin}"
            lines.append(span(words, theme.color("dim"), size=small))
            if side.walk.missed:
                lost = f"{plural(side.walk.missed, 'pte')} not found: the page cannot be reclaimed"
                lines.append(span(lost, theme.color("bad"), size=small))
        lines += [span(f"not merged: {why}", theme.color("warn"), size=small) for why in side.refused[:3]]
        if len(side.refused) > 3:
            lines.append(span(f"and {len(side.refused) - 3} more refused", theme.color("dim"), size=small))
        return lines

    def _clicked(self, index: QModelIndex) -> None:
        self.picked.emit(*self.walk.place_of(index))
