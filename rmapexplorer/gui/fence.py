"""Between parts that are told the same: a fault of one keeps none of the others from its turn, and is reported once."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any


class Fence:
    """``call`` does as it is told and lets nothing through; the faults are reported at the end of the ``with``, each kind once."""

    def __init__(self) -> None:
        self._faults: dict[tuple[str, int, type], Exception] = {}

    def __enter__(self) -> Fence:
        """Ready."""
        return self

    def call(self, what: Callable[..., Any], *args: Any) -> None:
        """``what(*args)``, whatever becomes of it."""
        try:
            what(*args)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            self._faults.setdefault((last.filename, last.lineno or 0, type(error)), error)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Report: the hook tells the user."""
        for fault in self._faults.values():
            sys.excepthook(type(fault), fault, fault.__traceback__)
