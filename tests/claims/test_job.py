"""Claims told message by message are those that run_claim gives."""

from __future__ import annotations

import pytest

from rmapexplorer.claims.catalogue import run_claim
from rmapexplorer.claims.job import Judged, Measured, Started, Step, run_claims
from rmapexplorer.core.units import KernelError


def test_figures_come_column_by_column_and_the_verdict_last() -> None:
    told: list[object] = []
    run_claims(told.append, ["c3", "C8"], lambda: True)
    of_c3 = [message for message in told if getattr(message, "id", "") == "C3"]
    expected = run_claim("C3")
    assert isinstance(of_c3[0], Started)
    assert {m.column: m.figures for m in of_c3 if isinstance(m, Measured)} == expected.figures
    last = of_c3[-1]
    assert isinstance(last, Judged)
    assert (last.kind, last.sentence) == (expected.verdict.kind, expected.verdict.sentence)
    assert isinstance(told[-1], Judged) and told[-1].id == "C8"
    steps = [m for m in of_c3 if isinstance(m, Step)]
    assert steps and all(0 <= s.done <= s.total for s in steps)


def test_an_unknown_claim_is_refused() -> None:
    with pytest.raises(KernelError, match="C99"):
        run_claims(lambda message: None, ["C99"], lambda: False)
