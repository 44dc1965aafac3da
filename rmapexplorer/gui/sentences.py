"""What an operation does, in one plain sentence for somebody who does not know the call; from the operation and its outcome."""

from __future__ import annotations

from collections.abc import Callable

from rmapexplorer.core.operations import (
    Brk,
    Exec,
    Exit,
    Fork,
    Madvise,
    Mlock,
    Mmap,
    Mprotect,
    Mremap,
    Munmap,
    Operation,
    Reclaim,
    Spawn,
    Swapoff,
    Touch,
)
from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import Frame

START = "Nothing has happened yet. Step (Alt+Right) does the first operation, F5 plays all of them."
NOTHING_YET = "Nothing is mapped yet. Select a process and choose Mmap: it gives it memory."


def story(frame: Frame) -> str:
    """The sentence at the frame's position: the note of the session there, else one about the operation."""
    noted = next((mark.text for mark in frame.bookmarks if mark.position == frame.position and not mark.branch), "")
    if noted:
        return noted
    if frame.op is None:
        return START if frame.head else NOTHING_YET
    refused = _refusal(frame)
    return refused or sentence(frame.op, _deltas(frame))


def longest(frame: Frame) -> str:
    """The longest note of the branch, for which there must be room; empty where it has none."""
    return max((mark.text for mark in frame.bookmarks if not mark.branch), key=len, default="")


def sentence(op: Operation, deltas: dict[str, int]) -> str:
    """The operation in words; ``deltas`` are what it added to the counters of the design in view."""
    say = _SAYINGS.get(type(op))
    return say(op, deltas) if say is not None else f"{op.name} was done."


def _refusal(frame: Frame) -> str:
    outcome = next((state.outcome for state in frame.designs if state.key == frame.view), None)
    if outcome is None or outcome.error is None or frame.op is None:
        return ""
    return f"{frame.op.name} was refused with {outcome.error}: {outcome.rule}".rstrip(". ") + "."


def _deltas(frame: Frame) -> dict[str, int]:
    outcome = next((state.outcome for state in frame.designs if state.key == frame.view), None)
    return dict(outcome.deltas) if outcome is not None else {}


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count:,} pages"


def _mmap(op: Mmap, deltas: dict[str, int]) -> str:
    what = f"{_pages(op.span.pages)} of the file {op.file}" if op.file else f"{_pages(op.span.pages)} of memory"
    return f"mmap: process {op.pid} gets room for {what}. A page comes only when it is touched."


def _touch(op: Touch, deltas: dict[str, int]) -> str:
    pages = sum(end - start for start, end, _ in op.runs)
    wrote = any("w" in how for _, _, how in op.runs)
    text = f"{'write' if wrote else 'read'}: process {op.pid} touches {_pages(pages)}"
    copies = deltas.get("copied_by_write", 0)
    if copies:
        return f"{text}. {_pages(copies)} were shared with another process and had to be copied first: copy on write."
    return (
        f"{text}. The kernel must be able to find {'each of them' if pages > 1 else 'it'} again when memory runs short."
    )


def _fork(op: Fork, deltas: dict[str, int]) -> str:
    return (
        f"fork: process {op.child} is a copy of process {op.pid}. They share every page until one of them writes to it."
    )


def _mremap(op: Mremap, deltas: dict[str, int]) -> str:
    if op.to is None or op.to == op.span.start:
        return f"mremap: process {op.pid} makes a vma of {_pages(op.span.pages)} {_pages(op.new_pages)} long, in place."
    text = f"mremap: process {op.pid} moves {_pages(op.span.pages)} to another address"
    copied = deltas.get("copied_by_mremap", 0)
    if copied:
        return f"{text}. This design cannot find a shared page at two addresses: it had to copy {_pages(copied)}."
    return f"{text}. The pages stay the same, only the place in this one process is another."


def _munmap(op: Munmap, deltas: dict[str, int]) -> str:
    return f"munmap: process {op.pid} gives {_pages(op.span.pages)} back. What others map of them stays theirs."


def _mprotect(op: Mprotect, deltas: dict[str, int]) -> str:
    return f"mprotect: process {op.pid} may now {op.prot or 'not access'} {_pages(op.span.pages)}; a vma has one protection."


def _reclaim(op: Reclaim, deltas: dict[str, int]) -> str:
    nodes, out = deltas.get("list_nodes", 0), deltas.get("swap_outs", 0)
    text = "reclaim: memory is short, so for each page the kernel looks for every process that maps it, and unmaps it there"
    return f"{text}. {_pages(out)} went to swap, {nodes:,} list nodes were visited." if out or nodes else f"{text}."


def _exit(op: Exit, deltas: dict[str, int]) -> str:
    return f"exit: process {op.pid} ends. Pages that nobody else maps are free again."


def _spans(op: Madvise | Mlock, what: str) -> str:
    span: Span = op.span
    return f"{op.name}: process {op.pid} {what} {_pages(span.pages)}."


_SAYINGS: dict[type, Callable[..., str]] = {
    Mmap: _mmap,
    Touch: _touch,
    Fork: _fork,
    Mremap: _mremap,
    Munmap: _munmap,
    Mprotect: _mprotect,
    Reclaim: _reclaim,
    Exit: _exit,
    Spawn: lambda op, deltas: f"A process begins: {op.comm} {op.pid}".strip() + ", with nothing mapped.",
    Exec: lambda op, deltas: f"exec: process {op.pid} begins anew with an empty memory, whatever it shared before.",
    Brk: lambda op, deltas: f"brk: process {op.pid} moves the end of its heap.",
    Madvise: lambda op, deltas: _spans(op, f"tells the kernel “{op.advice}” about"),
    Mlock: lambda op, deltas: _spans(op, "locks in memory"),
    Swapoff: lambda op, deltas: "swapoff: everything comes back from swap.",
}
"""Type of an operation -> its sentence from (operation, counters)."""
