"""Parents and children: the fork server (W4), the mremap storm (W5), the exit storm (W8) and AIM7's thousand (W9)."""

from __future__ import annotations

from collections.abc import Iterator

from rmapexplorer.core.operations import Exit, Fork, Mmap, Mremap, Operation, Reclaim, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.workloads.workload import FIRST, HEAP, Parameter, Values, Workload

ARENA = 1 << 24
"""Page number at which children put what they map or move: far from the heap."""

_CHILDREN = "children that the parent forks"


# -- W4 -----------------------------------------------------------------------------------------------


def _fork_server(v: Values) -> Iterator[Operation]:
    pages, written, new = v["pages"], min(v["written"], v["pages"]), v["new"]
    top = HEAP + pages + (new if v["inherited"] else 0)
    yield Spawn(pid=FIRST, comm="server")
    yield Mmap(pid=FIRST, span=Span(HEAP, top))
    yield Touch(pid=FIRST, runs=((HEAP, HEAP + pages, "w"),))
    for child in range(FIRST + 1, FIRST + 1 + v["children"]):
        yield Fork(pid=FIRST, child=child, comm="worker")
        if written:
            yield Touch(pid=child, runs=((HEAP, HEAP + written, "w"),))
        if new and v["inherited"]:
            yield Touch(pid=child, runs=((HEAP + pages, top, "w"),))
        elif new:
            yield Mmap(pid=child, span=Span(ARENA, ARENA + new))
            yield Touch(pid=child, runs=((ARENA, ARENA + new, "w"),))
    if v["reclaim"]:
        yield Reclaim(pages=v["reclaim"])


def fork_server_pages(v: Values) -> int:
    """Pages of the working set: the parent's, and what each child writes."""
    return v["pages"] + v["children"] * (min(v["written"], v["pages"]) + v["new"])


FORK_SERVER = Workload(
    key="fork-server",
    number="W4",
    title="A fork server and its workers",
    lesson="A server forks workers; each writes a part of what it inherited and some memory of its own.",
    expected="anonmm and anon_vma_chain find pages written in inherited memory at once; anon_vma looks at every newer worker first.",
    source="20040312131103.GS30940@dualathlon.random: hundreds of processes with huge direct memory",
    parameters=(
        Parameter("pages", 16, 1_000, "pages that the server has written before it forks", 1),
        Parameter("children", 12, 1_000, _CHILDREN),
        Parameter("written", 4, 100, "pages of them that each child writes"),
        Parameter("new", 2, 100, "pages of its own that each child writes"),
        Parameter("inherited", 0, 0, "1: its own pages lie in the inherited vma (the heap), 0: in a new one"),
        Parameter("reclaim", 16, 0, "pages to reclaim at the end"),
    ),
    make=_fork_server,
)


# -- W5 -----------------------------------------------------------------------------------------------


def _mremap_storm(v: Values) -> Iterator[Operation]:
    pages, moved, own = v["pages"], min(v["moved"], v["pages"]), v["own"]
    yield Spawn(pid=FIRST, comm="httpd")
    yield Mmap(pid=FIRST, span=Span(HEAP, HEAP + pages))
    yield Touch(pid=FIRST, runs=((HEAP, HEAP + pages, "w"),))
    for child in range(FIRST + 1, FIRST + 1 + v["children"]):
        yield Fork(pid=FIRST, child=child, comm="httpd")
        place = HEAP
        for turn in range(v["moves"]):
            target = ARENA + turn * 2 * (moved + own)
            yield Mremap(pid=child, span=Span(place, place + moved), new_pages=moved, to=target)
            yield Mmap(pid=child, span=Span(target + moved, target + moved + own))
            yield Touch(pid=child, runs=((target + moved, target + moved + own, "w"),))
            place = target
    if v["reclaim"]:
        yield Reclaim(pages=v["reclaim"])


def mremap_storm_pages(v: Values) -> int:
    """Pages of the working set: the parent's, and those each child writes beside what it moved."""
    return v["pages"] + v["children"] * v["moves"] * v["own"]


MREMAP_STORM = Workload(
    key="mremap-storm",
    number="W5",
    title="An mremap storm after fork",
    lesson="Every child moves a part of what it shares with the parent, and maps memory of its own right beside it.",
    expected="anonmm has to copy what moves while it is shared; anon_vma and anon_vma_chain copy nothing, and refuse to merge neighbours.",
    source="20040312132436.GT30940@dualathlon.random",
    parameters=(
        Parameter("pages", 16, 1_000, "pages that the parent has written before it forks", 1),
        Parameter("children", 8, 1_000, _CHILDREN),
        Parameter("moved", 4, 32, "shared pages that each child moves", 1),
        Parameter("own", 2, 32, "pages that it then writes beside them", 1),
        Parameter("moves", 2, 1, "times that it moves them", 1),
        Parameter("reclaim", 16, 0, "pages to reclaim at the end"),
    ),
    make=_mremap_storm,
)


# -- W8 -----------------------------------------------------------------------------------------------


def _exit_storm(v: Values) -> Iterator[Operation]:
    span = Span(HEAP, HEAP + v["pages"])
    yield Spawn(pid=FIRST, comm="sh")
    yield Mmap(pid=FIRST, span=span, prot="rx", kind="file-private", file="libc")
    yield Touch(pid=FIRST, runs=((span.start, span.end, "r"),))
    children = range(FIRST + 1, FIRST + 1 + v["children"])
    for child in children:
        yield Fork(pid=FIRST, child=child)
    for child in reversed(children) if v["newest_first"] else children:
        yield Exit(pid=child)


EXIT_STORM = Workload(
    key="exit-storm",
    number="W8",
    title="Shells exit, the oldest first",
    lesson="Shells that all map the same libc end one by one; each takes its ptes off the chains.",
    expected="pte_chain compares k(k + 4)/4 slots to take k ptes off a chain, newest first it would be k; the others compare nothing.",
    source="Anton Blanchard's 10,000 exiting shells, in the message of the commit that made pte_chains arrays (2002-09-09)",
    parameters=(
        Parameter("pages", 8, 300, "pages of libc that each shell maps", 1),
        Parameter("children", 32, 10_000, "shells"),
        Parameter("newest_first", 0, 0, "1: the newest exits first"),
    ),
    make=_exit_storm,
    machine=lambda v: Machine(calls="2.6.7", files={"libc": v["pages"]}),
)


# -- W9 -----------------------------------------------------------------------------------------------


def _thousand(v: Values) -> Iterator[Operation]:
    span = (HEAP, HEAP + v["pages"], "w")
    yield Spawn(pid=FIRST, comm="aim7")
    yield Mmap(pid=FIRST, span=Span(HEAP, HEAP + v["pages"]))
    yield Touch(pid=FIRST, runs=(span,))
    for child in range(FIRST + 1, FIRST + 1 + v["children"]):
        yield Fork(pid=FIRST, child=child)
        yield Touch(pid=child, runs=(span,))
    if v["reclaim"]:
        yield Reclaim(pages=v["reclaim"])


THOUSAND = Workload(
    key="aim7",
    number="W9",
    title="Children that write every page",
    lesson="Every child writes every page it inherited, in one vma.",
    expected="With one anon_vma a walk may visit every child though one maps the page; with one for each child it visits that child.",
    source="commit 5beb49305251 of 2010, whose message names AIM7",
    parameters=(
        Parameter("pages", 8, 1_000, "pages that the parent has written and each child copies", 1),
        Parameter("children", 20, 1_000, _CHILDREN),
        Parameter("reclaim", 16, 0, "pages to reclaim at the end"),
    ),
    make=_thousand,
)
