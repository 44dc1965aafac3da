"""Frames: what the engine tells the GUI. Read-only arrays and plain values, never a live world.

A frame refers to all columns a view needs, shared with the frame before where nothing changed, so that
skipping a frame loses nothing. Metric rows, history entries and notices are queued and never skipped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import field, frozen

from rmapexplorer.core.operations import Operation
from rmapexplorer.core.outcome import Outcome, Refusal
from rmapexplorer.core.units import Machine
from rmapexplorer.engine.page_runs import PageRuns

Ints = np.ndarray
"""A read-only int64 array."""


@frozen(kw_only=True, eq=False)
class TaskRows:
    """The processes alive (threads are counted in their leader), in order of creation; one element a process."""

    pid: Ints
    ppid: Ints
    mm: Ints
    birth: Ints
    """Never used again, unlike a pid: Qt selections hang on it."""
    vmas: Ints
    anon_pages: Ints
    """Resident anonymous pages, private copies of file pages included; zero page and swap not."""
    file_pages: Ints
    swap_pages: Ints
    threads: Ints
    comm: tuple[str, ...]


@frozen(kw_only=True, eq=False)
class VmaRows:
    """All vmas of the design in view, grouped by process in the order of TaskRows, then by address."""

    first: Ints
    """[len(tasks) + 1]: the vmas of task row i are first[i]:first[i+1]."""
    birth: Ints
    start: Ints
    end: Ints
    pgoff: Ints
    flags: Ints
    """Bits of core.flags."""
    file: Ints
    """Index into Frame.files, -1 for none."""
    label: Ints
    """Index into Frame.labels ([heap], [stack], ...), -1 for none."""
    anon: Ints
    """The design's own object the vma hangs on (anon_vma number; -1 none): drives the family colour."""
    links: Ints
    """How many links the design keeps for the vma (avcs, list memberships)."""
    anon_pages: Ints
    file_pages: Ints
    swap_pages: Ints
    shared_pages: Ints = field(factory=lambda: np.empty(0, np.int64))
    """Resident pages that more than one pte maps; empty where nobody counted."""
    pages: PageRuns | None = None
    """What each page is; None where there is too much to tell."""


@frozen(kw_only=True)
class Field:
    """One line of the inspector: the kernel's field name, its value as shown, one line of meaning."""

    name: str
    value: str
    meaning: str = ""
    tone: str = ""
    """"", "good", "bad", "warn" or "family:N"."""
    kernel: str = ""
    """The value a recorded kernel has, where it is another one."""


@frozen(kw_only=True)
class KernelField:
    """One field at the selection, as a recorded kernel and as our replay have it after the same calls."""

    section: str
    """"page", "vma" or "anon_vma"."""
    name: str
    kernel: str
    ours: str

    @property
    def differs(self) -> bool:
        """True where the two values are not the same."""
        return self.kernel != self.ours


@frozen(kw_only=True)
class WalkStep:
    """One candidate of a walk, in visiting order."""

    pid: int
    comm: str
    start: int
    """First page number of the vma; -1 where the design knows no vma (a pte of a chain: then the vma found there)."""
    end: int
    vpn: int
    hit: bool
    nodes: int
    """List or tree nodes visited so far, this candidate included."""
    note: str = ""


@frozen(kw_only=True)
class WalkDetail:
    """The walk from the selected page, as it would run now. Nothing is changed by looking."""

    steps: tuple[WalkStep, ...]
    nodes: int
    probes: int
    hits: int
    missed: int
    find_vma: int
    mapped: int
    note: str = ""
    spots: tuple[tuple[int, int], ...] = ()
    """Every (pid, page number) that maps the page, found or not: the truth, read from the page tables."""


@frozen(kw_only=True)
class MergeVerdict:
    """Whether the selected vma merges with its neighbour on one side, and if not, why."""

    side: str
    """"left" or "right"."""
    mine: tuple[int, int]
    theirs: tuple[int, int] | None
    """None: no vma touches on that side."""
    refusal: Refusal | None
    """None with theirs set: would merge (they stay two only until the next operation looks)."""
    remedy: str = ""
    """What would have to change."""


