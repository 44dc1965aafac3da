"""Operations: frozen records of what a system call is told. Never a vma id or a page id.

An operation names a task by pid and memory by page numbers, so that one log drives every design.
What the kernel would choose (an address, a pid) is resolved before the operation enters the log.

``refused`` marks a call that a recorded kernel refused for want of memory, most often at vm.max_map_count: the recording
may begin when the process has many vmas already, and no world knows those.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Union

from attrs import frozen

from rmapexplorer.core.units import Span

KINDS = ("anon", "file-private", "file-shared", "anon-shared")
"""What a mapping is of: private anonymous memory, a file privately or shared, shared anonymous memory."""

MMAP_FLAGS = ("noreplace", "noreserve", "populate", "locked", "growsdown", "stack", "special")
"""``stack`` is MAP_STACK: no huge pages since 6.7.
``special`` marks the kernel's own mappings ([vdso], [vvar]): VM_PFNMAP or VM_DONTEXPAND, never merged."""

ADVICES = (
    "normal", "random", "sequential", "willneed", "dontneed", "free", "remove", "dontfork", "dofork",
    "mergeable", "unmergeable", "hugepage", "nohugepage", "dontdump", "dodump", "wipeonfork", "keeponfork",
    "cold", "pageout", "populate_read", "populate_write", "dontneed_locked", "guard_install", "guard_remove",
)  # fmt: skip


@frozen(kw_only=True)
class Spawn:
    """A task that did not come from fork: the first process of a session. ``ppid`` 0 where unknown."""

    name: ClassVar[str] = "spawn"
    pid: int
    comm: str = ""


@frozen(kw_only=True)
class Fork:
    """fork(): the child gets a copy of the mm. ``comm`` of the child, the parent's where empty."""

    name: ClassVar[str] = "fork"
    pid: int
    child: int
    comm: str = ""


@frozen(kw_only=True)
class Clone:
    """clone(CLONE_VM): the new task shares the mm. ``thread`` False stands for vfork (a process of its own)."""

    name: ClassVar[str] = "clone"
    pid: int
    child: int
    thread: bool = True


@frozen(kw_only=True)
class Exec:
    """execve(): a new, empty mm. What the kernel maps into it follows as operations of its own."""

    name: ClassVar[str] = "exec"
    pid: int
    comm: str = ""


@frozen(kw_only=True)
class Exit:
    """The task ends; its mm goes with the last task that uses it."""

    name: ClassVar[str] = "exit"
    pid: int


@frozen(kw_only=True)
class Mmap:
    """mmap() at a fixed place, replacing what is there unless ``noreplace``.

    :param prot: letters of r, w, x; empty is PROT_NONE.
    :param kind: one of KINDS. :param file: name, for the two file kinds. :param offset: first page of the file.
    :param label: how /proc/PID/maps names it where it has no file ([stack], [heap], [vdso]); empty otherwise.
    """

    name: ClassVar[str] = "mmap"
    pid: int
    span: Span
    prot: str = "rw"
    kind: str = "anon"
    file: str = ""
    offset: int = 0
    flags: tuple[str, ...] = ()
    label: str = ""
    refused: bool = False


@frozen(kw_only=True)
class Munmap:
    """munmap(): holes in the span are no error."""

    name: ClassVar[str] = "munmap"
    pid: int
    span: Span
    refused: bool = False


@frozen(kw_only=True)
class Mprotect:
    """mprotect(): ENOMEM at the first hole, what lies before it is done."""

    name: ClassVar[str] = "mprotect"
    pid: int
    span: Span
    prot: str
    refused: bool = False


@frozen(kw_only=True)
class Mremap:
    """mremap(). ``to`` None: in place (no flags); otherwise MREMAP_MAYMOVE | MREMAP_FIXED.

    :param span: the old range. :param new_pages: its new length. :param to: first page number of the new place.
    """

    name: ClassVar[str] = "mremap"
    pid: int
    span: Span
    new_pages: int
    to: int | None = None
    dontunmap: bool = False
    refused: bool = False


@frozen(kw_only=True)
class Brk:
    """brk(): the heap of the task ends at page number ``end`` (exclusive). ``start`` is mm->start_brk, told once."""

    name: ClassVar[str] = "brk"
    pid: int
    end: int
    start: int | None = None


@frozen(kw_only=True)
class Madvise:
    """madvise() with one of ADVICES."""

    name: ClassVar[str] = "madvise"
    pid: int
    span: Span
    advice: str
    refused: bool = False


@frozen(kw_only=True)
class Touch:
    """Accesses of one task, in this order: runs of (first page, end page, "r" or "w"), one access a page."""

    name: ClassVar[str] = "touch"
    pid: int
    runs: tuple[tuple[int, int, str], ...]


@frozen(kw_only=True)
class Reclaim:
    """Memory pressure: reclaim ``pages`` pages, or with None everything anonymous that can go (as memory.force_empty)."""

    name: ClassVar[str] = "reclaim"
    pages: int | None = None


