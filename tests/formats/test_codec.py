"""One operation, one JSON object: what is left out, what is refused, and in which words."""

from __future__ import annotations

import pytest

from rmapexplorer.core.operations import OPERATIONS, Brk, Mmap, Mremap, Reclaim, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.formats import codec

from .strategies import EXAMPLES

MMAP = {"op": "mmap", "pid": 1, "span": [16, 32]}


def test_fields_with_their_default_are_left_out():
    assert codec.encode(Mmap(pid=1, span=Span(16, 32))) == MMAP
    assert codec.encode(Reclaim()) == {"op": "reclaim"}
    assert codec.encode(Brk(pid=1, end=9)) == {"op": "brk", "pid": 1, "end": 9}


def test_what_is_not_default_is_written_in_the_words_of_the_operation():
    op = Mmap(pid=1, span=Span(16, 32), prot="", kind="file-shared", file="a", offset=2, flags=("locked",), label="x")
    assert codec.encode(op) == MMAP | {
        "prot": "", "kind": "file-shared", "file": "a", "offset": 2, "flags": ["locked"], "label": "x",
    }  # fmt: skip


def test_there_is_an_example_of_every_operation():
    assert {type(op) for op in EXAMPLES} == set(OPERATIONS)


@pytest.mark.parametrize("op", EXAMPLES, ids=lambda op: op.name)
def test_decode_undoes_encode(op):
    assert codec.decode(codec.encode(op)) == op
    assert codec.problem(op) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"op": "mmapp"}, "unknown op 'mmapp'"),
        ({"op": None}, "unknown op null"),
        ({"op": ["mmap"]}, "unknown op ['mmap']"),
        ({"colour": 1}, "a field 'colour' that mmap does not have"),
        ({"pid": -1}, '"pid" must be from 0 to'),
        ({"pid": 2**31}, '"pid" must be from 0 to'),
        ({"pid": True}, '"pid" must be a whole number, not true'),
        ({"pid": 1.0}, '"pid" must be a whole number, not 1.0'),
        ({"pid": "1"}, '"pid" must be a whole number'),
        ({"pid": 10**5000}, '"pid" must be from 0 to'),
        ({"span": [16]}, '"span" must be [first page, end page]'),
        ({"span": [16, None]}, '"span" must be a whole number, not null'),
        ({"span": [-1, 16]}, '"span" must be from 0'),
        ({"span": [16, 2**52 + 1]}, '"span" must be from 0'),
        ({"span": {"start": 16}}, '"span" must be [first page, end page]'),
        ({"prot": "wr"}, '"prot" must be letters of rwx in this order'),
        ({"prot": "rw\n"}, '"prot" must be letters of rwx in this order'),
        ({"kind": "anonymous"}, "is 'anonymous', which is no kind of mapping (known: anon, "),
        ({"file": 7}, '"file" must be a text'),
        ({"label": "a\udc80"}, "surrogate"),
        ({"label": "a" * 5000}, "at most 4096 characters"),
        ({"flags": "locked"}, '"flags" must be a list of flags'),
        ({"flags": ["huge"]}, "is 'huge', which is no mmap flag"),
        ({"flags": ["locked", "locked"]}, "must not name a flag twice"),
        ({"offset": -1}, '"offset" must be from 0'),
    ],
)
def test_each_wrong_value_is_named(change, words):
    with pytest.raises(ValueError) as caught:
        codec.decode(MMAP | change)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([1], "must be an object"),
        (None, "must be an object"),
        ({"pid": 1}, 'has no "op"'),
        ({"op": "mmap", "pid": 1}, '(mmap) has no "span"'),
        ({"op": "fork", "pid": 1}, '(fork) has no "child"'),
        ({"op": "madvise", "pid": 1, "span": [1, 2], "advice": "MADV_FREE"}, "which is no advice"),
        ({"op": "touch", "pid": 1, "runs": []}, '"runs" must be a list'),
        ({"op": "touch", "pid": 1, "runs": [[1, 2, "x"]]}, '"r" or "w"'),
        ({"op": "touch", "pid": 1, "runs": [[1, 2]]}, '"r" or "w"'),
        ({"op": "touch", "pid": 1, "runs": [[2, -2, "r"]]}, "must be from 0 to"),
        ({"op": "clone", "pid": 1, "child": 2, "thread": 1}, "must be true or false"),
        ({"op": "mremap", "pid": 1, "span": [1, 2], "new_pages": 1, "to": 2**52 + 1}, '"to" must be from 0'),
        ({"op": "reclaim", "pages": -1}, '"pages" must be from 0'),
        ({"op": "ftruncate", "pid": 1, "file": "a", "pages": None}, '"pages" must be a whole number'),
    ],
)
def test_each_wrong_object_is_named(data, words):
    with pytest.raises(ValueError) as caught:
        codec.decode(data)
    assert words in str(caught.value)


def test_an_operation_that_could_not_be_read_again_has_a_problem():
    assert "span" in codec.problem(Mmap(pid=1, span=Span(-1, 9)))
    assert "new_pages" in codec.problem(Mremap(pid=1, span=Span(1, 2), new_pages=-1))
    assert "runs" in codec.problem(Touch(pid=1, runs=()))
