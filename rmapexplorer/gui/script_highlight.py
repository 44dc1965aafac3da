"""The colours of a script's words: operations, numbers, names, texts, comments."""

from __future__ import annotations

import re
from time import perf_counter

from PySide6.QtCore import QTimer
from PySide6.QtGui import QFont, QSyntaxHighlighter, QTextCharFormat, QTextDocument

from rmapexplorer.formats.script import CONTROL
from rmapexplorer.formats.script_heads import HEADS
from rmapexplorer.formats.script_numbers import is_number
from rmapexplorer.formats.script_operations import NAMES
from rmapexplorer.formats.script_slots import PROTS, RESERVED
from rmapexplorer.gui.theme import Theme

_PIECES = re.compile(r'(?P<comment>#.*)|(?P<text>"(?:[^"\\]|\\.)*"?)|(?P<word>[A-Za-z0-9_]+)')

TOKENS = {"operation": "accent", "control": "other", "head": "warn", "number": "text", "keyword": "dim", "text": "good",
          "comment": "faint", "name": "shared"}  # fmt: skip
"""Kind of word -> token of the theme."""
SLICE = 0.003
"""Seconds of colouring at a time."""
PAUSE_MS = 6
LONGEST = 4000
"""Letters of a line that are coloured."""


def pieces(line: str) -> list[tuple[int, int, str]]:
    """(start, length, kind) of the words of a line; kinds are those of TOKENS."""
    found = []
    for match in _PIECES.finditer(line, 0, LONGEST):
        kind = match.lastgroup or ""
        if kind == "word":
            kind = _kind(match.group())
        found.append((match.start(), len(match.group()), kind))
    return found


def _kind(word: str) -> str:
    if word in NAMES:
        return "operation"
    if word in CONTROL:
        return "control"
    if word in HEADS and word != "file":
        return "head"
    if is_number(word):
        return "number"
    return "keyword" if word in RESERVED or word in PROTS else "name"


class Highlighter(QSyntaxHighlighter):
    """Colours a document in the theme's tokens."""

    def __init__(self, document: QTextDocument, theme: Theme) -> None:
        super().__init__(document)
        self._formats: dict[str, QTextCharFormat] = {}
        self._next = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._slice)
        self.set_theme(theme)

    @property
    def busy(self) -> bool:
        """Whether lines wait for their colours."""
        return self._timer.isActive()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``, for lines that are coloured from now on."""
        for kind, token in TOKENS.items():
            look = QTextCharFormat()
            look.setForeground(theme.color(token))
            if kind in ("operation", "control"):
                look.setFontWeight(QFont.Weight.DemiBold)
            self._formats[kind] = look

    def again(self, first: int, count: int) -> None:
        """Colour all lines anew: ``count`` from ``first`` on at once, as they are in sight, the rest bit by bit."""
        block = self.document().findBlockByNumber(first)
        for _ in range(count):
            if not block.isValid():
                break
            self.rehighlightBlock(block)
            block = block.next()
        self._next = 0
        self._timer.start()

    def _slice(self) -> None:
        until = perf_counter() + SLICE
        block = self.document().findBlockByNumber(self._next)
        while block.isValid() and perf_counter() < until:
            self.rehighlightBlock(block)
            block = block.next()
            self._next += 1
        if block.isValid():
            self._timer.start()

    def highlightBlock(self, text: str) -> None:  # noqa: N802 (Qt's name)
        """Colour one line."""
        for start, length, kind in pieces(text):
            self.setFormat(start, length, self._formats[kind])
