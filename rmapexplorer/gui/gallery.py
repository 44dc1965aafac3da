"""The gallery: every workload and every claim's scenario as a card with a picture of its memory map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from rmapexplorer.claims.catalogue import CLAIMS
from rmapexplorer.claims.model import listed
from rmapexplorer.designs.registry import losing
from rmapexplorer.engine.frames import Frame
from rmapexplorer.engine.thumbnails import Thumbnail, run_thumbnails
from rmapexplorer.gui.aside import Watcher
from rmapexplorer.gui.gallery_size import Size
from rmapexplorer.gui.memory_surface import MapSurface
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.plain_text import PlainLabel, plain_tip
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.theme import Theme, Themes
from rmapexplorer.resources import resource
from rmapexplorer.workloads.gallery import GALLERY, workload_named

PICTURE = QSize(292, 128)
"""Size of a thumbnail, in device-independent pixels."""
ENLARGED = 1.6
"""The map is painted this much larger and then made smaller: its words become texture."""
SMALLEST = 3.0
"""How much larger at most, where many processes are to be seen."""
CARD = PICTURE.width() + 26
"""Width of a card."""
GAP = 12


@frozen
class Scenario:
    """One card: ``name`` below resources, and its words."""

    name: str
    title: str
    lesson: str
    finding: str
    section: str
    workload: str = ""
    """Key of the workload whose session at gallery size this is."""


LESSONS, WORKLOADS, OF_CLAIMS = "To begin with", "Workloads", "Claims of the letter"

FORK = Scenario(
    "scenarios/fork-and-copy-on-write.rmap", "Fork and copy on write",
    "An editor forks a helper. Nothing is copied until one of them writes; then only what was written. Play it as a story.",
    "To be found: which pages are shared, which were copied, and by whom.", LESSONS,
)  # fmt: skip

LETTER = Scenario(
    "scenarios/the-letter-in-six-operations.rmap", "The letter in six operations",
    "After a fork, mremap moves a page that two processes share: one index cannot say two addresses.",
    "To be found: anonmm copies the page, the others find it.", LESSONS,
)  # fmt: skip

SIX_ERAS = Scenario(
    "scenarios/six-eras.rmap", "Six eras",
    "The same calls as 2.6.7, 2.6.34, 3.0, 4.0, 6.0 and 6.18 ran them: choose in Designs > Calls of Linux.",
    "To be found: who merges, who reuses, and which calls are not known yet.", WORKLOADS,
)  # fmt: skip

STORE = Scenario(
    "scenarios/a-store-that-saves-itself.rmaps", "A store that saves itself",
    "A script with names and loops: fork, change, fork again. Edit its numbers in the Script panel and run it anew.",
    "To be found: what overlapping savers cost each design when memory runs short.", WORKLOADS,
)  # fmt: skip


def scenarios() -> tuple[Scenario, ...]:
    """Everything in the gallery, in order."""
    workloads = [
        Scenario(
            f"scenarios/{w.number.lower()}-{w.key}.rmap",
            f"{w.number} {w.title}",
            w.lesson,
            f"To be found: {w.expected}",
            WORKLOADS,
            w.key,
        )
        for w in GALLERY
    ]
    claims = [
        Scenario(
            claim.scenario,
            f"{claim.id}: {claim.title}",
            claim.statement,
            " ".join((f"Rule: {claim.rule_text}", *_lost(claim.designs))),
            OF_CLAIMS,
        )
        for claim in CLAIMS
    ]
    return (FORK, LETTER, SIX_ERAS, STORE, *workloads, *claims)


def _lost(designs: Sequence[str]) -> list[str]:
    # a sentence where some of these forms lose ptes by design
    names = losing(designs)
    return [f"{listed(names)} {'lose' if len(names) > 1 else 'loses'} ptes by design."] if names else []


class Painter:
    """Paints the memory map of a frame as a thumbnail."""

    def __init__(self) -> None:
        self._surface = MapSurface(Selection())
        self._surface.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def paint(self, frame: Frame, theme: Theme, ratio: float) -> QPixmap:
        """The picture in the colours of ``theme`` for a screen of ``ratio`` pixels a unit."""
        self._surface.set_theme(theme)
        palette = self._surface.palette()
        palette.setColor(palette.ColorRole.Window, theme.color("panel"))
        self._surface.setPalette(palette)
        self._surface.resize(PICTURE * ENLARGED)
        self._surface.set_frame(frame)
        self._surface.finish()
        scene = self._surface.scene
        if scene is not None:  # so many rows that they do not fit: all of it smaller
            needed = (scene.top + len(scene.rows) * scene.pitch + 6) / PICTURE.height()
            if needed > ENLARGED:
                self._surface.resize(PICTURE * min(needed, SMALLEST))
                self._surface.set_frame(frame)
        whole = self._surface.grab()
        small = whole.scaled(
            PICTURE * ratio, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        small.setDevicePixelRatio(ratio)
        return small

    def close(self) -> None:
        """Free the surface."""
        self._surface.deleteLater()


class Card(QFrame):
    """Picture, title, lesson, what is to be found; Enter, a double-click or Open opens it."""

    chosen = Signal(str)
    sized = Signal(str, dict)
    """(key of a workload, its values): to be opened at another size than the gallery's."""
    moved = Signal(int, int)
    """(columns, rows) an arrow key asks to go."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__()
        self.scenario = scenario
        self.setObjectName("card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(f"{scenario.title}. {scenario.lesson}")
        self.setFixedWidth(CARD)
        self.picture = PlainLabel()
        self.picture.setFixedSize(PICTURE)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setText("…")
        self.picture.setProperty("role", "dim")
        self.title, self.lesson, self.finding = (
            PlainLabel(scenario.title), PlainLabel(scenario.lesson), PlainLabel(scenario.finding),
        )  # fmt: skip
        self.title.setProperty("role", "strong")
        self.finding.setProperty("role", "dim")
        self.button = QPushButton("Open")
        self.button.setAccessibleName(f"Open {scenario.title}")
        self.button.clicked.connect(self._choose)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 10)
        column.setSpacing(6)
        column.addWidget(self.picture)
        for label in (self.title, self.lesson, self.finding):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            column.addWidget(label)
        self.finding.setFont(scaled(self.font(), 0.92))
        self.size = Size(workload_named(scenario.workload)) if scenario.workload else None
        if self.size is not None:
            self.size.changed.connect(self._resized)
            column.addWidget(self.size)
        column.addStretch(1)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.button)
        column.addLayout(row)

    def matches(self, needle: str) -> bool:
        """Whether any of its words contains ``needle`` (lower case)."""
        one = self.scenario
        return needle in f"{one.title}\n{one.lesson}\n{one.finding}".lower()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Open it."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Enter and space open, arrows go to the next card."""
        key = Qt.Key
        step = {key.Key_Left: (-1, 0), key.Key_Right: (1, 0), key.Key_Up: (0, -1), key.Key_Down: (0, 1)}
        if event.key() in (key.Key_Return, key.Key_Enter, key.Key_Space):
            self._choose()
        elif event.key() in step:
            self.moved.emit(*step[key(event.key())])
        else:
            super().keyPressEvent(event)

    def _resized(self) -> None:
        own = self.size is None or self.size.is_gallery
        self.button.setText("Open" if own else "Make and open")

    def _choose(self) -> None:
        if self.size is None or self.size.is_gallery:
            self.chosen.emit(str(resource(self.scenario.name)))
        else:
            self.sized.emit(self.scenario.workload, self.size.values())


