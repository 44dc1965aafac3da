"""The language of breakpoints: what is read, where it is wrong, what it means, what can come next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmapexplorer.engine.conditions import (
    AVERAGE,
    DONE,
    EVENTS,
    NAMES,
    OPERATORS,
    STATES,
    Malformed,
    completions,
    continuations,
    meaning,
    parse,
)

FIGURES = (*DONE, *STATES, AVERAGE)


def test_a_figure_of_an_operation_under_one_design() -> None:
    condition = parse("walk visits > 100 in anon_vma")
    (clause,) = condition.clauses
    assert (clause.kind, clause.key, clause.relation, clause.number) == ("done", "list_nodes", ">", 100)
    assert condition.design == "anon_vma"
    assert condition.meant("anon_vma")
    assert condition.meant("anon_vma:tree=on")
    assert not condition.meant("anon_vma_chain")
    assert not condition.lasting


def test_clauses_are_joined_and_any_design_is_the_default() -> None:
    condition = parse("operation mremap and merge refused and process 3 in any")
    assert [(c.kind, c.key) for c in condition.clauses] == [
        ("operation", "mremap"), ("event", "merge refused"), ("process", "pid"),
    ]  # fmt: skip
    assert condition.design == ""
    assert condition.meant("objrmap")


@pytest.mark.parametrize(
    ("written", "number"),
    [("64 KiB", 65536), ("64KiB", 65536), ("1.5k", 1500), ("2 M", 2e6), ("1,000", 1000), ("1_000", 1000)],
)
def test_numbers_have_separators_and_units(written: str, number: float) -> None:
    assert parse(f"bytes >= {written}").clauses[0].number == number


def test_a_phrase_is_as_long_as_it_can_be() -> None:
    assert parse("atomic allocation").clauses[0].kind == "event"
    assert parse("atomic allocations > 2").clauses[0].key == "atomic_allocs"
    assert parse("walks > 1").clauses[0].key == "walks"


def test_only_states_last() -> None:
    assert parse("vmas > 10").lasting
    assert not parse("vmas > 10 and operation fork").lasting


@pytest.mark.parametrize(
    ("text", "column", "found", "hint"),
    [
        ("", 0, "", "operation"),
        ("walk visits", 11, "", ">"),
        ("walk visits > many", 14, "many", "a number"),
        ("walk vists > 3", 5, "vists", "did you mean visits?"),
        ("operation mremapp", 10, "mremapp", "did you mean mremap?"),
        ("vmas > 3 or walks > 2", 9, "or", "and"),
        ("vmas > 3 in", 11, "", "a design"),
        ("vmas > 3 and", 12, "", "walk visits"),
        ("vmas ~ 3", 5, "~", ">"),
        ("process one", 8, "one", "a number"),
    ],
)
def test_what_is_wrong_says_where_and_what_would_do(text: str, column: int, found: str, hint: str) -> None:
    with pytest.raises(Malformed) as trouble:
        parse(text)
    assert (trouble.value.column, trouble.value.found) == (column, found)
    assert str(trouble.value).startswith(f"Column {column + 1}: ")
    assert hint in str(trouble.value) or hint in trouble.value.expected


@given(st.text(alphabet="abcdefghik lmnoprstuvw<>=!~0123456789._,KMG", max_size=40))
def test_any_text_is_read_or_told_what_is_wrong_with_it(text: str) -> None:
    try:
        assert parse(text).clauses
    except Malformed as trouble:
        assert 0 <= trouble.column <= len(text)
        assert trouble.expected


@given(
    st.sampled_from(FIGURES),
    st.sampled_from(sorted(OPERATORS)),
    st.integers(0, 10**6),
    st.sampled_from(["", "objrmap"]),
)
def test_what_is_written_well_is_read_as_written(figure: str, relation: str, number: int, design: str) -> None:
    condition = parse(f"{figure}  {relation} {number}" + (f" in {design}" if design else ""))
    assert condition.clauses[0].relation == relation
    assert condition.clauses[0].number == number
    assert condition.design == design
    assert "  " not in condition.text
    assert parse(condition.text) == condition


def test_the_meaning_says_when_it_stops_and_where() -> None:
    assert meaning(parse("vmas > 1000")) == (
        "Stops where it becomes true: vmas of all processes > 1,000 in any design."
    )
    said = meaning(parse("operation fork and call refused in objrmap"))
    assert said == "Stops after the operation: the operation is fork and a system call fails in objrmap."
    assert "nodes visited by real walks >= 3" in meaning(parse("walk visits >= 3"))


@pytest.mark.parametrize("phrase", [*EVENTS, *(f"{f} > 1" for f in FIGURES), *(f"operation {n}" for n in NAMES)])
def test_every_phrase_has_a_meaning(phrase: str) -> None:
    assert meaning(parse(phrase)).startswith("Stops ")


def test_what_can_come_next() -> None:
    assert set(continuations("")) >= {"operation", "walk visits", "merge refused", "vmas"}
    assert continuations("wal") == ("walk visits", "walks")
    assert continuations("walk") == ("visits",) or "walk visits" in continuations("walk")
    assert continuations("vmas > 3") == ("and", "in")
    assert continuations("vmas > 3 in objrmap") == ("and",)
    assert continuations("vmas > 3 in ", ("objrmap", "anonmm")) == ("any", "objrmap", "anonmm")
    assert continuations("nonsense ") == ()


def test_a_completion_leads_to_something_that_can_be_read() -> None:
    for text in ("", "vmas > 3 and ", "operation m", "call", "merge "):
        for whole in completions(text):
            try:
                parse(whole)
            except Malformed as trouble:
                assert not trouble.found, f"{text!r} was completed to {whole!r}: {trouble}"
