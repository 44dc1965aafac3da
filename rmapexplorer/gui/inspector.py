"""The inspector: what is selected, how its page is found, why its vma does not merge, what other designs would do."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QPushButton, QScrollArea, QVBoxLayout, QWidget

from rmapexplorer.engine.frames import Detail, Frame, MergeVerdict, WalkDetail
from rmapexplorer.gui import places
from rmapexplorer.gui.inspector_parts import (
    MergeCard,
    RichText,
    Section,
    WalkList,
    fields_html,
    kernel_html,
    others_html,
    span,
)
from rmapexplorer.gui.models.base import plural
from rmapexplorer.gui.models.walk import MOST, lost, tally
from rmapexplorer.gui.panel import Panel
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.theme import Theme, Themes

EMPTY = "Nothing selected. Click a page in the memory map, or a vma or process in the lists."
GONE = "Process {pid} is not alive at this operation. Step to another one, or select another process."
NO_PAGE = "No page is mapped here."
WHOLE = "The process as a whole. Click a page in the memory map to see how it is found."
LOST_NAMED = 6
"""Lost ptes named one by one; of more only the number is given."""


class WalkSection(Section):
    """Walk with Step and Run. Keeps how far it was revealed while ``key`` (what is walked, and when) stays the same."""

    stepped = Signal(int)
    """How many steps are revealed."""
    picked = Signal(int, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Walk", parent)
        self._theme: Theme | None = None
        self._key: object = None
        self.step = QPushButton("Step")
        self.step.setToolTip("Visit the next candidate")
        self.run = QPushButton("Run")
        self.run.setToolTip("Visit all candidates that are left")
        self.run.setProperty("primary", "true")
        for button in (self.step, self.run):
            self.head.addWidget(button)
        self.list = WalkList()
        self.text = RichText()
        self.body.addWidget(self.list)
        self.body.addWidget(self.text)
        self.step.clicked.connect(lambda: self.reveal(self.revealed + 1))
        self.run.clicked.connect(self._run)
        self.list.clicked.connect(self._clicked)

    @property
    def walk(self) -> WalkDetail | None:
        """The walk shown."""
        return self.list.steps.walk

    @property
    def revealed(self) -> int:
        """Steps revealed so far."""
        return self.list.steps.revealed

    def set_walk(self, walk: WalkDetail | None, key: object) -> None:
        """Show a walk; under another key nothing of it is revealed yet."""
        before, same = self.revealed, key == self._key and walk is not None
        self._key = key
        if not same or walk != self.walk:
            self.list.steps.set_walk(walk, before if same else 0)
        self.setVisible(walk is not None)
        self._tell()
        if self.revealed != before:
            self.stepped.emit(self.revealed)

    def inherit(self, old: WalkSection) -> None:
        """Go on where ``old`` stands."""
        self._key = old._key
        self.list.steps.set_walk(old.walk, old.revealed)

    def reveal(self, count: int) -> None:
        """Reveal the first ``count`` steps."""
        count = max(0, min(count, len(self.list.steps.steps)))
        if count != self.revealed:
            self.list.steps.reveal(count)
            self._tell()
            self.stepped.emit(count)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        super().set_theme(theme)
        self._theme = theme
        self.list.set_theme(theme)
        self._tell()

    def _run(self) -> None:
        total = len(self.list.steps.steps)
        self.reveal(0 if self.revealed >= total else total)

    def _clicked(self, index: QModelIndex) -> None:
        self.picked.emit(*self.list.place_of(index))

    def _tell(self) -> None:
        walk, theme = self.walk, self._theme
        if walk is None or theme is None:
            return
        total = len(walk.steps)
        done = self.revealed >= total
        self.step.setEnabled(not done)
        self.run.setEnabled(total > 0)
        self.run.setText("Again" if done and total else "Run")
        self.list.fit()
        self.text.show_html(
            "".join(f'<div style="margin-top:4px">{line}</div>' for line in self._lines(walk, theme, done))
        )

    def _lines(self, walk: WalkDetail, theme: Theme, done: bool) -> list[str]:
        total, small = len(walk.steps), f"{self.font().pointSizeF() * 0.92:.1f}pt"
        lines = []
        if total == 0:
            lines.append(span("The walk visits nothing.", theme.color("dim")))
        elif self.revealed == 0:
            lines.append(
                span(
                    f"{plural(total, 'candidate')} to visit. Step visits one, Run all.", theme.color("dim"), size=small
                )
            )
        else:
            lines.append(span(tally(walk, self.revealed).sentence(), theme.color("dim"), size=small))
        if min(self.revealed, total) > MOST:
            lines.append(span(f"showing {MOST:,} of {max(total, walk.probes):,}", theme.color("dim"), size=small))
        if done and walk.missed:
            lines.append(span(lost_sentence(walk), theme.color("bad")))
        elif done and walk.note:
            lines.append(span(walk.note, theme.color("dim"), size=small))
        return lines


def lost_sentence(walk: WalkDetail) -> str:
    """Which ptes the walk does not find and what that means."""
    spots = lost(walk)
    spots = spots if len(spots) == walk.missed else ()  # a walk too long to be listed names none
    named = ", ".join(f"{places.shown().page(vpn)} of {pid}" for pid, vpn in spots[:LOST_NAMED])
    more = f" and {len(spots) - LOST_NAMED:,} more" if len(spots) > LOST_NAMED else ""
    where = f" ({named}{more})" if named else ""
    return f"{plural(walk.missed, 'pte')} lost{where}: the page cannot be unmapped, so it cannot be reclaimed."


class Inspector(QWidget):
    """The panel about the selection. ``walk_step_changed`` carries how many steps of the walk are revealed."""

    walk_step_changed = Signal(int)
    requested = Signal(str, dict)
    context_requested = Signal(str, dict, QPoint)

    def __init__(self, selection: Selection, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("inspector")
        self.setAccessibleName("Inspector")
        self._selection = selection
        self._gone = 0
        self._theme = themes.current
        self._detail: Detail | None = None
        self._cards_key: object = None
        self._view = ""
        self.page, self.vma, self.owner, self.process = (RichText() for _ in range(4))
        self.vma_section, self.owner_section, self.process_section = (
            Section("vma"),
            Section("owner"),
            Section("process"),
        )
        self.walk = WalkSection()
        self.merges, self.others_section = (
            Section("Why it does not merge"),
            Section("Same page under the other designs"),
        )
        self.others, self.kernel = RichText(), RichText()
        self.kernel_section = Section("The recorded kernel")
        self._cards = QVBoxLayout()
        self.cards: list[MergeCard] = []
        self._build()
        self.walk.stepped.connect(self.walk_step_changed)
        self.walk.picked.connect(selection.select)
        self.set_theme(themes.current)
        themes.changed.connect(self.set_theme)
        self._show(None)

    def _build(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(12, 4, 12, 8)
        column.setSpacing(5)
        self.vma_section.body.addWidget(self.vma)
        self.owner_section.body.addWidget(self.owner)
        self.process_section.body.addWidget(self.process)
        self.merges.body.addLayout(self._cards)
        self.others_section.body.addWidget(self.others)
        self.kernel_section.body.addWidget(self.kernel)
        for part in (self.page, self.walk, self.kernel_section, self.merges, self.others_section, self.vma_section,
                     self.owner_section, self.process_section):  # fmt: skip
            column.addWidget(part)
        column.addStretch(1)
        self.scroll = QScrollArea()
        self.scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self.scroll.setWidgetResizable(True)
        self.scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.scroll.setWidget(inside)
        for part in (self.scroll, self.scroll.viewport(), inside):
            part.setBackgroundRole(QPalette.ColorRole.Base)
        self.panel = Panel("Inspector")
        body = QWidget()
        around = QVBoxLayout(body)
        around.setContentsMargins(2, 1, 3, 6)  # the panel's round corners stay in sight
        around.addWidget(self.scroll)
        self.panel.set_body(body)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)
        self.setFocusProxy(self.walk.step)

    def set_frame(self, frame: Frame) -> None:
        """Show what ``frame`` says about the selection."""
        detail = frame.detail
        self.follow_walk(frame)
        self._view = frame.view
        pid = self._selection.pid
        self._gone = pid if pid and not (frame.tasks.pid == pid).any() else 0
        self._show(detail)

    def follow_walk(self, frame: Frame) -> None:
        """Take the walk of ``frame`` alone: other panels show how far it is revealed, whether this one is seen or not."""
        detail = frame.detail
        if detail is not None:
            key = (frame.generation, frame.position, frame.view, frame.branch, detail.pid, detail.vpn)
            self.walk.set_walk(detail.walk, key)
        else:
            self.walk.set_walk(None, None)

    def inherit(self, old: Inspector) -> None:
        """The walk is revealed as far as in the panel before."""
        self.walk.inherit(old.walk)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme, self._cards_key = theme, None
        sections = (self.vma_section, self.owner_section, self.walk, self.merges, self.others_section,
                    self.kernel_section, self.process_section)  # fmt: skip
        for part in (self.panel, *sections):
            part.set_theme(theme)
        self._show(self._detail)

    def step_walk(self) -> None:
        """Visit the next candidate (for the window's action)."""
        self.walk.step.click()

    def run_walk(self) -> None:
        """Reveal the whole walk."""
        self.walk.reveal(len(self.walk.list.steps.steps))

    def _show(self, detail: Detail | None) -> None:
        self._detail = detail
        empty = GONE.format(pid=self._gone) if self._gone else EMPTY
        self.panel.set_empty(empty if detail is None else None)
        self.panel.set_hint(places.shown().text(detail.title) if detail is not None else "")
        if detail is None:
            return
        theme, points = self._theme, self.font().pointSizeF()
        self.page.show_html(fields_html(detail.page, theme, points))
        if not detail.page:
            self.page.show_html(span(NO_PAGE if detail.vpn >= 0 else WHOLE, theme.color("dim")))
        self.vma.show_html(fields_html(detail.vma, theme, points))
        self.owner.show_html(fields_html(detail.owner, theme, points))
        self.process.show_html(fields_html(detail.process, theme, points))
        others = [other for other in detail.others if other.design != self._view]
        self.others.show_html(others_html(others, theme, points))
        self.kernel.show_html(kernel_html(detail.kernel or (), theme, points))
        where = "vma " + places.shown().span(*detail.vma_span) if detail.vma_span else "vma"
        self.vma_section.title.setText(where)
        self.owner_section.title.setText(detail.owner_title or "owner")
        for section, filled in (
            (self.vma_section, detail.vma),
            (self.owner_section, detail.owner),
            (self.others_section, others),
            (self.merges, detail.merges),
            (self.kernel_section, detail.kernel),
            (self.process_section, detail.process),
        ):
            section.setVisible(bool(filled))
        self._show_merges(detail.merges)

    def _show_merges(self, merges: tuple[MergeVerdict, ...]) -> None:
        if merges == self._cards_key:
            return
        self._cards_key = merges
        refused = [verdict for verdict in merges if verdict.refusal is not None]
        self.merges.title.setText("Why it does not merge" if refused else "Neighbours")
        # cards are kept: to show a new one lays the whole window out at once
        for number, verdict in enumerate(sorted(merges, key=lambda v: v.refusal is None)):
            if number == len(self.cards):
                self.cards.append(MergeCard(verdict, self._theme))
                self._cards.addWidget(self.cards[number])
            self.cards[number].show_verdict(verdict, self._theme)
            self.cards[number].show()
        for card in self.cards[len(merges) :]:
            card.hide()
