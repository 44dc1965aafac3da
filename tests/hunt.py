"""A hunt for faults: random operations of every kind in worlds of all forms of all designs, the three oracles after each.

    python -m tests.hunt --operations 500000 --seed 1

A seed stands for one run: an era of the calls, a machine (plenty of RAM or little), some forms of designs beside pte_chain, and
a log. After every operation, in every world: finds (walks find every pte, or lose as many as their form declares; processes
see the same memory), leaks (the audit; what is kept is what is reachable), costs (allocations less frees are what is kept). At
its end each log is run again: state and figures must be the same, and nothing may be left after the last exit. A run goes on
where another stopped: give it the next seed. What fails is printed as the shortest script that still fails; exit code 1.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import define, evolve, field, frozen

sys.path.insert(0, str(Path(__file__).parent))

from at_random import WILD, Mix, operation
from oracles import audit, finds, kept, last_exit, memory, new_world

from rmapexplorer.core import operations as o
from rmapexplorer.core.design import Design
from rmapexplorer.core.memory import difference
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.core.rules import ERAS
from rmapexplorer.core.units import KernelError, Machine
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS, design_named, world_key
from rmapexplorer.formats.script_session import to_script
from rmapexplorer.formats.session import Session

REFERENCE = "pte_chain"
STEPS = 120
BESIDE = 5
"""Worlds of a run beside the reference."""
LOW = 16
"""Where the arena of some runs begins: vm_pgoffs are small there, and stacks reach them."""
COMPARED = 8
"""Every so many operations memory is compared as the program does it, too."""


def all_forms(kind: type[Design]) -> list[str]:
    """World keys of a design with every combination of its options that goes."""
    keys = []
    for values in itertools.product(*(option.values for option in kind.OPTIONS)):
        key = world_key(kind.key, dict(zip((option.name for option in kind.OPTIONS), values, strict=True)))
        try:
            design_named(key)
        except KernelError:
            continue
        keys.append(key)
    return keys


FORMS = {kind.key: all_forms(kind) for kind in DESIGNS}


@frozen(kw_only=True)
class Plan:
    """What a seed stands for."""

    seed: int
    machine: Machine
    keys: tuple[str, ...]
    mix: Mix


def plan_of(seed: int) -> Plan:
    """Era, machine, forms and arena of a seed."""
    dice = random.Random(f"plan {seed}")
    ram = dice.choice((None, None, 64, 48))
    machine = Machine(
        files=dict(WILD.files), calls=dice.choice(ERAS).era, ram_pages=ram, swap_pages=dice.choice((None, 40, 16, 0)) if ram else None,
    )  # fmt: skip
    kinds = [dice.choice(list(FORMS)) for _ in range(BESIDE)]
    keys = dict.fromkeys((REFERENCE, *(dice.choice(FORMS[kind]) for kind in kinds)))
    mix = evolve(WILD, base=LOW) if dice.random() < 0.3 else WILD
    return Plan(seed=seed, machine=machine, keys=tuple(keys), mix=mix)


class Fault(Exception):
    """An oracle's complaint, or a crash; ``kind`` is what must stay the same while the script gets shorter."""

    def __init__(self, key: str, error: Exception) -> None:
        super().__init__(f"{key}: {type(error).__name__}: {error}")
        self.key, self.kind = key, type(error).__name__


@define
class Worlds:
    """The worlds of a run, in step."""

    machine: Machine
    keys: Sequence[str]
    worlds: dict[str, World] = field(init=False)
    log: list[o.Operation] = field(factory=list)
    losses: Counter[str] = field(factory=Counter)

    def __attrs_post_init__(self) -> None:
        self.worlds = {key: new_world(key, self.machine) for key in self.keys}

    def alive(self) -> list[int]:
        """Pids that a call may come from."""
        return [task.pid for task in self.worlds[self.keys[0]].tasks.values() if not task.zombie]

    def do(self, op: o.Operation) -> None:
        """One operation everywhere, with every oracle; taken back where worlds may differ after it. :raises Fault: one complains."""
        before = {key: w.copy() for key, w in self.worlds.items()}
        outcomes = {key: guarded(key, w.apply, op) for key, w in self.worlds.items()}
        for key, w in self.worlds.items():
            self.losses[key] = max(self.losses[key], guarded(key, look, w))
        if parted(list(outcomes.values())):
            self.worlds = before
            return
        self.log.append(op)
        first, expected = self.worlds[self.keys[0]], memory(self.worlds[self.keys[0]])
        for key, w in self.worlds.items():
            guarded(key, same, memory(w), expected)
            if not len(self.log) % COMPARED:
                guarded(key, same, difference(first, w), None)

    def end(self) -> None:
        """The log again gives the same; nothing stays after the last exit. :raises Fault: it does not."""
        for key, w in self.worlds.items():
            guarded(key, self._end, key, w)

    def _end(self, key: str, w: World) -> None:
        again = new_world(key, self.machine)
        for op in self.log:
            again.apply(op)
        assert (again.digest(), dict(again.counters)) == (w.digest(), dict(w.counters)), (
            "the log again gives another world"
        )
        last_exit(w)


