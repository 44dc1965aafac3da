"""Objects on a slab page, and the counts of a live machine of 2002 that follow from them exactly."""

from __future__ import annotations

import pytest

from rmapexplorer.core.design import Design
from rmapexplorer.core.sizes import I386, X86_64, slab_objects, slab_pages, slub_objects
from rmapexplorer.core.units import Machine
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS


@pytest.mark.parametrize(
    ("size", "arch", "objects"),
    [
        *((32, I386, 113), (64, I386, 59), (128, I386, 30)),
        *((12, I386, 254), (24, X86_64, 144), (24, I386, 145)),
        *((64, I386, 59), (84, I386, 46), (128, X86_64, 30), (168, X86_64, 23)),
    ],
)
def test_objects_on_a_page(size: int, arch: str, objects: int) -> None:
    """cache_estimate of mm/slab.c 2.6 with kmem_bufctl_t of 4 bytes and the slab's management on its page.

    pte_chain of 32, 64 and 128 bytes, anon_vma of both word sizes, anonmm, vm_area_struct of 2.6.5 and 2.6.7.
    """
    assert slab_objects(size, arch) == objects


def test_peter_wongs_slabs() -> None:
    """3,411,018 active pte_chains of 32 bytes in 30,186 slabs: a decision-support database on 2.5.26, 2002-09-17.

    OF6165D951.694A9B41-ON85256C36.00684F02@pok.ibm.com, quoted in 20030220194759.15d5d932.akpm@digeo.com.
    """
    assert 30_186 * slab_objects(32, I386) == 3_411_018
    assert slab_pages(3_411_018, slab_objects(32, I386)) == 30_186
    assert slab_pages(3_411_019, slab_objects(32, I386)) == 30_187


def test_an_anon_vma_costs_its_share_of_the_page() -> None:
    """16.13 bytes for the 12 of struct anon_vma on i386: 4096 / 254."""
    assert round(4096 / slab_objects(12, I386), 2) == 16.13


def test_objects_of_today() -> None:
    """/proc/slabinfo of 6.18.44: anon_vma 104 bytes, 39 on a page; vm_area_struct 192, 21; anon_vma_chain 64, 64."""
    assert (slub_objects(104), slub_objects(192), slub_objects(64)) == (39, 21, 64)


def test_no_objects_need_no_page() -> None:
    assert slab_pages(0, 113) == 0
    assert [slab_pages(n, 113) for n in (1, 113, 114)] == [1, 1, 2]


@pytest.mark.parametrize("arch", [I386, X86_64])
@pytest.mark.parametrize("kind", DESIGNS, ids=lambda kind: kind.key)
def test_every_size_names_its_source(kind: type[Design], arch: str) -> None:
    rows = World(kind(), Machine(arch=arch)).footprint()
    assert rows
    assert all(row.size > 0 and row.source for row in rows)
    assert len({row.kind for row in rows}) == len(rows)
