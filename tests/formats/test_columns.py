"""What is read many at a time is what is read one by one: the same operations, the same sentence at the same place."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmapexplorer.core.operations import Operation, Spawn, Touch
from rmapexplorer.formats import codec, columns, json_text, limits
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.session import Session, parse_session, to_text
from tests.hostile_files import JUNK, bent, changed

from .strategies import EXAMPLES, operations


def one_by_one(items: list[Any]) -> list[Operation] | str:
    try:
        return [codec.decode(item) for item in items]
    except ValueError as error:
        return str(error)


@given(st.lists(operations, min_size=1, max_size=30))
@settings(deadline=None)
def test_the_operations_are_those_of_the_codec(log: list[Operation]) -> None:
    items = [codec.encode(op) for op in log]
    assert columns.decode_all(items, 0) == (log, {})


@pytest.mark.parametrize("op", EXAMPLES, ids=lambda op: op.name)
def test_what_the_codec_refuses_is_left_to_it(op: Operation) -> None:
    items = [codec.encode(op)] * 20
    found = columns.decode_all(items, 0)
    assert found == ([op] * 20, {}) and len({id(one) for one in found[0]}) == 20
    rng = random.Random(op.name)
    for value in (
        *JUNK,
        1 << 31,
        1 << 52,
        (1 << 52) + 1,
        "rwx",
        "none\n",
        [1, 2.0],
        [[1, 2, "w"], [1, 2]],
        ["stack"] * 2,
        ["r"],
    ):
        for key in [*items[0], "after", "else"]:
            for at in (0, rng.randrange(20)):
                wrong = [*items[:at], items[at] | {key: value}, *items[at + 1 :]]
                found = columns.decode_all(wrong, 1)
                if found is not None:
                    plain = [{k: v for k, v in item.items() if k != "after"} for item in wrong]
                    assert found[0] == one_by_one(plain) and ("after" in wrong[at]) == bool(found[1])
    for wrong in (
        None,
        [],
        "op",
        3,
        {"op": []},
        {"op": {}},
        {"op": "x"},
        {},
        {k: v for k, v in items[0].items() if k == "op"},
    ):
        found = columns.decode_all([*items, wrong], 0)
        assert (found and found[0]) == (None if isinstance(all_of := one_by_one([*items, wrong]), str) else all_of)


def test_many_shapes_are_left_to_the_codec() -> None:
    keys = [("op", "pid", "span", "prot", "kind", "offset", "file", "label")[n:] for n in range(8)]
    items = [dict.fromkeys((*keys[n % 8], n), 1) | {"op": n} for n in range(2000)]
    assert columns.decode_all(items, 0) is None


def outcome(data: bytes) -> Session | str:
    try:
        return parse_session(data, "x")
    except FormatError as error:
        return str(error)


def both_ways(data: bytes, monkeypatch: pytest.MonkeyPatch) -> Session | str:
    found = outcome(data)
    with monkeypatch.context() as patched:
        patched.setattr(json_text.JsonText, "_objects", lambda self: [])
        patched.setattr(columns, "decode_all", lambda items, start: None)
        assert outcome(data) == found
    return found


def long_session(count: int = 150) -> Session:
    rng = random.Random(1)
    log = [rng.choice(EXAMPLES) for _ in range(count)]
    parents = [n - 1 if rng.random() < 0.95 else rng.randrange(-1, n) for n in range(count)]
    return Session(title="t", operations=tuple(log), parents=tuple(parents), position=0)


@pytest.mark.parametrize("window", [300, 3000, 1 << 18])
def test_bent_sessions_are_answered_the_same(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "WINDOW", window)
    data = to_text(long_session()).encode()
    assert both_ways(data, monkeypatch) == long_session()
    rng = random.Random(window)
    refused = sum(isinstance(both_ways(bent(data, rng), monkeypatch), str) for _ in range(30))
    document = json.loads(data)
    for _ in range(30):
        document["operations"] = changed(json.loads(data)["operations"], rng)
        text = json.dumps(document, separators=rng.choice(((",", ":"), (", ", " : "), (",\n", ": "))))
        refused += isinstance(both_ways(text.encode("utf-8", "surrogatepass"), monkeypatch), str)
    assert 20 < refused < 60


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"op":"exit","pid":1,"pid":2},', "has the key 'pid' twice"),
        ('{"op":"exit","pid" :1,"pid":2},', "has the key 'pid' twice"),
        ('{"op":"spawn","pid":1,"comm":"a:b"},{"op":"exit","pid":1,"pid":2},', "has the key 'pid' twice"),
        ('{"op":"exit","pid":{"a":1,"a":2}},', "has the key 'a' twice"),
        ('{"op":"exit","pid":NaN},', "holds NaN"),
        ('{"op":"exit","pid":1},],"x":[{"op":"exit","pid":1},', "Expecting value"),
        ('{"op":"exit","pid":1}],"x":[{"op":"exit","pid":1},', "has a field 'x'"),
        ('{"op":"exit","pid":"},', "damaged JSON"),
        ('[1],{"a":1,"a":1},', "operation 3 must be an object"),
        ("[1],", "operation 3 must be an object"),
        ('{"op":"exit","pid":-1},{"op":"exit",},', "operation 3 (exit)"),
    ],
)
def test_what_is_wrong_is_told_as_ever(text: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = '{"op":"spawn","pid":1},' * 2 + text + '{"op":"spawn","pid":1}' * 1
    data = '{"format":"rmapexplorer session","version":1,"title":"","position":0,"operations":[' + lines + "]}"
    found = both_ways(data.encode(), monkeypatch)
    assert isinstance(found, str) and words in found


def test_limits_hold_within_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    log = (Spawn(pid=1), *[Touch(pid=1, runs=((1, 2, "w"),) * 2)] * 50)
    data = to_text(Session(title="", operations=log)).encode()
    monkeypatch.setattr(limits, "MAX_ALL_RUNS", 99)
    assert (
        both_ways(data, monkeypatch)
        == "x: must hold at most 99 runs of touches, not 100; correct it or take an intact copy."
    )
    monkeypatch.setattr(limits, "MAX_OPERATIONS", 50)
    monkeypatch.setattr(limits, "MAX_ALL_RUNS", 100)
    assert (
        both_ways(data, monkeypatch) == "x: must hold at most 50 operations, not 51; correct it or take an intact copy."
    )
