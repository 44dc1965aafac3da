"""What the calls of each era know: a table, with the versions of the manual pages and commits, and what follows."""

from __future__ import annotations

import pytest

from rmapexplorer.core import flags as vm
from rmapexplorer.core import operations as o
from rmapexplorer.core.rules import ADVICES_SINCE, CHANGES, ERAS, rules_of, version
from rmapexplorer.core.units import KernelError, Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named

NAMES = ("2.6.7", "2.6.34", "3.0", "4.0", "6.0", "6.18")
TABLE = {
    # since commit d992895ba2b2 in 2.6.14
    "fork_skips_file_ptes": (0, 1, 1, 1, 1, 1),
    # mremap(2): 6.17 moves several mappings
    "mremap_many": (0, 0, 0, 0, 0, 1),
    "mremap_checks_first": (0, 0, 0, 0, 0, 1),
    # ca3d76b0aa80 in 6.1: a regression of 6.1 was bisected to it
    "mremap_grow_merges": (0, 0, 0, 0, 0, 1),
    # mremap(2): MREMAP_DONTUNMAP since Linux 5.7
    "dontunmap": (0, 0, 0, 0, 1, 1),
    # remap_file_pages(2): from Linux 4.0 a slower in-kernel emulation
    "nonlinear": (1, 1, 1, 0, 0, 0),
    # mmap(2): MAP_FIXED_NOREPLACE since Linux 4.17
    "fixed_noreplace": (0, 0, 0, 0, 1, 1),
    # mlock(2): mlock2 since Linux 4.4
    "onfault": (0, 0, 0, 0, 1, 1),
    # mseal(2): since Linux 6.10
    "mseal": (0, 0, 0, 0, 0, 1),
    # PR_SET_MEMORY_MERGE(2const): since Linux 6.4
    "ksm_merge_any": (0, 0, 0, 0, 0, 1),
    # 6c287605fd56 in 5.19
    "anon_exclusive": (0, 0, 0, 0, 1, 1),
    # 64fe24a3e05e in 6.0: its repair 76aefad628aa is among the merges before 6.0
    "mprotect_maps_writable": (0, 0, 0, 0, 1, 1),
    # in the pull request of mm-stable-2023-11-01, for 6.7
    "unfaulted_unaccounted": (0, 0, 0, 0, 0, 1),
    # 8c6e50b0290c in 3.15
    "fault_around": (1, 1, 1, 16, 16, 16),
    # a626ca6a6564 in 2.6.39; recalled: shared memory since 3.4, checked first since 3.12; dba58d3b8c50 in 4.14
    "pgoff_never_wraps": (0, 0, 1, 1, 1, 1),
    "shared_never_grows": (0, 0, 0, 1, 1, 1),
    "growsdown_checked_first": (0, 0, 0, 1, 1, 1),
    "mremap_duplicates_private": (1, 1, 1, 1, 0, 0),
    # 320b2b8de126 in 2.6.36, 1be7107fbe18 in 4.12
    "stack_guard_pages": (0, 0, 1, 1, 256, 256),
}
# madvise(2), "since Linux ..."; which eras know it
ADVICES = {
    "normal": "111111", "dontneed": "111111", "remove": "011111", "dontfork": "011111", "mergeable": "011111",
    "hugepage": "001111", "nohugepage": "001111", "dontdump": "000111", "free": "000011", "wipeonfork": "000011",
    "cold": "000011", "pageout": "000011", "populate_read": "000011", "dontneed_locked": "000011",
    "guard_install": "000001", "guard_remove": "000001",
}  # fmt: skip


def _world(era: str, *ops: o.Operation) -> World:
    w = World(design_named("anon_vma_chain"), Machine(calls=era, processes=((1, "P"),)))
    for op in ops:
        assert w.apply(op).error is None, op
    return w


def _map(start: int, end: int, **more: object) -> o.Mmap:
    return o.Mmap(pid=1, span=Span(start, end), **{"prot": "rw", "kind": "anon", **more})  # type: ignore[arg-type]


def _touch(start: int, end: int, access: str = "w", pid: int = 1) -> o.Touch:
    return o.Touch(pid=pid, runs=((start, end, access),))


def test_the_eras_and_an_unknown_one() -> None:
    assert sorted((rules.era for rules in ERAS), key=version) == list(NAMES) and ERAS[0].era == "6.18"
    with pytest.raises(KernelError, match="not simulated; known"):
        rules_of("5.5")


@pytest.mark.parametrize("name", TABLE)
def test_table(name: str) -> None:
    assert tuple(int(getattr(rules_of(era), name)) for era in NAMES) == TABLE[name]


