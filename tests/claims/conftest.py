"""Every claim is run once for all tests of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rmapexplorer.claims.catalogue import run_claim
from rmapexplorer.claims.model import ClaimResult

Run = Callable[[str], ClaimResult]


@pytest.fixture(scope="session")
def run() -> Run:
    """The result of a claim by its id."""
    kept: dict[str, ClaimResult] = {}

    def result(name: str) -> ClaimResult:
        if name not in kept:
            kept[name] = run_claim(name)
        return kept[name]

    return result
