"""Places as page numbers and as byte addresses: written, found in sentences, read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmapexplorer.core.places import BYTES, PAGES, PlaceError, Places
from rmapexplorer.core.units import TASK_SIZE_PAGES, Span

pages, bytes_ = Places(PAGES), Places(BYTES)


def test_they_are_written_as_proc_does_or_as_numbers_of_pages() -> None:
    assert (pages.at(0xA10), bytes_.at(0xA10), bytes_.at(0x7F9E253FF)) == ("a10", "00a10000", "7f9e253ff000")
    assert (pages.span(0xA10, 0xA20), bytes_.span(0xA10, 0xA20)) == ("a10-a20", "00a10000-00a20000")
    assert (pages.page(0xA10), bytes_.page(0xA10)) == ("page a10", "page at 0xa10000")


@pytest.mark.parametrize(
    ("sentence", "written"),
    [
        ("mmap(1, a10-a20, rw, libc-2.31.so)", "mmap(1, 00a10000-00a20000, rw, libc-2.31.so)"),
        ("mremap(1, a10-a20 → c40-c50)", "mremap(1, 00a10000-00a20000 → 00c40000-00c50000)"),
        ("nothing is mapped at page a10", "nothing is mapped at 0xa10000"),
        ("pages a10-a20 are not free", "addresses 00a10000-00a20000 are not free"),
        ("page a10 is rw of data from file page 3", "page at 0xa10000 is rw of data from file page 3"),
        ("indexes a10-a20 of the space are taken", None),
        ("pgoff is not linear: the left side ends at a10", None),
        ("mmap(1, /usr/lib/a-b/c.so) of kworker/0-1, 3-letter, 2026-11-30, 2.6.0-2.6.5, b-a", None),
        ("a page fault, a page cache, 5 pages, 3 of 4 pages", None),
    ],
)
def test_in_a_sentence_only_places_become_addresses(sentence: str, written: str | None) -> None:
    assert bytes_.text(sentence) == (written or sentence)
    assert pages.text(sentence) == sentence


@given(st.integers(0, TASK_SIZE_PAGES - 1), st.sampled_from([pages, bytes_]))
def test_what_is_written_is_read_again_in_either_way(page: int, places: Places) -> None:
    assert places.parse(places.at(page)) == page
    for form in (f"p{page:x}", f"page {page:x}", f"P{page:X}", f"{page << 12:#x}"):
        assert places.parse(form) == page
    assert places.readings(f"{page << 12:#x}")[0] == page == places.readings(places.at(page))[0]


@given(st.integers(0, TASK_SIZE_PAGES - 2), st.integers(1, 1 << 20))
def test_spans_in_texts_are_those_of_the_operation(start: int, length: int) -> None:
    span = Span(start, min(start + length, TASK_SIZE_PAGES))
    assert bytes_.text(f"munmap(1, {span})") == f"munmap(1, {bytes_.span(span.start, span.end)})"


@pytest.mark.parametrize(
    ("places", "typed", "words"),
    [
        (bytes_, "a10", "is an address inside a page: addresses of pages end in 000; for the page number write pa10."),
        (pages, "0xa10", "for the page number write pa10."),
        (bytes_, "7f9e253ff123", "is an address inside a page: addresses of pages end in 000."),
        (pages, "zz", "is hexadecimal, for example a10."),
        (bytes_, "", "is hexadecimal, for example 00a10000."),
        (pages, "p800000001", f"beyond the end of user space, {TASK_SIZE_PAGES:x}."),
    ],
)
def test_what_cannot_be_read_is_explained(places: Places, typed: str, words: str) -> None:
    with pytest.raises(PlaceError) as trouble:
        places.parse(typed, "The first page")
    assert str(trouble.value).endswith(words) and str(trouble.value).startswith("The first page")


def test_a_bare_number_that_can_only_be_an_address_is_one() -> None:
    assert pages.parse("7f9e253ff000") == 0x7F9E253FF
    assert pages.readings("a10") == (0xA10,) and bytes_.readings("a10123") == (0xA10, 0xA10123)
