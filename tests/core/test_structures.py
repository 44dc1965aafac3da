"""The table of sizes: what was published and measured, and every design with a source beside each number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rmapexplorer import cli
from rmapexplorer.core.sizes import I386, X86_64
from rmapexplorer.core.structures import STRUCTURES, Structure
from rmapexplorer.core.units import Machine
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS, design_named
from rmapexplorer.designs.structure_sizes import MACHINES, design_sizes, forms, size_table


def named(name: str, kernel: str) -> Structure:
    (row,) = (row for row in STRUCTURES if (row.name, row.kernel) == (name, kernel))
    return row


@pytest.mark.parametrize(
    ("name", "kernel", "i386", "x86_64"),
    [
        *(("page", "2.4", 44, 88), ("page", "2.6.4", 40, 80), ("page", "2.6.5", 32, 56), ("page", "2.6.7", 32, 56)),
        *(("vm_area_struct", "2.6.5", 64, 128), ("vm_area_struct", "RFC2", 76, 152)),
        *(("vm_area_struct", "2.6.7", 84, 168), ("vm_area_struct", "6.18.44", None, 192)),
        *(("address_space", "2.6.4", 128, 240), ("prio_tree_node", "2.6.7", 12, 24)),
        *(("rmap_chain", "anobjrmap-5, 2003", 32, 64), ("anon_vma", "6.18.44", None, 104)),
    ],
)
def test_structures_of_each_kernel(name: str, kernel: str, i386: int | None, x86_64: int | None) -> None:
    """Field lists of the headers; 64 bytes of vm_area_struct 2.6.5 were published, those of 6.18.44 read from its BTF."""
    row = named(name, kernel)
    assert (row.bytes_on(I386), row.bytes_on(X86_64)) == (i386, x86_64)


def test_a_vma_grew_by_its_linkage() -> None:
    """RFC2: a list_head and a pointer; 2.6.7: prio_tree 8 (16) and anon_vma 12 (24) bytes more than 2.6.5."""
    old, rfc, new = (named("vm_area_struct", kernel) for kernel in ("2.6.5", "RFC2", "2.6.7"))
    for word, arch in ((4, I386), (8, X86_64)):
        sizes = [row.bytes_on(arch) or 0 for row in (old, rfc, new)]
        assert [size - sizes[0] for size in sizes] == [0, 3 * word, 5 * word]


def test_objects_on_a_page() -> None:
    """SLAB of 2.6: 59 and 46 vmas of i386, 23 of x86_64, 254 anon_vmas; SLUB of 6.18: 21, 39; pages lie in an array."""
    assert [named("vm_area_struct", k).per_page(I386) for k in ("2.6.5", "2.6.7")] == [59, 46]
    assert named("vm_area_struct", "2.6.7").per_page(X86_64) == 23
    assert named("anon_vma", "2.6.7").per_page(I386) == 254
    assert [named(name, "6.18.44").per_page(X86_64) for name in ("vm_area_struct", "anon_vma")] == [21, 39]
    assert named("page", "2.6.7").per_page(I386) is None


def test_every_row_has_a_source_and_stands_once() -> None:
    for heading, rows in size_table():
        assert rows, heading
        assert all(row.source and (row.i386 or row.x86_64) for row in rows)
        assert len({(row.name, row.kernel) for row in rows}) == len(rows)


@pytest.mark.parametrize("kind", DESIGNS, ids=lambda kind: kind.key)
def test_sizes_of_a_design_are_those_it_counts_with(kind: type) -> None:
    """In every form of every design each kind of object has a row with its bytes on both architectures."""
    rows = design_sizes(kind)
    for machine in MACHINES:
        known = {(row.name, row.bytes_on(machine.arch)) for row in rows}
        for key in forms(kind):
            assert {(row.kind, row.size) for row in World(design_named(key), machine).footprint()} <= known


def test_forms_are_each_value_of_each_option() -> None:
    kind = next(kind for kind in DESIGNS if kind.key == "anon_vma_chain")
    assert forms(kind) == [
        "anon_vma_chain",
        *(f"anon_vma_chain:era={v}" for v in ("2.6.34", "3.0", "3.7", "4.0", "6.0")),
    ]
    anon_vma = next(kind for kind in DESIGNS if kind.key == "anon_vma")
    assert "anon_vma:alloc=fork" not in forms(anon_vma)  # needs direct=


def test_bytes_are_what_slabs_are_counted_with() -> None:
    """per_page of the table == slab_pages of the footprint, for a design on SLAB and one on SLUB."""
    for key, name in (("anonmm", "anonmm"), ("anon_vma_chain", "anon_vma")):
        kind = next(kind for kind in DESIGNS if kind.key == key)
        row = next(row for row in design_sizes(kind) if row.name == name)
        design = World(design_named(key), Machine()).design
        full = row.per_page(X86_64)
        assert full is not None
        assert [design.footprint_row(name, n).slab_pages for n in (full, full + 1)] == [1, 2]


def test_command_prints_sizes_with_sources(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert cli.main(["designs", "--sizes"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for word in ("vm_area_struct", "pte_chain", "anon_vma_chain", "BTF"):
        assert word in out


def test_command_writes_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sizes.json"
    assert cli.main(["designs", "--sizes", "--json", str(path)]) == 0
    capsys.readouterr()
    data = json.loads(path.read_text(encoding="utf-8"))["sizes"]
    assert len(data) == 1 + len(DESIGNS)
    assert data["structures of every design"][4] == {
        "structure": "page", "kernel": "6.18.44", "i386": {"bytes": None, "per_page": None},
        "x86_64": {"bytes": 64, "per_page": None}, "source": "BTF of 6.18.44, measured",
    }  # fmt: skip


def test_json_to_standard_output_is_json_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["designs", "--sizes", "--json", "-"]) == 0
    assert "anonmm (anonmm)" in json.loads(capsys.readouterr().out)["sizes"]


@pytest.mark.parametrize(("words", "code"), [(["--json", "-"], 2), (["--sizes", "--json", "/nowhere/x"], 3)])
def test_command_says_what_is_wrong(words: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["designs", *words]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
