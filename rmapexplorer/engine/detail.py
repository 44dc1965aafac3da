"""Everything about the selected page, vma and owner, in the kernel's field names with a line of meaning each.

Looking changes nothing: walks are priced, never run.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rmapexplorer.core import merge, walk
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.world import World
from rmapexplorer.engine.entries import mapped_page, page_fields, process_fields, vma_fields
from rmapexplorer.engine.file_picture import file_fields, file_of
from rmapexplorer.engine.frames import Detail, Field, MergeVerdict, OtherDesign, WalkDetail, WalkStep
from rmapexplorer.engine.picture import processes_of, structure

STEPS_SHOWN = 2000
"""Longer walks are counted whole but listed so far."""
SPOTS_SHOWN = 5000

REMEDIES = {
    "special": "Nothing: the kernel keeps its own mappings apart.",
    "flags": "Give both sides the same protection and the same advice: mprotect or madvise the one that differs.",
    "file": "Nothing: two files, or a file and anonymous memory, never share a vma.",
    "pgoff": "Move it with mremap to where pgoff and address agree, or unmap it and map it again untouched.",
    "anon_vma": "Unmap one side and map it again: an untouched vma adopts its neighbour's anon_vma.",
    "unfaulted": "Write to a page of the untouched side first: it then takes its neighbour's anon_vma for its own.",
    "fork child": "Let the child exec or exit: a vma that shares its anon_vma with another process is kept apart.",
}


def detail(worlds: Mapping[str, World], key: str, pid: int, vpn: int) -> Detail | None:
    """The details of page number ``vpn`` of process ``pid`` in the design ``key``.

    :param vpn: -1: the process alone. :return: None where there is no such process.
    """
    world = worlds[key]
    task = world.tasks.get(pid)
    if task is None or task.mm not in world.mms:
        return None
    title = f"{task.comm} {pid}".strip()
    mm = world.mms[task.mm]
    process = process_fields(world, mm)
    if vpn < 0:
        return Detail(pid=pid, vpn=-1, title=title, process=process)
    vma = world.vma_at(mm, vpn)
    page = mapped_page(world, mm, vpn)
    owner_title, owner = _owner(world, page, vma)
    steps, walked = _walk(world, page) if page >= 0 else ([], None)
    return Detail(
        pid=pid,
        vpn=vpn,
        title=f"page {vpn:x} of {title}",
        page=page_fields(world, mm, vma, vpn),
        process=process,
        vma=vma_fields(world, vma) if vma >= 0 else (),
        vma_span=(int(world.vma.start[vma]), int(world.vma.end[vma])) if vma >= 0 else None,
        owner=owner,
        owner_title=owner_title,
        walk=walked,
        merges=_merges(world, vma),
        others=tuple(_other(name, other, pid, vpn) for name, other in worlds.items()),
        structure=structure(world, page, vma, (pid, vpn), steps),
        family=int(world.design.vma_owner(np.array([vma], np.int64))[0]) if vma >= 0 else -1,
    )


def _owner(world: World, page: int, vma: int) -> tuple[str, tuple[Field, ...]]:
    if page < 0 and vma < 0:
        return "", ()
    if file_of(world, page, -1) >= 0 and not world.design.FILE_PAGES_OWN_WAY:
        return file_fields(world, page)
    title, lines = world.design.owner_fields(page, vma)
    return title, tuple(Field(name=name, value=value, meaning=meaning) for name, value, meaning in lines)


def _walk(world: World, page: int) -> tuple[list[walk.Step], WalkDetail]:
    steps, priced = walk.steps_of(world, page)
    processes = processes_of(world)
    mms, vpns = world.mappers(page)
    mapped = int(world.page.mapcount[page])
    spots = [(processes[mm][0], vpn) for mm, vpn in zip(mms.tolist(), vpns.tolist(), strict=True) if mm in processes]
    missed = max(0, mapped - int(priced.hits[0]))
    note = f"{missed} of {mapped} ptes are not found: the page cannot be reclaimed." if missed else ""
    if len(steps) > STEPS_SHOWN:
        note = f"The first {STEPS_SHOWN:,} of {len(steps):,} candidates are listed. {note}".strip()
    return steps, WalkDetail(
        steps=tuple(_step(world, step, processes) for step in steps[:STEPS_SHOWN]),
        nodes=int(priced.nodes[0]),
        probes=int(priced.probes[0]),
        hits=int(priced.hits[0]),
        missed=missed,
        find_vma=priced.find_vma,
        mapped=mapped,
        note=note,
        spots=tuple(sorted(spots)[:SPOTS_SHOWN]),
    )


def _step(world: World, step: walk.Step, processes: Mapping[int, tuple[int, str]]) -> WalkStep:
    vma = step.vma if step.vma >= 0 else _vma_of(world, step.mm, step.vpn)
    pid, comm = processes.get(step.mm, (0, ""))
    note = "" if step.hit else _miss(world, step, vma)
    return WalkStep(
        pid=pid,
        comm=comm,
        start=int(world.vma.start[vma]) if vma >= 0 else -1,
        end=int(world.vma.end[vma]) if vma >= 0 else -1,
        vpn=step.vpn,
        hit=step.hit,
        nodes=step.nodes,
        note=note,
    )


def _vma_of(world: World, mm: int, vpn: int) -> int:
    return world.vma_at(world.mms[mm], vpn) if mm in world.mms else -1


def _miss(world: World, step: walk.Step, vma: int) -> str:
    if vma < 0:
        return "no vma there"
    mm: Mm = world.mms[step.mm]
    entry = world.pt.get(mm.tables, step.vpn)
    if not entry:
        return "no pte there"
    return "another page is mapped there" if mapped_page(world, mm, step.vpn) >= 0 else "no page is present there"


def _merges(world: World, vma: int) -> tuple[MergeVerdict, ...]:
    if vma < 0:
        return ()
    table = world.vma
    mine = (int(table.start[vma]), int(table.end[vma]))
    found = {side: (row, why) for side, row, why in merge.verdicts(world, vma)}
    out = []
    for side in ("left", "right"):
        row, why = found.get(side, (-1, None))
        theirs = (int(table.start[row]), int(table.end[row])) if row >= 0 else None
        remedy = REMEDIES.get(why.rule, "") if why else ""
        out.append(MergeVerdict(side=side, mine=mine, theirs=theirs, refusal=why, remedy=remedy))
    return tuple(out)


def _other(key: str, world: World, pid: int, vpn: int) -> OtherDesign:
    task = world.tasks.get(pid)
    page = mapped_page(world, world.mms[task.mm], vpn) if task and task.mm in world.mms else -1
    nodes = probes = hits = missed = 0
    if page >= 0:
        priced = walk.price(world, world.candidates(np.array([page], np.int64))[0])
        nodes, probes, hits = int(priced.nodes[0]), int(priced.probes[0]), int(priced.hits[0])
        missed = max(0, int(priced.missed[0]))
    return OtherDesign(
        design=key,
        nodes=nodes,
        probes=probes,
        hits=hits,
        missed=missed,
        copied_by_mremap=world.counters["copied_by_mremap"],
        copied_by_design=world.counters["copied_by_design"],
        footprint_bytes=sum(kept.objects * kept.size for kept in world.footprint()),
    )
