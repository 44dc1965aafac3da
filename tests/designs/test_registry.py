"""Which version of a design goes with the calls of an era."""

from __future__ import annotations

import pytest

from rmapexplorer.core.rules import ERAS
from rmapexplorer.designs.registry import DESIGNS, all_in_era, in_era, name_in_era


@pytest.mark.parametrize(
    ("calls", "era"),
    [("2.6.7", "2.6.34"), ("2.6.34", "2.6.34"), ("3.0", "3.0"), ("4.0", "4.0"), ("6.0", "6.0"), ("6.18", "6.18")],
)
def test_a_design_runs_in_its_newest_version_that_is_not_newer_else_its_oldest(calls: str, era: str) -> None:
    assert in_era("anon_vma_chain", {}, calls) == {"era": era}
    assert in_era("anon_vma_chain", {"era": "3.7"}, calls) == {"era": era}
    assert in_era("anonmm", {"variant": "4c"}, calls) == {"variant": "4c"}


def test_every_era_of_the_calls_has_a_version_of_every_design_with_eras() -> None:
    for kind in DESIGNS:
        for option in kind.OPTIONS:
            if option.name == "era":
                assert {in_era(kind.key, {}, rules.era)["era"] for rules in ERAS} <= set(option.values)


def test_versions_side_by_side_stay() -> None:
    designs = [("anonmm", {}), ("anon_vma_chain", {}), ("anon_vma_chain", {"era": "3.7"})]
    assert all_in_era(designs, "4.0") == designs
    assert all_in_era(designs[:2], "4.0") == [("anonmm", {}), ("anon_vma_chain", {"era": "4.0"})]


@pytest.mark.parametrize(
    ("name", "was", "then"),
    [
        ("anon_vma_chain", "", "anon_vma_chain:era=3.0"),
        ("anon_vma_chain:era=3.7", "", "anon_vma_chain:era=3.7"),
        ("anon_vma_chain:era=6.18", "", "anon_vma_chain:era=6.18"),
        ("anon_vma_chain", "6.18", "anon_vma_chain:era=3.0"),
        ("anon_vma_chain:era=4.0", "4.0", "anon_vma_chain:era=3.0"),
        ("anon_vma_chain:era=4.0", "6.18", "anon_vma_chain:era=4.0"),
        ("anon_vma_chain", "4.0", "anon_vma_chain"),
        ("anonmm:variant=4c", "6.18", "anonmm:variant=4c"),
    ],
)
def test_a_version_set_apart_stays(name: str, was: str, then: str) -> None:
    assert name_in_era(name, "3.0", was) == then
