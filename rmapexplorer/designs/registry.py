"""DESIGNS: every design the program knows, oldest first. A new one is a line here and a file beside this one."""

from __future__ import annotations

from rmapexplorer.core.design import Design
from rmapexplorer.core.units import KernelError
from rmapexplorer.designs.anon_vma import AnonVma
from rmapexplorer.designs.anon_vma_chain import AnonVmaChain
from rmapexplorer.designs.anon_vma_lazy import AnonVmaLazy
from rmapexplorer.designs.anonmm import AnonMm
from rmapexplorer.designs.anonmm_ranges import AnonMmRanges
from rmapexplorer.designs.avc_relocate import AvcRelocate
from rmapexplorer.designs.cow_context import CowContext
from rmapexplorer.designs.objrmap import ObjRmap
from rmapexplorer.designs.pte_chain import PteChain
from rmapexplorer.designs.shared_space import SharedSpace
from rmapexplorer.designs.virtual_scan import VirtualScan

DESIGNS: tuple[type[Design], ...] = (
    VirtualScan,
    PteChain,
    ObjRmap,
    AnonMm,
    AnonMmRanges,
    SharedSpace,
    AnonVma,
    AnonVmaChain,
    AvcRelocate,
    AnonVmaLazy,
    CowContext,
)

USUAL: tuple[type[Design], ...] = (PteChain, AnonMm, AnonVma, AnonVmaChain)
"""Those that run where nobody says which."""


def design_named(name: str) -> Design:
    """A fresh design for ``key`` or ``key:option=value,option=value``.

    :raises KernelError: EINVAL, with the known names, for a key, option or value that does not exist.
    """
    key, _, rest = name.partition(":")
    for kind in DESIGNS:
        if kind.key == key:
            return kind(**_options(kind, rest))
    known = ", ".join(kind.key for kind in DESIGNS)
    raise KernelError("EINVAL", f"there is no design {key!r}; known: {known}", "design")


def _options(kind: type[Design], text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    known = {option.name: option.values for option in kind.OPTIONS}
    for word in text.split(",") if text else []:
        name, _, value = word.partition("=")
        if value not in known.get(name, ()):
            choices = "; ".join(f"{n}={'|'.join(v)}" for n, v in known.items()) or "none"
            raise KernelError("EINVAL", f"{kind.key} has no option {word!r}; it has: {choices}", "design")
        options[name] = value
    return options


def world_key(key: str, options: dict[str, str]) -> str:
    """The name of a world: the key, and the options that are not the default."""
    kind = next(kind for kind in DESIGNS if kind.key == key)
    defaults = {option.name: option.values[0] for option in kind.OPTIONS}
    words = [f"{name}={value}" for name, value in options.items() if defaults.get(name) != value]
    return key + (":" + ",".join(words) if words else "")
