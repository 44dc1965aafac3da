"""A fake design that finds everything by brute force and writes down which hooks are called, in order.

What a design author reads first: each line of ``log`` is a hook with the cause or purpose it was given and the number of
ids, vmas numbered as the world numbers them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from rmapexplorer.core.design import Design
from rmapexplorer.core.table import Ints
from rmapexplorer.core.walk import Walk

ASKING = ("may_merge", "may_join", "must_copy", "prepare")
TELLING = (
    *("ptes_set", "ptes_cleared", "pages_reused", "page_gone", "mm_created", "mm_forked", "vmas_forked", "fork_spares"),
    *("mm_gone", "vma_cloned", "vmas_resizing", "vmas_resized", "anon_vma_adopted", "vma_merged", "vmas_unlinked"),
    *("ptes_moved", "span_moved", "walked"),
)


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, np.ndarray):
        return f"x{len(value)}"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)


SHOWN = {
    "ptes_set": (0, 4), "ptes_cleared": (0, 4), "pages_reused": (0, 1), "page_gone": (0,), "vmas_forked": (0,),
    "vmas_unlinked": (0,), "ptes_moved": (0, 1, 2), "walked": (0, 2), "must_copy": (0, 1, 3), "may_merge": (0, 2),
    "span_moved": (0, 2, 4),
}  # fmt: skip
"""Hook -> which of its arguments the log shows; all where it is not named."""


class Recorder(Design):
    """Logs all hooks; allows every merge; copies nothing."""

    key: ClassVar[str] = "recorder"

    def __init__(self, **options: str) -> None:
        super().__init__(**options)
        self.log: list[str] = []

    def taken(self) -> list[str]:
        """What was logged since the last time."""
        out, self.log = self.log, []
        return out

    def anon_candidates(self, pages: Ints) -> Walk:
        found = [self.w.mappers(page) for page in pages.tolist()]
        count = [len(mms) for mms, _ in found]
        nodes = np.concatenate([np.arange(1, n + 1) for n in count])
        zero = np.zeros(len(pages), np.int64)
        return Walk(
            pages=pages, group=np.arange(len(pages)), start=zero, first=np.cumsum([0, *count]),
            mm=np.concatenate([mms for mms, _ in found]), vma=np.full(sum(count), -1), nodes=nodes, total_rejects=zero,
            vpn=np.concatenate([vpns for _, vpns in found]), rejects=np.zeros(sum(count), np.int64),
            total_nodes=np.array(count),
        )  # fmt: skip


def _logged(name: str) -> Callable[..., Any]:
    plain = getattr(Design, name)

    def hook(self: Recorder, *values: Any) -> Any:
        shown = [_words(values[at]) for at in SHOWN.get(name, range(len(values)))]
        self.log.append(" ".join([name, *shown]))
        return plain(self, *values)

    return hook


for _name in (*ASKING, *TELLING):
    setattr(Recorder, _name, _logged(_name))
