"""All operations at random, in all designs at once: each finds every pte, loses nothing, and shows the same memory.

Where an operation ends differently in two worlds, or half done because memory ran out, it is checked there, then taken
back in all of them, so that the memory stays comparable to the end.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from oracles import WORLDS, check_world, last_exit, memory, new_world

from rmapexplorer.core import operations as o
from rmapexplorer.core.memory import difference
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World

BASE = 512 * 8 - 24
"""The arena lies across two page-table pages."""
PAGES = 48
MOST_TASKS = 5
FILES = {"f0": 12, "f1": 20}

FOURS = [4 * n for n in range(PAGES // 4)]
places = st.sampled_from(FOURS) | st.sampled_from(FOURS) | st.integers(0, PAGES - 1)
"""Columns of the arena, multiples of four more often: then spans meet."""
lengths = st.sampled_from([4, 4, 8]) | st.integers(1, 3) | st.integers(1, 12)
seeds = st.integers(0, 1 << 16)


def span(at: int, length: int) -> Span:
    """A span of the arena, cut at its end."""
    return Span(BASE + at, BASE + min(at + length, PAGES))


class Machines(RuleBasedStateMachine):
    """Five worlds, one log."""

    @initialize(ram=st.sampled_from([None, None, None, 48]), swap=st.sampled_from([None, 16]))
    def begin(self, ram, swap) -> None:
        machine = Machine(files=dict(FILES), ram_pages=ram, swap_pages=swap if ram else None)
        self.worlds: dict[str, World] = {key: new_world(key, machine) for key in WORLDS}
        self.log: list[o.Operation] = []
        self.births = 1
        self.apply(o.Spawn(pid=1))
        self.apply(o.Mmap(pid=1, span=span(0, 44)))

    def alive(self) -> list[int]:
        return [task.pid for task in self.worlds[WORLDS[0]].tasks.values() if not task.zombie]

    def pid(self, seed: int) -> int:
        alive = self.alive()
        return alive[seed % len(alive)]

    def apply(self, op: o.Operation) -> None:
        before = {key: w.copy() for key, w in self.worlds.items()}
        outcomes = {key: w.apply(op) for key, w in self.worlds.items()}
        self.log.append(op)
        for w in self.worlds.values():
            check_world(w)
        if len({outcome.error for outcome in outcomes.values()}) > 1 or any(
            "RAM" in out.rule for out in outcomes.values()
        ):
            self.worlds = before
            self.log.pop()

    # -- mappings -------------------------------------------------------------------------------

    @rule(who=seeds, at=places, length=lengths, prot=st.sampled_from(["rw", "rw", "rw", "rw", "r", ""]),
          flags=st.sampled_from([()] * 6 + [("populate",), ("locked",), ("noreserve",), ("noreplace",), ("special",)]))  # fmt: skip
    def mmap_anonymous(self, who, at, length, prot, flags):
        self.apply(o.Mmap(pid=self.pid(who), span=span(at, length), prot=prot, flags=flags))

    @rule(who=seeds, at=places, length=lengths, offset=st.integers(0, 16), file=st.sampled_from(sorted(FILES)),
          prot=st.sampled_from(["rw", "rw", "r"]), kind=st.sampled_from(["file-private", "file-shared"]),
          flags=st.sampled_from([(), (), ("populate",), ("locked",)]))  # fmt: skip
    def mmap_file(self, who, at, length, offset, file, prot, kind, flags):
        self.apply(o.Mmap(pid=self.pid(who), span=span(at, length), prot=prot, kind=kind, file=file, offset=offset,
                          flags=flags))  # fmt: skip

    @rule(who=seeds, at=places, length=lengths)
    def mmap_shared(self, who, at, length):
        self.apply(o.Mmap(pid=self.pid(who), span=span(at, length), kind="anon-shared"))

    @rule(who=seeds, at=places, length=lengths)
    def munmap(self, who, at, length):
        self.apply(o.Munmap(pid=self.pid(who), span=span(at, length)))

    @rule(who=seeds, at=places, length=lengths, prot=st.sampled_from(["rw", "rw", "r", ""]))
    def mprotect(self, who, at, length, prot):
        self.apply(o.Mprotect(pid=self.pid(who), span=span(at, length), prot=prot))

    @rule(who=seeds, at=places, length=lengths, to=places, dontunmap=st.booleans())
    def mremap_move(self, who, at, length, to, dontunmap):
        where = span(at, length)
        self.apply(o.Mremap(pid=self.pid(who), span=where, new_pages=len(where), to=BASE + to, dontunmap=dontunmap))

    @rule(who=seeds, at=places, length=st.integers(0, 8), new=st.integers(0, 12), to=st.one_of(st.none(), places))
    def mremap_resize(self, who, at, length, new, to):
        place = None if to is None else BASE + to
        self.apply(o.Mremap(pid=self.pid(who), span=Span(BASE + at, BASE + at + length), new_pages=new, to=place))

    @rule(who=seeds, at=st.integers(PAGES, PAGES + 10))
    def brk(self, who, at):
        self.apply(o.Brk(pid=self.pid(who), start=BASE + PAGES, end=BASE + at))

    @rule(who=seeds, at=places, length=lengths, onfault=st.booleans())
    def mlock(self, who, at, length, onfault):
        self.apply(o.Mlock(pid=self.pid(who), span=span(at, length), onfault=onfault))

    @rule(who=seeds, at=places, length=lengths)
    def munlock(self, who, at, length):
        self.apply(o.Munlock(pid=self.pid(who), span=span(at, length)))

    @rule(who=seeds, at=places, length=st.integers(1, 3), often=st.integers(0, 5))
    def mseal(self, who, at, length, often):
        if not often:
            self.apply(o.Mseal(pid=self.pid(who), span=span(at, length)))

    @rule(who=seeds, at=places, length=lengths, advice=st.sampled_from(o.ADVICES))
    def madvise(self, who, at, length, advice):
        self.apply(o.Madvise(pid=self.pid(who), span=span(at, length), advice=advice))

    @rule(
        who=seeds, at=places, length=lengths, advice=st.sampled_from(["dontneed", "dontfork", "wipeonfork", "pageout"])
    )
    def madvise_often(self, who, at, length, advice):
        self.apply(o.Madvise(pid=self.pid(who), span=span(at, length), advice=advice))

    # -- accesses -------------------------------------------------------------------------------

    @rule(who=seeds, at=places, length=lengths, access=st.sampled_from("rwww"))
    def touch(self, who, at, length, access):
        where = span(at, length)
        self.apply(o.Touch(pid=self.pid(who), runs=((where.start, where.end, access),)))

    @rule(who=seeds, at=places, more=places, access=st.sampled_from(["rw", "wr", "ww"]))
    def touch_two(self, who, at, more, access):
        runs = ((BASE + at, BASE + at + 1, access[0]), (BASE + more, BASE + more + 1, access[1]))
        self.apply(o.Touch(pid=self.pid(who), runs=runs))

    @rule(pages=st.one_of(st.none(), st.integers(1, 40)))
    def reclaim(self, pages):
        self.apply(o.Reclaim(pages=pages))

    @rule(who=seeds, file=st.sampled_from(sorted(FILES)), pages=st.integers(0, 24))
    def ftruncate(self, who, file, pages):
        self.apply(o.Ftruncate(pid=self.pid(who), file=file, pages=pages))

    @rule(who=seeds, file=st.sampled_from(sorted(FILES)), offset=st.integers(0, 16), pages=st.integers(1, 6))
    def punch(self, who, file, offset, pages):
        self.apply(o.Punch(pid=self.pid(who), file=file, offset=offset, pages=pages))

    # -- tasks ----------------------------------------------------------------------------------

    def few(self) -> bool:
        return len(self.alive()) < MOST_TASKS

    @precondition(few)
    @rule(who=seeds)
    def fork(self, who):
        self.births += 1
        self.apply(o.Fork(pid=self.pid(who), child=self.births))

    @precondition(few)
    @rule(who=seeds, thread=st.booleans())
    def clone(self, who, thread):
        self.births += 1
        self.apply(o.Clone(pid=self.pid(who), child=self.births, thread=thread))

    @precondition(lambda self: len(self.alive()) > 1)
    @rule(who=seeds)
    def exit(self, who):
        self.apply(o.Exit(pid=self.pid(who)))

    @rule(who=seeds, often=st.integers(0, 4))
    def exec(self, who, often):
        if not often:
            self.apply(o.Exec(pid=self.pid(who)))

    # -- oracles --------------------------------------------------------------------------------

    @invariant()
    def same_memory(self):
        first, *others = [memory(w) for w in self.worlds.values()]
        for key, other in zip(WORLDS[1:], others, strict=True):
            different = sorted(at for at in first.keys() | other.keys() if first.get(at) != other.get(at))[:3]
            shown = [(at, first.get(at), other.get(at)) for at in different]
            assert not different, f"{WORLDS[0]} and {key} show other memory: {shown}"
            assert difference(self.worlds[WORLDS[0]], self.worlds[key]) is None

    @rule(which=st.sampled_from(WORLDS))
    def copy_is_equal_and_independent(self, which):
        world = self.worlds[which]
        digest = world.digest()
        twin = world.copy()
        assert twin.digest() == digest
        last_exit(twin)
        assert world.digest() == digest
        check_world(world)

    def teardown(self):
        for world in getattr(self, "worlds", {}).values():
            last_exit(world)


TestMachines = Machines.TestCase
