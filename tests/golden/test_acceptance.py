"""The acceptance set of ten, and which test holds each item; and W3's bytes, which nothing else states exactly.

 1 objects on a slab page, Peter Wong's 30,186 slabs, slots of a pte_chain block
 2 F1 blocks of k mappings, F2 slots compared by removals
 3 F4 probes for 1,000 children's own pages: 500,500 and 1,000
 4 F6 probes for a page left to child j = 1, n / 2, n
 5 test-mmap3: 576,000 vmas on a file, 288,016 nodes of a list in the mean, at most 64 + 32 of a tree
 6 C1 ptes lost, pages copied, blocks allocated by mremap of shared pages
 7 C8 direct pages lost by a split
 8 C9 merges of plain calls are never refused, some after mremap are
 9 W3 bytes of pte_chains for shared memory
10 W6 adoption changes the number of vmas
"""

from __future__ import annotations

import ast
from fractions import Fraction
from pathlib import Path

import pytest

from rmapexplorer.core.units import PAGE_BYTES

TESTS = Path(__file__).parents[1]
HELD_BY = {
    1: (
        "golden/test_slab_figures.py::test_objects_on_a_page",
        "golden/test_slab_figures.py::test_peter_wongs_slabs",
        "golden/test_closed_forms.py::test_slots_of_a_chain_block",
    ),
    2: (
        "golden/test_closed_forms.py::test_f1_chain_blocks_of_k_mappings",
        "golden/test_closed_forms.py::test_f2_removal_oldest_first",
        "golden/test_closed_forms.py::test_f2_removal_newest_first",
        "golden/test_closed_forms.py::test_f2_a_thousand_mappings",
    ),
    3: ("golden/test_closed_forms.py::test_f4_a_thousand_children",),
    4: ("golden/test_closed_forms.py::test_f6_page_left_to_one_child",),
    5: ("golden/test_space_and_anon_vma_claims.py::test_acceptance_5_a_file_of_576000_vmas",),
    6: (
        "golden/test_mremap_claims.py::test_c1_ptes_lost_by_mremap_of_shared_pages",
        "golden/test_mremap_claims.py::test_c3_blocks_after_the_first_mremap",
    ),
    7: ("golden/test_space_and_anon_vma_claims.py::test_c8_direct_pages_do_not_survive_a_split",),
    8: (
        "golden/test_space_and_anon_vma_claims.py::test_c9_appending_and_refilling_always_merge",
        "golden/test_space_and_anon_vma_claims.py::test_c9_two_areas_written_apart_do_not_join",
    ),
    9: ("golden/test_acceptance.py::test_w3_bytes", "figures/test_published.py::test_a_number_is_the_published_one_or_has_a_reason"),
    10: ("golden/test_space_and_anon_vma_claims.py::test_w6_adoption_changes_the_number_of_vmas",),
}  # fmt: skip


@pytest.mark.parametrize("item", HELD_BY)
def test_item_is_held_by_tests_that_exist(item: int) -> None:
    for name in HELD_BY[item]:
        path, _, function = name.partition("::")
        tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name


def test_all_ten_items_are_held() -> None:
    assert list(HELD_BY) == list(range(1, 11))


@pytest.mark.parametrize(
    ("tasks", "gigabytes", "pte_bytes", "published"),
    [(100, Fraction("2.7"), 8, 0.527), (700, Fraction("2.7"), 8, 3.69), (5_000, Fraction(2), 4, 9.77)],
)
def test_w3_bytes(tasks: int, gigabytes: Fraction, pte_bytes: int, published: float) -> None:
    """A pte_addr_t for each pte of 2.7 GB in 100 and 700 tasks (P4 with PAE), of 2 GB in 5,000: 0.527, 3.69, 9.77 GiB.

    The least that pte_chains can take, every slot in use. GB are 10^9 bytes of memory with 8-byte ptes for the first two, as
    20040308202433.GA12612@dualathlon.random counts, and for 74210000.1049602103@[10.10.2.4].
    """
    pages = gigabytes * 2**30 / PAGE_BYTES
    assert float(pages * tasks * pte_bytes / 2**30) == pytest.approx(published, rel=0.002)
