"""What a drag in the memory map means: from a grip and a place under the pointer to the operations it would submit.

Page numbers and the scene's geometry only; mouse and keys are memory_canvas's business, the verdict the engine's.
"""

from __future__ import annotations

import math

import numpy as np
from attrs import define, evolve, field, frozen

from rmapexplorer.core import flags as fl
from rmapexplorer.core.operations import Madvise, Mprotect, Mremap, Munmap, Operation, Touch
from rmapexplorer.core.units import TASK_SIZE_PAGES, Span
from rmapexplorer.gui import places
from rmapexplorer.gui.memory_geometry import MAPPED
from rmapexplorer.gui.memory_scene import Scene

REACH = 8.0
"""A border so many pixels away is meant."""
MAGNET_PAGES = 1
"""What is moved to so many pages beside its home or a neighbour is meant to lie there: a page less would be unmapped."""
EDGE = 5.0
"""So many pixels inside its end a box is gripped by the end."""
LEAST_EDGE = 18.0
"""Boxes narrower than this have no ends to grip."""
LEAST_BOX = 5.0
"""Boxes narrower than this cannot be dragged: the drag pans."""

NO_FRONT = "the front of a vma cannot grow: mremap only moves its end"
OTHER_ROW = "a vma cannot leave its process: mremap works in one address space"


