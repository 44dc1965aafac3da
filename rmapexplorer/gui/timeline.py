"""The timeline's panel: the track with every operation, in words where we are, and a sentence on what happened there."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from rmapexplorer.engine.frames import Frame, PathChanged
from rmapexplorer.gui import places
from rmapexplorer.gui.branch_choice import BranchChoice
from rmapexplorer.gui.caption import Caption
from rmapexplorer.gui.panel import RADIUS, ElidedLabel, scaled, tone
from rmapexplorer.gui.plain_text import PlainLabel
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.sentences import longest, story
from rmapexplorer.gui.theme import Theme, Themes, mono
from rmapexplorer.gui.timeline_track import Track

SPARE = 8
"""The panel is at most so much higher than what is in it, in device-independent pixels: room belongs to the others."""

WORDS = 0.42
"""Share of the panel that the operation in words may take."""


class Timeline(QWidget):
    """The panel: title, track, and in words where we are."""

    seek_requested = Signal(int)
    requested = Signal(str, dict)
    context_requested = Signal(str, dict, QPoint)
    levelled = Signal()
    """It wants another height."""

    def __init__(self, selection: Selection, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timeline")
        self.setAccessibleName("Timeline")
        self._theme = themes.current
        self._room = 0
        self.track = Track()
        self.title, self.where, self.what = PlainLabel("Timeline"), ElidedLabel(), ElidedLabel()
        self.title.setFont(scaled(self.font(), 1.0, bold=True))
        self.where.setFont(scaled(self.font(), 1.0, bold=True))
        self.what.setFont(mono(self.font().pointSizeF() * 0.95))
        whole, row, right = QVBoxLayout(self), QHBoxLayout(), QVBoxLayout()
        whole.setContentsMargins(13, 3, 13, 5)
        whole.setSpacing(2)
        whole.addLayout(row, 1)
        self.caption = Caption()
        whole.addWidget(self.caption)
        self.caption.fitted.connect(self._fitted)
        row.setSpacing(14)
        for label in (self.where, self.what):
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            right.addWidget(label)
        right.setSpacing(1)
        left = QVBoxLayout()
        left.setSpacing(0)
        self.branch = BranchChoice()
        self.branch.chosen.connect(lambda name: self.requested.emit("branch", {"name": name}))
        left.addWidget(self.title)
        left.addWidget(self.branch)
        row.addLayout(left)
        row.addWidget(self.track, 1)
        row.addLayout(right)
        self.track.seek_requested.connect(self.seek_requested)
        self.track.menu_requested.connect(
            lambda at, spot: self.context_requested.emit("operation", {"position": at}, spot)
        )
        self.setFocusProxy(self.track)
        self.set_theme(themes.current)
        themes.changed.connect(self.set_theme)
        self._tell(0, 0, "")

    def apply(self, change: PathChanged) -> None:
        """Take a change of the branch."""
        if change.generation != self.track.path.generation:
            self._room = 0
        self.track.set_path(change)

    def set_frame(self, frame: Frame) -> None:
        """Show the frame's position."""
        self.track.set_place(frame.position, frame.head)
        notes = {mark.position: mark.text for mark in frame.bookmarks if not mark.branch}
        self.track.set_marks(notes, self.track.markers)
        self.branch.set_branches(frame.branches, frame.branch)
        self._tell(frame.position, frame.head, places.shown().text(frame.op_text))
        self.caption.say(story(frame), longest(frame))

    @property
    def large(self) -> bool:
        """Whether the caption is as large as for a lecture."""
        return self.caption.large

    @large.setter
    def large(self, large: bool) -> None:
        self.caption.large = large

    def set_markers(self, a: int | None, b: int | None) -> None:
        """Where the markers A and B stand; None where one is not set."""
        self.track.set_marks(self.track.bookmarks, (a, b))

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        self.track.set_theme(theme)
        self.branch.set_theme(theme)
        self.update()

    def _tell(self, position: int, head: int, text: str) -> None:
        if head == 0:
            self.where.setText("no operation yet")
        elif position == 0:
            self.where.setText(f"before the first of {head:,}")
        else:
            self.where.setText(f"after operation {position:,} of {head:,}")
        entry = self.track.entry(position)
        refused = f"  {entry.error}" if entry is not None and entry.error else ""
        self.what.setText((text if position else "") + refused)
        tone(self.what, "bad" if refused else "dim")
        self._give_room()
        self.track.setAccessibleDescription(f"{self.where.full_text()}. {self.what.full_text()}")

    def _give_room(self) -> None:
        needed = max(self.where.sizeHint().width(), self.what.sizeHint().width())
        self._room = max(self._room, needed)  # grows only: the track does not jump while playing
        width = max(self.where.sizeHint().width(), min(self._room, max(round(self.width() * WORDS), 150)))
        for label in (self.where, self.what):
            label.setFixedWidth(width + 4)

    def _fitted(self) -> None:
        self.setMaximumHeight(self.sizeHint().height() + SPARE)
        self.levelled.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Another width: the words have their part of it."""
        super().resizeEvent(event)
        self._give_room()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Border and background, as every panel."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("line"), 1))
        painter.setBrush(self._theme.color("panel"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        painter.end()
