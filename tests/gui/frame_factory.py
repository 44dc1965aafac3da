"""Synthetic frames for tests of views: no engine, no world, figures invented but shaped like the real ones.

``small()`` two processes; ``letter()`` the built-in scenario after its mremap, page 0xc42 of worker 2 selected, with
walk and structure; ``huge(processes, vmas)`` the storm. ``build(...)`` makes a frame of any processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import evolve, frozen

from rmapexplorer.core import flags as fl
from rmapexplorer.core.outcome import Outcome, Refusal
from rmapexplorer.engine.frames import (
    DesignState,
    Detail,
    Field,
    FootprintRow,
    Frame,
    HistoryEntry,
    Link,
    MergeVerdict,
    Node,
    OtherDesign,
    PathChanged,
    Structure,
    TaskRows,
    VmaRows,
    WalkDetail,
    WalkStep,
)

RW = fl.READ | fl.WRITE
RX = fl.READ | fl.EXEC
STACK = 0x7FFFFFFDE
"""First page of every stack here."""


@frozen
class V:
    """One vma of a synthetic process; pgoff -1: its address (anonymous) or 0 (file)."""

    start: int
    end: int
    flags: int = RW
    anon: int = -1
    pgoff: int = -1
    file: str = ""
    label: str = ""
    links: int = 0
    anon_pages: int = -1
    """-1: all of them where it has an anon_vma, else none."""
    file_pages: int = -1
    swap_pages: int = 0


@frozen
class P:
    """One synthetic process."""

    pid: int
    comm: str
    vmas: tuple[V, ...]
    ppid: int = 0
    threads: int = 1


def ints(values: Any) -> np.ndarray:
    """A read-only int64 array, as frames carry them."""
    array = np.asarray(values, dtype=np.int64)
    array.setflags(write=False)
    return array


def build(processes: Sequence[P], detail: Detail | None = None, **changes: Any) -> Frame:
    """A frame of these processes; ``changes`` replace fields of the frame."""
    vmas = [v for p in processes for v in p.vmas]
    files = tuple(dict.fromkeys(v.file for v in vmas if v.file))
    labels = tuple(dict.fromkeys(v.label for v in vmas if v.label))
    anon_pages = [(v.end - v.start if v.anon >= 0 else 0) if v.anon_pages < 0 else v.anon_pages for v in vmas]
    file_pages = [(v.end - v.start if v.file else 0) if v.file_pages < 0 else v.file_pages for v in vmas]
    rows = VmaRows(
        first=ints(np.cumsum([0] + [len(p.vmas) for p in processes])),
        birth=ints(range(len(vmas))),
        start=ints([v.start for v in vmas]),
        end=ints([v.end for v in vmas]),
        pgoff=ints([v.pgoff if v.pgoff >= 0 else 0 if v.file else v.start for v in vmas]),
        flags=ints([v.flags for v in vmas]),
        file=ints([files.index(v.file) if v.file else -1 for v in vmas]),
        label=ints([labels.index(v.label) if v.label else -1 for v in vmas]),
        anon=ints([v.anon for v in vmas]),
        links=ints([v.links for v in vmas]),
        anon_pages=ints(anon_pages),
        file_pages=ints(file_pages),
        swap_pages=ints([v.swap_pages for v in vmas]),
    )
    return frame(_tasks(processes, rows), rows, files, labels, detail, **changes)


def _tasks(processes: Sequence[P], rows: VmaRows) -> TaskRows:
    owner = np.repeat(np.arange(len(processes)), np.diff(rows.first))

    def total(column: np.ndarray) -> np.ndarray:
        return ints(np.bincount(owner, weights=column, minlength=len(processes)).astype(np.int64))

    return TaskRows(
        pid=ints([p.pid for p in processes]),
        ppid=ints([p.ppid for p in processes]),
        mm=ints(range(len(processes))),
        birth=ints(range(100, 100 + len(processes))),
        vmas=ints(np.diff(rows.first)),
        anon_pages=total(rows.anon_pages),
        file_pages=total(rows.file_pages),
        swap_pages=total(rows.swap_pages),
        threads=ints([p.threads for p in processes]),
        comm=tuple(p.comm for p in processes),
    )


def frame(
    tasks: TaskRows,
    vmas: VmaRows,
    files: tuple[str, ...] = (),
    labels: tuple[str, ...] = (),
    detail: Detail | None = None,
    **changes: Any,
) -> Frame:
    """A frame of these columns, four designs beside it."""
    made = Frame(
        generation=1,
        serial=1,
        position=5,
        head=6,
        op_text="mremap 2 a18-a1c -> c40",
        view="anon_vma_chain",
        designs=designs(len(vmas.start)),
        tasks=tasks,
        vmas=vmas,
        files=files,
        labels=labels,
        detail=detail,
    )
    return evolve(made, **changes)


def designs(vmas: int) -> tuple[DesignState, ...]:
    """Four designs with invented footprints; anonmm copied four pages."""

    def state(key: str, *rows: tuple[str, int, int], **counters: int) -> DesignState:
        footprint = tuple(
            FootprintRow(kind=k, objects=n, bytes=n * size, size=size, slab_pages=-(-n * size // 4096), source="struct")
            for k, n, size in rows
        )
        outcome = Outcome(deltas=dict(counters))
        return DesignState(key=key, title=key, vmas=vmas, footprint=footprint, counters=counters, outcome=outcome)

    return (
        state("pte_chain", ("pte_chain", 560, 32), ptes_moved=4),
        state("anonmm", ("anonmm", 4, 24), copied_by_mremap=4),
        state("anon_vma", ("anon_vma", 6, 24), vmas_split=2),
        state("anon_vma_chain", ("anon_vma", 12, 104), ("anon_vma_chain", 22, 64), vmas_split=2, avcs_allocated=4),
    )


def small(**changes: Any) -> Frame:
    """Two processes: text, heap and stack each; the second shares a file and has swap. Nothing selected."""
    text = V(0x400, 0x410, RX, file="/usr/bin/cat")
    stack = V(STACK, STACK + 4, RW | fl.GROWSDOWN, anon=4, label="[stack]")
    return build(
        [
            P(1, "init", (text, V(0xA00, 0xA20, anon=0, label="[heap]"), stack)),
            P(
                7,
                "cat",
                (
                    text,
                    V(0xA00, 0xA10, anon=1, label="[heap]", anon_pages=4, swap_pages=12),
                    V(0x7F0000000, 0x7F0000040, RW | fl.SHARED, file="/dev/shm/ring", file_pages=10),
                    evolve(stack, anon=5),
                ),
                ppid=1,
            ),
        ],
        **changes,
    )


def letter(*, selected: bool = True, **changes: Any) -> Frame:
    """After fork 2, fork 3, a write in both and mremap(2, a18-a1c -> c40): three tasks map page 0x2a."""
    text = V(0x400, 0x448, RX, file="/usr/sbin/server", file_pages=30)
    data = V(0x600, 0x604, RW, anon=8, pgoff=0x200, file="/usr/sbin/server", links=1)
    heap = V(0xA10, 0xA20, anon=0, label="[heap]", links=1)
    stack = V(STACK, STACK + 0x21, RW | fl.GROWSDOWN, anon=4, label="[stack]", anon_pages=3, links=1)
    worker = (
        text,
        evolve(data, anon=9, links=2),
        V(0xA10, 0xA18, anon=3, links=2, label="[heap]"),
        V(0xA1C, 0xA20, anon=3, links=2, label="[heap]"),
        V(0xC40, 0xC44, anon=3, pgoff=0xA18, links=2),
        V(0xC44, 0xC4C, anon_pages=0),
        evolve(stack, anon=10, links=2),
    )
    second = (
        text,
        evolve(data, links=2),
        V(0xA10, 0xA20, anon=2, links=2, label="[heap]"),
        evolve(stack, anon=16, links=2),
    )
    cgi = (
        V(0x400, 0x448, RX, file="/usr/lib/cgi-bin/search", file_pages=12),
        V(0x600, 0x604, RW, file="/usr/lib/cgi-bin/search", pgoff=0x200, file_pages=1),
        evolve(stack, anon=22),
    )
    processes = [
        P(1, "server", (text, data, heap, stack)),
        P(2, "worker", worker, ppid=1, threads=2),
        P(3, "worker", second, ppid=1),
        P(4, "cgi", cgi, ppid=3),
    ]
    return build(processes, letter_detail() if selected else None, **changes)


def letter_detail() -> Detail:
    """The inspector's content for page 0xc42 of worker 2 under anon_vma_chain."""
    refusal = Refusal(
        "pgoff", "pgoff is not linear: a18 + 4 = a1c, but c44", "a1c", "c44", "is_mergeable_vma, mm/vma.c 6.18"
    )
    steps = (
        WalkStep(pid=1, comm="server", start=0xA10, end=0xA20, vpn=0xA1A, hit=True, nodes=1),
        WalkStep(pid=2, comm="worker", start=0xC40, end=0xC44, vpn=0xC42, hit=True, nodes=2),
        WalkStep(pid=3, comm="worker", start=0xA10, end=0xA20, vpn=0xA1A, hit=True, nodes=3),
    )
    spots = ((1, 0xA1A), (2, 0xC42), (3, 0xA1A))
    return Detail(
        pid=2,
        vpn=0xC42,
        title="page 0x2a",
        page=(
            Field(name="mapping", value="A0 (root)", meaning="the anon_vma of the first writer", tone="family:0"),
            Field(name="index", value="0xa1a", meaning="offset inside A0, not an address"),
            Field(name="mapcount", value="3", meaning="ptes that map it now"),
            Field(name="AnonExclusive", value="no", meaning="shared by fork"),
        ),
        vma=(Field(name="vm_pgoff", value="0xa18", meaning="moved by mremap", tone="warn"),),
        vma_span=(0xC40, 0xC44),
        owner=(Field(name="num_children", value="2"),),
        owner_title="A0",
        walk=WalkDetail(steps=steps, nodes=3, probes=3, hits=3, missed=0, find_vma=0, mapped=3, spots=spots),
        merges=(
            MergeVerdict(side="left", mine=(0xC40, 0xC44), theirs=None, refusal=None),
            MergeVerdict(side="right", mine=(0xC40, 0xC44), theirs=(0xC44, 0xC4C), refusal=refusal),
        ),
        others=tuple(
            OtherDesign(
                design=k, nodes=n, probes=n, hits=3, missed=0, copied_by_mremap=c, copied_by_design=0, footprint_bytes=b
            )
            for k, n, c, b in (("pte_chain", 3, 0, 17920), ("anonmm", 3, 4, 96), ("anon_vma", 5, 0, 144))
        ),
        structure=letter_structure(),
        family=0,
    )


