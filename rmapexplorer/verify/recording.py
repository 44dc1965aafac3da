"""Recordings against what the kernel held at their end: the smaps of every process in NAME.final.json.

Compared are start, end and permissions of every vma, the offset of file mappings, and the anonymous pages of every
vma. Left out are [vsyscall], which is no vma, and offsets of the kernel's own mappings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen

from rmapexplorer.core import flags as vm
from rmapexplorer.core.pages import is_page
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.table import ANON
from rmapexplorer.core.units import PAGE_SHIFT
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.json_text import JsonText
from rmapexplorer.formats.reading import opened
from rmapexplorer.formats.session import Session

SUFFIXES = (".perf.txt.gz", ".perf.txt", ".txt.gz", ".txt", ".gz")
KIB_PER_PAGE = 4


@frozen(kw_only=True)
class Mismatch:
    """One process that differs from the kernel's: in what, and both values."""

    pid: int
    what: str
    kernel: Any
    ours: Any

    def __str__(self) -> str:
        return f"process {self.pid}, {self.what}: kernel {self.kernel}, ours {self.ours}"


def final_state_of(path: str) -> str | None:
    """The .final.json that belongs to a recording, None where there is none."""
    base = path
    for suffix in SUFFIXES:
        if path.endswith(suffix):
            base = path.removesuffix(suffix)
            break
    beside = Path(base + ".final.json")
    return str(beside) if beside.exists() else None


def load_final(path: str) -> dict[int, list[dict[str, Any]]]:
    """pid -> vmas as smaps named them. :raises FormatError: one sentence."""
    with opened(path) as source:
        text = JsonText(source.chunks(), path)
        found = text.value()
        text.end()
    try:
        return {int(pid): _vmas(process["vmas"]) for pid, process in found["processes"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as trouble:
        what = f"{type(trouble).__name__} {trouble}"
        raise FormatError(f"{path}: is no final state of a recording ({what}); record it again.") from None


_VMA: dict[str, type] = {"name": str, "start": int, "end": int, "offset": int, "anonymous": int, "perm": str}
"""What of a vma is compared."""


def _vmas(listed: Any) -> list[dict[str, Any]]:
    for vma in listed:
        for key in ("name", "start", "end", "perm", "offset"):
            vma[key]
        for key, kind in _VMA.items():
            if key in vma and type(vma[key]) is not kind:
                raise TypeError(f"of {key!r}")
    return [v for v in listed if v["name"] != "[vsyscall]"]


def verify_recording(session: Session, final: str, design: str = "anon_vma_chain") -> tuple[list[Mismatch], int]:
    """Replay a recording and compare its end; returns what differs and how many processes were compared."""
    world = World(design_named(design), session.machine)
    for op in session.operations:
        world.apply(op)
    wanted = load_final(final)
    out: list[Mismatch] = []
    for pid, vmas in wanted.items():
        task = world.tasks.get(pid)
        if task is None:
            out.append(Mismatch(pid=pid, what="process", kernel="alive", ours="not there"))
            continue
        out += _compare(world, pid, world.mms[task.mm].vmas, vmas)
    return out, len(wanted)


def _compare(w: World, pid: int, rows: list[int], kernel: list[dict[str, Any]]) -> list[Mismatch]:
    theirs = [_of_smaps(v) for v in kernel]
    ours = [_of_world(w, row) for row in rows]
    if theirs != ours:
        first = next((pair for pair in zip(theirs, ours, strict=False) if pair[0] != pair[1]), None)
        if first is None:
            first = (f"{len(theirs)} vmas", f"{len(ours)} vmas")
        return [Mismatch(pid=pid, what="vmas", kernel=first[0], ours=first[1])]
    out = []
    for row, v in zip(rows, kernel, strict=True):
        mine, wanted = _anonymous(w, row), v.get("anonymous", 0) // KIB_PER_PAGE
        # exec writes its argument page without a fault that a recording could show
        if mine != wanted and not (v["name"] == "[stack]" and abs(mine - wanted) == 1):
            where = f"anonymous pages of {v['start'] >> PAGE_SHIFT:x}-{v['end'] >> PAGE_SHIFT:x} {v['name']}"
            out.append(Mismatch(pid=pid, what=where, kernel=wanted, ours=mine))
    return out


def _of_smaps(v: dict[str, Any]) -> str:
    offset = f" @{v['offset'] >> PAGE_SHIFT:x}" if v["name"].startswith("/") and v.get("inode") else ""
    return f"{v['start'] >> PAGE_SHIFT:x}-{v['end'] >> PAGE_SHIFT:x} {v['perm']}{offset}"


def _of_world(w: World, row: int) -> str:
    file = int(w.vma.file[row])
    offset = f" @{int(w.vma.pgoff[row]):x}" if file >= 0 else ""
    span = f"{int(w.vma.start[row]):x}-{int(w.vma.end[row]):x}"
    return f"{span} {vm.perms(int(w.vma.flags[row]))}{offset}"


def _anonymous(w: World, row: int) -> int:
    tables = w.mms[int(w.vma.mm[row])].tables
    _, slots = w.pt.span(tables, int(w.vma.start[row]), int(w.vma.end[row]))
    entries = w.pt.flat[slots]
    pages = entries[is_page(entries)] >> ENTRY_SHIFT
    return int(((w.page.state[pages] & ANON) != 0).sum())
