"""How the object that a vma hangs on is called under the design in view: A1 an anon_vma, M1 an anonmm ..."""

from __future__ import annotations

from functools import cache

from rmapexplorer.core.design import Design
from rmapexplorer.core.units import KernelError
from rmapexplorer.designs.registry import design_named


@cache
def _design(view: str) -> Design:
    try:
        return design_named(view)
    except KernelError:
        return Design()


def owner_word(view: str, number: int, none: str = "") -> str:
    """The name of owner ``number`` under the design ``view``; ``none`` for -1."""
    return _design(view).owner_name(number) if number >= 0 else none


def owner_kind(view: str) -> str:
    """What such an object is called ("anon_vma")."""
    return _design(view).OWNER
