"""Claims as a whole: scenario files and their generators, ids, stories, progress, cancelling, rules that can say otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from rmapexplorer import cli
from rmapexplorer.claims.catalogue import (
    CLAIMS,
    claim_named,
    generated,
    run_claim,
    scenario,
    story,
    write_scenarios,
)  # fmt: skip
from rmapexplorer.claims.model import HALF_TRUE, HOLDS, PARAGRAPHS, REFUTED, VERDICTS, Claim, ClaimResult
from rmapexplorer.claims.replay import Stopped
from rmapexplorer.core.units import KernelError
from rmapexplorer.designs.registry import design_named
from rmapexplorer.formats.session import to_text
from rmapexplorer.resources import resource

Run = Callable[[str], ClaimResult]

MOST_OPERATIONS = 5_000
IDS = [claim.id for claim in CLAIMS]
ALL = pytest.mark.parametrize("claim", CLAIMS, ids=IDS)


def test_there_are_eighteen() -> None:
    assert [f"C{number}" for number in range(1, 19)] == IDS


@ALL
def test_scenario_is_what_its_generator_makes(claim: Claim) -> None:
    """python -m rmapexplorer.claims resources writes them anew."""
    assert resource(claim.scenario).read_text(encoding="utf-8") == to_text(generated(claim))


@ALL
def test_scenario_is_a_session_with_an_operation_a_line(claim: Claim) -> None:
    session = scenario(claim)
    assert 0 < len(session.operations) <= MOST_OPERATIONS
    assert session.notes
    lines = resource(claim.scenario).read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith('{"op":') for line in lines) == len(session.operations)


@ALL
def test_everything_about_it_is_said(claim: Claim) -> None:
    """Texts, a place in the letter, designs that exist, and figures with units that the measure gives."""
    assert claim.title and claim.statement and claim.rule_text and claim.place.phrase
    assert claim.place.source or claim.place.paragraphs
    assert all(1 <= number <= PARAGRAPHS for number in claim.place.paragraphs)
    for key in claim.designs:
        design_named(key)
    assert claim.title in story(claim.id)
    assert claim.rule_text in story(claim.id.lower())


@ALL
def test_every_figure_measured_has_a_unit(run: Run, claim: Claim) -> None:
    result = run(claim.id)
    assert list(result.figures) == [column.name for column in claim.columns]
    named = {figure.name for figure in claim.figures}
    assert set().union(*result.figures.values()) == named
    assert result.verdict.kind in VERDICTS
    assert result.verdict.sentence.endswith(".")


def test_writing_scenarios(tmp_path: Path) -> None:
    paths = write_scenarios(str(tmp_path))
    assert [Path(path).name for path in paths] == [f"C{number:02d}.rmap" for number in range(1, 19)]
    assert all(Path(path).stat().st_size for path in paths)


def test_an_unknown_claim_is_one_sentence_with_the_known_ones() -> None:
    with pytest.raises(KernelError, match=r"no claim 'C19'; known: C1, .*C18"):
        claim_named("C19")


def test_progress_counts_all_operations_under_all_designs() -> None:
    told: list[tuple[int, int, str]] = []
    claim = claim_named("C9")
    run_claim("C9", lambda *step: told.append(step))
    total = len(scenario(claim).operations) * len(claim.columns)
    assert told[-1] == (total, total, "")
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert {name for _, _, name in told} == {column.name for column in claim.columns} | {""}


def test_a_run_can_be_cancelled() -> None:
    asked = []

    def cancelled() -> bool:
        asked.append(None)
        return len(asked) > 3

    with pytest.raises(Stopped):
        run_claim("C6", cancelled=cancelled)
    assert len(asked) == 4


# -- verdicts follow the figures ----------------------------------------------------------------------


def changed(result: ClaimResult, **figures: float) -> str:
    """The verdict after these figures were put in the place of those measured, in every column."""
    table = {name: {**found, **figures} for name, found in result.figures.items()}
    return result.claim.rule(table).kind


@pytest.mark.parametrize(
    ("name", "figures", "kind"),
    [
        ("C1", {"missed_shared": 0}, REFUTED),
        ("C1", {"missed_shared": 1, "missed_alone": 1}, HOLDS),
        ("C2", {"rewritten_parent": 0, "rewritten_child": 0}, REFUTED),
        ("C2", {"rewritten_parent": 3}, HALF_TRUE),
        ("C3", {"a_shared_page": 0}, REFUTED),
        ("C3", {"fork": 32, "atomic_forks": 1}, HOLDS),
        ("C4", {"first": 0, "many": 0}, REFUTED),
        ("C4", {"before": 0, "home": 1}, HOLDS),
        ("C5", {"total": 1, "probes": 1, "nodes": 1}, HOLDS),
        ("C6", {"nodes_fresh": 1, "nodes_inherited": 1}, REFUTED),
        ("C7", {"probes": 1, "fault_allocs": 0, "nodes": 1, "bytes": 0}, HALF_TRUE),
        ("C8", {"missed": 0, "touched": 0}, HOLDS),
        ("C9", {"other": 1}, REFUTED),
        ("C9", {"plain": 1}, HALF_TRUE),
        ("C10", {"vmas_plain": 5, "vmas_moved": 5}, HOLDS),
        ("C11", {"missed": 0}, REFUTED),
        ("C12", {"missed_tree": 0}, REFUTED),
        ("C13", {"copied": 1}, REFUTED),
        ("C13", {"vmas_apart": 1}, HALF_TRUE),
        ("C14", {"forks1_pages8": 1}, REFUTED),
        ("C15", {"first": 0}, REFUTED),
        ("C15", {"move": 1}, HALF_TRUE),
        ("C16", {"overflows": 0}, HOLDS),
        ("C16", {"overflows": 1}, REFUTED),
        ("C17", {"nodes_moved": 9}, REFUTED),
        ("C17", {"nodes_moved": 1, "nodes_still": 1, "probes_moved": 1, "probes_still": 1, "copied": 0}, HALF_TRUE),
        ("C18", {"probes_fresh": 1}, REFUTED),
    ],
)  # fmt: skip
def test_other_figures_give_another_verdict(run: Run, name: str, figures: dict[str, float], kind: str) -> None:
    assert changed(run(name), **figures) == kind


def test_direct_pages_that_probe_less_would_hold(run: Run) -> None:
    result = run("C7")
    table = dict(result.figures)
    table["anonmm"] = {**table["anonmm"], "probes": 2}
    table = {name: {**found, "bytes": 0, "nodes": 1, "fault_allocs": 0} for name, found in table.items()}
    assert result.claim.rule(table).kind == HOLDS


def test_a_list_that_wins_everywhere_would_hold(run: Run) -> None:
    result = run("C6")
    table = {**result.figures, "anon_vma": {**result.figures["anon_vma"], "nodes_inherited": 1}}
    assert result.claim.rule(table).kind == HOLDS


def test_sentences_hold_the_figures(run: Run) -> None:
    """Another figure, another sentence."""
    result = run("C8")
    other = {name: {**found, "changed": 4711} for name, found in result.figures.items()}
    assert "4,711 pages" in result.claim.rule(other).sentence
    assert "4,711" not in result.verdict.sentence


def test_a_smaller_scenario_gives_its_own_figures() -> None:
    """Figures come from the session that is replayed: without its moves nothing is missed."""
    session = generated(claim_named("C1"))
    still = tuple(op for op in session.operations if op.name != "mremap")
    notes = tuple(evolve(note, position=min(note.position, len(still) - 1)) for note in session.notes)
    without = evolve(session, operations=still, notes=notes, branches={}, position=0)
    result = run_claim("C1", session=without)
    assert result.figures["anonmm:variant=4c"]["unswappable"] == 0
    assert result.verdict.kind == REFUTED


# -- the command --------------------------------------------------------------------------------------


def test_command_prints_place_figures_rule_and_verdict(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["claims", "c9", "C2", "C9"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.count("C9  ") == out.count("C2  ") == 1
    assert out.index("C9  ") < out.index("C2  ")
    for name in ("C9", "C2"):
        claim = claim_named(name)
        flat = " ".join(out.split())
        assert claim.title in flat and claim.rule_text in flat and str(claim.place) in flat
        assert f"{run(name).verdict.kind.upper()}: {run(name).verdict.sentence}" in flat
    assert "lore.kernel.org" in out


def test_command_writes_json(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "claims.json"
    assert cli.main(["claims", "C13", "--json", str(path)]) == 0
    capsys.readouterr()
    found = json.loads(path.read_text(encoding="utf-8"))["claims"]
    assert set(found) == {"C13"}
    one, result = found["C13"], run("C13")
    assert one["figures"] == result.figures
    assert (one["verdict"], one["sentence"]) == (result.verdict.kind, result.verdict.sentence)
    assert {"title", "statement", "place", "rule", "scenario", "units"} <= set(one) and "seconds" not in one


def test_json_to_standard_output_is_json_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["claims", "C13", "--json", "-"]) == 0
    assert list(json.loads(capsys.readouterr().out)["claims"]) == ["C13"]


def test_command_names_known_ids(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["claims", "C1", "C99"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "C99" in err and "C18" in err


def test_command_without_a_place_for_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["claims", "C1", "--json", str(tmp_path / "nowhere" / "x.json")]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1


def test_ctrl_c_ends_it_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> ClaimResult:
        raise KeyboardInterrupt

    monkeypatch.setattr("rmapexplorer.commands.claims.figures_of", interrupted)
    assert cli.main(["claims", "--jobs", "1"]) == 130
    assert capsys.readouterr().err.splitlines() == ["rmapexplorer: cancelled."]


def test_claims_in_two_processes_are_those_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for jobs in ("1", "2"):
        assert cli.main(["claims", "C2", "C8", "C3", "--jobs", jobs]) == 0
        shown = capsys.readouterr().out
        assert cli.main(["claims", "C2", "C8", "C3", "--jobs", jobs, "--json", "-"]) == 0
        found.append((shown, capsys.readouterr().out))
    assert found[0] == found[1]
    assert [found[0][0].index(f"{id_}  ") for id_ in ("C2", "C8", "C3")] == sorted(
        found[0][0].index(f"{id_}  ") for id_ in ("C2", "C8", "C3")
    )
