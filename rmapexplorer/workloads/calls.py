"""One process and one call again and again: the mprotect ladder (W6) and remap_file_pages (W7)."""

from __future__ import annotations

from collections.abc import Iterator

from rmapexplorer.core.operations import Mmap, Mprotect, Operation, Reclaim, RemapFilePages, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.workloads.workload import FIRST, HEAP, Parameter, Values, Workload


def _ladder(v: Values) -> Iterator[Operation]:
    everything = Span(HEAP, HEAP + v["pages"])
    yield Spawn(pid=FIRST, comm="ladder")
    yield Mmap(pid=FIRST, span=everything)
    for at in everything:
        if at % 2:
            yield Mprotect(pid=FIRST, span=Span(at, at + 1), prot="rwx")
        yield Touch(pid=FIRST, runs=((at, at + 1, "w"),))
    yield Mprotect(pid=FIRST, span=everything, prot="rw")


LADDER = Workload(
    key="mprotect-ladder",
    number="W6",
    title="A ladder of mprotect and write faults",
    lesson="Page by page, every other one is made executable, and each is written; then all get the same rights again.",
    expected="Neighbours that share an anon_vma become one vma again; where each rung got its own, none of them can.",
    source="20040312122127.GQ30940@dualathlon.random; rmap 40 of 2004-05-22 lets neighbours share",
    parameters=(Parameter("pages", 16, 1_000, "pages of the mapping", 2),),
    make=_ladder,
)


def _nonlinear(v: Values) -> Iterator[Operation]:
    pages, step = v["pages"], v["step"]
    yield Spawn(pid=FIRST, comm="nonlinear")
    yield Mmap(pid=FIRST, span=Span(HEAP, HEAP + pages), kind="file-shared", file="data")
    for at in range(pages):
        yield RemapFilePages(pid=FIRST, span=Span(HEAP + at, HEAP + at + 1), offset=(at * step + 1) % pages)
    if v["reclaim"]:
        yield Reclaim(pages=v["reclaim"])


NONLINEAR = Workload(
    key="nonlinear",
    number="W7",
    title="remap_file_pages permutes one vma",
    lesson="One vma shows its file in an order that no offset tells any more.",
    expected="A page's chain knows its pte; an object has to sweep the ptes of the nonlinear vma, all of them or 32 at a time.",
    source="objrmap-core-1, 20040308202433.GA12612@dualathlon.random; rmap 8 of 2004-05-22",
    parameters=(
        Parameter("pages", 31, 1_009, "pages of the vma and the file; the step must not divide it", 2),
        Parameter("step", 12, 101, "page at shows page (at x step + 1) mod pages of the file", 1),
        Parameter("reclaim", 1, 1, "pages to reclaim at the end"),
    ),
    make=_nonlinear,
    machine=lambda v: Machine(calls="2.6.7", files={"data": v["pages"]}),
)
