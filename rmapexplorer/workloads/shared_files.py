"""Many vmas, many tasks, one file: test-mmap3 (W1), rmap-test (W2) and a database's shared memory (W3)."""

from __future__ import annotations

from collections.abc import Iterator

from rmapexplorer.core.operations import Fork, Mmap, Operation, Reclaim, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.workloads.workload import FIRST, HEAP, Parameter, Values, Workload

OLD = "2.6.7"
"""Era of the calls: fork copies the ptes of file mappings too, and faults map one page."""


# -- W1 -----------------------------------------------------------------------------------------------


def _test_mmap3(v: Values) -> Iterator[Operation]:
    pages = v["pages"]
    yield Spawn(pid=FIRST, comm="test-mmap3")
    yield Mmap(pid=FIRST, span=Span(HEAP, HEAP + pages), kind="file-shared", file="tmpfs")
    for at in range(pages):
        yield Mmap(pid=FIRST, span=Span(HEAP + at, HEAP + at + 1), kind="file-shared", file="tmpfs", offset=pages - at)
    yield Touch(pid=FIRST, runs=((HEAP, HEAP + pages, "w"),))
    alive = [FIRST]
    for _ in range(v["forks"]):
        for parent in tuple(alive):
            alive.append(alive[-1] + 1)
            yield Fork(pid=parent, child=alive[-1])
    if v["reclaim"]:
        yield Reclaim(pages=v["reclaim"])


TEST_MMAP3 = Workload(
    key="test-mmap3",
    number="W1",
    title="One page a vma, on one file",
    lesson="A window is mapped again page by page in reverse, so that no vma merges with its neighbour; then everyone forks.",
    expected="A page has as many ptes as processes; a list makes its walk pass every vma of the file, a tree only those few.",
    source="test-mmap3.c, 20040309193338.GA15865@elte.hu",
    parameters=(
        Parameter("pages", 24, 18_000, "pages of the window, one vma each", 1),
        Parameter("file_pages", 30, 20_000, "pages of the file", 1),
        Parameter("forks", 2, 5, "times that every process forks: 2 to the power of it processes"),
        Parameter("reclaim", 8, 0, "pages to reclaim at the end"),
    ),
    make=_test_mmap3,
    machine=lambda v: Machine(calls=OLD, files={"tmpfs": max(v["file_pages"], v["pages"] + 1)}),
)


# -- W2 -----------------------------------------------------------------------------------------------


def _rmap_test(v: Values) -> Iterator[Operation]:
    size, touched = v["pages"], min(v["touched"] or v["pages"], v["pages"])
    yield Spawn(pid=FIRST, comm="rmap-test")
    tasks = range(FIRST, FIRST + v["tasks"])
    forks = [Fork(pid=FIRST, child=task) for task in tasks[1:]]
    if not v["inherit"]:
        yield from forks
    for task in tasks[:1] if v["inherit"] else tasks:
        for number in range(v["vmas"]):
            at = HEAP + number * (size + 1)
            yield Mmap(pid=task, span=Span(at, at + size), kind="file-shared", file="rmap-test", offset=number * size)
    if v["inherit"]:
        first = (HEAP + number * (size + 1) for number in range(v["vmas"]))
        yield Touch(pid=FIRST, runs=tuple((at, at + touched, "w") for at in first))
        yield from forks
    order = _Shuffle(v["vmas"])
    for _ in range(v["iterations"]):
        for task in tasks[: (len(tasks) + 1) // 2] if v["half"] else tasks:
            numbers = order.drawn() if v["random"] else range(v["vmas"])
            first = (HEAP + number * (size + 1) for number in numbers)
            yield Touch(pid=task, runs=tuple((at, at + touched, "w") for at in first))
        if v["reclaim"]:
            yield Reclaim(pages=v["reclaim"])


class _Shuffle:
    # the numbers below n in an order that is the same everywhere: a multiplicative generator, drawn on

    def __init__(self, count: int) -> None:
        self.count, self.state = count, 1

    def drawn(self) -> list[int]:
        keys = []
        for number in range(self.count):
            self.state = self.state * 48_271 % 0x7FFFFFFF
            keys.append((self.state, number))
        return [number for _, number in sorted(keys)]


RMAP_TEST = Workload(
    key="rmap-test",
    number="W2",
    title="rmap-test: the same windows in every task",
    lesson="All tasks map the same windows of one file, with gaps between them, and write them again and again.",
    expected="A page is mapped by every task once; a list looks at all windows of all tasks to find those few.",
    source="rmap-test of ext3-tools, 20030405161758.1ee19bfa.akpm@digeo.com",
    parameters=(
        Parameter("vmas", 8, 100, "windows of each task (-n)", 1),
        Parameter("pages", 4, 600, "pages of a window (-s)", 1),
        Parameter("tasks", 4, 100, "tasks (-t)", 1),
        Parameter("iterations", 2, 10, "times that all is written (-i)"),
        Parameter("random", 0, 0, "1: windows in random order (-r), else one after the other (-l)"),
        Parameter("half", 0, 0, "1: only every other task writes (-h)"),
        Parameter(
            "inherit",
            0,
            0,
            "1: the first task maps and writes them, and the others inherit that; 0: each maps them itself",
        ),
        Parameter("touched", 0, 0, "pages written of each window; 0: all"),
        Parameter("reclaim", 8, 0, "pages to reclaim after each iteration"),
    ),
    make=_rmap_test,
    machine=lambda v: Machine(calls=OLD, files={"rmap-test": v["vmas"] * v["pages"]}),
)


# -- W3 -----------------------------------------------------------------------------------------------


def _shared_memory(v: Values) -> Iterator[Operation]:
    yield Spawn(pid=FIRST, comm="oracle")
    span = Span(HEAP, HEAP + v["pages"])
    yield Mmap(pid=FIRST, span=span, kind="file-shared", file="SYSV00000000")
    yield Touch(pid=FIRST, runs=((span.start, span.end, "w"),))
    for task in range(1, v["tasks"]):
        yield Fork(pid=FIRST, child=FIRST + task)
    if v["reclaim"]:
        yield Reclaim(pages=v["reclaim"])


SHARED_MEMORY = Workload(
    key="shared-memory",
    number="W3",
    title="A database's shared memory in hundreds of tasks",
    lesson="One segment of shared memory is mapped by every task of a database.",
    expected="pte_chains cost a slot for each page and task: gigabytes of low memory. An object of the file costs nothing more.",
    source="20040308202433.GA12612@dualathlon.random",
    parameters=(
        Parameter("pages", 64, 707_789, "pages of shared memory; 2.7 GiB are 707,789", 1),
        Parameter("tasks", 40, 700, "tasks that map it", 1),
        Parameter("reclaim", 8, 0, "pages to reclaim at the end"),
    ),
    make=_shared_memory,
    machine=lambda v: Machine(calls=OLD, files={"SYSV00000000": v["pages"]}),
)
