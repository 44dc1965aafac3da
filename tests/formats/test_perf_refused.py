"""Calls that the recorded kernel refused at vm.max_map_count stay in the history, at their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from rmapexplorer.core.operations import Madvise, Mlock, Mmap, Mprotect, Mremap, Mseal, Munlock, Munmap, Spawn
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS, design_named
from rmapexplorer.formats import codec
from rmapexplorer.formats.perf import load_perf
from rmapexplorer.formats.script_cursor import Cursor
from rmapexplorer.formats.script_operations import print_operation, read_line

from .lines import ADDR, started

RECORDING = Path(__file__).parents[1] / "data" / "inputs" / "max-map-count.perf.txt"
VPN = ADDR >> 12
HERE = Span(VPN, VPN + 2)
FULL = Span(VPN, VPN + 1)

REFUSED = [
    ("munmap", [ADDR, 8192], -12, Munmap(pid=5, span=HERE, refused=True)),
    ("mprotect", [ADDR, 8192, 1], -12, Mprotect(pid=5, span=HERE, prot="r", refused=True)),
    ("pkey_mprotect", [ADDR, 8192, 1, 0], -12, Mprotect(pid=5, span=HERE, prot="r", refused=True)),
    ("madvise", [ADDR, 8192, 10], -11, Madvise(pid=5, span=HERE, advice="dontfork", refused=True)),
    ("mlock", [ADDR, 8192], -12, Mlock(pid=5, span=HERE, refused=True)),
    ("mlock2", [ADDR, 8192, 1], -12, Mlock(pid=5, span=HERE, onfault=True, refused=True)),
    ("munlock", [ADDR, 8192], -12, Munlock(pid=5, span=HERE, refused=True)),
    ("mseal", [ADDR, 8192, 0], -12, Mseal(pid=5, span=HERE, refused=True)),
    ("mmap", [0, 8192, 3, 0x22, -1, 0], -12, Mmap(pid=5, span=Span(0, 2), refused=True)),
    ("mmap", [ADDR, 8192, 1, 0x4001, 3, 0], -12,
     Mmap(pid=5, span=HERE, prot="r", kind="file-shared", file="unnamed file", flags=("noreserve",), refused=True)),
    ("mremap", [ADDR, 8192, 16384, 1], -12, Mremap(pid=5, span=HERE, new_pages=4, refused=True)),
    ("mremap", [ADDR, 8192, 8192, 7, ADDR + 0x9000], -12,
     Mremap(pid=5, span=HERE, new_pages=2, to=VPN + 9, dontunmap=True, refused=True)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "result", "op"), REFUSED)
def test_a_refused_call_is_an_operation(name, values, result, op):
    script = started().call("5", name, [value & (1 << 64) - 1 for value in values], result)
    assert script.ops() == [op] and script.report() == ()
    assert codec.decode(codec.encode(op)) == op
    line = print_operation(op)
    cursor = Cursor(line, 1, ())
    assert read_line(cursor, cursor.raw()).ready == op and line.endswith(" refused")


@pytest.mark.parametrize("values", [[ADDR, 0, 1], [ADDR], [(1 << 63), 4096, 1]])
def test_one_whose_values_make_no_call_is_a_line_of_the_report(values):
    script = started().call("5", "mprotect", values, -12)
    assert script.ops() == [] and script.report() == ("1 x mprotect: failed with error 12",)


@pytest.mark.parametrize("design", [kind.key for kind in DESIGNS])
def test_the_recording_of_a_process_at_the_limit(design):
    session = load_perf(str(RECORDING))
    assert session.report == () and session.machine.max_map_count == 65530
    world = World(design_named(design), session.machine)
    outcomes = [world.apply(op) for op in session.operations]
    assert [outcome.error for outcome in outcomes[:-1]] == [None] * (len(outcomes) - 1)
    assert outcomes[-1].error == "ENOMEM" and session.operations[-1].name == "mprotect"
    known = len(world.mms[world.tasks[78000].mm].vmas)
    assert outcomes[-1].rule == (
        f"vm.max_map_count (65,530) reached: {known} vmas are known here, the recorded process may have had more"
    )


def world_of(limit: int | None, *operations) -> World:
    world = World(design_named("anon_vma_chain"), Machine(max_map_count=limit))
    for op in (Spawn(pid=5), *operations):
        assert world.apply(op).ok
    return world


def test_what_the_world_finds_itself_it_says_itself():
    """At the limit the first of two splits is done and stays, as the kernel leaves it; at a hole what lies before is done."""
    area = Mmap(pid=5, span=Span(VPN, VPN + 8))
    inside = Mprotect(pid=5, span=Span(VPN + 2, VPN + 3), prot="r", refused=True)
    world = world_of(2, area)
    outcome = world.apply(inside)
    assert outcome.error == "ENOMEM" and outcome.rule == "vm.max_map_count (2) reached: 2 vmas"
    assert len(world.mms[0].vmas) == 2
    world = world_of(100, area)
    assert world.apply(Mprotect(pid=5, span=Span(VPN + 4, VPN + 12), prot="r", refused=True)).error == "ENOMEM"
    assert len(world.mms[0].vmas) == 2


def test_what_only_the_recorded_kernel_found_changes_nothing():
    area = Mmap(pid=5, span=Span(VPN, VPN + 8))
    for op in (op for *_, op in REFUSED):
        world = world_of(None, area)
        before = world.digest()
        outcome = world.apply(op)
        assert outcome.error == ("EAGAIN" if isinstance(op, Madvise) else "ENOMEM")
        assert outcome.rule == "the recorded kernel refused it; 1 vmas are known here"
        assert world.digest() == before
    assert "no memory for it, or vm.max_map_count (50) reached" in world_of(50, area).apply(REFUSED[4][3]).rule
    assert world_of(1, area).apply(REFUSED[8][3]).rule == "vm.max_map_count (1) reached: 1 vmas"