def letter_structure() -> Structure:
    """page -> anon_vmas -> the vmas their avcs lead to -> tasks, as in the mock."""
    vmas = [
        ("v1", "a10-a20", "server 1 · pgoff a10", "hit", (1, 0xA10), 0, "t1"),
        ("v2", "a10-a18", "worker 2 · pgoff a10", "miss", (2, 0xA10), 3, "t2"),
        ("v3", "c40-c44", "worker 2 · pgoff a18", "hit", (2, 0xC42), 3, "t2"),
        ("v4", "a1c-a20", "worker 2 · pgoff a1c", "miss", (2, 0xA1C), 3, "t2"),
        ("v5", "a10-a20", "worker 3 · pgoff a10", "hit", (3, 0xA1A), 2, "t3"),
    ]
    nodes = [
        Node(key="p", rank=0, title="page 0x2a", subtitle="index a1a · mapped 3×", state="focus", target=(2, 0xC42)),
        Node(key="a0", rank=1, title="A0  root", subtitle="2 children · 1 vma", family=0),
        Node(key="a3", rank=1, title="A3", subtitle="worker 2 · 3 vmas", family=3),
        Node(key="a2", rank=1, title="A2", subtitle="worker 3 · 1 vma", family=2),
    ]
    nodes += [Node(key=k, rank=2, title=t, subtitle=s, family=f, state=st, target=at) for k, t, s, st, at, f, _ in vmas]
    tasks = (("t1", "server 1", 1), ("t2", "worker 2", 2), ("t3", "worker 3", 3))
    nodes += [Node(key=k, rank=3, title=t, target=(pid, -1)) for k, t, pid in tasks]
    links = [Link(source="p", target="a0", state="hit")]
    links += [Link(source="a0", target=k, state=st, family=0) for k, _, _, st, _, _, _ in vmas]
    links += [Link(source="a3", target=k, family=3) for k in ("v2", "v3", "v4")]
    links += [Link(source="a2", target="v5", family=2)]
    links += [Link(source=k, target=t) for k, _, _, _, _, _, t in vmas]
    return Structure(
        nodes=tuple(nodes),
        links=tuple(links),
        shown=len(nodes),
        total=len(nodes),
        headings=("page", "anon_vma", "avc → vma", "task"),
    )


