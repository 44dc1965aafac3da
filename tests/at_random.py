"""Random operations from a seed: one generator with mixes of operations, one driver of several worlds, one maker of logs.

A mix says how often each kind of operation comes and how crowded the arena is. The driver holds every oracle after each
operation in every world; where an operation ends differently in two worlds it is checked there, then taken back in all.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import Factory, frozen
from oracles import audit, finds, last_exit, memory, new_world

from rmapexplorer.core import operations as o
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World

BASE = 512 * 8 - 24
"""The arena of the mixes below lies across two page-table pages."""
ANY_ADVICE = ("dontneed", "dontfork", "dofork", "wipeonfork", "pageout", "guard_install", "guard_remove", "willneed")


@frozen(kw_only=True)
class Mix:
    """Which operations come how often, and where: page numbers from ``base`` on, spans of ``lengths`` pages."""

    weights: Mapping[str, float]
    base: int = BASE
    pages: int = 40
    """Pages of the arena; the heap of brk lies behind it."""
    lengths: Sequence[int] = (1, 2, 3, 4, 6, 12)
    aligned: float = 0
    """How often a place is a multiple of four pages, so that spans meet."""
    most_tasks: int = 5
    dontunmap: float = 0.2
    files: Mapping[str, int] = Factory(lambda: {"f": 16})
    """Files that are mapped, and their pages."""
    advice: Sequence[str] = ("dontneed", "pageout", "dontfork", "wipeonfork")

    @property
    def begin(self) -> tuple[o.Operation, ...]:
        """The first process and its map, which fills the arena."""
        return o.Spawn(pid=1), o.Mmap(pid=1, span=Span(self.base, self.base + self.pages))


BUSY = Mix(
    weights={"mmap": 3, "file_private": 1, "munmap": 2, "mprotect": 4, "move": 4, "grow": 2, "touch": 9, "fork": 3,
             "exit": 1, "exec": 0.3, "reclaim": 2, "madvise": 1, "brk": 1},
)  # fmt: skip
"""Few pages and few processes, as crowded as can be: splits, merges, moves and forks meet."""

FILED = Mix(
    weights={"mmap": 2, "file_private": 1, "file_shared": 1, "anon_shared": 1, "touch": 8, "munmap": 1, "mprotect": 2,
             "move": 3, "resize": 2, "madvise": 1, "reclaim": 4, "fork": 2, "exit": 2, "exec": 1, "lock": 1, "unlock": 1,
             "punch": 1, "remap": 2, "swapoff": 0.1, "brk": 1},
    pages=48, lengths=(1, 2, 3, 4, 4, 8, 12), dontunmap=0.3, files={"f0": 12, "f1": 20},
)  # fmt: skip
"""Pages of files, shared memory, nonlinear vmas (calls of 2004), locks, holes and swapoff beside anonymous memory."""

MOVING = Mix(
    weights={"touch": 8, "move": 5, "mmap": 2, "file_private": 1, "munmap": 1, "mprotect": 2, "resize": 1, "brk": 2,
             "madvise": 1, "lock": 1, "unlock": 1, "reclaim": 2, "fork": 2, "exit": 1, "exec": 0.2, "anon_shared": 1},
    pages=48, lengths=(1, 2, 4, 4, 8, 12), aligned=0.5, most_tasks=6, dontunmap=0.3, files={"f0": 12, "f1": 20},
    advice=ANY_ADVICE,
)  # fmt: skip
"""Moves between places that are multiples of four pages half of the time, so that pages meet their old places again."""

LOG = Mix(
    weights={"fork": 0.8, "clone": 0.2, "munmap": 1, "mmap": 1.2, "file_private": 0.6, "file_shared": 0.6,
             "anon_shared": 0.6, "mprotect": 1, "move": 2, "madvise": 1, "reclaim": 1, "exit": 0.5, "exec": 0.5, "touch": 5, "brk": 0.3},
    base=16, pages=120, lengths=range(1, 24), most_tasks=8, dontunmap=0, files={"data": 32, "libc": 32},
    advice=("dontneed", "dontfork", "pageout"),
)  # fmt: skip
"""For logs that no world has seen: processes that are gone are asked too, and calls are refused."""


WILD = Mix(
    weights={"mmap": 2, "flagged": 1, "file_private": 1, "file_shared": 2, "anon_shared": 1, "munmap": 1, "mprotect": 2,
             "move": 3, "resize": 1.5, "double": 0.5, "brk": 0.7, "madvise": 4, "lock": 1, "unlock": 0.7, "seal": 0.05,
             "ksm": 0.2, "touch": 9, "remap": 2.5, "truncate": 1, "punch": 1, "stack": 0.7, "below": 1.5, "lift": 0.7,
             "reclaim": 2, "swapoff": 0.05, "fork": 2, "clone": 0.5, "vfork": 0.3, "exec": 0.3, "exit": 1.2},
    pages=48, lengths=(1, 2, 3, 4, 4, 8, 12), aligned=0.4, files={"f0": 12, "f1": 20}, advice=o.ADVICES,
)  # fmt: skip
"""Everything there is; stacks grow and shared memory is doubled in a second arena above the first."""
ABOVE = 1024
"""Pages from the first arena to the second, farther than the gap that is kept free below a stack."""
FLAGS = ("populate", "locked", "noreserve", "noreplace", "special")


def operation(dice: random.Random, pids: Sequence[int], births: int, mix: Mix = BUSY) -> o.Operation:
    """One operation of a random kind by one of ``pids``; a child gets the pid ``births``."""
    kind = dice.choices(list(mix.weights), list(mix.weights.values()))[0]
    if kind in ("fork", "clone", "vfork") and len(pids) >= mix.most_tasks:
        kind = "exit"
    if kind == "exit" and len(pids) < 2:
        kind = "touch"
    pid, at, length = dice.choice(pids), _place(dice, mix), dice.choice(mix.lengths)
    span = Span(mix.base + at, mix.base + min(at + length, mix.pages))
    return _maker(kind, dice, mix, pid, span, births)()


def _place(dice: random.Random, mix: Mix) -> int:
    if mix.aligned and dice.random() < mix.aligned:
        return 4 * dice.randrange(mix.pages // 4)
    return dice.randrange(mix.pages)


def _maker(
    kind: str, dice: random.Random, mix: Mix, pid: int, span: Span, births: int
) -> Callable[[], o.Operation]:  # fmt: skip
    # the other kinds roll no dice
    end, own = mix.base + mix.pages, {"pid": pid, "span": span}

    def to() -> int:
        return mix.base + _place(dice, mix)

    def above() -> int:
        return mix.base + ABOVE + _place(dice, mix)

    def of_file(how: str) -> o.Mmap:
        prot = dice.choice(("rw", "rw", "r"))
        return o.Mmap(**own, kind=how, file=dice.choice(sorted(mix.files)), offset=dice.randrange(12), prot=prot)

    makers: dict[str, Callable[[], o.Operation]] = {
        "mmap": lambda: o.Mmap(**own, prot=dice.choice(("rw", "rw", "r"))),
        "file_private": lambda: of_file("file-private"),
        "file_shared": lambda: of_file("file-shared"),
        "anon_shared": lambda: o.Mmap(**own, kind="anon-shared", prot=dice.choice(("rw", "rw", "r"))),
        "munmap": lambda: o.Munmap(**own),
        "mprotect": lambda: o.Mprotect(**own, prot=dice.choice(("rw", "rw", "r", ""))),
        "move": lambda: o.Mremap(**own, new_pages=len(span), to=to(), dontunmap=dice.random() < mix.dontunmap),
        "grow": lambda: o.Mremap(**own, new_pages=len(span) + dice.randrange(4), to=dice.choice((None, to()))),
        "resize": lambda: o.Mremap(**own, new_pages=dice.randrange(1, 12), to=dice.choice((None, None, to()))),
        "touch": lambda: o.Touch(pid=pid, runs=((span.start, span.end, dice.choice("rwww")),)),
        "fork": lambda: o.Fork(pid=pid, child=births),
        "clone": lambda: o.Clone(pid=pid, child=births),
        "exit": lambda: o.Exit(pid=pid),
        "exec": lambda: o.Exec(pid=pid),
        "reclaim": lambda: o.Reclaim(pages=dice.choice((None, 1, 3, 8, 20, 40))),
        "madvise": lambda: o.Madvise(**own, advice=dice.choice(mix.advice)),
        "brk": lambda: o.Brk(pid=pid, start=end, end=end + dice.randrange(10)),
        "lock": lambda: o.Mlock(**own),
        "unlock": lambda: o.Munlock(**own),
        "punch": lambda: o.Punch(pid=pid, file=dice.choice(sorted(mix.files)), offset=dice.randrange(12), pages=3),
        "remap": lambda: o.RemapFilePages(**own, offset=dice.randrange(8)),
        "swapoff": o.Swapoff,
        "flagged": lambda: o.Mmap(**own, flags=(dice.choice(FLAGS),)),
        "double": lambda: o.Mremap(pid=pid, span=Span(span.start, span.start), new_pages=len(span), to=to()),
        "seal": lambda: o.Mseal(**own),
        "ksm": lambda: o.Ksm(pid=pid, enable=dice.random() < 0.5),
        "truncate": lambda: o.Ftruncate(pid=pid, file=dice.choice(sorted(mix.files)), pages=dice.randrange(24)),
        "stack": lambda: o.Mmap(
            pid=pid, span=span.moved(above()), kind=dice.choice(("anon", "anon", "anon-shared")), flags=("growsdown",)
        ),
        "below": lambda: _touch_below(dice, pid, above()),
        "lift": lambda: o.Mremap(**own, new_pages=len(span), to=above()),
        "vfork": lambda: o.Clone(pid=pid, child=births, thread=False),
    }
    return makers[kind]


def _touch_below(dice: random.Random, pid: int, at: int) -> o.Touch:
    # where a stack may have to grow to
    low = max(at - dice.choice((0, 1, 4, 30)), 0)
    return o.Touch(pid=pid, runs=((low, low + 1, dice.choice("rww")),))


def random_log(seed: int, count: int, mix: Mix = LOG) -> list[o.Operation]:
    """``count`` operations that no world was asked about: of processes that may be gone, on pages that may be free."""
    dice, out, births = random.Random(seed), list(mix.begin), 2
    while len(out) < count:
        op = operation(dice, range(1, births), births, mix)
        births += isinstance(op, o.Fork | o.Clone)
        if not (isinstance(op, o.Exit) and op.pid == 1):
            out.append(op)
    return out


@frozen(kw_only=True)
class Ran:
    """What a run left: the worlds by key, the operations that ended alike in all of them."""

    worlds: dict[str, World]
    log: list[o.Operation]


def run_at_random(
    keys: Iterable[str], seed: int, steps: int = 120, *, mix: Mix = BUSY,
    look: Callable[[dict[str, World]], None] = lambda worlds: None, **machine: object,
) -> Ran:  # fmt: skip
    """Run ``steps`` operations of a mix in worlds of these keys beside pte_chain; all must show the same memory.

    The oracles are held in every world after every operation, also after one that is taken back because it ended
    differently. ``look`` is called after each operation that stays. Ends with
    copies in which every process exits and nothing is left. ``machine``: what is special about the machine.
    """
    dice, stayed, births = random.Random(seed), list[o.Operation](), 2
    profile = Machine(files=dict(mix.files), **machine)  # type: ignore[arg-type]
    worlds = {key: new_world(key, profile) for key in dict.fromkeys(("pte_chain", *keys))}
    for step in range(steps):
        pids = [task.pid for task in worlds["pte_chain"].tasks.values() if not task.zombie]
        op = mix.begin[step] if step < len(mix.begin) else operation(dice, pids, births, mix)
        births += isinstance(op, o.Fork | o.Clone)
        before = {key: w.copy() for key, w in worlds.items()}
        errors = {w.apply(op).error for w in worlds.values()}
        for w in worlds.values():
            audit(w)
            finds(w)
        if len(errors) > 1:
            worlds = before
            continue
        expected = memory(worlds["pte_chain"])
        for key, w in worlds.items():
            assert memory(w) == expected, (key, step, op)
        stayed.append(op)
        look(worlds)
    for key, w in worlds.items():
        digest, twin = w.digest(), w.copy()
        assert twin.digest() == digest
        last_exit(twin)
        assert w.digest() == digest, key
    return Ran(worlds=worlds, log=stayed)
