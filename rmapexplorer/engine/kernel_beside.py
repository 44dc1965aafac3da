"""A recorded kernel at the selection: its fields beside ours, and what of the structures picture it has otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve, field, frozen

from rmapexplorer.engine.frames import Detail, Field, KernelField, Link, Node, Structure
from rmapexplorer.formats.trace import ARENA, Json
from rmapexplorer.verify.record import KernelRecord, Seen, offset

NO_VMA = "no vma"
ENTRIES = {"a": "anonymous", "f": "file page", "z": "zero page", "s": "swap entry", "o": "guard"}
BITS = {"w": "writable", "n": "PROT_NONE", "x": "exclusive", "c": "in the swap cache"}
PLACES_SHOWN = 6
GHOSTS_SHOWN = 12
"""Boxes that only the kernel has, at most."""


@frozen
class Beside:
    """Both states after one step, and the words for them: anon_vmas bear our names where ours and the kernel's were paired."""

    record: KernelRecord
    seen: Seen
    processes: dict[int, str] = field(init=False)
    back: dict[str, str] = field(init=False)

    @processes.default
    def _processes(self) -> dict[int, str]:
        return {pid: name for name, pid in self.seen.pids.items()}

    @back.default
    def _back(self) -> dict[str, str]:
        return {ours: kernel for kernel, ours in self.seen.pairs.items()}

    def our_av(self, name: str | None) -> str:
        """An anon_vma of our replay as the user reads it."""
        return self.record.owner_name(self.seen.avs[name]) if name in self.seen.avs else "none"

    def kernel_av(self, name: str | None) -> str:
        """An anon_vma of the kernel: by the name of ours that it is, else its own."""
        if name is None:
            return "none"
        mine = self.seen.pairs.get(name)
        return self.our_av(mine) if mine in self.seen.avs else f"the kernel's {name}"

    def vma(self, state: Json, pid: int, vpn: int) -> Json | None:
        """The vma of a process that has the page number."""
        at, vmas = vpn - ARENA, state["procs"].get(self.processes.get(pid, ""), [])
        return next((v for v in vmas if v["s"] <= at < v["e"]), None)

    def fields(self, pid: int, vpn: int) -> tuple[KernelField, ...]:
        """Page, vma and anon_vma there, field by field; () where neither has a vma."""
        theirs, mine = self.vma(self.seen.kernel, pid, vpn), self.vma(self.seen.ours, pid, vpn)
        if theirs is None and mine is None:
            return ()
        their_page, my_page = _entry(theirs, vpn), _entry(mine, vpn)
        rows = self._page_rows(their_page, my_page, theirs, mine)
        rows += _both("vma", _vma(theirs, self.kernel_av), _vma(mine, self.our_av))
        return (*rows, *self._av_rows(_owner(their_page, theirs), _owner(my_page, mine)))

    def _page_rows(self, theirs: Any, mine: Any, their_vma: Json | None, my_vma: Json | None) -> list[KernelField]:
        if theirs is None and mine is None:
            return []
        rows = _both("page", _page(theirs, self.kernel_av, their_vma), _page(mine, self.our_av, my_vma))
        alike = theirs and mine and theirs[1] == mine[1] and mine[1] in "as"
        if alike and self.seen.pairs.get(theirs[2]) != mine[2]:
            what = "page" if mine[1] == "a" else "slot"
            rows.append(KernelField(section="page", name=what, kernel=f"another {what}", ours=f"this {what}"))
        return rows

    def _av_rows(self, theirs: str | None, mine: str | None) -> list[KernelField]:
        if theirs is None and mine is None:
            return []
        theirs_of, mine_of = self.seen.kernel["anon_vmas"].get(theirs), self.seen.ours["anon_vmas"].get(mine)
        rows = _both("anon_vma", _anon_vma(theirs_of, self.kernel_av), _anon_vma(mine_of, self.our_av))
        if theirs_of and mine_of and theirs_of["tree"] != mine_of["tree"]:
            rows.append(
                KernelField(section="anon_vma", name="rb_root", kernel=_places(theirs_of), ours=_places(mine_of))
            )
        return rows


def _both(section: str, theirs: Mapping[str, str], mine: Mapping[str, str]) -> list[KernelField]:
    missing = {"vma": NO_VMA}.get(section, "none")
    return [
        KernelField(section=section, name=name, kernel=theirs.get(name, missing), ours=mine.get(name, missing))
        for name in dict.fromkeys([*mine, *theirs])
    ]


