"""How places in an address space are written and read: as page numbers, or as the byte addresses /proc prints.

Inside everything is page numbers. Sentences of the kernel side (refusals, verdicts, fields) name places in one form,
``page a10`` and ``a10-a20``; ``Places.text`` writes them as byte addresses where these are wanted. Offsets into files and
indexes (pgoff) are no places: they are pages always.

Typed places are read in both forms: ``0x7f9e253ff000`` is a byte address and ``p7f9e253ff`` or ``page 7f9e253ff`` a page
number whatever is shown; a bare number is of the kind that is shown, or else of the only kind it can be. Scripts have a
syntax of their own: they count pages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from rmapexplorer.core.operations import Operation
from rmapexplorer.core.units import PAGE_SHIFT, TASK_SIZE_PAGES

PAGES, BYTES = "pages", "bytes"
SMALL = 1 << 20
"""Sessions whose every address (page number) is below this are drawings: new maps go beside the others, not to the top."""
LOOKED_AT = 1000
"""Operations of a log that tell whether it is a drawing."""
LEAST_DIGITS = 8
"""Of a byte address, as /proc/PID/maps prints it (%08lx)."""

_HEX = "[0-9a-f]{1,13}"
_PLACE = re.compile(
    rf"(?<![\w./@+-])(?P<noun>pages )?(?<!indexes )(?<!pgoff )(?P<start>{_HEX})-(?P<end>{_HEX})(?![\w./-]\w|\w)"
    rf"|(?P<at>\bat )?(?<!file )\bpage (?P<page>{_HEX})\b(?! of the file)"
)
_TYPED = re.compile(r"(?P<kind>page\s*#?\s*|p|0x)?(?P<digits>(?:0x)?[0-9a-f]+)$")


class PlaceError(ValueError):
    """A typed place that cannot be understood; the text says why, and how to write it."""


@frozen
class Places:
    """One way to write places. ``kind``: PAGES or BYTES."""

    kind: str = PAGES

    @property
    def in_bytes(self) -> bool:
        """Byte addresses are shown."""
        return self.kind == BYTES

    def at(self, vpn: int) -> str:
        """A place where nothing else can be meant: in a column, a box, on an axis."""
        return f"{vpn << PAGE_SHIFT:0{LEAST_DIGITS}x}" if self.in_bytes else f"{vpn:x}"

    def span(self, start: int, end: int) -> str:
        """A half-open span, as /proc/PID/maps has it: ``a10-a20``, ``00a10000-00a20000``."""
        return f"{self.at(start)}-{self.at(end)}"

    def page(self, vpn: int) -> str:
        """A page in a sentence: ``page a10``, ``page at 0xa10000``."""
        return f"page at {vpn << PAGE_SHIFT:#x}" if self.in_bytes else f"page {vpn:x}"

    def text(self, sentence: str) -> str:
        """A sentence in the form of the kernel side, with its places written this way."""
        return _PLACE.sub(self._written, sentence) if self.in_bytes else sentence

    def _written(self, found: re.Match[str]) -> str:
        if found["page"]:
            vpn = int(found["page"], 16)
            return f"at {vpn << PAGE_SHIFT:#x}" if found["at"] else self.page(vpn)
        start, end = int(found["start"], 16), int(found["end"], 16)
        if not start < end <= TASK_SIZE_PAGES:
            return found[0]
        return f"{'addresses ' if found['noun'] else ''}{self.span(start, end)}"

    def readings(self, typed: str) -> tuple[int, ...]:
        """Page numbers that something typed may mean, the likeliest first; an address inside a page means the page."""
        found = _TYPED.match(typed.strip().lower().replace("_", ""))
        if found is None:
            return ()
        number, kind = int(found["digits"], 16), found["kind"] or ("0x" if found["digits"].startswith("0x") else "")
        ways = {"0x": (number >> PAGE_SHIFT, number), "": (number, number >> PAGE_SHIFT)}.get(kind, (number,))
        if not kind and self.in_bytes:
            ways = (number >> PAGE_SHIFT, number)
        elif not kind and (number < TASK_SIZE_PAGES or number % (1 << PAGE_SHIFT)):
            ways = (number,)
        return tuple(dict.fromkeys(page for page in ways if page < TASK_SIZE_PAGES and (page or not number)))

    def parse(self, typed: str, what: str = "The place") -> int:
        """The page number of a typed border between pages. :raises PlaceError: it is none, or could be two things."""
        found = _TYPED.match(typed.strip().lower().replace("_", ""))
        if found is None:
            raise PlaceError(f"{what} is hexadecimal, for example {self.at(0xA10)}.")
        number, kind = int(found["digits"], 16), (found["kind"] or "")
        in_bytes = kind == "0x" or found["digits"].startswith("0x") and not kind
        if not kind and not in_bytes:
            in_bytes = self.in_bytes or (number > TASK_SIZE_PAGES and number % (1 << PAGE_SHIFT) == 0)
        if in_bytes and number % (1 << PAGE_SHIFT):
            other = f"; for the page number write p{number:x}" if number <= TASK_SIZE_PAGES else ""
            raise PlaceError(f"{what} {number:#x} is an address inside a page: addresses of pages end in 000{other}.")
        page = number >> PAGE_SHIFT if in_bytes else number
        if page > TASK_SIZE_PAGES:
            raise PlaceError(f"{what} lies beyond the end of user space, {self.at(TASK_SIZE_PAGES)}.")
        return page


IN_PAGES = Places()
"""How places are written unless something else is asked for."""


def is_drawing(operations: Sequence[Operation]) -> bool:
    """True where the log is drawn by hand, not recorded: its addresses, as far as the beginning shows, are all SMALL."""
    for op in operations[:LOOKED_AT]:
        span = getattr(op, "span", None)
        if max(span.end if span is not None else 0, getattr(op, "to", None) or 0) >= SMALL:
            return False
    return True


def suiting(operations: Sequence[Operation]) -> str:
    """How the places of a log are shown unless somebody chose: those of a drawing as pages, recorded ones as bytes."""
    return PAGES if is_drawing(operations) else BYTES
