"""A plain replay of operations, page by page, to judge imports with: no design, no merging, no sharing.

Per mm: what every page's mapping is, and the set of anonymous pages. Slow and obvious on purpose.
"""

from __future__ import annotations

from typing import NamedTuple

from attrs import define, field

from rmapexplorer.core.operations import Operation
from rmapexplorer.core.units import Span


class Mapped(NamedTuple):
    """The mapping one page lies in; ``fork`` False: not for children, ``wipe``: empty for children."""

    perms: str
    kind: str
    grows: bool
    fork: bool
    wipe: bool = False


@define(eq=False)
class Mm:
    """Pages of one address space."""

    pages: dict[int, Mapped] = field(factory=dict)
    anon: set[int] = field(factory=set)
    brk: int | None = None

    def copy(self) -> Mm:
        pages = {vpn: m for vpn, m in self.pages.items() if m.fork}
        return Mm(pages, {vpn for vpn in self.anon if vpn in pages and not pages[vpn].wipe}, self.brk)

    def unmap(self, span: range | Span) -> None:
        for vpn in span:
            self.pages.pop(vpn, None)
            self.anon.discard(vpn)


def perms(prot: str, shared: bool) -> str:
    return "".join(letter if letter in prot else "-" for letter in "rwx") + ("s" if shared else "p")


@define(eq=False)
class Replayer:
    """``mms`` by pid of each task alive; tasks that share a mm hold the same object."""

    mms: dict[int, Mm] = field(factory=dict)
    threads: set[int] = field(factory=set)
    refused: list[str] = field(factory=list)

    def apply(self, op: Operation) -> None:
        getattr(self, "_" + op.name)(op)

    def _spawn(self, op):
        assert op.pid not in self.mms
        self.mms[op.pid] = Mm()

    def _fork(self, op):
        assert op.child not in self.mms
        self.mms[op.child] = self.mms[op.pid].copy()

    def _clone(self, op):
        assert op.child not in self.mms
        self.mms[op.child] = self.mms[op.pid]
        if op.thread:
            self.threads.add(op.child)

    def _exec(self, op):
        assert op.pid not in self.threads
        self.mms[op.pid] = Mm()

    def _exit(self, op):
        del self.mms[op.pid]
        self.threads.discard(op.pid)

    def _mmap(self, op):
        mm = self.mms[op.pid]
        assert "noreplace" not in op.flags or not any(vpn in mm.pages for vpn in op.span)
        mm.unmap(op.span)
        shared = op.kind.endswith("shared")
        mapped = Mapped(perms(op.prot, shared), op.kind, "growsdown" in op.flags, True)
        mm.pages.update(dict.fromkeys(op.span, mapped))
        if not shared and "w" in op.prot and {"populate", "locked"} & set(op.flags):
            mm.anon.update(op.span)

    def _munmap(self, op):
        self.mms[op.pid].unmap(op.span)

    def _mprotect(self, op):
        mm = self.mms[op.pid]
        for vpn in op.span:
            mapped = mm.pages[vpn]
            mm.pages[vpn] = mapped._replace(perms=perms(op.prot, mapped.perms.endswith("s")))

    def _mremap(self, op):
        mm, old = self.mms[op.pid], op.span
        to = old.start if op.to is None else op.to
        shift = to - old.start
        moved = [(vpn + shift, mm.pages[vpn], vpn in mm.anon) for vpn in old if vpn - old.start < op.new_pages]
        last = mm.pages[old.end - 1]
        if op.dontunmap:
            mm.anon -= set(old)
        else:
            mm.unmap(old)
        new = range(to, to + op.new_pages)
        assert op.to is not None or not any(vpn in mm.pages for vpn in new)
        mm.unmap(new)
        mm.pages.update(dict.fromkeys(new, last))
        for vpn, mapped, anon in moved:
            mm.pages[vpn] = mapped
            if anon:
                mm.anon.add(vpn)

    def _brk(self, op):
        mm = self.mms[op.pid]
        if op.start is not None:
            mm.brk = op.start
        assert mm.brk is not None
        mm.pages.update(dict.fromkeys(range(mm.brk, op.end), Mapped("rw-p", "anon", False, True)))
        mm.unmap(range(op.end, mm.brk))
        mm.brk = op.end

    def _madvise(self, op):
        mm = self.mms[op.pid]
        for vpn in op.span:
            mapped = mm.pages.get(vpn)
            if mapped is not None and op.advice in ("dontfork", "dofork"):
                mm.pages[vpn] = mapped._replace(fork=op.advice == "dofork")
            elif mapped is not None and op.advice in ("wipeonfork", "keeponfork"):
                mm.pages[vpn] = mapped._replace(wipe=op.advice == "wipeonfork")
            elif op.advice in ("dontneed", "dontneed_locked", "remove", "guard_install"):
                mm.anon.discard(vpn)
        if op.advice == "populate_write":
            self._populate(mm, op.span)

    def _populate(self, mm, span):
        for vpn in span:
            if vpn in mm.pages and mm.pages[vpn].perms[1] == "w" and mm.pages[vpn].perms.endswith("p"):
                mm.anon.add(vpn)

    def _mlock(self, op):
        if not op.onfault:
            self._populate(self.mms[op.pid], op.span)

    def _munlock(self, op):
        assert op.pid in self.mms

    _mseal = _munlock

    def _touch(self, op):
        mm = self.mms[op.pid]
        for start, end, access in op.runs:
            for vpn in range(start, end):
                mapped = mm.pages.get(vpn) or self._grown(mm, vpn)
                if mapped is None or (access == "w" and mapped.perms[1] != "w") or mapped.perms.startswith("---"):
                    self.refused.append(f"{op.pid} {vpn:x} {access}")
                    return
                if access == "w" and mapped.perms.endswith("p"):
                    mm.anon.add(vpn)

    def _grown(self, mm, vpn):
        above = vpn
        while above not in mm.pages:
            above += 1
            if above > vpn + 2048:
                return None
        mapped = mm.pages[above]
        if not mapped.grows:
            return None
        mm.pages.update(dict.fromkeys(range(vpn, above), mapped))
        return mapped