def test_every_rule_has_a_source() -> None:
    for name, change in {**CHANGES, **ADVICES_SINCE}.items():
        assert change.source and version(change.since) > version("2.6.7"), name
    unsure = {name for name, change in {**CHANGES, **ADVICES_SINCE}.items() if not change.sure}
    assert unsure == {
        "stack_guard_page", "shared_never_grows", "growsdown_checked_first", "map_count_below_elf", "munmap_passes_limit",
    }  # fmt: skip


@pytest.mark.parametrize("advice", ADVICES)
def test_advices(advice: str) -> None:
    known = ""
    for era in NAMES:
        out = _world(era, _map(16, 32, **({"kind": "file-shared", "file": "f"} if advice == "remove" else {}))).apply(
            o.Madvise(pid=1, span=Span(16, 20), advice=advice)
        )
        known += "0" if out.error else "1"
        assert out.error is None or (out.error == "EINVAL" and f"the calls are those of {era}" in out.rule)
    assert known == ADVICES[advice]


@pytest.mark.parametrize(
    ("op", "errno", "first"),
    [
        (o.Mseal(pid=1, span=Span(16, 20)), "ENOSYS", "6.18"),
        (o.Mlock(pid=1, span=Span(16, 20), onfault=True), "ENOSYS", "6.0"),
        (o.Mremap(pid=1, span=Span(16, 20), new_pages=4, to=64, dontunmap=True), "EINVAL", "6.0"),
        (o.Ksm(pid=1, enable=True), "EINVAL", "6.18"),
        (o.Mremap(pid=1, span=Span(16, 40), new_pages=24, to=64), "EFAULT", "6.18"),
    ],
)
def test_calls_before_their_time(op: o.Operation, errno: str, first: str) -> None:
    for era in NAMES:
        out = _world(era, _map(16, 32), _map(32, 40, prot="r")).apply(op)
        assert out.error == (errno if NAMES.index(era) < NAMES.index(first) else None), era


def test_a_refused_move_had_unmapped_its_target_before_6_17() -> None:
    for era, left in (("2.6.7", 0), ("6.0", 0), ("6.18", 8)):
        w = _world(era, _map(16, 20), _map(64, 72))
        assert w.apply(o.Mremap(pid=1, span=Span(16, 30), new_pages=8, to=64)).error == "EFAULT"
        rows = w.vmas_in(w.mm_of(1), 64, 72)
        assert sum(int(w.vma.end[row] - w.vma.start[row]) for row in rows) == left, era


def test_an_unknown_noreplace_makes_the_address_a_hint() -> None:
    for era in NAMES:
        w = _world(era, _map(16, 32), _map(34, 40, prot="r"))
        out = w.apply(_map(20, 24, flags=("noreplace",)))
        spans = [(int(w.vma.start[row]), int(w.vma.end[row])) for row in w.mm_of(1).vmas]
        if rules_of(era).fixed_noreplace:
            assert out.error == "EEXIST" and spans == [(16, 32), (34, 40)]
        else:
            assert out.error is None and spans == [(16, 32), (34, 40), (40, 44)]


def test_mprotect_to_writable_and_back_costs_a_fault_before_6_0() -> None:
    for era in NAMES:
        w = _world(era, _map(16, 20), _touch(16, 20), o.Mprotect(pid=1, span=Span(16, 20), prot="r"))
        w.apply(o.Mprotect(pid=1, span=Span(16, 20), prot="rw"))
        faults = w.apply(_touch(16, 20)).deltas.get("faults", 0)
        assert faults == (0 if era in ("6.0", "6.18") else 4), era


def test_account_of_an_unfaulted_vma() -> None:
    for era in NAMES:
        w = _world(era, _map(16, 20), o.Mprotect(pid=1, span=Span(16, 20), prot="r"))
        accounted = bool(int(w.vma.flags[w.mm_of(1).vmas[0]]) & vm.ACCOUNT)
        assert accounted == (era != "6.18"), era


@pytest.mark.parametrize("era", NAMES)
def test_the_last_mapper_reuses_its_page(era: str) -> None:
    w = _world(era, _map(16, 20), _touch(16, 20), o.Fork(pid=1, child=2, comm="c"), o.Exit(pid=2))
    out = w.apply(_touch(16, 20))
    assert out.deltas.get("copied_by_write", 0) == 0 and out.deltas["faults"] == 4
    w = _world(era, _map(16, 20), _touch(16, 20), o.Fork(pid=1, child=2, comm="c"))
    assert w.apply(_touch(16, 20)).deltas["copied_by_write"] == 4


@pytest.mark.parametrize("era", NAMES)
def test_swapped_pages_come_back_in_every_era(era: str) -> None:
    w = _world(era, _map(16, 20), _touch(16, 20), o.Reclaim(), _touch(16, 18, "r"), _touch(16, 20))
    assert int((w.page.mapcount[w.anonymous_pages()] == 1).sum()) == 4
    assert w.apply(_touch(16, 20)).deltas.get("faults", 0) == 0
