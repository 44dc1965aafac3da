"""Random operations under the calls of every era: process memory is equal in all designs, nothing is corrupt."""

from __future__ import annotations

import pytest
from at_random import FILED, run_at_random

from rmapexplorer.core.rules import ERAS

KEYS = ("pte_chain", "anonmm", "anon_vma", "anon_vma_chain")


@pytest.mark.parametrize("era", [rules.era for rules in ERAS])
@pytest.mark.parametrize("memory", [{}, {"ram_pages": 48, "swap_pages": 64}])
@pytest.mark.parametrize("seed", [3, 8, 21])
def test_all_designs_agree(era: str, memory: dict[str, int], seed: int) -> None:
    run_at_random(KEYS, seed, mix=FILED, calls=era, **memory)
