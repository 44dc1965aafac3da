"""Worlds are told apart by colour, mark and dash, two variants of one design too."""

from __future__ import annotations

from itertools import combinations

import pytest

from rmapexplorer.designs.looks import DASHES, MARKS, look_words, shaded, variant_number
from rmapexplorer.designs.registry import DESIGNS, world_key
from rmapexplorer.exports.charts import DASHES as PATTERNS

VARIANTS = [
    [world_key(kind.key, {option.name: value}) for value in option.values]
    for kind in DESIGNS
    for option in kind.OPTIONS
]


def told(key: str) -> set[str]:
    """What sets it apart: colour in a dark theme, mark, dash."""
    token, mark, dash = look_words(key)
    return {f"color {token} {shaded(key, '#dd8844', '#ffffff')}", f"mark {mark}", f"dash {dash}"}


def test_4a_and_4c_of_anonmm_differ_in_all_three() -> None:
    assert told("anonmm:variant=4a").isdisjoint(told("anonmm:variant=4c"))


@pytest.mark.parametrize("keys", VARIANTS, ids=lambda keys: keys[-1])
def test_two_values_of_one_option_never_look_alike(keys: list[str]) -> None:
    for one, other in combinations(keys, 2):
        assert len(told(one) - told(other)) >= 2, (one, other)


def test_a_default_written_out_is_the_design_itself() -> None:
    for kind in DESIGNS:
        assert variant_number(kind.key) == 0 and look_words(kind.key) == kind.LOOK
        assert shaded(kind.key, "#123456", "#ffffff") == "#123456"
        assert kind.LOOK[1] in MARKS and kind.LOOK[2] in DASHES
    assert variant_number("nosuch:a=b") == 0 and set(DASHES) == set(PATTERNS)
