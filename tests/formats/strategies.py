"""Operations and sessions at random, for the round trips; and one example of every operation."""

from __future__ import annotations

from hypothesis import strategies as st

from rmapexplorer.core import operations as ops
from rmapexplorer.core.units import TASK_SIZE_PAGES, Machine, Span
from rmapexplorer.formats.session import Note, Session

SPAN = Span(16, 32)
EXAMPLES = (
    ops.Spawn(pid=1, comm="server"),
    ops.Fork(pid=1, child=2),
    ops.Clone(pid=1, child=3, thread=False),
    ops.Exec(pid=1, comm="sh"),
    ops.Exit(pid=1),
    ops.Mmap(pid=1, span=SPAN, prot="rx", kind="file-private", file="libc.so.6", offset=4, flags=("locked",)),
    ops.Munmap(pid=1, span=SPAN),
    ops.Mprotect(pid=1, span=SPAN, prot=""),
    ops.Mremap(pid=1, span=SPAN, new_pages=4, to=64, dontunmap=True),
    ops.Brk(pid=1, end=9, start=7),
    ops.Madvise(pid=1, span=SPAN, advice="dontneed"),
    ops.Touch(pid=1, runs=((1, 2, "w"), (5, 7, "r"))),
    ops.Reclaim(pages=3),
    ops.Mlock(pid=1, span=SPAN, onfault=True),
    ops.Munlock(pid=1, span=SPAN),
    ops.Mseal(pid=1, span=SPAN),
    ops.Ftruncate(pid=1, file="a", pages=0),
    ops.Punch(pid=1, file="a", offset=1, pages=2),
    ops.RemapFilePages(pid=1, span=SPAN, offset=3),
    ops.Swapoff(),
    ops.Ksm(pid=1, enable=False),
)

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
names = words.filter(bool)
pids = st.integers(0, 2**31 - 1)
counts = st.integers(0, 2**51)


places = st.integers(0, TASK_SIZE_PAGES) | st.integers(0, 2**52)
"""Page numbers, those beyond user space too: a refused call stays in the history."""


@st.composite
def spans(draw):
    """Empty ones and such as end before they begin among them."""
    start = draw(places)
    return Span(start, draw(st.integers(start, TASK_SIZE_PAGES) if start < TASK_SIZE_PAGES else places))


runs = st.tuples(spans(), st.sampled_from("rw")).map(lambda pair: (pair[0].start, pair[0].end, pair[1]))
prots = st.sampled_from(["", "r", "w", "x", "rw", "rx", "wx", "rwx"])


@st.composite
def mmaps(draw):
    kind = draw(st.sampled_from(ops.KINDS))
    file = draw(words)
    flags = draw(st.lists(st.sampled_from(ops.MMAP_FLAGS), unique=True).map(tuple))
    return ops.Mmap(
        pid=draw(pids), span=draw(spans()), prot=draw(prots), kind=kind, file=file,
        offset=draw(counts), flags=flags, label=draw(words),
    )  # fmt: skip


pair = st.tuples(pids, pids)
operations = st.one_of(
    mmaps(),
    pair.map(lambda p: ops.Fork(pid=p[0], child=p[1])),
    st.tuples(pair, st.booleans()).map(lambda v: ops.Clone(pid=v[0][0], child=v[0][1], thread=v[1])),
    st.builds(ops.Spawn, pid=pids, comm=words),
    st.builds(ops.Exec, pid=pids, comm=words),
    st.builds(ops.Exit, pid=pids),
    st.builds(ops.Munmap, pid=pids, span=spans()),
    st.builds(ops.Mprotect, pid=pids, span=spans(), prot=prots),
    st.builds(
        ops.Mremap, pid=pids, span=spans(), new_pages=places, to=st.none() | places, dontunmap=st.booleans(),
    ),
    st.builds(ops.Brk, pid=pids, end=places, start=st.none() | st.integers(0, 99)),
    st.builds(ops.Madvise, pid=pids, span=spans(), advice=st.sampled_from(ops.ADVICES)),
    st.builds(ops.Touch, pid=pids, runs=st.lists(runs, min_size=1, max_size=5).map(tuple)),
    st.builds(ops.Reclaim, pages=st.none() | counts),
    st.builds(ops.Mlock, pid=pids, span=spans(), onfault=st.booleans()),
    st.builds(ops.Munlock, pid=pids, span=spans()),
    st.builds(ops.Mseal, pid=pids, span=spans()),
    st.builds(ops.Ftruncate, pid=pids, file=words, pages=counts),
    st.builds(ops.Punch, pid=pids, file=words, offset=counts, pages=counts),
    st.builds(ops.RemapFilePages, pid=pids, span=spans(), offset=counts),
    st.builds(ops.Ksm, pid=pids, enable=st.booleans()),
    st.just(ops.Swapoff()),
)  # fmt: skip

machines = st.builds(
    Machine, arch=names, word_bytes=st.sampled_from([4, 8]), cache_line_bytes=st.sampled_from([32, 64, 128]),
    ram_pages=st.none() | st.integers(1, 2**40), swap_pages=st.none() | counts, calls=names,
    files=st.dictionaries(names, counts, max_size=3),
)  # fmt: skip


@st.composite
def sessions(draw):
    log = tuple(draw(st.lists(operations, max_size=12)))
    parents = tuple(draw(st.integers(-1, i - 1)) for i in range(len(log)))
    branches = draw(st.dictionaries(names, st.integers(-1, len(log) - 1), min_size=1, max_size=3))
    branch = draw(st.sampled_from(sorted(branches)))
    length = len(Session(title="", operations=log, parents=parents, branches=branches, branch=branch).line())
    positions = st.integers(0, length)
    options = st.dictionaries(names, words, max_size=2)
    return Session(
        title=draw(words), machine=draw(machines), operations=log, parents=parents, branches=branches, branch=branch,
        designs=tuple(draw(st.lists(st.tuples(names, options), max_size=3, unique_by=str))),
        position=draw(positions), view=draw(words), report=tuple(draw(st.lists(words, max_size=2))),
        selection=draw(st.none() | st.tuples(pids, st.integers(-1, TASK_SIZE_PAGES - 1))),
        notes=tuple(draw(st.lists(st.builds(Note, positions, words), max_size=2))),
    )  # fmt: skip
