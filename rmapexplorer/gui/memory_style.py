"""How the memory map names and classes vmas: colour classes, states drawn by hatching, words in boxes and tooltips.

Numpy and plain text; a class is an index into ``CLASSES[mode]``, whose entries name theme tokens.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen

from rmapexplorer.core import flags as fl
from rmapexplorer.engine.frames import Frame, VmaRows
from rmapexplorer.engine.page_runs import COPIED, OWN, SHARED
from rmapexplorer.engine.page_runs import SWAPPED as IN_SWAP
from rmapexplorer.gui import places
from rmapexplorer.gui.memory_geometry import moved
from rmapexplorer.gui.owner_words import owner_word

MODES = {"anon_vma": "anon_vma", "sharing": "sharing", "kind": "kind", "perms": "permissions", "state": "state"}
"""Colour modes and their names on the screen."""


@frozen
class Class:
    """One colour class: word for the legend and theme token, ``fam:N`` for a family colour."""

    word: str
    token: str


_FAMILIES = tuple(Class(f"family {n}", f"fam:{n}") for n in range(6))
CLASSES: dict[str, tuple[Class, ...]] = {
    "anon_vma": (*_FAMILIES, Class("no owner", "other"), Class("file", "file")),
    "kind": (
        Class("code", "fam:0"), Class("file", "file"), Class("data", "fam:3"), Class("shared", "fam:4"),
        Class("heap", "fam:1"), Class("stack", "fam:2"), Class("anonymous", "fam:5"),
    ),
    "perms": (
        Class("---", "faint"), Class("r--", "file"), Class("rw-", "fam:1"), Class("r-x", "fam:0"), Class("rwx", "bad"),
        Class("shared", "fam:4"),
    ),
    "sharing": (
        Class("no pages", "faint"), Class("not shared", "fam:1"), Class("some shared", "fam:5"),
        Class("most shared", "fam:3"), Class("all shared", "fam:2"),
    ),
    "state": (
        Class("at home", "file"), Class("moved", "warn"), Class("dontfork", "fam:4"),
        Class("wipeonfork", "fam:3"), Class("locked", "fam:0"), Class("sealed", "bad"),
        Class("swapped", "fam:2"), Class("untouched", "other"), Class("copied", "fam:1"),
    ),
}  # fmt: skip
ORPHAN, FILE = 6, 7
"""Classes of mode anon_vma beside the six families."""

PAGE_TOKENS: dict[str, dict[int, str]] = {
    "sharing": {OWN: "fam:1", COPIED: "fam:1", SHARED: "fam:2", IN_SWAP: "faint"},
    "state": {COPIED: "fam:1", IN_SWAP: "fam:2"},
}
"""Colours of single pages by mode, where they are not that of their vma."""

_TOLD = fl.DONTCOPY | fl.WIPEONFORK | fl.LOCKED | fl.LOCKONFAULT | fl.SEALED | fl.SPECIAL

UNTOUCHED, SWAPPED = 1, 2
"""States: nothing resident nor swapped; half of the pages or more in swap."""


def classes(mode: str, vmas: VmaRows, rows: slice, labels: tuple[str, ...]) -> np.ndarray:
    """Colour class of each vma in ``rows``."""
    flags, file, anon = vmas.flags[rows], vmas.file[rows], vmas.anon[rows]
    if mode == "sharing":
        return sharing(vmas, rows)
    if mode == "state":
        return _state_classes(vmas, rows)
    if mode == "perms":
        access = flags & fl.ACCESS
        w, x = (access & fl.WRITE) > 0, (access & fl.EXEC) > 0
        return np.select([(flags & fl.SHARED) > 0, w & x, w, x, access > 0], [5, 4, 2, 3, 1], 0)
    if mode == "kind":
        stack = (flags & fl.GROWSDOWN) > 0
        heap = vmas.label[rows] == (labels.index("[heap]") if "[heap]" in labels else -2)
        of_file = file >= 0
        tests = [
            (flags & fl.SHARED) > 0,
            stack,
            heap,
            of_file & ((flags & fl.EXEC) > 0),
            of_file & ((flags & fl.WRITE) > 0),
        ]
        return np.select([*tests, of_file], [3, 5, 4, 0, 2, 1], 6)
    return np.where(file >= 0, FILE, np.where(anon >= 0, anon % 6, ORPHAN))


def sharing(vmas: VmaRows, rows: slice) -> np.ndarray:
    """How many of the resident pages more than one pte maps: 0 none resident, 1 none, 2 some, 3 half or more, 4 all."""
    resident = vmas.anon_pages[rows] + vmas.file_pages[rows]
    shared = vmas.shared_pages[rows] if len(vmas.shared_pages) == len(vmas.start) else np.zeros_like(resident)
    tests = [resident == 0, shared == 0, shared >= resident, shared * 2 >= resident]
    return np.select(tests, [0, 1, 4, 3], 2)


def _state_classes(vmas: VmaRows, rows: slice) -> np.ndarray:
    flags, now = vmas.flags[rows], states(vmas, rows)
    away = moved(vmas.start[rows], vmas.pgoff[rows], flags, vmas.file[rows])
    tests = [(flags & bit) > 0 for bit in (fl.SEALED, fl.LOCKED, fl.DONTCOPY, fl.WIPEONFORK)]
    return np.select([away, *tests, now == SWAPPED, now == UNTOUCHED], [1, 5, 4, 2, 3, 6, 7], 0)


def states(vmas: VmaRows, rows: slice) -> np.ndarray:
    """0, UNTOUCHED or SWAPPED for each vma in ``rows``."""
    resident, swap = vmas.anon_pages[rows] + vmas.file_pages[rows], vmas.swap_pages[rows]
    return np.where(resident + swap == 0, UNTOUCHED, np.where(swap * 2 >= resident + swap, SWAPPED, 0))


def words(frame: Frame, i: int, is_moved: bool) -> list[str]:
    """What may stand in the box of vma ``i``, longest first; the map takes the first that fits."""
    v = frame.vmas
    owner = owner_word(frame.view, int(v.anon[i]))
    if v.label[i] >= 0:
        name = frame.labels[v.label[i]].strip("[]")
    elif v.file[i] >= 0:
        name = _file_word(int(v.flags[i]))
        base = frame.files[v.file[i]].rpartition("/")[2]
        return [f"{base} {name}", name] if len(base) <= 24 else [name]
    elif is_moved:
        name = "moved"
    elif states(v, slice(i, i + 1))[0] == UNTOUCHED:
        name = "new" if v.flags[i] & fl.ACCESS else "guard"
    else:
        name = "" if owner else "anon"
    both = f"{name} {owner}".strip()
    return [w for w in dict.fromkeys([both, name, owner]) if w]


def _file_word(flags: int) -> str:
    if flags & fl.SHARED:
        return "shared"
    if flags & fl.EXEC:
        return "text"
    return "data" if flags & fl.WRITE else "ro"


def tooltip(frame: Frame, task: int, i: int, vpn: int) -> str:
    """What is known of vma ``i`` of task row ``task``, a fact a line; ``vpn`` is the page under the mouse."""
    v, t = frame.vmas, frame.tasks
    start, end, pgoff = int(v.start[i]), int(v.end[i]), int(v.pgoff[i])
    lines = [
        f"{places.shown().span(start, end)}  {fl.perms(int(v.flags[i]))}  pgoff {pgoff:x}  {places.shown().page(vpn)}"
    ]
    name = frame.files[v.file[i]] if v.file[i] >= 0 else frame.labels[v.label[i]] if v.label[i] >= 0 else "anonymous"
    lines.append(f"{name} of {t.comm[task]} {t.pid[task]}")
    words = [w for bit, w in fl.WORDS.items() if v.flags[i] & bit & _TOLD]
    if words:
        lines.append(", ".join(words))
    counts = [(int(v.anon_pages[i]), "anonymous"), (int(v.file_pages[i]), "file"), (int(v.swap_pages[i]), "swapped")]
    held = ", ".join(f"{n:,} {word}" for n, word in counts if n)
    if len(v.shared_pages) == len(v.start) and v.shared_pages[i]:
        held += f"; {v.shared_pages[i]:,} mapped more than once"
    lines.append(f"{end - start:,} pages: {held or 'none touched'}")
    if v.anon[i] >= 0:
        lines.append(f"{owner_word(frame.view, int(v.anon[i]))}, {v.links[i]} link{'s' if v.links[i] != 1 else ''}")
    lines += _page_line(frame, i, vpn)
    if v.file[i] < 0 and pgoff not in (0, start) and not v.flags[i] & (fl.SHARED | fl.GROWSDOWN):
        lines.append(f"moved: its index still counts from {places.shown().page(pgoff)}")
    return "\n".join(lines)


PAGE_WORDS = {
    OWN: "this page: in memory, mapped by this process alone",
    SHARED: "this page: in memory, mapped more than once; the first who writes gets a copy",
    COPIED: "this page: a copy of its own, made when it was written (copy on write) or could not stay shared",
    IN_SWAP: "this page: in swap",
}
"""What the tool tip says of the page under the mouse."""


def page_state(frame: Frame, i: int, vpn: int) -> int:
    """What page number ``vpn`` of vma ``i`` is, a state of engine.page_runs; -1 where nothing is there or nothing known."""
    runs = frame.vmas.pages
    if runs is None:
        return -1
    low, high = int(runs.first[i]), int(runs.first[i + 1])
    at = low + int(np.searchsorted(runs.start[low:high], vpn, side="right")) - 1
    return int(runs.state[at]) if at >= low and vpn < runs.end[at] else -1


def _page_line(frame: Frame, i: int, vpn: int) -> list[str]:
    if frame.vmas.pages is None:
        return []
    words = PAGE_WORDS.get(page_state(frame, i, vpn), "this page: not there, a first touch brings it")
    if frame.vmas.file[i] >= 0 or frame.vmas.flags[i] & fl.SHARED:
        words = words.replace("; the first who writes gets a copy", "")
    return [words]


def left_behind(frame: Frame, rows: slice, vpn: int) -> str:
    """What the dashed place at page ``vpn`` says: which of the vmas ``rows`` was moved away from it; empty for none."""
    v = frame.vmas
    start, home = v.start[rows], v.pgoff[rows]
    away = moved(start, home, v.flags[rows], v.file[rows])
    found = np.flatnonzero(away & (home <= vpn) & (vpn < home + v.end[rows] - start))
    if not len(found):
        return ""
    i = rows.start + int(found[0])
    low, pages = int(v.pgoff[i]), int(v.end[i] - v.start[i])
    return (
        f"{places.shown().span(low, low + pages)}: mremap moved what was here to "
        f"{places.shown().span(int(v.start[i]), int(v.end[i]))}.\n"
        "Its pages still count their index from here: the address alone does not find them any more."
    )
