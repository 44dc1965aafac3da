"""The command palette: everything that can be done or shown, found by a few letters, with its menu and its shortcut."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import frozen
from PySide6.QtWidgets import QWidget

from rmapexplorer.gui.fuzzy import fit
from rmapexplorer.gui.overlay import Overlay, Row
from rmapexplorer.gui.theme import Theme

SHOWN = 60
"""Rows at most: nobody reads further down."""
WORTH = 0.45
"""What fits less than this part of the best is not listed."""
HINT = "↑ ↓ choose · Enter runs · Esc closes · a number goes to that operation"


@frozen(kw_only=True, eq=False)
class Entry:
    """One thing that can be chosen. ``where`` is the menu it stands in, ``reason`` why it cannot be done now.

    :param words: more to be found by. :param weight: added to what the letters are worth.
    """

    key: str
    title: str
    run: Callable[[], None]
    where: str = ""
    keys: str = ""
    reason: str = ""
    words: str = ""
    weight: int = 0


def ranked(entries: Sequence[Entry], query: str, recent: Sequence[str]) -> list[Row]:
    """The rows for what was typed, best first; with nothing typed what was used last, then all in their order."""
    order = {key: len(recent) - n for n, key in enumerate(recent)}
    if not query:
        first = sorted((e for e in entries if e.key in order), key=lambda e: -order[e.key])
        return [_row(entry) for entry in [*first, *(e for e in entries if e.key not in order)]]
    found = []
    for number, entry in enumerate(entries):
        match = fit(query, entry.title, f"{entry.where} {entry.words}")
        if match is not None:
            score = match.score + entry.weight + 3 * (entry.key in order) - 2 * bool(entry.reason)
            found.append((-score, number, entry, match.marks))
    found.sort(key=lambda one: one[:2])
    found = [one for one in found if -one[0] >= -found[0][0] * WORTH]
    return [_row(entry, marks) for _, _, entry, marks in found[:SHOWN]]


def _row(entry: Entry, marks: tuple[int, ...] = ()) -> Row:
    return Row(
        title=entry.title, detail=entry.reason or entry.where, right=entry.keys, enabled=not entry.reason,
        marks=marks, value=entry,
    )  # fmt: skip


class Palette(Overlay):
    """Lists the entries that ``make`` gives when it opens, and one for what was typed (``special``)."""

    def __init__(
        self, make: Callable[[], list[Entry]], special: Callable[[str], list[Entry]], theme: Theme, window: QWidget
    ) -> None:
        super().__init__("Command palette", "Find or run anything", theme, window)
        self._make, self._special = make, special
        self._entries: list[Entry] = []
        self.recent: list[str] = []
        """Keys of what was run, the last first."""

    def open(self, text: str = "") -> None:
        """Look around what there is, and show it."""
        self._entries = self._make()
        super().open(text)

    def typed(self, text: str) -> None:
        """Rank the entries."""
        special = [_row(entry) for entry in self._special(text)] if text else []
        rows = ranked(self._entries, text, self.recent)
        rows = special[:1] + rows + special[1:] if special and text.isdigit() else rows + special
        count = f"{len(rows)} of {len(self._entries)} · " if text and len(rows) < SHOWN else ""
        self.show_rows(rows, f"{count}{HINT}")

    def choose(self, row: Row) -> None:
        """Run it; what cannot be run says why and the palette stays open."""
        entry: Entry = row.value
        if entry.reason:
            self.foot.setText(entry.reason)
            return
        self.recent = [entry.key, *(key for key in self.recent if key != entry.key)][:12]
        self.shut()
        entry.run()
