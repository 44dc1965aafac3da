"""A world's state in the shape of a kernel trace, and our own traces in that shape.

Names (A of anon_vmas, p of pages, s of swap slots) last while the object is seen in every step and are never used
again, as in recorded traces. Only worlds of anon_vma_chain have what a trace shows.
"""

from __future__ import annotations

from typing import Any

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.objects import File, Mm
from rmapexplorer.core.table import ANON, EXCLUSIVE
from rmapexplorer.core.world import World
from rmapexplorer.designs.anon_vma_chain import AnonVmaChain
from rmapexplorer.verify.recorder import Recorder
from rmapexplorer.verify.trace import ARENA, Json, Step, Trace

SIGNALS = ("SIGSEGV", "SIGBUS")


class Names:
    """Names of one letter for ids: a name is lost when its object was not seen in a step."""

    def __init__(self, letter: str) -> None:
        self.letter = letter
        self.count = 0
        self.known: dict[int, str] = {}
        self.seen: dict[int, str] = {}

    def of(self, birth: int) -> str:
        """The name of an object in this step."""
        if birth not in self.seen:
            if birth not in self.known:
                self.known[birth] = f"{self.letter}{self.count}"
                self.count += 1
            self.seen[birth] = self.known[birth]
        return self.seen[birth]

    def next_step(self) -> None:
        """What was not seen loses its name."""
        self.known, self.seen = self.seen, {}


class Reader:
    """Reads one world, step by step. ``procs`` maps pids to the names of the trace."""

    def __init__(self, world: World, trace: Trace) -> None:
        if not isinstance(world.design, AnonVmaChain):
            raise TypeError("kernel traces show anon_vmas and avcs: replay them under anon_vma_chain")
        self.w = world
        self.d = world.design
        self.procs = {1: trace.first}
        self.recorder = Recorder(world.batches)
        self.recorder.start(1)
        self.anon_vmas, self.pages, self.slots = Names("A"), Names("p"), Names("s")

    def forked(self, step: Step) -> None:
        """A process came into being."""
        if step.child:
            self.procs[step.child[1]] = step.child[0]

    def read(self) -> Json:
        """procs, anon_vmas and files as they are now."""
        w = self.w
        for names in (self.anon_vmas, self.pages, self.slots):
            names.next_step()
        procs = {self.procs[task.pid]: self._vmas(w.mms[task.mm]) for task in w.processes()}
        owner = {task.mm: self.procs[task.pid] for task in w.processes()}
        avs = {self._av(av): self._anon_vma(av, owner) for av in self.d.av.live().tolist()}
        files = {
            self._file(file): {"pages": file.size, "tree": [self._place(row, owner) for row in w.imap.order(file.id).tolist()]}
            for file in w.files
            if not file.shmem or file.users
        }  # fmt: skip
        return {"procs": procs, "anon_vmas": avs, "files": files}

    def _av(self, av: int) -> str:
        return self.anon_vmas.of(int(self.d.av.birth[av]))

    def _file(self, file: File) -> str:
        return f"sh{sum(other.shmem for other in self.w.files[: file.id])}" if file.shmem else file.name

    def _place(self, row: int, owner: dict[int, str]) -> list[Any]:
        return [owner[int(self.w.vma.mm[row])], int(self.w.vma.start[row]) - ARENA]

    def _anon_vma(self, av: int, owner: dict[int, str]) -> Json:
        table = self.d.av
        tree = [self._place(int(self.d.avc.vma[avc]), owner) for avc in self.d.tree(av).tolist()]
        return {
            "root": self._av(int(table.root[av])), "parent": self._av(int(table.parent[av])),
            "refs": int(table.refs[av]), "children": int(table.children[av]), "active": int(table.active[av]),
            "tree": tree,
        }  # fmt: skip

    def _vmas(self, mm: Mm) -> list[Json]:
        return [self._vma(mm, row) for row in mm.vmas]

    def _vma(self, mm: Mm, row: int) -> Json:
        v = self.w.vma
        flags, start, end, file = int(v.flags[row]), int(v.start[row]), int(v.end[row]), int(v.file[row])
        home = 0 if file >= 0 else ARENA
        out: Json = {"s": start - ARENA, "e": end - ARENA, "p": vm.perms(flags), "o": int(v.pgoff[row]) - home,
                     "f": vm.smaps(flags)}  # fmt: skip
        if file >= 0:
            out["file"] = self._file(self.w.files[file])
        chain = [self._av(int(self.d.avc.anon_vma[avc])) for avc in self.d.links(row)]
        if chain:
            out["av"], out["chain"] = self._av(int(self.d.own[row])), chain
        vpns, slots = self.w.pt.span(mm.tables, start, end)
        pages = [
            self._page(vpn - ARENA, entry, home)
            for vpn, entry in zip(vpns.tolist(), self.w.pt.flat[slots].tolist(), strict=True)
        ]
        if pages:
            out["pages"] = pages
        return out

    def _page(self, at: int, entry: int, home: int) -> list[Any]:
        w, number = self.w, entry >> radix.ENTRY_SHIFT
        if entry & radix.MARKER:
            return [at, "o", "marker"]
        if entry & radix.SWAP:
            return [at, "s", self.slots.of(int(w.swap.birth[number])), "x" if entry & radix.EXCLUSIVE else ""]
        if entry & radix.ZERO:
            return [at, "z"]
        bits = ("w" if entry & radix.WRITE else "") + ("n" if entry & radix.PROTNONE else "")
        state, mapcount, index = int(w.page.state[number]), int(w.page.mapcount[number]), int(w.page.index[number])
        if not state & ANON:
            name = f"{self._file(w.files[int(w.page.mapping[number])])}:{index}"
            return [at, "f", name, mapcount, bits]
        bits += ("x" if state & EXCLUSIVE else "") + ("c" if w.page.swap[number] >= 0 else "")
        owner = self._av(int(w.page.mapping[number]))
        return [at, "a", self.pages.of(int(w.page.birth[number])), mapcount, owner, index - home, bits]


