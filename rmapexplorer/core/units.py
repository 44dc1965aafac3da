"""Spans of page numbers, machine profile and the two kinds of error.

Everything inside the program is counted in page numbers; bytes appear only in files and labels.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import field, frozen

PAGE_SHIFT = 12
PAGE_BYTES = 1 << PAGE_SHIFT
TABLE_SHIFT = 9
TABLE_ENTRIES = 1 << TABLE_SHIFT
"""Entries of one x86_64 page-table page (512)."""

TASK_SIZE_PAGES = (1 << (47 - PAGE_SHIFT)) - 1
"""First page number no process can map on x86_64 (TASK_SIZE, include/asm/page_64_types.h: one page short of 47 bits)."""


class KernelError(Exception):
    """The user asked for what the kernel refuses.

    :param errno: name of the error as the kernel returns it, ``"EINVAL"``; or ``"SIGSEGV"``, ``"SIGBUS"``.
    :param rule: one sentence: the rule that refuses it.
    :param field: name of the operation's field at fault, ``""`` where none is.
    """

    def __init__(self, errno: str, rule: str, field: str = "") -> None:
        super().__init__(f"{errno}: {rule}")
        self.errno = errno
        self.rule = rule
        self.field = field


class Corruption(Exception):
    """A broken invariant: we are wrong, not the user."""


@frozen(order=True)
class Span:
    """Half-open range of page numbers ``[start, end)``."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    @property
    def pages(self) -> int:
        """Number of pages."""
        return self.end - self.start

    def __contains__(self, vpn: object) -> bool:
        return isinstance(vpn, int) and self.start <= vpn < self.end

    def overlaps(self, other: Span) -> bool:
        """True where the two spans share a page."""
        return self.start < other.end and other.start < self.end

    def moved(self, to: int) -> Span:
        """The span of the same length that starts at page number ``to``."""
        return Span(to, to + self.end - self.start)

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.end))

    def __str__(self) -> str:
        return f"{self.start:x}-{self.end:x}"


@frozen(kw_only=True)
class Machine:
    """What all worlds of a session share.

    ``ram_pages`` and ``swap_pages`` of ``None`` mean: never runs out. ``calls`` is the era of the
    system calls (which forms exist, errno rules, COW reuse, fault-around). ``max_map_count`` is vm.max_map_count, the
    vmas that a process may have; None: no limit. ``files`` gives sizes in
    pages; a file that is not named there is as long as its longest mapping. ``processes`` (pid, comm) exist at
    position 0, with nothing mapped.
    """

    arch: str = "x86_64"
    word_bytes: int = 8
    cache_line_bytes: int = 64
    ram_pages: int | None = None
    swap_pages: int | None = None
    calls: str = "6.18"
    files: dict[str, int] = field(factory=dict)
    processes: tuple[tuple[int, str], ...] = ()
    max_map_count: int | None = None
