"""Processes, vmas and operations as text to paste: /proc/PID/maps, smaps, Python, plain words. Pure functions of a frame."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from rmapexplorer.core import flags as vm
from rmapexplorer.core.operations import Mmap, Operation, Spawn
from rmapexplorer.core.units import PAGE_BYTES, Span
from rmapexplorer.engine.frames import Frame
from rmapexplorer.engine.lookups import PSS_SHIFT, SmapsRow
from rmapexplorer.gui import places
from rmapexplorer.gui.models.base import plural
from rmapexplorer.gui.models.vmas import maps_line
from rmapexplorer.gui.owner_words import owner_word

_MMAP_FLAGS = {vm.LOCKED: "locked", vm.NORESERVE: "noreserve", vm.GROWSDOWN: "growsdown", vm.SPECIAL: "special"}


def rows_of(frame: Frame, pid: int, span: Span | None = None) -> list[int]:
    """Rows of the frame's vmas that belong to the process and overlap ``span`` (None: all of them), by address."""
    at = np.flatnonzero(frame.tasks.pid == pid)
    if not len(at):
        return []
    low, high = int(frame.vmas.first[at[0]]), int(frame.vmas.first[at[0] + 1])
    if span is None:
        return list(range(low, high))
    start, end = frame.vmas.start[low:high], frame.vmas.end[low:high]
    return (low + np.flatnonzero((start < span.end) & (span.start < end))).tolist()


def name_of(frame: Frame, row: int) -> str:
    """File or label of a vma, empty for neither."""
    file, label = int(frame.vmas.file[row]), int(frame.vmas.label[row])
    return frame.files[file] if file >= 0 else frame.labels[label] if label >= 0 else ""


def maps(frame: Frame, rows: Sequence[int]) -> str:
    """The vmas as lines of /proc/PID/maps, addresses in bytes."""
    return "".join(f"{_maps(frame, row)}\n" for row in rows)


def _maps(frame: Frame, row: int) -> str:
    vmas = frame.vmas
    return maps_line(
        int(vmas.start[row]), int(vmas.end[row]), int(vmas.flags[row]), int(vmas.pgoff[row]), name_of(frame, row),
        bool(vmas.file[row] >= 0),
    )  # fmt: skip


def smaps(frame: Frame, rows: Sequence[int], figures: Sequence[SmapsRow]) -> str:
    """The vmas as /proc/PID/smaps prints them; lines about what is not simulated (KSM, huge pages, ...) are left out."""
    known = {(one.span.start, one.span.end): one for one in figures}
    parts = []
    for row in rows:
        one = known.get((int(frame.vmas.start[row]), int(frame.vmas.end[row])))
        if one is not None:
            parts.append(f"{_maps(frame, row)}\n{_smap(one, int(frame.vmas.flags[row]))}")
    return "".join(parts)


def _smap(one: SmapsRow, flags: int) -> str:
    locked = one.pss if flags & vm.LOCKED else 0
    lines = {
        "Size": one.span.pages * PAGE_BYTES, "KernelPageSize": PAGE_BYTES, "MMUPageSize": PAGE_BYTES, "Rss": one.rss,
        "Pss": one.pss >> PSS_SHIFT, "Pss_Dirty": one.pss_dirty >> PSS_SHIFT, "Shared_Clean": one.shared_clean,
        "Shared_Dirty": one.shared_dirty, "Private_Clean": one.private_clean, "Private_Dirty": one.private_dirty,
        "Referenced": one.referenced, "Anonymous": one.anonymous, "Swap": one.swap,
        "SwapPss": one.swap_pss >> PSS_SHIFT, "Locked": locked >> PSS_SHIFT,
    }  # fmt: skip
    text = "".join(f"{name + ':':<16}{size >> 10:>8} kB\n" for name, size in lines.items())
    words = [word for bit, word in _ACCESS.items() if flags & bit] + vm.smaps(flags).split()
    return f"{text}VmFlags: {''.join(f'{word} ' for word in words)}\n"


_ACCESS = {vm.READ: "rd", vm.WRITE: "wr", vm.EXEC: "ex", vm.SHARED: "sh"}


