"""The find bar: one line over processes, vmas, pages and operations; Enter goes there, F3 to the next hit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from PySide6.QtCore import QTimer
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QWidget

from rmapexplorer.engine.frames import Frame, HistoryEntry
from rmapexplorer.engine.lookups import Mappers
from rmapexplorer.gui.find_search import Found, Hit, parse, search, share
from rmapexplorer.gui.overlay import Overlay, Row
from rmapexplorer.gui.theme import Theme

SHOWN = 50
"""Hits listed at most; all of them are counted and reached with F3."""
BUDGET = 0.006
"""Seconds the search may keep the window at a time."""
EXAMPLES = (
    ("2, or worker", "a process by pid or name"),
    ("c42, or p c42", "a page number (hexadecimal)"),
    ("0xc42000", "an address in bytes"),
    ("a18-a1c", "the vmas in a span"),
    ("A3", "the vmas of an anon_vma"),
    ("#42", "the places where a page frame is mapped"),
    ("[heap], or libc", "vmas by label or file"),
    ("mremap, or EINVAL", "operations of the history"),
)
"""What can be typed."""

Source = Callable[[], tuple[Frame | None, Sequence[HistoryEntry]]]


class FindBar(Overlay):
    """``source`` gives what is to be searched; ``go`` goes to a hit; ``ask`` asks the engine about a page frame."""

    _keeps = True

    def __init__(
        self, source: Source, go: Callable[[Hit], None], ask: Callable[[int, Callable[[Mappers | None], None]], None],
        theme: Theme, window: QWidget,
    ) -> None:  # fmt: skip
        self._source, self._go, self._ask = source, go, ask
        self.found = Found(whole=True)
        self.at = -1
        """Number of the hit gone to last."""
        self._running: Iterator[Found] | None = None
        self._places: Mappers | None = None
        self._asked = 0
        super().__init__("Find", "Find a process, address, vma, #page, A12 or operation", theme, window)
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._work)

    def typed(self, text: str) -> None:
        """Begin a new search."""
        frame, entries = self._source()
        self._places, self.at = None, -1
        self._asked += 1
        self._running = search(frame, entries, text) if text else None
        if self._running is None:
            self.found = Found(whole=True)
            self.show_rows(
                [Row(title=word, detail=what, heading=True, mono=True) for word, what in EXAMPLES], "Type what to find"
            )
            return
        page = parse(text).page
        if page >= 0:
            number = self._asked
            self._ask(page, lambda answer: self._told(answer, number))
        self._work()
        if self._running is not None:
            self._timer.start()

    def closed(self) -> None:
        """The search goes on: F3 needs its hits."""

    def finish(self) -> None:
        """Search to the end now."""
        while self._running is not None:
            self._work()

    def _work(self) -> None:
        # a few slices, then what they found
        until = time.perf_counter() + BUDGET
        found = self.found
        while self._running is not None and time.perf_counter() < until:
            found = next(self._running)
            if found.whole:
                self._running = None
                self._timer.stop()
        self._take(found)

    def _told(self, answer: Mappers | None, number: int) -> None:
        if answer is not None and number == self._asked:
            self._places = answer
            self._take(self.found)

    def _take(self, found: Found) -> None:
        if self._places is not None and not any(group.kind == "page" for group in found.groups):
            found = found.with_page(self._places)
        self.found = found
        self.show_rows(self._rows(), self._foot())

    def _rows(self) -> list[Row]:
        rows: list[Row] = []
        totals = [len(group.rows) for group in self.found.groups]
        before = 0
        for group, shown, total in zip(self.found.groups, share(totals, SHOWN), totals, strict=True):
            count = f"{total:,}" if shown == total else f"{shown:,} of {total:,}"
            rows.append(Row(title=group.heading, right=count, heading=True))
            for number in range(shown):
                hit = group.hit(number)
                rows.append(
                    Row(title=hit.title, detail=hit.detail, right=hit.right, mono=group.kind != "process",
                        value=before + number)
                )  # fmt: skip
            before += total
        return rows

    def _foot(self) -> str:
        counts = self.found.counts()
        if not counts:
            return "Looking through the history…" if not self.found.whole else "Nothing is found."
        more = f" · showing {SHOWN}" if self.found.total > SHOWN else ""
        return f"{counts}{more}{'' if self.found.whole else '…'} · Enter goes there · F3 next, Shift+F3 before"

    def choose(self, row: Row) -> None:
        """Go there and close."""
        self.at = row.value
        self.shut()
        self._go(self.found.hit(row.value))

    def step(self, by: int) -> bool:
        """Go to the next hit, or the one before; after the last comes the first. False where nothing is found."""
        total = self.found.total
        if not total:
            return False
        self.at = (self.at + by) % total if self.at >= 0 or by > 0 else total - 1
        self._go(self.found.hit(self.at))
        if self.isVisible():
            rows = self.model.rows
            self._select(next((n for n, row in enumerate(rows) if row.value == self.at and not row.heading), -1))
            self.foot.setText(f"{self.at + 1:,} of {total:,} · {self.found.counts()}")
        return True

    def takes(self, event: QKeyEvent) -> bool:
        """F3 is the window's, also while the bar is open."""
        return super().takes(event) and not event.matches(QKeySequence.StandardKey.FindNext)