Words = Callable[[str | None], str]


def _vma(v: Json | None, av: Words) -> dict[str, str]:
    if v is None:
        return {}
    flags = " ".join(sorted(v.get("f", "").split()))
    chain = " ".join(av(name) for name in v.get("chain", []))
    return {
        "vm_start": f"page {v['s'] + ARENA:x}", "vm_end": f"page {v['e'] + ARENA:x}", "vm_flags": f"{v['p']} {flags}".strip(),
        "vm_pgoff": offset(v), "anon_vma": av(v.get("av")), "anon_vma_chain": chain or "empty",
    }  # fmt: skip


def _entry(v: Json | None, vpn: int) -> Any:
    return next((entry for entry in (v or {}).get("pages", []) if entry[0] == vpn - ARENA), None)


def _page(entry: Any, av: Words, v: Json | None) -> dict[str, str]:
    if entry is None:
        return {"pte": "none"}
    kind, home = entry[1], 0 if v and "file" in v else ARENA
    out = {"pte": ENTRIES.get(kind, kind)}
    if kind == "a":
        out |= {"mapping": av(entry[4]), "index": f"{entry[5] + home:x}", "mapcount": str(entry[3])}
    elif kind == "f":
        out |= {"page of": str(entry[2]), "mapcount": str(entry[3])}
    if kind in "afs":
        out["bits"] = " ".join(word for bit, word in BITS.items() if bit in entry[-1]) or "none"
    return out


def _owner(entry: Any, v: Json | None) -> str | None:
    if entry is not None and entry[1] == "a":
        return str(entry[4])
    return v.get("av") if v else None


def _anon_vma(a: Json | None, av: Words) -> dict[str, str]:
    if a is None:
        return {}
    return {
        "root": av(a["root"]), "parent": av(a["parent"]), "refcount": str(a["refs"]),
        "num_children": str(a["children"]), "num_active_vmas": str(a["active"]),
    }  # fmt: skip


def _places(a: Json) -> str:
    shown = " ".join(f"{name}:{at + ARENA:x}" for name, at in a["tree"][:PLACES_SHOWN])
    return shown + (" ..." if len(a["tree"]) > PLACES_SHOWN else "") if shown else "empty"


# -- marks ----------------------------------------------------------------------------------------------


def with_kernel(detail: Detail, record: KernelRecord, seen: Seen, same_design: bool) -> Detail:
    """The detail with the kernel's fields; where the design in view is the one compared, with marks on fields and boxes."""
    beside = Beside(record, seen)
    found = beside.fields(detail.pid, detail.vpn) if detail.vpn >= 0 else ()
    if not same_design:
        return evolve(detail, kernel=found)
    return evolve(
        detail,
        kernel=found,
        page=_marked(detail.page, found, "page"),
        vma=_marked(detail.vma, found, "vma"),
        owner=_marked(detail.owner, found, "anon_vma"),
        structure=_Picture(beside, detail).marked(),
    )


def _marked(fields: tuple[Field, ...], found: tuple[KernelField, ...], section: str) -> tuple[Field, ...]:
    kernel = {one.name: one.kernel for one in found if one.section == section and one.differs}
    return tuple(evolve(one, kernel=kernel.get(one.name, "")) for one in fields)


def _sentence(rows: list[KernelField]) -> str:
    return "; ".join(f"{row.name}: kernel {row.kernel}, ours {row.ours}" for row in rows if row.differs)


