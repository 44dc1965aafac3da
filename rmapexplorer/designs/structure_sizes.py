"""One table of all sizes: the structures around every design, and what each design keeps, in every form its options give."""

from __future__ import annotations

from attrs import evolve

from rmapexplorer.core.design import Design, Footprint
from rmapexplorer.core.sizes import I386, X86_64
from rmapexplorer.core.structures import INSIDE, SLAB, SLUB, STRUCTURES, Structure
from rmapexplorer.core.units import KernelError, Machine
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS, design_named, world_key

MACHINES = (
    Machine(arch=I386, word_bytes=4, cache_line_bytes=32),
    Machine(arch=X86_64, word_bytes=8, cache_line_bytes=64),
)
"""A Pentium III and a K8, where a size follows from the machine."""


def forms(kind: type[Design]) -> list[str]:
    """World keys of a design: with its defaults, then with each other value of each option that goes alone."""
    keys = [kind.key]
    for option in kind.OPTIONS:
        for value in option.values[1:]:
            key = world_key(kind.key, {option.name: value})
            try:
                design_named(key)
            except KernelError:  # goes with another option only
                continue
            keys.append(key)
    return keys


def world_sizes(key: str) -> tuple[Structure, ...]:
    """What a world of this key keeps, a row for each kind of object; ``kernel`` is the design's era, with the options given."""
    kind, words = type(design_named(key)), key.partition(":")[2]
    when = words.removeprefix("era=") if words.startswith("era=") else f"{kind.era}, {words}" if words else kind.era
    small, large = ({row.kind: row for row in World(design_named(key), m).footprint()} for m in MACHINES)
    return tuple(_structure(kind, when, small[name], row) for name, row in large.items())


def design_sizes(kind: type[Design]) -> tuple[Structure, ...]:
    """What a design keeps in any of its forms, a row for each kind of object and size."""
    rows: list[Structure] = []
    for key in forms(kind):
        known = [evolve(row, kernel="") for row in rows]
        rows += [row for row in world_sizes(key) if evolve(row, kernel="") not in known]
    return tuple(rows)


def _structure(kind: type[Design], kernel: str, small: Footprint, large: Footprint) -> Structure:
    home = INSIDE if _lies_inside(large.kind) else SLUB if kind.SLUB else SLAB
    source = large.source
    if small.source != source:
        source += f" (i386: {small.source.removeprefix(source).lstrip(', ')})"
    return Structure(
        name=large.kind, kernel=kernel, i386=small.size, x86_64=large.size, source=source, home=home
    )  # fmt: skip


def _lies_inside(kind: str) -> bool:
    return "linkage" in kind or "(in " in kind


def size_table() -> tuple[tuple[str, tuple[Structure, ...]], ...]:
    """(heading, rows): the structures around every design, then those of each design, oldest first."""
    designs = ((f"{kind.title} ({kind.key})", design_sizes(kind)) for kind in DESIGNS)
    return (("structures of every design", STRUCTURES), *designs)