class SearchLine(QLineEdit):
    """Down goes on into the cards."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Down; everything else is typing."""
        if event.key() == Qt.Key.Key_Down:
            self.left.emit()
        else:
            super().keyPressEvent(event)


class Gallery(QDialog):
    """Not modal. ``chosen`` carries the path of a scenario to open; pictures come in one by one after it is shown."""

    chosen = Signal(str)
    sized = Signal(str, dict)

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("gallery")
        self.setWindowTitle("Gallery")
        self._theme = themes.current
        self.frames: dict[str, Frame] = {}
        self._columns = 0
        self.watcher = Watcher(self)
        self.filter = SearchLine()
        self.filter.setPlaceholderText("Find a scenario")
        self.filter.setAccessibleName("Find a scenario")
        self.filter.setClearButtonEnabled(True)
        self.cards = [Card(scenario) for scenario in scenarios()]
        self._by_name = {card.scenario.name: card for card in self.cards}
        self._heads = {name: PlainLabel(name) for name in (LESSONS, WORKLOADS, OF_CLAIMS)}
        self.nothing = PlainLabel("Nothing matches; clear the line above to see everything.")
        self.nothing.setProperty("role", "dim")
        self._build()
        for card in self.cards:
            card.chosen.connect(self._choose)
            card.sized.connect(self._make)
            card.moved.connect(lambda dx, dy, c=card: self._move(c, dx, dy))
        self.filter.textChanged.connect(lambda _: self.arrange())
        self.filter.returnPressed.connect(self._first)
        self.filter.left.connect(self._first)
        self.watcher.told.connect(self._told)
        self.watcher.ended.connect(self._ended)
        themes.changed.connect(self.set_theme)
        self.set_theme(themes.current)
        self.resize(3 * CARD + 2 * GAP + 70, 720)

    def _build(self) -> None:
        self.inside = QWidget()
        self.grid = QGridLayout(self.inside)
        self.grid.setContentsMargins(4, 4, 4, 4)
        self.grid.setSpacing(GAP)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(self.inside)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setMinimumWidth(CARD + 40)
        column = QVBoxLayout(self)
        column.addWidget(self.filter)
        column.addWidget(self.nothing)
        column.addWidget(self.area, 1)
        for head in self._heads.values():
            head.setProperty("role", "title")
            head.setFont(scaled(head.font(), 1.15, bold=True))

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``; pictures are painted anew."""
        self._theme = theme
        names = {name: theme.color(name).name() for name in ("panel", "line", "accent", "raised", "bg")}
        self.inside.setStyleSheet(
            "QFrame#card {{ background: {panel}; border: 1px solid {line}; border-radius: 8px; }}"
            "QFrame#card:focus {{ border: 2px solid {accent}; }}"
            "QFrame#card QSpinBox {{ background: {bg}; border: 1px solid {line}; border-radius: 5px;"
            " padding: 2px 6px; }} QFrame#card QSpinBox:focus {{ border-color: {accent}; }}".format(**names)
        )
        self.area.viewport().setStyleSheet("background: transparent;")
        self._paint(self.frames)

    # -- pictures -----------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Fetch the pictures that are missing."""
        super().showEvent(event)
        self.arrange()
        missing = [card.scenario.name for card in self.cards if card.scenario.name not in self.frames]
        if missing and not self.watcher.running:
            self.watcher.run(run_thumbnails, missing)
        self.filter.setFocus()

    def done(self, result: int) -> None:
        """Closed: what is missing waits until it is shown again."""
        self.watcher.cancel()
        super().done(result)

    def _told(self, message: Thumbnail) -> None:
        if message.frame is not None:
            self.frames[message.name] = message.frame
            self._paint([message.name])

    def _paint(self, names: Iterable[str]) -> None:
        painter = Painter()
        for name in names:
            card = self._by_name[name]
            card.picture.setPixmap(painter.paint(self.frames[name], self._theme, self.devicePixelRatioF()))
        painter.close()

    def _ended(self, trouble: str) -> None:
        for card in self.cards:
            if trouble and card.scenario.name not in self.frames:
                card.picture.setText("no picture")
                card.picture.setToolTip(plain_tip(trouble))

    # -- arrangement --------------------------------------------------------------------------------------------------

    def shown(self) -> list[Card]:
        """The cards that match the filter."""
        needle = self.filter.text().strip().lower()
        return [card for card in self.cards if card.matches(needle)]

    def arrange(self) -> None:
        """Lay the matching cards out, as many in a row as fit."""
        self._columns = max(1, (self.area.viewport().width() - 8 + GAP) // (CARD + GAP))
        while self.grid.count():
            self.grid.takeAt(0)
        shown, row = self.shown(), 0
        for card in self.cards:
            card.setVisible(card in shown)
        for name, head in self._heads.items():
            mine = [card for card in shown if card.scenario.section == name]
            head.setVisible(bool(mine))
            if not mine:
                continue
            self.grid.addWidget(head, row, 0, 1, self._columns)
            for at, card in enumerate(mine):
                self.grid.addWidget(card, row + 1 + at // self._columns, at % self._columns)
            row += 1 + -(-len(mine) // self._columns)
        for column in range(12):
            self.grid.setColumnStretch(column, 1 if column == self._columns else 0)
        for number in range(self.grid.rowCount()):
            self.grid.setRowStretch(number, 1 if number == row else 0)
        self.nothing.setVisible(not shown)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Another number of columns."""
        super().resizeEvent(event)
        if max(1, (self.area.viewport().width() - 8 + GAP) // (CARD + GAP)) != self._columns:
            self.arrange()

    # -- choosing -----------------------------------------------------------------------------------------------------

    def _first(self) -> None:
        shown = self.shown()
        if shown:
            shown[0].setFocus()

    def _move(self, card: Card, dx: int, dy: int) -> None:
        shown = self.shown()
        places = {self.grid.getItemPosition(self.grid.indexOf(c))[:2]: c for c in shown}
        row, column = self.grid.getItemPosition(self.grid.indexOf(card))[:2]
        if dx:
            at = shown.index(card) + dx
            target = shown[at] if 0 <= at < len(shown) else None
        else:
            rows = sorted({r for r, _ in places if (r - row) * dy > 0}, key=lambda r: abs(r - row))
            near = (places.get((rows[0], c)) for c in range(column, -1, -1)) if rows else iter(())
            target = next((found for found in near if found is not None), None)
        if target is not None:
            target.setFocus()
            self.area.ensureWidgetVisible(target)

    def _choose(self, path: str) -> None:
        self.chosen.emit(path)
        self.accept()

    def _make(self, key: str, values: dict[str, int]) -> None:
        self.sized.emit(key, values)
        self.accept()