def fan(vmas: int = 120, owners: int = 12) -> Structure:
    """A busy structure: one page, ``owners`` anon_vmas, ``vmas`` vmas, a task for every four of them."""
    nodes = [Node(key="p", rank=0, title="page 0x2a", subtitle=f"mapped {vmas}×", state="focus", target=(1, 1))]
    nodes += [Node(key=f"a{i}", rank=1, title=f"A{i}", subtitle=f"child of A{i // 2}", family=i) for i in range(owners)]
    links = [Link(source="p", target="a0", state="hit")]
    for i in range(vmas):
        state = "hit" if i % 3 == 0 else "miss"
        owner = (i * 7) % owners
        nodes.append(
            Node(key=f"v{i}", rank=2, title=f"{i * 16:x}-{i * 16 + 16:x}", state=state, target=(i // 4 + 1, i * 16))
        )
        links.append(Link(source=f"a{owner}", target=f"v{i}", state=state, family=owner))
        links.append(Link(source=f"v{i}", target=f"t{i // 4}"))
    nodes += [Node(key=f"t{i}", rank=3, title=f"worker {i + 1}", target=(i + 1, -1)) for i in range(-(-vmas // 4))]
    headings = ("page", "anon_vma", "avc → vma", "task")
    return Structure(nodes=tuple(nodes), links=tuple(links), shown=len(nodes), total=2_001_998, headings=headings)


def huge(processes: int = 1000, vmas: int = 1000, *, distinct: bool = False, **changes: Any) -> Frame:
    """The storm: one-page vmas three pages apart, alike in every process, or (``distinct``) no two alike."""
    n = processes * vmas
    start = np.tile(np.arange(vmas, dtype=np.int64) * 3, processes)
    if distinct:
        rng = np.random.default_rng(7)
        steps = rng.integers(2, 9, size=(processes, vmas))
        start = (np.cumsum(steps, axis=1) + rng.integers(0, 4096, size=(processes, 1))).ravel()
    start = start + 0x10000
    pages = np.ones(n, dtype=np.int64)
    none = ints(np.full(n, -1))
    rows = VmaRows(
        first=ints(np.arange(processes + 1) * vmas),
        birth=ints(np.arange(n)),
        start=ints(start),
        end=ints(start + 1),
        pgoff=ints(start),
        flags=ints(np.full(n, RW)),
        file=none,
        label=none,
        anon=ints(np.arange(n) // 7),
        links=ints(pages * 2),
        anon_pages=ints(pages),
        file_pages=ints(pages * 0),
        swap_pages=ints(pages * 0),
    )
    zero = np.zeros(processes, dtype=np.int64)
    tasks = TaskRows(
        pid=ints(np.arange(1, processes + 1)),
        ppid=ints(np.minimum(np.arange(processes), 1)),
        mm=ints(np.arange(processes)),
        birth=ints(np.arange(processes)),
        vmas=ints(zero + vmas),
        anon_pages=ints(zero + vmas),
        file_pages=ints(zero),
        swap_pages=ints(zero),
        threads=ints(zero + 1),
        comm=("parent",) + ("child",) * (processes - 1),
    )
    return frame(tasks, rows, **changes)


def history(count: int = 6) -> PathChanged:
    """The letter's operations as history entries, then touches; every seventh was refused."""
    names = ["mmap", "touch", "fork", "fork", "mremap", "reclaim"]
    entries = []
    for i in range(count):
        name = names[i] if i < len(names) else "touch"
        error = "EINVAL" if i % 7 == 6 else None
        entries.append(
            HistoryEntry(
                position=i + 1,
                name=name,
                text=f"{name} 2 a{i:x}0-a{i:x}8",
                error=error,
                rule="a rule." if error else "",
            )
        )
    return PathChanged(generation=1, keep=0, entries=tuple(entries))
