"""Text of a file on its way to a terminal, a table or a sentence: what would act instead of being read is shown.

A title may hold an escape sequence, a file name a newline, a comm an override of the direction of writing. All that a
terminal prints goes through ``visible``; the sentences of formats.errors hold nothing else from the start.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_ACTS = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufff9-\ufffb"
_ACTING = re.compile(f"[{_ACTS}]")
_ACTING_IN_LINES = re.compile(f"(?![\n\t])[{_ACTS}]")


def visible(text: str, lines: bool = False) -> str:
    """The text with ``\\x1b`` and the like for all that is no letter: controls, direction marks, halves of surrogates.

    :param lines: line ends and tabs stay.
    """
    return (_ACTING_IN_LINES if lines else _ACTING).sub(_named, text)


_FORMULA = re.compile(r"[=+@\t\r](?!\Z)|-(?![rwxps-]*\Z)")
_NUMBER = re.compile(r"[-+]?[0-9][0-9., \u202f]*(e[-+]?[0-9]+)?\Z")


def inert(cell: str) -> str:
    """Text for a cell of a table, with ' before what a spreadsheet would take for a formula; numbers, signs and ---p stay."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.match(cell) else cell


def tab_separated(rows: Iterable[Iterable[object]]) -> str:
    """Lines of cells with tabs between them, for a spreadsheet: no cell has a tab, a line end or a formula; None is empty."""
    return "\n".join("\t".join("" if cell is None else inert(_flat(str(cell))) for cell in row) for row in rows)


def _flat(cell: str) -> str:
    return cell.replace("\t", " ").replace("\n", " ").replace("\r", " ")


def _named(match: re.Match[str]) -> str:
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    code = ord(match.group())
    return short.get(match.group()) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
