"""The hunt in short: some seeds run clean, and a planted fault is found and told as a short script that shows it again."""

from __future__ import annotations

import pytest
from attrs import evolve
from oracles import audit, new_world

from rmapexplorer.core import advise
from rmapexplorer.core.rules import ERAS
from rmapexplorer.core.units import Corruption, Machine
from rmapexplorer.designs.registry import DESIGNS, design_named
from rmapexplorer.formats.script_session import load_script, to_script
from tests import hunt

SEEDS = range(1, 9)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed(seed: int) -> None:
    done, _, found = hunt.run(hunt.plan_of(seed), steps=40)
    assert found is None, f"{found.words}\n{to_script(found.session)}"
    assert done >= 40


def test_seeds_stand_for_all_there_is() -> None:
    """Five hundred seeds reach every era, every value of every option, little RAM and low addresses; equal seeds are equal."""
    plans = [hunt.plan_of(seed) for seed in range(500)]
    assert {plan.machine.calls for plan in plans} == {rules.era for rules in ERAS}
    reached = {
        (design.key, item)
        for plan in plans
        for design in map(design_named, plan.keys)
        for item in design.options.items()
    }
    wanted = {
        (kind.key, (option.name, value)) for kind in DESIGNS for option in kind.OPTIONS for value in option.values
    }
    assert wanted <= reached
    assert {plan.machine.ram_pages for plan in plans} == {None, 48, 64}
    assert {plan.mix.base for plan in plans} == {hunt.LOW, hunt.WILD.base}
    assert plans[7] == hunt.plan_of(7)


def test_a_planted_fault_is_found_and_shown_in_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Truncation that forgets nonlinear vmas: a process goes on mapping a page that was freed."""
    monkeypatch.setattr(advise, "zap_nonlinear", lambda *args: None)
    mix = evolve(hunt.WILD, weights={"file_shared": 3, "remap": 4, "truncate": 2, "touch": 5, "mmap": 1, "fork": 1})
    machine = Machine(files=dict(mix.files), calls="2.6.34")
    plans = (hunt.Plan(seed=seed, machine=machine, keys=("pte_chain",), mix=mix) for seed in range(20))
    found = next(found for plan in plans if (found := hunt.run(plan)[2]))
    assert found.words.startswith("pte_chain: Corruption: ")
    session = load_script(to_script(found.session).encode(), "found.rmaps")
    assert len(session.operations) <= 10 and "remap_file_pages" in [op.name for op in session.operations]
    w = new_world("pte_chain", session.machine)
    with pytest.raises(Corruption):
        for op in session.operations:
            w.apply(op)
            audit(w)


def test_more_can_be_done_where_it_stopped() -> None:
    said: list[str] = []
    assert hunt.hunt(40, 1, said.append, steps=10) == []
    assert said[-2].endswith("go on with --seed 41")