class _Picture:
    # the structures around the selection, with what the kernel has otherwise and what only the kernel has

    def __init__(self, beside: Beside, detail: Detail) -> None:
        self.beside, self.detail = beside, detail
        self.structure: Structure = detail.structure
        self.names = {row: name for name, row in beside.seen.avs.items()}
        self.vmas = {node.target: node.key for node in self.structure.nodes if node.rank == 2 and node.target}
        self.tasks = {node.target[0]: node.key for node in self.structure.nodes if node.rank == 3 and node.target}
        self.ghosts: dict[str, Node] = {}
        self.more: list[Link] = []

    def marked(self) -> Structure:
        nodes = [evolve(node, kernel=self._of(node)) for node in self.structure.nodes]
        places = {key: target for target, key in self.vmas.items()}
        links = [evolve(link, kernel=self._of_link(link, places.get(link.target))) for link in self.structure.links]
        for node in self.structure.nodes:
            if node.rank == 1:
                self._only_in_its_tree(node)
        self._only_in_its_chain()
        return evolve(self.structure, nodes=(*nodes, *self.ghosts.values()), links=(*links, *self.more))

    def _own(self, node: Node) -> str | None:
        return self.names.get(int(node.key[1:])) if node.rank == 1 and node.key[1:].isdigit() else None

    def _trees(self, name: str | None) -> tuple[Json | None, Json | None]:
        # what the kernel and we have for an anon_vma of ours
        seen = self.beside.seen
        return seen.kernel["anon_vmas"].get(self.beside.back.get(name or "")), seen.ours["anon_vmas"].get(name)

    def _of(self, node: Node) -> str:
        beside = self.beside
        if node.rank == 0:
            found = self.beside.fields(self.detail.pid, self.detail.vpn)
            return _sentence([row for row in found if row.section == "page"])
        if node.rank == 1:
            name = self._own(node)
            if name is None:
                return ""
            theirs, mine = self._trees(name)
            if theirs is None:
                return "the kernel has no such anon_vma"
            return _sentence(beside._av_rows(beside.back[name], name))
        if node.rank == 2 and node.target is not None:
            pid, start = node.target
            theirs, mine = beside.vma(beside.seen.kernel, pid, start), beside.vma(beside.seen.ours, pid, start)
            if theirs is None:
                return "the kernel has no vma here"
            return _sentence(_both("vma", _vma(theirs, beside.kernel_av), _vma(mine, beside.our_av)))
        return ""

    def _of_link(self, link: Link, place: tuple[int, int] | None) -> str:
        source = next((node for node in self.structure.nodes if node.key == link.source and node.rank == 1), None)
        theirs, mine = self._trees(self._own(source)) if source else (None, None)
        if place is None or theirs is None or mine is None:
            return ""
        at = [self.beside.processes.get(place[0], ""), place[1] - ARENA]
        return "the kernel has no such avc" if at in mine["tree"] and at not in theirs["tree"] else ""

    def _only_in_its_tree(self, node: Node) -> None:
        theirs, mine = self._trees(self._own(node))
        if theirs is None or mine is None:
            return
        for process, at in theirs["tree"]:
            if [process, at] in mine["tree"] or len(self.ghosts) >= GHOSTS_SHOWN:
                continue
            place = (self.beside.seen.pids.get(process, 0), at + ARENA)
            key = self.vmas.get(place) or self._ghost_vma(place)
            self.more.append(Link(source=node.key, target=key, state="kernel", kernel="only the kernel has this avc"))

    def _ghost_vma(self, place: tuple[int, int]) -> str:
        key = f"k{place[0]}:{place[1]:x}"
        if key not in self.ghosts:
            v = self.beside.vma(self.beside.seen.kernel, *place)
            title = f"{v['s'] + ARENA:x}-{v['e'] + ARENA:x}" if v else f"{place[1]:x}"
            self.ghosts[key] = Node(key=key, rank=2, title=title, subtitle="only in the kernel", state="kernel",
                                    target=place, kernel="only the kernel has this vma")  # fmt: skip
            if place[0] in self.tasks:
                self.more.append(Link(source=key, target=self.tasks[place[0]], state="kernel"))
        return key

    def _only_in_its_chain(self) -> None:
        # anon_vmas that the kernel's vma at the selection hangs on and ours does not
        beside, detail = self.beside, self.detail
        theirs = beside.vma(beside.seen.kernel, detail.pid, detail.vpn)
        mine = beside.vma(beside.seen.ours, detail.pid, detail.vpn)
        if theirs is None:
            return
        start = (mine["s"] if mine else theirs["s"]) + ARENA
        target = self.vmas.get((detail.pid, start)) or self._ghost_vma((detail.pid, start))
        shown = {node.title.split()[0] for node in self.structure.nodes if node.rank == 1}
        for name in theirs.get("chain", []):
            words = beside.kernel_av(name)
            if words in shown or any(beside.our_av(own) == words for own in (mine or {}).get("chain", [])):
                continue
            key = f"K{name}"
            self.ghosts[key] = Node(key=key, rank=1, title=words, subtitle="only in the kernel's chain", state="kernel",
                                    kernel="only the kernel's vma hangs on this anon_vma")  # fmt: skip
            self.more.append(Link(source=key, target=target, state="kernel", kernel="only the kernel has this avc"))
