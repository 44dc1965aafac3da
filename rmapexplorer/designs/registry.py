"""DESIGNS: every design the program knows, oldest first. A new one is a line here and a file beside this one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rmapexplorer.core.design import Design
from rmapexplorer.core.rules import version
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


def losing(names: Iterable[str]) -> list[str]:
    """Those of these world keys whose form loses ptes by design."""
    made = ((name, design_named(name)) for name in names)
    return [name for name, design in made if design.loss_of(design.options) is not None]


def world_key(key: str, options: dict[str, str]) -> str:
    """The name of a world: the key, and the options that are not the default."""
    kind = next(kind for kind in DESIGNS if kind.key == key)
    defaults = {option.name: option.values[0] for option in kind.OPTIONS}
    words = [f"{name}={value}" for name, value in options.items() if defaults.get(name) != value]
    return key + (":" + ",".join(words) if words else "")


ERA = "era"
"""The option by which a design says which kernel's version of it runs."""


def in_era(key: str, options: Mapping[str, str], calls: str) -> dict[str, str]:
    """``options`` of a design as it was when the calls were those of ``calls``; unchanged where it has no eras.

    That is the newest of its versions that is not newer, else its oldest.
    """
    kind = next((kind for kind in DESIGNS if kind.key == key), None)
    known = next((option.values for option in kind.OPTIONS if option.name == ERA), ()) if kind else ()
    if not known:
        return dict(options)
    older = [era for era in known if version(era) <= version(calls)]
    return {**options, ERA: max(older, key=version) if older else min(known, key=version)}


def name_in_era(name: str, calls: str, was: str = "") -> str:
    """The world ``name`` with the calls of another era.

    :param was: era of the calls so far: a version set apart from them stays. "": any version that is named stays.
    """
    key, _, words = name.partition(":")
    kind = next(kind for kind in DESIGNS if kind.key == key)
    options = _options(kind, words)
    apart = ERA in options
    if was:
        now = {option.name: option.values[0] for option in kind.OPTIONS} | options
        apart = in_era(key, now, was) != now
    return name if apart else world_key(key, in_era(key, options, calls))


def all_in_era(designs: Sequence[tuple[str, Mapping[str, str]]], calls: str) -> list[tuple[str, dict[str, str]]]:
    """These (key, options) with the calls of another era; a design that runs in several eras side by side keeps them."""
    bare = [(key, {name: value for name, value in options.items() if name != ERA}) for key, options in designs]
    return [
        (key, dict(options) if bare.count(plain) > 1 else in_era(key, options, calls))
        for (key, options), plain in zip(designs, bare, strict=True)
    ]