@frozen(kw_only=True)
class Node:
    """A box of the structures picture.

    ``rank`` is its column: 0 page, 1 owner (anon_vma, chain, anonmm), 2 link or vma, 3 task.
    """

    key: str
    rank: int
    title: str
    subtitle: str = ""
    family: int = -1
    state: str = ""
    """"", "focus", "hit", "miss", "selected", "dead", "kernel" (only a recorded kernel has it)."""
    target: tuple[int, int] | None = None
    """(pid, page number) to select on click."""
    kernel: str = ""
    """What a recorded kernel has instead, where it differs."""


@frozen(kw_only=True)
class Link:
    """A line between two nodes, left to right."""

    source: str
    target: str
    state: str = ""
    """"", "hit", "miss", "kernel" (only a recorded kernel has it)."""
    family: int = -1
    kernel: str = ""
    """What a recorded kernel has instead, where it differs."""


@frozen(kw_only=True)
class Structure:
    """The design's objects around the selection."""

    nodes: tuple[Node, ...] = ()
    links: tuple[Link, ...] = ()
    shown: int = 0
    total: int = 0
    headings: tuple[str, str, str, str] = ("page", "owner", "vma", "task")
    note: str = ""
    left_out: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Nodes of each rank that there are besides."""


@frozen(kw_only=True)
class OtherDesign:
    """The same page under one design: key and a short figure list for the inspector."""

    design: str
    nodes: int
    probes: int
    hits: int
    missed: int
    copied_by_mremap: int
    copied_by_design: int
    footprint_bytes: int


@frozen(kw_only=True)
class Detail:
    """Everything about the selection (pid, page number) in the design in view."""

    pid: int
    vpn: int
    title: str
    page: tuple[Field, ...] = ()
    """Fields of the page or entry there; empty where nothing is mapped."""
    process: tuple[Field, ...] = ()
    vma: tuple[Field, ...] = ()
    vma_span: tuple[int, int] | None = None
    owner: tuple[Field, ...] = ()
    """Fields of the page's or vma's anon_vma (anonmm, chain)."""
    owner_title: str = ""
    walk: WalkDetail | None = None
    merges: tuple[MergeVerdict, ...] = ()
    others: tuple[OtherDesign, ...] = ()
    structure: Structure = Structure()
    family: int = -1
    kernel: tuple[KernelField, ...] | None = None
    """A recorded kernel beside our replay; None: nothing is recorded here, or it was not compared yet."""


@frozen(kw_only=True)
class FootprintRow:
    """Objects of one kind that a design keeps."""

    kind: str
    objects: int
    bytes: int
    """objects x size of the structure."""
    size: int
    slab_pages: int
    source: str


@frozen(kw_only=True)
class DesignState:
    """One design at the position shown."""

    key: str
    title: str
    vmas: int
    footprint: tuple[FootprintRow, ...]
    counters: dict[str, int]
    outcome: Outcome | None
    """Of the operation at the position; None at position 0."""
    changes: tuple[tuple[str, int], ...] = ()
    """What the operation at the position made or, below 0, took away: ("vma", 1), ("anon_vma", -2)."""
    options: dict[str, str] = {}


@frozen(kw_only=True)
class KernelDifference:
    """Where the state differs from what a real kernel was recorded to have after the same calls."""

    level: str
    """"result", "vmas", "anon", "chain", "counts", "tree", "pages" or "flags"."""
    where: str
    kernel: str
    ours: str
    spot: tuple[int, int] | None = None
    """(pid, first page number of the vma) it is about, where it is about one."""


@frozen(kw_only=True)
class Bookmark:
    """A note of the user at a position of the current branch, or of the branch named."""

    position: int
    text: str
    branch: str = ""
    """Empty where the current branch leads through the position."""


@frozen(kw_only=True, eq=False)
class Frame:
    """The state after ``position`` operations of the current branch."""

    generation: int
    """Counts sessions: messages of an older generation are dropped."""
    serial: int
    position: int
    head: int
    op_text: str
    view: str
    """Key of the design in view."""
    designs: tuple[DesignState, ...]
    tasks: TaskRows
    vmas: VmaRows
    files: tuple[str, ...]
    labels: tuple[str, ...]
    detail: Detail | None = None
    branch: str = "main"
    branches: tuple[str, ...] = ("main",)
    bookmarks: tuple[Bookmark, ...] = ()
    """In order of position, those of the current branch first."""
    busy: bool = False
    calls: str = "6.18"
    """Era of the system calls."""
    machine: Machine = Machine()
    kernel: tuple[KernelDifference, ...] | None = None
    """What differs from the recorded kernel after the operation at the position, () where nothing does; None: no record."""
    kernel_waits: bool = False
    """There is a record of this position, but it was not compared yet."""
    kernel_steps: Ints | None = None
    """Differences from the recorded kernel after operation 1, 2 ... of the current path, as far as recorded and compared."""
    kernel_length: int = 0
    """Operations of the current path that were recorded on a kernel."""
    op: Operation | None = None
    """The operation at the position; None at position 0."""


@frozen(kw_only=True)
class HistoryEntry:
    """One operation of the current branch; ``position`` is the state after it."""

    position: int
    name: str
    """The operation's name ("mremap")."""
    text: str
    error: str | None
    """Of the design in view; differing outcomes are marked in ``differs``."""
    rule: str = ""
    differs: bool = False
    refused_merges: int = 0
    pid: int = 0
    """The process that called, 0 where none did."""