@frozen(kw_only=True)
class Drag:
    """A drag under way. ``kind``: "move", "start" or "end" of a vma, or "cut" (a span to do something to)."""

    kind: str
    task: int
    """Row of TaskRows."""
    pid: int
    span: Span
    """What is dragged, as it is now."""
    grab: int
    """Page number under the pointer when it began."""
    to: int
    """Where the start (the end, for kind "end") is to be."""
    flags: int = 0
    may_move: bool = False
    """An end that grows may be given another place by the kernel (MREMAP_MAYMOVE)."""
    outside: bool = False
    """The pointer is on another process' row."""
    instead: tuple[Operation, ...] = ()
    """What is to be done to a cut span, once the menu offers it."""
    free: bool = False
    """No magnet: ``to`` is the page under the pointer (Shift, pressed once the drag is under way)."""
    snapped: bool = False
    """``to`` is a border of another vma, or the place that pgoff names."""

    @property
    def target(self) -> Span:
        """The span as it would be."""
        if self.kind == "move":
            return self.span.moved(self.to)
        if self.kind == "start":
            return Span(self.to, self.span.end)
        return Span(self.span.start, self.to) if self.kind == "end" else self.span

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What a drop would submit; none where it changes nothing or no call can do it."""
        if self.outside or self.instead:
            return self.instead
        if self.kind == "move" and self.to != self.span.start:
            return (Mremap(pid=self.pid, span=self.span, new_pages=self.span.pages, to=self.to),)
        if self.kind == "end" and self.to != self.span.end:
            place = -1 if self.may_move and self.to > self.span.end else None
            return (Mremap(pid=self.pid, span=self.span, new_pages=self.to - self.span.start, to=place),)
        if self.kind == "start" and self.to > self.span.start:
            return (Munmap(pid=self.pid, span=Span(self.span.start, self.to)),)
        if self.kind == "start" and self.to < self.span.start and self.flags & fl.GROWSDOWN:
            return (Touch(pid=self.pid, runs=((self.to, self.to + 1, "w"),)),)
        return (Munmap(pid=self.pid, span=self.span),) if self.kind == "cut" else ()

    @property
    def note(self) -> str:
        """What to say where there is no operation."""
        if self.outside:
            return OTHER_ROW
        if self.kind == "start" and self.to < self.span.start and not self.operations:
            return NO_FRONT
        return "" if self.operations else "nothing would change"

    @property
    def title(self) -> str:
        """What is dragged where, as short as it goes."""
        if self.kind == "cut":
            return (
                f"{places.shown().text(str(self.span))}, {self.span.pages:,} page{'s' if self.span.pages != 1 else ''}"
            )
        return places.shown().text(f"{self.span} → {self.target}")


def grip(scene: Scene, task: int, vma: int, x: float, vpn: int) -> Drag | None:
    """The drag that a press on ``vma`` at pixel ``x`` of the strips begins; None where the box is too narrow for one."""
    v = scene.frame.vmas
    whole = Span(int(v.start[vma]), int(v.end[vma]))
    left, right = (float(e) for e in scene.edges(whole.start, whole.end))
    if right - left < LEAST_BOX:
        return None
    kind, span = "move", whole
    if scene.span is not None and scene.span[0] == task and scene.span[1] <= vpn < scene.span[2]:
        span = Span(scene.span[1], scene.span[2])
    elif right - left >= LEAST_EDGE:
        near_left, near_right = x - left <= EDGE, right - x <= EDGE
        ends = ("end", "start") if scene.window.flipped else ("start", "end")
        kind = ends[0] if near_left else ends[1] if near_right else "move"
    return Drag(
        kind=kind,
        task=task,
        pid=int(scene.frame.tasks.pid[task]),
        span=span,
        grab=min(max(vpn, span.start), span.end - 1),
        to=span.end if kind == "end" else span.start,
        flags=int(v.flags[vma]),
    )


def dragged(scene: Scene, drag: Drag, x: float) -> Drag:
    """The drag with the pointer at pixel ``x`` of the strips."""
    if drag.kind == "cut":
        vpn = scene.axis.page(scene.window.unit(min(max(x, 0.0), scene.window.width)))
        low, high = min(vpn, drag.grab), max(vpn, drag.grab) + 1
        return evolve(drag, span=Span(low, high))
    low, high = _page_range(scene, x, drag.kind != "move")
    offset = drag.grab - drag.span.start if drag.kind == "move" else 0
    want = roundest(low, high) - offset
    stop = None if drag.free else _attracted(scene, drag, want, low != high)
    if stop is not None:
        return evolve(drag, to=_within(drag, stop), snapped=True)
    return evolve(drag, to=_within(drag, want), snapped=False)


def _attracted(scene: Scene, drag: Drag, want: int, coarse: bool) -> int | None:
    """The border, neighbour or home that ``want`` is near to; ``coarse``: the pixel covers many pages."""
    stops = _stops(scene, drag)
    if not len(stops):
        return None
    pixels = np.abs(scene.window.x(scene.axis.unit(stops)) - float(scene.window.x(scene.axis.unit(want))))
    pages = np.abs(stops - want)
    near = (pixels <= REACH) & (coarse | (pages * _page_width(scene, want) <= REACH))
    if drag.kind == "move":
        near |= pages <= MAGNET_PAGES
    return int(stops[np.where(near, pixels, np.inf).argmin()]) if near.any() else None


def stepped(scene: Scene, drag: Drag, by: int, border: bool) -> Drag:
    """The drag moved by pages, or with ``border`` to the next border in that direction."""
    want = drag.to + by
    if border:
        stops = _stops(scene, drag)
        ahead = stops[stops > drag.to] if by > 0 else stops[stops < drag.to]
        if not len(ahead):
            return drag
        want = int(ahead.min() if by > 0 else ahead.max())
    return evolve(drag, to=_within(drag, want), snapped=border)


def roundest(low: int, high: int) -> int:
    """The page number in [low, high] that a power of two divides best: what a pixel that covers many pages means."""
    low, high = min(low, high), max(low, high)
    if low == high:
        return low
    keep = (low ^ high).bit_length() - 1
    return high >> keep << keep


def choices(drag: Drag) -> list[tuple[str, Operation]]:
    """What can be done to a span that was marked with Alt: menu text and operation."""
    pid, span = drag.pid, drag.span
    return [
        (f"Unmap {places.shown().text(str(span))}", Munmap(pid=pid, span=span)),
        ("Protect: read only", Mprotect(pid=pid, span=span, prot="r")),
        ("Protect: read and write", Mprotect(pid=pid, span=span, prot="rw")),
        ("Protect: no access", Mprotect(pid=pid, span=span, prot="")),
        ("Give back its pages: madvise(dontneed)", Madvise(pid=pid, span=span, advice="dontneed")),
    ]


def _page_range(scene: Scene, x: float, border: bool) -> tuple[int, int]:
    """The page numbers that pixel ``x`` may mean: one where a page is wide, many in a squeezed gap.

    :param border: the nearest border between two pages is meant, not the page there.
    """
    axis, window = scene.axis, scene.window

    def at(pixel: float) -> int:
        place = axis.position(window.unit(min(max(pixel, 0.0), window.width)))
        return round(place) if border else min(max(math.floor(place), int(axis.pages[0])), int(axis.pages[-1]) - 1)

    low, high = sorted((at(x - 1.5), at(x + 1.5)))
    if axis.kind_at(window.unit(min(max(x, 0.0), window.width))) == MAPPED or high - low <= 2:
        return at(x), at(x)
    return low, high


def _page_width(scene: Scene, page: int) -> float:
    return scene.axis.page_units(float(scene.axis.unit(page))) * scene.window.scale


def _stops(scene: Scene, drag: Drag) -> np.ndarray:
    """Where ``to`` may come to lie against the other vmas of the process; and home, where pgoff equals the address."""
    v, mine = scene.frame.vmas, scene.vmas(drag.task)
    start, end, pgoff = v.start[mine], v.end[mine], v.pgoff[mine]
    own = (start < drag.span.end) & (end > drag.span.start)
    start, end = start[~own], end[~own]
    stops = [start, end]
    if drag.kind == "move":
        stops = [end, start - drag.span.pages, np.array([drag.span.start])]
        at = np.flatnonzero(own)
        if len(at) and v.file[mine][at[0]] < 0 and not drag.flags & (fl.SHARED | fl.GROWSDOWN):
            stops.append(np.array([int(pgoff[at[0]]) + drag.span.start - int(v.start[mine][at[0]])]))
    else:
        stops.append(np.array([drag.span.end if drag.kind == "end" else drag.span.start]))
    found = np.unique(np.concatenate(stops))
    return found[found >= 0]


def _within(drag: Drag, want: int) -> int:
    if drag.kind == "move":
        return min(max(want, 0), TASK_SIZE_PAGES - drag.span.pages)
    if drag.kind == "end":
        return min(max(want, drag.span.start + 1), TASK_SIZE_PAGES)
    return min(max(want, 0), drag.span.end - 1)


@define
class Live:
    """A drag with its verdict: what the painting shows."""

    drag: Drag
    x: float
    y: float
    """Where the pointer is, in pixels of the viewport."""
    text: str = ""
    tone: str = "dim"
    by_keys: bool = False
    known: tuple[Operation, ...] = field(factory=tuple)
    """The operations that ``text`` is about."""

    @property
    def keys(self) -> str:
        """How it goes on from here."""
        if self.by_keys:
            return "Enter submits · Page Up, Page Down: next border · Esc cancels"
        return (
            "let go to choose · Esc cancels"
            if self.drag.kind == "cut"
            else "let go to submit · Shift: no magnet · Esc cancels"
        )

    @property
    def fresh(self) -> bool:
        """True where the verdict is about what a drop would do now."""
        return bool(self.known) and self.known == self.drag.operations
