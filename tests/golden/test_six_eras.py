"""The scenario "Six eras": era by era what its steps leave, each line with its source."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attrs import evolve, frozen

from rmapexplorer.core.outcome import Outcome
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named, name_in_era
from rmapexplorer.formats.session import Session, load_session
from rmapexplorer.resources import resource

ERAS = ("2.6.7", "2.6.34", "3.0", "4.0", "6.0", "6.18")
SCENARIO: Session = load_session(str(resource("scenarios/six-eras.rmap")))

Measure = Callable[[World, Outcome], object]


def vmas(pid: int, start: int, end: int) -> Measure:
    """The vmas of a process in a span, as ``a00-a04 a04-a08``."""

    def measure(w: World, out: Outcome) -> str:
        rows = w.vmas_in(w.mm_of(pid), start, end)
        return " ".join(f"{int(w.vma.start[row]):x}-{int(w.vma.end[row]):x}" for row in rows)

    return measure


def pgoff(pid: int, page: int) -> Measure:
    """vm_pgoff of the vma at a page."""
    return lambda w, out: f"{int(w.vma.pgoff[w.vma_at(w.mm_of(pid), page)]):x}"


def errno(w: World, out: Outcome) -> str:
    """How the call ended."""
    return out.error or "ok"


def faults(w: World, out: Outcome) -> int:
    """Faults it took."""
    return out.deltas.get("faults", 0)


def refused(w: World, out: Outcome) -> str:
    """Rules of refused merges."""
    return " ".join(why.rule for why in out.refusals)


def anon_vmas(w: World, out: Outcome) -> int:
    """anon_vmas that exist."""
    return next(row.objects for row in w.footprint() if row.kind == "anon_vma")


@frozen
class Line:
    """One line of the table: after the operation number ``position``, era by era."""

    position: int
    what: Measure
    values: tuple[object, ...]
    source: str


def _since(first: str, before: object, after: object) -> tuple[object, ...]:
    return tuple(after if number >= ERAS.index(first) else before for number in range(len(ERAS)))


TABLE: dict[str, Line] = {
    "fork child, vmas": Line(4, vmas(2, 0xA00, 0xA10), _since("3.0", "a00-a08", "a00-a04 a04-a08"), "965f55dea0e3"),
    "fork child, rule": Line(4, refused, _since("3.0", "", "fork child"), "965f55dea0e3"),
    "faulted into unfaulted": Line(
        8, vmas(1, 0xB00, 0xB10),
        ("b00-b08", "b00-b08", "b00-b04 b04-b08", "b00-b04 b04-b08", "b00-b04 b04-b08", "b00-b08"),
        "965f55dea0e3 in 3.0, 879bca0a2c4f in 6.16",
    ),
    "faulted into unfaulted, rule": Line(
        8, refused, ("", "", "unfaulted", "unfaulted", "unfaulted", ""), "965f55dea0e3 in 3.0, 879bca0a2c4f in 6.16"
    ),
    "VM_ACCOUNT": Line(
        11, vmas(1, 0xC00, 0xC10), _since("6.18", "c00-c04 c04-c08", "c00-c08"),
        "6.7, mm/mprotect: allow unfaulted VMAs to be unaccounted on mprotect()",
    ),
    "pgoff reset": Line(13, pgoff(1, 0xD20), ("d20",) * 6, "copy_vma: faulted_in_anon_vma; in 2.6.7 as well"),
    "pgoff reset, then a merge": Line(14, vmas(1, 0xD20, 0xD30), ("d20-d28",) * 6, "can_vma_merge_after"),
    "growing in place": Line(17, vmas(1, 0xE00, 0xE10), _since("6.18", "e00-e08 e08-e0c", "e00-e0c"), "ca3d76b0aa80 in 6.1"),
    "mremap of two vmas": Line(20, errno, _since("6.18", "EFAULT", "ok"), "d23cb648e365 in 6.17"),
    "mremap of two vmas, moved": Line(
        20, vmas(1, 0xF20, 0xF30), _since("6.18", "", "f20-f24 f24-f28"), "d23cb648e365 in 6.17"
    ),
    "refused move": Line(23, errno, ("EFAULT",) * 6, "mremap(2)"),
    "refused move, what lay there": Line(
        23, vmas(1, 0xF60, 0xF70), _since("6.18", "", "f60-f68"), "6.17, mm/mremap: check remap conditions earlier"
    ),
    "reuse of pages": Line(28, faults, _since("6.0", 4, 0), "6c287605fd56 in 5.19, 64fe24a3e05e in 6.0"),
    "reuse of anon_vmas, serial": Line(
        31, anon_vmas, (3, 6, 6, 5, 5, 5), "7a3ef208e662 in 3.19; in 2.6.7 a family has one"
    ),
    "reuse of anon_vmas, twice": Line(34, anon_vmas, (3, 8, 8, 5, 6, 6), "2555283eb40d in 6.0"),
    "file ptes at fork": Line(39, faults, (0, 16, 16, 1, 1, 1), "d992895ba2b2 in 2.6.14, 8c6e50b0290c in 3.15"),
    "remap_file_pages": Line(
        41, vmas(1, 0x1200, 0x1210), _since("4.0", "1200-1208", "1200-1202 1202-1204 1204-1208"), "c8d78c1823f4 in 4.0"
    ),
    "MADV_DONTFORK": Line(43, errno, _since("2.6.34", "EINVAL", "ok"), "f822566165dd in 2.6.16"),
    "mlock2": Line(44, errno, _since("6.0", "ENOSYS", "ok"), "b0f205c2a308 in 4.4"),
    "MAP_FIXED_NOREPLACE": Line(46, errno, _since("6.0", "ok", "EEXIST"), "a4ff8e8620d3 in 4.17"),
    "MREMAP_DONTUNMAP": Line(47, errno, _since("6.0", "EINVAL", "ok"), "e346b3813067 in 5.7"),
    "mseal": Line(49, errno, _since("6.18", "ENOSYS", "ok"), "8be7258aad44 in 6.10"),
    "MADV_GUARD_INSTALL": Line(51, errno, _since("6.18", "EINVAL", "ok"), "662df3e5c376 in 6.13"),
}  # fmt: skip


@pytest.fixture(scope="module")
def found() -> dict[str, list[object]]:
    """The table as simulated: 2.6.7 under the anon_vma of its time, the others under anon_vma_chain of theirs."""
    out: dict[str, list[object]] = {name: [] for name in TABLE}
    for era in ERAS:
        design = "anon_vma" if era == "2.6.7" else name_in_era("anon_vma_chain", era)
        w = World(design_named(design), evolve(SCENARIO.machine, calls=era))
        for position, op in enumerate(SCENARIO.operations, 1):
            outcome = w.apply(op)
            for name, line in TABLE.items():
                if line.position == position:
                    out[name].append(line.what(w, outcome))
    return out


@pytest.mark.parametrize("name", TABLE)
def test_table(name: str, found: dict[str, list[object]]) -> None:
    assert TABLE[name].source
    assert tuple(found[name]) == TABLE[name].values


def test_every_neighbouring_pair_of_eras_parts_somewhere() -> None:
    for before in range(len(ERAS) - 1):
        assert any(line.values[before] != line.values[before + 1] for line in TABLE.values()), ERAS[before]


def test_the_note_of_every_line_names_its_source() -> None:
    notes = {note.position: note.text for note in SCENARIO.notes}
    for line in TABLE.values():
        commits = [word for word in line.source.replace(",", " ").split() if len(word) == 12 and word.isalnum()]
        text = notes.get(line.position) or notes[min(p for p in notes if p > line.position)]
        assert all(commit in text for commit in commits), line.source