@frozen(kw_only=True)
class Mlock:
    """mlock(), with ``onfault`` mlock2(MLOCK_ONFAULT)."""

    name: ClassVar[str] = "mlock"
    pid: int
    span: Span
    onfault: bool = False
    refused: bool = False


@frozen(kw_only=True)
class Munlock:
    """munlock()."""

    name: ClassVar[str] = "munlock"
    pid: int
    span: Span
    refused: bool = False


@frozen(kw_only=True)
class Mseal:
    """mseal()."""

    name: ClassVar[str] = "mseal"
    pid: int
    span: Span
    refused: bool = False


@frozen(kw_only=True)
class Ftruncate:
    """ftruncate(): the file gets ``pages`` pages; mappings beyond lose theirs, private copies too."""

    name: ClassVar[str] = "ftruncate"
    pid: int
    file: str
    pages: int


@frozen(kw_only=True)
class Punch:
    """fallocate(FALLOC_FL_PUNCH_HOLE): cache pages go, private copies stay."""

    name: ClassVar[str] = "punch"
    pid: int
    file: str
    offset: int
    pages: int


@frozen(kw_only=True)
class RemapFilePages:
    """remap_file_pages(): the span of a shared file mapping shows the file from page ``offset`` on.

    Until 3.16 within one vma (VM_NONLINEAR); since 4.0 the kernel makes it a mapping of its own.
    """

    name: ClassVar[str] = "remap_file_pages"
    pid: int
    span: Span
    offset: int


@frozen(kw_only=True)
class Ksm:
    """prctl(PR_SET_MEMORY_MERGE): all private mappings of the process are, or are no longer, VM_MERGEABLE."""

    name: ClassVar[str] = "ksm"
    pid: int
    enable: bool = True


@frozen(kw_only=True)
class Swapoff:
    """swapoff(): everything comes back from swap, and nothing goes there any more."""

    name: ClassVar[str] = "swapoff"


Operation = Union[
    Spawn, Fork, Clone, Exec, Exit, Mmap, Munmap, Mprotect, Mremap, Brk, Madvise, Touch, Reclaim,
    Mlock, Munlock, Mseal, Ftruncate, Punch, RemapFilePages, Swapoff, Ksm,
]  # fmt: skip

Refusable = Union[Mmap, Munmap, Mprotect, Mremap, Madvise, Mlock, Munlock, Mseal]
"""Calls that have ``refused``."""

OPERATIONS: tuple[type[Operation], ...] = Operation.__args__  # type: ignore[attr-defined]


def describe(op: Operation) -> str:
    """The operation as one short line in the words of its system call, places in hexadecimal page numbers."""
    return str(_DESCRIBE.get(type(op), _plain)(op))


def _plain(op: Operation) -> str:
    words = [getattr(op, "pid", None), *(str(getattr(op, a)) for a in ("span", "prot", "advice") if hasattr(op, a))]
    return f"{op.name}({', '.join(str(w) if w != '' else 'none' for w in words if w is not None)})"


def _mmap(op: Mmap) -> str:
    what = op.label or op.file or op.kind
    return f"mmap({op.pid}, {op.span}, {op.prot or 'none'}, {what}{f' @{op.offset:x}' if op.file else ''})"


def _mremap(op: Mremap) -> str:
    new = Span(op.span.start if op.to is None else op.to, (op.span.start if op.to is None else op.to) + op.new_pages)
    return f"mremap({op.pid}, {op.span} → {new}{', dontunmap' if op.dontunmap else ''})"


def _touch(op: Touch) -> str:
    words = {"r": "read", "w": "write"}
    first = op.runs[0] if op.runs else (0, 0, "r")
    more = len(op.runs) - 1
    rest = f", +{more} run{'s' if more > 1 else ''}" if more > 0 else ""
    return f"{words[first[2]]}({op.pid}, {Span(first[0], first[1])}{rest})"


_DESCRIBE: dict[type, Callable[[Any], str]] = {
    Spawn: lambda op: f"spawn({op.pid}{', ' + op.comm if op.comm else ''})",
    Fork: lambda op: f"fork({op.pid} → {op.child})",
    Clone: lambda op: f"clone({op.pid} → {op.child}, {'thread' if op.thread else 'vfork'})",
    Exec: lambda op: f"exec({op.pid}{', ' + op.comm if op.comm else ''})",
    Mmap: _mmap,
    Mremap: _mremap,
    Touch: _touch,
    Brk: lambda op: f"brk({op.pid}, page {op.end:x})",
    Reclaim: lambda op: f"reclaim({'all' if op.pages is None else op.pages})",
    RemapFilePages: lambda op: f"remap_file_pages({op.pid}, {op.span} = {op.offset:x})",
    Swapoff: lambda op: "swapoff()",
    Ksm: lambda op: f"prctl_ksm({op.pid}, {'on' if op.enable else 'off'})",
    Ftruncate: lambda op: f"ftruncate({op.pid}, {op.file}, {op.pages})",
    Punch: lambda op: f"punch({op.pid}, {op.file}, {op.offset:x}+{op.pages})",
}