def parted(outcomes: Sequence[Outcome]) -> bool:
    """Whether worlds may differ after this: they ended differently, or half done because memory ran out."""
    return len({outcome.error for outcome in outcomes}) > 1 or any("RAM" in outcome.rule for outcome in outcomes)


def guarded(key: str, ask: Callable[..., Any], *args: object) -> Any:
    """What ``ask`` says. :raises Fault: with the world's key, if it raises anything."""
    try:
        return ask(*args)
    except Exception as error:
        raise Fault(key, error) from error


def look(w: World) -> int:
    """finds, leaks and costs of one world; how many ptes its walks lose."""
    audit(w)
    lost = finds(w)
    allocated = w.counters["objs_alloc"] - w.counters["objs_free"]
    assert allocated == kept(w), f"{allocated} objects were allocated and not freed, {kept(w)} are kept"
    return lost


def same(one: object, other: object) -> None:
    """:raises AssertionError: with the first difference."""
    if one == other:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        at = min(at for at in one.keys() | other.keys() if one.get(at) != other.get(at))
        raise AssertionError(f"(pid, page) {at} is {one.get(at)} and {other.get(at)} in {REFERENCE}")
    raise AssertionError(str(one))


def operations(plan: Plan, worlds: Worlds, steps: int) -> Iterator[o.Operation]:
    """The operations of a seed; what comes depends on who is alive."""
    dice, births = random.Random(plan.seed), 2
    yield from plan.mix.begin
    for _ in range(steps - len(plan.mix.begin)):
        op = operation(dice, worlds.alive(), births, plan.mix)
        births += isinstance(op, o.Fork | o.Clone)
        yield op


@frozen
class Found:
    """A fault, and the shortest log that still shows it."""

    seed: int
    words: str
    session: Session


def run(plan: Plan, steps: int = STEPS) -> tuple[int, Counter[str], Found | None]:
    """One run: (operations x worlds, most ptes lost by form, what was found)."""
    worlds, done = Worlds(plan.machine, plan.keys), list[o.Operation]()
    try:
        for op in operations(plan, worlds, steps):
            done.append(op)
            worlds.do(op)
        worlds.end()
    except Fault as fault:
        keys = tuple(dict.fromkeys((REFERENCE, fault.key)))
        log = shortest(plan.machine, keys, worlds.log + done[-1:], fault)
        designs = tuple((design_named(key).key, design_named(key).options) for key in keys)
        session = Session(
            title=f"seed {plan.seed}", machine=plan.machine, designs=designs, operations=tuple(log), position=len(log)
        )
        return len(done) * len(plan.keys), worlds.losses, Found(plan.seed, str(fault), session)
    return len(done) * len(plan.keys), worlds.losses, None


def fails(machine: Machine, keys: Sequence[str], log: Sequence[o.Operation], fault: Fault) -> bool:
    """Whether a log still ends in a fault of that kind in that world."""
    worlds = Worlds(machine, keys)
    try:
        for op in log:
            worlds.do(op)
        worlds.end()
    except Fault as found:
        return (found.key, found.kind) == (fault.key, fault.kind)
    return False


def shortest(machine: Machine, keys: Sequence[str], log: Sequence[o.Operation], fault: Fault) -> list[o.Operation]:
    """The log without what is not needed to fail: parts are left out, ever smaller ones, as long as that goes."""
    kept_ops, part = list(log), len(log)
    if not fails(machine, keys, kept_ops, fault):
        return kept_ops
    while part:
        at = 0
        while at < len(kept_ops):
            fewer = kept_ops[:at] + kept_ops[at + part :]
            if fewer and fails(machine, keys, fewer, fault):
                kept_ops = fewer
            else:
                at += part
        part //= 2
    return kept_ops


def hunt(first: int, operations_wanted: int, say: Callable[[str], None], steps: int = STEPS) -> list[Found]:
    """Seeds from ``first`` on until so many operations x worlds were done; tells about every fault as it comes."""
    done, seed, faults, most = 0, first, list[Found](), Counter[str]()
    begun = time.monotonic()
    while done < operations_wanted:
        count, losses, found = run(plan_of(seed), steps)
        done += count
        for key, lost in losses.items():
            most[key] = max(most[key], lost)
        if found is not None:
            faults.append(found)
            say(f"seed {seed}: {found.words}\n{to_script(found.session)}")
        seed += 1
        if not seed % 50:
            say(
                f"seeds {first} to {seed - 1}: {done:,} operations x worlds, {len(faults)} faults, {time.monotonic() - begun:.0f} s"
            )
    losing = {key: lost for key, lost in sorted(most.items()) if lost}
    say(
        f"seeds {first} to {seed - 1}: {done:,} operations x worlds in {len(most)} forms, {len(faults)} faults; go on with --seed {seed}"
    )
    say(f"most ptes lost at once, as declared: {', '.join(f'{key} {lost}' for key, lost in losing.items()) or 'none'}")
    return faults


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.hunt", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--operations", type=int, default=500_000, help="operations x worlds to do (default: 500000)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default: 1)")
    options = parser.parse_args()
    return 1 if hunt(options.seed, options.operations, lambda words: print(words, flush=True)) else 0


if __name__ == "__main__":
    sys.exit(main())
