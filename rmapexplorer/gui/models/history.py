"""The operations of the current branch as a list. Unfiltered, row 0 is the state before the first of them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from attrs import frozen
from PySide6.QtCore import QObject

from rmapexplorer.engine.frames import HistoryEntry, PathChanged
from rmapexplorer.gui import places
from rmapexplorer.gui.models.base import DRAW, STATE, Column, Role, TableModel, plural

START_TEXT = "start: nothing has happened yet"

KINDS = {
    "": "all", "refused": "refused", "merges": "merges refused", "differs": "designs differ", "bookmarks": "bookmarks",
    "process": "selected process",
}  # fmt: skip
"""What the history may be narrowed to: key -> how the choice is worded."""

_PID = re.compile(r"\bpid[ :=]?\s*(\d+)\s*", re.IGNORECASE)


@frozen
class Sieve:
    """What is shown: text, kind of operation (key of KINDS), process, span of positions. Everything by default."""

    text: str = ""
    kind: str = ""
    pid: int = 0
    """Of the selected process, for the kind ``process``."""
    span: tuple[int, int] | None = None
    """First and last position."""

    @property
    def on(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.text.strip() or self.kind or self.span)


class Path:
    """The entries of the current branch; ``apply`` is all that changes them."""

    def __init__(self) -> None:
        self.entries: list[HistoryEntry] = []
        self.generation = -1

    def __len__(self) -> int:
        return len(self.entries)

    def apply(self, change: PathChanged) -> int:
        """Take a change; :return: the first position whose entry is new. Older generations are ignored (-1)."""
        if change.generation < self.generation:
            return -1
        keep = change.keep if change.generation == self.generation else 0
        self.generation = change.generation
        del self.entries[keep:]
        self.entries.extend(change.entries)
        return keep + 1


class HistoryModel(TableModel):
    """Number, text and outcome of every operation; ``position`` is marked, what lies after it is dim."""

    COLUMNS = (
        Column(key="position", title="#", help="the state after this many operations", sample="00000", right=True,
               mono=True),
        Column(key="text", title="operation", help="what the system call was told; page numbers in hexadecimal",
               sample="mmap(2, 000-000)", mono=True, whole=True, stretch=True),
        Column(key="kernel", title="6.18", help="✓ the state equals that of the recorded kernel, ≠ it differs, · it is "
               "still to be compared", sample="≠"),
        Column(key="outcome", title="outcome", help="errno where it was refused; ≠ where the designs differ",
               sample="EINVAL ≠ 0 unmerged", least="EINVAL ≠"),
    )  # fmt: skip

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = Path()
        self.position = 0
        self.sieve = Sieve()
        self.bookmarks: Mapping[int, str] = {}
        """Position -> what the user wrote there."""
        self._shown: list[int] | None = None
        self._words: list[str] = []
        # what a text is looked for in, by position - 1
        self._kernel: np.ndarray | None = None
        self._recorded = 0

    def count(self) -> int:
        """Rows shown."""
        if self._shown is not None:
            return len(self._shown)
        return len(self.path) + 1 if self.path.generation >= 0 else 0

    def position_of(self, row: int) -> int:
        """Position of the timeline a row stands for."""
        return row if self._shown is None else self._shown[row]

    def row_at(self, position: int) -> int:
        """Row of a position, -1 where it is filtered out."""
        if self._shown is None:
            return position if 0 <= position < self.count() else -1
        at = bisect_left(self._shown, position)
        return at if at < len(self._shown) and self._shown[at] == position else -1

    def entry(self, row: int) -> HistoryEntry | None:
        """The operation of a row; None for the start."""
        position = self.position_of(row)
        return self.path.entries[position - 1] if position > 0 else None

    def apply(self, change: PathChanged) -> None:
        """Take a change of the path: rows are removed and appended, never rebuilt, unless a filter is on."""
        if change.generation < self.path.generation:
            return
        keep = change.keep if change.generation == self.path.generation else 0
        self._words[keep:] = [_words(entry) for entry in change.entries]
        if change.generation != self.path.generation or self._shown is not None:
            self.beginResetModel()
            self.path.apply(change)
            self._shown = self._matching() if self.sieve.on else None
            self.endResetModel()
            return
        old = len(self.path)
        if change.keep < old:
            self.beginRemoveRows(self.index(-1, -1), change.keep + 1, old)
            del self.path.entries[change.keep :]
            self.endRemoveRows()
        if change.entries:
            first = len(self.path) + 1
            self.beginInsertRows(self.index(-1, -1), first, first + len(change.entries) - 1)
            self.path.entries.extend(change.entries)
            self.endInsertRows()

    def set_position(self, position: int) -> None:
        """Mark another row as the current one."""
        if position == self.position:
            return
        before, self.position = self.position, position
        rows = [self.row_at(p) for p in (before, position)]
        if -1 in rows:
            self.touch_rows(0, self.count() - 1)
        else:
            self.touch_rows(min(rows), max(rows))

    @property
    def recorded(self) -> bool:
        """Whether a kernel was recorded doing operations of this branch."""
        return self._recorded > 0

    def set_kernel(self, steps: np.ndarray | None, recorded: int) -> None:
        """Differences from the recorded kernel after operation 1, 2 ..., and how many operations were recorded."""
        same = steps is self._kernel or (
            steps is not None and self._kernel is not None and np.array_equal(steps, self._kernel)
        )
        if same and recorded == self._recorded:
            return
        self._kernel, self._recorded = steps, recorded
        if self.count():
            self.touch_rows(0, self.count() - 1)

    def differences(self, position: int) -> int | None:
        """Differences from the recorded kernel at a position; None: nothing is recorded there, or not compared yet."""
        known = len(self._kernel) if self._kernel is not None else 0
        return int(self._kernel[position - 1]) if self._kernel is not None and 0 < position <= known else None

    def _kernel_mark(self, position: int) -> str:
        if not 0 < position <= self._recorded:
            return ""
        found = self.differences(position)
        return "·" if found is None else "≠" if found else "✓"

    def set_bookmarks(self, bookmarks: Mapping[int, str]) -> None:
        """Mark these positions."""
        if bookmarks == self.bookmarks:
            return
        if self.sieve.kind == "bookmarks":
            self.beginResetModel()
            self.bookmarks = dict(bookmarks)
            self._shown = self._matching()
            self.endResetModel()
        else:
            self.bookmarks = dict(bookmarks)
            self.touch_rows(0, self.count() - 1)

    def set_filter(self, text: str) -> None:
        """Show only operations whose text, errno or rule contains ``text``; ``pid 3`` in it means that process."""
        self.set_sieve(Sieve(text, self.sieve.kind, self.sieve.pid, self.sieve.span))

    def set_sieve(self, sieve: Sieve) -> None:
        """Show only what passes."""
        if sieve == self.sieve:
            return
        self.beginResetModel()
        self.sieve = sieve
        self._shown = self._matching() if sieve.on else None
        self.endResetModel()

    def _matching(self) -> list[int]:
        low, high = self.sieve.span or (0, len(self.path))
        high = min(high, len(self.path))
        if self.sieve.kind == "bookmarks":
            found = [p for p in sorted(self.bookmarks) if low <= p <= high]
        else:
            found = list(range(max(low, 1), high + 1))
        for test in self._tests():
            found = [*filter(test, found)]
        return found

    def _tests(self) -> list[Callable[[int], bool]]:
        sieve, entries, words = self.sieve, self.path.entries, self._words
        kinds: dict[str, Callable[[int], bool]] = {
            "refused": lambda p: entries[p - 1].error is not None,
            "merges": lambda p: entries[p - 1].refused_merges > 0,
            "differs": lambda p: entries[p - 1].differs,
            "process": lambda p: entries[p - 1].pid == sieve.pid,
        }
        tests = [kinds[sieve.kind]] if sieve.kind in kinds else []
        named = _PID.search(sieve.text)
        needle = _PID.sub("", sieve.text).strip().lower()
        if named is not None:
            wanted = int(named.group(1))
            tests.append(lambda p: p > 0 and entries[p - 1].pid == wanted)
        if needle and self.bookmarks:
            tests.append(lambda p: (p > 0 and needle in words[p - 1]) or needle in self.bookmarks.get(p, "").lower())
        elif needle:
            tests.append(lambda p: needle in words[p - 1])
        return tests

    def cell(self, row: int, column: int, role: int) -> Any:
        """One operation in one column."""
        key, position = self.COLUMNS[column].key, self.position_of(row)
        entry = self.entry(row)
        if role == STATE:
            return "current" if position == self.position else ""
        if role == Role.ForegroundRole:
            return self._colour(position, key, entry)
        if role == Role.ToolTipRole:
            return "\n".join(filter(None, (tip(entry), self._kernel_tip(position), self._note_tip(position))))
        if role == DRAW and key == "outcome":
            return self._marks(position, entry)
        if role == Role.DisplayRole:
            if key == "position":
                return str(position)
            if key == "text":
                note = self.bookmarks.get(position)
                text = places.shown().text(entry.text) if entry else START_TEXT
                return text if note is None else f"⚑ {text}  {note.partition(chr(10))[0]}".rstrip()
            if key == "kernel":
                return self._kernel_mark(position)
            return outcome_text(entry)
        return None

    def _colour(self, position: int, key: str, entry: HistoryEntry | None) -> Any:
        later = position > self.position
        if key == "kernel":
            return self.tone({"≠": "bad", "✓": "good"}.get(self._kernel_mark(position), "faint"))
        if key == "outcome" and entry is not None and entry.error:
            return self.tone("bad")
        if key == "text" and not later:
            return self.tone("text")
        return self.tone("faint" if later else "dim")

    def _note_tip(self, position: int) -> str:
        return f"⚑ {self.bookmarks[position]}".rstrip() if position in self.bookmarks else ""

    def _kernel_tip(self, position: int) -> str:
        found = self.differences(position)
        if found is None:
            return "Linux 6.18 was recorded here; not compared yet" if 0 < position <= self._recorded else ""
        return f"{plural(found, 'difference')} from Linux 6.18 after it" if found else "equal to Linux 6.18 after it"

    def _marks(self, position: int, entry: HistoryEntry | None) -> tuple[tuple[str, str], ...]:
        if entry is None:
            return ()
        marks = [(entry.error, "bad")] if entry.error else []
        marks += [("≠", "warn")] if entry.differs else []
        marks += [(f"{entry.refused_merges} unmerged", "warn")] if entry.refused_merges else []
        return tuple(marks)


def _words(entry: HistoryEntry) -> str:
    return "\n".join((entry.text, entry.error or "", entry.rule)).lower()


def outcome_text(entry: HistoryEntry | None) -> str:
    """The outcome in words, for copying and for screen readers."""
    if entry is None:
        return ""
    parts = [entry.error] if entry.error else []
    parts += ["designs differ"] if entry.differs else []
    parts += [f"{plural(entry.refused_merges, 'merge')} refused"] if entry.refused_merges else []
    return ", ".join(parts)


def tip(entry: HistoryEntry | None) -> str:
    """All that is known of an operation, a line each."""
    if entry is None:
        return START_TEXT
    lines = [places.shown().text(entry.text)]
    lines += [f"{entry.error}: {entry.rule}" if entry.rule else entry.error] if entry.error else []
    lines += ["≠ the outcome differs between the designs"] if entry.differs else []
    lines += [f"{plural(entry.refused_merges, 'merge')} of touching vmas refused"] if entry.refused_merges else []
    return "\n".join(lines)