def renamed(trace: Json, names: dict[str, str]) -> Json:
    """The same trace with other names for some anon_vmas, pages and swap slots, each that of an object that went as it came."""

    def of(value: Any) -> Any:
        if isinstance(value, str):
            return names.get(value, value)
        if isinstance(value, list):
            return [of(item) for item in value]
        return {key: of(item) for key, item in value.items()} if isinstance(value, dict) else value

    steps = []
    for step in trace["steps"]:
        out = {**step, **({"procs": of(step["procs"])} if "procs" in step else {})}
        if "anon_vmas" in step:
            came = {of(name): of(value) for name, value in step["anon_vmas"].items() if value is not None}
            out["anon_vmas"] = {of(name): None for name, value in step["anon_vmas"].items() if value is None} | came
        steps.append(out)
    return {**trace, "steps": steps}


def perform(step: Step, reader: Reader) -> Json:
    """Do one call in the reader's world; the head of our record of it: number, call, errno."""
    out: Json = {"i": step.raw["i"], "op": step.raw["op"]}
    if step.operation is None:
        return out
    reader.recorder.before(step.operation)
    outcome = reader.w.apply(step.operation)
    reader.recorder.after(step.operation, outcome.error, SIGNALS)
    if outcome.error:
        out["err"] = outcome.error
        if outcome.error in SIGNALS:
            out["done"] = outcome.done
    else:
        reader.forked(step)
    return out


def replay(trace: Trace, world: World) -> Json:
    """Run a trace in a fresh world; returns our own trace in the same format."""
    reader = Reader(world, trace)
    before: Json = {"procs": {}, "anon_vmas": {}, "files": {}}
    steps = []
    for step in trace.steps:
        out = perform(step, reader)
        after = reader.read()
        for kind, now in after.items():
            changed = {
                name: value
                for name, value in now.items()
                if before[kind].get(name) != value or name not in before[kind]
            }
            changed |= {name: None for name in before[kind] if name not in now}
            if changed:
                out[kind] = changed
        out["n"] = [sum(map(len, after["procs"].values())), len(reader.d.avc), len(reader.d.av)]
        steps.append(out)
        before = after
    return {"format": 1, "name": trace.name, "files": trace.files, "steps": steps}
