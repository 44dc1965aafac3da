"""The words of the window of differences."""

from __future__ import annotations

import pytest

from rmapexplorer.engine.state_diff import DiffRow
from rmapexplorer.gui.diff_window import change


@pytest.mark.parametrize(
    ("delta", "unit", "text"),
    [
        (1, "objects", "+1 object"),
        (-1, "vmas", "-1 vma"),
        (4, "pages", "+4 pages"),
        (72, "bytes", "+72 B"),
        (None, "", ""),
    ],
)
def test_one_of_a_thing_is_said_in_the_singular(delta: float | None, unit: str, text: str) -> None:
    row = DiffRow(sign="≠", kind="curve", what="x", design="", before="", after="", delta=delta, unit=unit)
    assert change(row).replace("−", "-") == text