def mmaps(frame: Frame, pid: int, rows: Sequence[int], spawn: bool) -> list[Operation]:
    """Operations that map the same again in a new process; what was written there is not among them."""
    comm = dict(zip(frame.tasks.pid.tolist(), frame.tasks.comm, strict=True)).get(pid, "")
    made: list[Operation] = [Spawn(pid=pid, comm=comm)] if spawn else []
    return made + [_mmap(frame, pid, row) for row in rows]


def _mmap(frame: Frame, pid: int, row: int) -> Mmap:
    vmas, flags = frame.vmas, int(frame.vmas.flags[row])
    file, shared, name = bool(vmas.file[row] >= 0), bool(flags & vm.SHARED), name_of(frame, row)
    return Mmap(
        pid=pid, span=Span(int(vmas.start[row]), int(vmas.end[row])),
        prot=vm.perms(flags)[:3].replace("-", ""),
        kind=("file-shared" if shared else "file-private") if file else "anon-shared" if shared else "anon",
        file=name if file else "", offset=int(vmas.pgoff[row]) if file else 0,
        flags=tuple(word for bit, word in _MMAP_FLAGS.items() if flags & bit), label="" if file else name,
    )  # fmt: skip


def python(ops: Sequence[Operation]) -> str:
    """The operations as Python that runs: the imports, and a list of their constructors."""
    names = sorted({type(op).__name__ for op in ops})
    spans = any(isinstance(getattr(op, "span", None), Span) for op in ops)
    head = [f"from rmapexplorer.core.operations import {', '.join(names)}"] if names else []
    head += ["from rmapexplorer.core.units import Span"] if spans else []
    body = "".join(f"    {constructor(op)},\n" for op in ops)
    return "\n".join([*head, "", f"operations = [\n{body}]\n"])


def constructor(op: Operation) -> str:
    """``Mmap(pid=2, span=Span(0xa10, 0xa20))``: what differs from the defaults, places in hexadecimal."""
    words = []
    for one in attrs.fields(type(op)):
        value = getattr(op, one.name)
        if one.default is attrs.NOTHING or value != one.default:
            words.append(f"{one.name}={_literal(one.name, value)}")
    return f"{type(op).__name__}({', '.join(words)})"


def _literal(name: str, value: object) -> str:
    if isinstance(value, Span):
        return f"Span({value.start:#x}, {value.end:#x})"
    if name == "runs" and isinstance(value, tuple):
        runs = [f"({first:#x}, {end:#x}, {access!r})" for first, end, access in value]
        return f"({', '.join(runs)}{',' if len(runs) == 1 else ''})"
    if name in ("to", "end", "start", "offset") and isinstance(value, int):
        return f"{value:#x}"
    return repr(value)


def plain(frame: Frame, pid: int, rows: Sequence[int], whole: bool) -> str:
    """Words: the process with its counts, then a line a vma (place, protection, pgoff, owner, pages, name)."""
    lines = []
    at = np.flatnonzero(frame.tasks.pid == pid)
    if whole and len(at):
        tasks, row = frame.tasks, int(at[0])
        lines.append(
            f"{tasks.comm[row]} {pid}: child of {int(tasks.ppid[row])}, {plural(int(tasks.vmas[row]), 'vma')}, "
            f"{int(tasks.anon_pages[row]):,} anonymous and {int(tasks.file_pages[row]):,} file pages, "
            f"{int(tasks.swap_pages[row]):,} in swap ({frame.view}, after operation {frame.position:,})"
        )
    vmas = frame.vmas
    for row in rows:
        owner = owner_word(frame.view, int(vmas.anon[row]), "-")
        pages = int(vmas.anon_pages[row] + vmas.file_pages[row])
        text = (
            f"{places.shown().span(int(vmas.start[row]), int(vmas.end[row]))} {vm.perms(int(vmas.flags[row]))} "
            f"pgoff {int(vmas.pgoff[row]):x} {owner} {pages:,} pages {name_of(frame, row)}"
        )
        lines.append(text.rstrip())
    return "".join(f"{line}\n" for line in lines)