@frozen(kw_only=True, eq=False)
class PathChanged:
    """The current branch's operations from ``keep`` on are replaced by ``entries`` (keep == old length: appended)."""

    generation: int
    keep: int
    entries: tuple[HistoryEntry, ...]


@frozen(kw_only=True, eq=False)
class MetricRows:
    """Rows of the curves for positions ``start`` .. ``start + n - 1`` of the current branch, replacing what was there.

    ``values`` is float64 [n, designs, metrics], in the order of ``designs`` and core.metrics.METRICS; NaN:
    not measured.
    Rows after the last one given are dropped by the receiver where ``truncate`` is set.
    """

    generation: int
    start: int
    designs: tuple[str, ...]
    values: np.ndarray
    truncate: bool = False


@frozen(kw_only=True)
class Progress:
    """A long job: ``done`` of ``total`` (0: unknown). ``finished`` once; ``cancelled`` where the user stopped it."""

    job: int
    title: str
    done: int
    total: int
    finished: bool = False
    cancelled: bool = False


@frozen(kw_only=True)
class Notice:
    """One sentence for the message bar. ``level``: "info", "refused", "error", "internal"."""

    level: str
    text: str
    field: str = ""
    """The operation's field at fault, for forms."""
    errno: str = ""
    details: str = ""
    """Traceback or report text for "internal"; shown on request only."""
    culprit: str = ""
    """The object that made a call fail, in words."""
    spot: tuple[int, int] | None = None
    """(pid, page number) of that object, -1 for the process as a whole."""
    retry: tuple[str, str] | None = None
    """What may be tried again: "open", "save" or "export", and the path."""
    offer: tuple[str, str] | None = None
    """An action of the window that may come next, and the words on its button."""


@frozen(kw_only=True, eq=False)
class SessionOpened:
    """A session was created or loaded; views reset. ``report`` lists what an import skipped and why, a line each.

    ``revision`` is that of the request: changes counted since then were given to this session already.
    """

    generation: int
    title: str
    path: str | None
    operations: int
    report: tuple[str, ...] = ()
    selection: tuple[int, int] | None = None
    """(pid, page number) that the session itself names."""
    siblings: tuple[str, ...] = ()
    """What can be opened in its place out of the same file, itself included, in order: kernel traces as FILE#NAME."""
    drawing: bool = True
    """It was drawn, with small addresses, and not recorded."""
    revision: int = 0


@frozen(kw_only=True)
class Saved:
    """The session was written, with every change counted up to ``revision`` and none after it."""

    path: str
    operations: int
    revision: int = 0


@frozen(kw_only=True, eq=False)
class Answer:
    """What became of the request number ``ticket``; every question, job, opening and saving gets exactly one.

    ``value`` None: there is nothing to say, it was superseded or cancelled, or it failed: then ``trouble`` was told too.
    """

    ticket: int
    value: Any
    trouble: Notice | None = None


Message = Frame | PathChanged | MetricRows | Progress | Notice | SessionOpened | Saved | Answer
