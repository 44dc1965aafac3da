"""The MMAP2 records that no system call explains: what execve maps, stacks that grow, what perf found at its start.

Kernel: fs/exec.c setup_arg_pages, fs/binfmt_elf.c elf_load, arch/x86/entry/vdso/vma.c.
"""

from __future__ import annotations

from rmapexplorer.core.operations import Brk, Mmap, Operation
from rmapexplorer.core.units import PAGE_SHIFT, TASK_SIZE_PAGES, Span
from rmapexplorer.formats.perf_calls import Files
from rmapexplorer.formats.perf_lines import Mapping
from rmapexplorer.formats.perf_log import Log
from rmapexplorer.formats.perf_numbers import pages_up
from rmapexplorer.formats.perf_space import Area, Space

STACK_EXPAND_PAGES = (128 << 10) >> PAGE_SHIFT
"""setup_arg_pages makes the stack this much longer than the arguments it holds already."""

_SPECIAL = ("[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[uprobes]", "[vectors]", "[sigpage]")


def map_by_kernel(log: Log, files: Files, pid: int, space: Space, mapped: Mapping, fresh: bool) -> None:
    """Follow a mapping of exec, or with ``fresh`` False one that was there before the recording began."""
    span = Span(mapped.start >> PAGE_SHIFT, pages_up(mapped.start + mapped.length))
    if not 0 <= span.start < span.end <= TASK_SIZE_PAGES:
        log.skip("MMAP2", "outside of the user's address space")
        return
    if fresh and mapped.name == "//anon" and not space.areas:
        return  # an executable stack changes its protection before it is moved to its place and called [stack]
    op: Operation
    if mapped.name == "[heap]" and not fresh:
        space.brk_start = space.brk_end = span.start
        op = Brk(pid=pid, end=span.end, start=span.start)
    else:
        op = _mapping(files, pid, span, mapped)
    if fresh:
        _end_first_segment(log, space, op)
    log.emit(op)
    space.apply(op)
    if mapped.name == "[stack]" and fresh:
        for page in range(span.end - max(1, span.pages - STACK_EXPAND_PAGES), span.end):
            log.touch(pid, page, "w")  # the arguments: written through the kernel's own mapping, no fault is seen


def _end_first_segment(log: Log, space: Space, op: Operation) -> None:
    """With the first segment of a file elf_load maps the length of all and unmaps at once what lies behind the first.

    Perf tells of no munmap; the second segment tells where the first must have ended. What no segment covers is free.
    """
    first, space.segment = space.segment, op if isinstance(op, Mmap) and op.kind.startswith("file") else None
    second = space.segment
    if first is None or second is None or second.file != first.file:
        return
    if not first.span.start < second.span.start < first.span.end:
        return
    end = min(
        second.span.start, first.span.start + second.offset - first.offset + 1
    )  # they may share a page of the file
    log.shorten(first, end)
    space.cut(end, first.span.end)


def _mapping(files: Files, pid: int, span: Span, mapped: Mapping) -> Mmap:
    prot, shared, name = mapped.perms[:3].replace("-", ""), mapped.perms[3] == "s", mapped.name
    if name in _SPECIAL:
        return Mmap(pid=pid, span=span, prot=prot, flags=("special",), label=name)
    if name == "[stack]":
        # exec moved it from the top of the address space without changing vm_pgoff, which offset keeps
        page = mapped.offset >> PAGE_SHIFT
        return Mmap(pid=pid, span=span, prot=prot, offset=page, flags=("growsdown",), label=name)
    if name.startswith(("//anon", "[", "/dev/zero")):
        return Mmap(pid=pid, span=span, prot=prot, kind="anon-shared" if shared else "anon")
    file = files.name(name, mapped.identity)
    kind = "file-shared" if shared else "file-private"
    return Mmap(pid=pid, span=span, prot=prot, kind=kind, file=file, offset=mapped.offset >> PAGE_SHIFT)


def stack_grown(log: Log, pid: int, space: Space, mapped: Mapping) -> None:
    """A stack grew outside of exec. The fault below it has told so already, but for what the kernel did unseen."""
    start, end = mapped.start >> PAGE_SHIFT, pages_up(mapped.start + mapped.length)
    top: Area | None = space.at(end - 1) if 0 < end <= TASK_SIZE_PAGES else None
    if top is not None and top.grows and space.at(start) is None and space.grow(start, TASK_SIZE_PAGES) is not None:
        log.touch(pid, start, "w")


def map_unexplained(log: Log, files: Files, pid: int, space: Space, mapped: Mapping) -> None:
    """A mapping outside of exec and of every recorded call: new (io_setup) where nothing of it was mapped before.

    Anonymous ones are not: while execve still gathers its arguments, they tell of the stack of the mm to come.
    """
    start, end = mapped.start >> PAGE_SHIFT, pages_up(mapped.start + mapped.length)
    if not mapped.name.startswith(("//", "[")) and not space.within(start, end):
        log.skip("MMAP2", "no recorded call explains it; mapped as it says")
        map_by_kernel(log, files, pid, space, mapped, fresh=False)
