"""The real thing behind the engine's ports: the designs by key, the world's readers, the file formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rmapexplorer.core import metrics, resolve
from rmapexplorer.core.units import KernelError, Machine
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import USUAL, design_named, world_key
from rmapexplorer.engine import collect, snapshot
from rmapexplorer.engine.detail import detail
from rmapexplorer.engine.files import Files
from rmapexplorer.engine.kernel import recorded
from rmapexplorer.engine.lanes import take_apart
from rmapexplorer.engine.lens import Kind, Lens, UnknownDesign
from rmapexplorer.formats import codec
from rmapexplorer.formats.open import load_any
from rmapexplorer.formats.session import saving

REAL_LENS = Lens(
    columns=snapshot.columns,
    detail=detail,
    footprint=collect.footprint,
    measure=metrics.measure,
    probe=metrics.probe,
    vmas=collect.vmas,
    resolve=resolve.resolve,
    undecided=resolve.undecided,
    problem=codec.problem,
)

REAL_FILES = Files(read=load_any, write=saving, recorded=recorded)


def real_kinds(designs: Sequence[tuple[str, Mapping[str, str]]], machine: Machine) -> list[Kind]:
    """The kinds of these (key, options), in order, each once; none named: the usual designs with their defaults."""
    wanted = list(designs) or [(design.key, {}) for design in USUAL]
    kinds: dict[str, Kind] = {}
    for name, options in wanted:
        kind = _kind(name, options, machine)
        kinds.setdefault(kind.key, kind)
    return list(kinds.values())


def _kind(name: str, options: Mapping[str, str], machine: Machine) -> Kind:
    base, _, told = name.partition(":")
    wanted = dict(word.partition("=")[::2] for word in told.split(",")) if told else {}
    wanted.update(options)
    full = base + (":" + ",".join(f"{option}={value}" for option, value in wanted.items()) if wanted else "")
    try:
        design = design_named(full)
        take_apart(World(design, machine))  # a design may refuse the machine
        key = world_key(base, wanted)
    except KernelError as refused:
        rule = refused.rule
        raise UnknownDesign(
            f"{'T' + rule[1:] if rule.startswith('there ') else rule}."
        ) from refused  # keys stay as they are
    changed = {option: value for option, value in wanted.items() if f"{option}={value}" in key}
    suffix = f" ({', '.join(changed.values())})" if changed else ""
    return Kind(
        key=key,
        title=design.title + suffix,
        options=changed,
        make=lambda: World(design_named(full), machine),
        pickles=True,
    )
