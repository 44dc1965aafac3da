"""Many tasks end: who gets the children, and that the end of one task does not ask all others."""

from __future__ import annotations

import random
import time

from oracles import new_world

from rmapexplorer.core.operations import Clone, Exec, Exit, Fork, Operation, Spawn
from rmapexplorer.core.world import World
from rmapexplorer.workloads.families import EXIT_STORM


def step(dice: random.Random, alive: list[int], number: int) -> Operation:
    pid = dice.choice(alive)
    kinds = (Exit(pid=pid), Exec(pid=pid), Clone(pid=pid, child=number), Clone(pid=pid, child=number, thread=False))
    return dice.choice((*kinds, Fork(pid=pid, child=number), Fork(pid=pid, child=number), Fork(pid=pid, child=number)))


def test_children_of_the_dead_go_to_init_whatever_happened_before() -> None:
    """No task names a parent that is gone, and copies of a world do as the world does."""
    for seed in range(40):
        dice = random.Random(seed)
        w: World = new_world("anonmm")
        w.apply(Spawn(pid=1 if seed % 2 else 7))
        for number in range(100, 160):
            alive = [task.pid for task in w.tasks.values() if not task.zombie]
            if not alive:
                break
            op, twin = step(dice, alive, number), w.copy()
            w.apply(op)
            twin.apply(op)
            assert w.digest() == twin.digest()
            parents = {task.ppid for task in w.tasks.values()}
            assert parents <= {task.leader for task in w.tasks.values()} | {0}
            users = [task.mm for task in w.tasks.values() if not task.zombie]
            assert {mm.id: mm.users for mm in w.mms.values()} == {mm: users.count(mm) for mm in users}
            w = twin if seed % 3 else w


def test_time_of_an_exit_storm_grows_as_the_shells_do() -> None:
    """Eight times the shells cost at most 8^1.15 times as long (W8, 10,000 exiting shells)."""
    ratios = []
    for _ in range(3):
        few, many = seconds(250), seconds(2_000)
        ratios.append(many / few)
        if ratios[-1] <= 8**1.15:
            return
    raise AssertionError(f"time grew {min(ratios):.1f} times")


def seconds(children: int) -> float:
    values = EXIT_STORM.values(full=False, children=children)
    operations = list(EXIT_STORM.operations(values))
    w = new_world("anon_vma", EXIT_STORM.machine(values))
    start = time.process_time()
    for op in operations:
        w.apply(op)
    return time.process_time() - start
