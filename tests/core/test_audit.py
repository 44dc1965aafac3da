"""The audit notices what was broken by hand, and shared memory goes with its last mapping."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from oracles import WORLDS, new_world

from rmapexplorer.core import radix
from rmapexplorer.core.audit import audit
from rmapexplorer.core.operations import Exit, Fork, Mmap, Munmap, Reclaim, Spawn, Touch
from rmapexplorer.core.table import EXCLUSIVE
from rmapexplorer.core.units import Corruption, Span
from rmapexplorer.core.world import World


def busy(key: str = "anon_vma_chain") -> World:
    """Two processes that share pages, a file, a swap entry."""
    w = new_world(key)
    for op in (
        Spawn(pid=1),
        Mmap(pid=1, span=Span(0, 8)),
        Mmap(pid=1, span=Span(8, 16), kind="file-shared", file="f0"),
        Touch(pid=1, runs=((0, 4, "w"), (8, 10, "w"))),
        Reclaim(),
        Touch(pid=1, runs=((0, 2, "w"),)),
        Fork(pid=1, child=2),
    ):
        assert w.apply(op).ok
    return w


def _vma_order(w: World) -> None:
    w.mms[0].vmas.reverse()


def _mapcount(w: World) -> None:
    w.page.mapcount[w.anonymous_pages()[0]] += 1


def _rss(w: World) -> None:
    w.mms[1].rss += 1


def _users(w: World) -> None:
    w.mms[0].users = 2


def _swap_count(w: World) -> None:
    w.swap.count[w.swap.live()[0]] += 1


def _file_users(w: World) -> None:
    w.files[0].users += 1


def _i_mmap(w: World) -> None:
    w.imap.remove(w.mms[1].vmas[1])


def _stray_pte(w: World) -> None:
    w.pt.flat[w.pt.make_slot(w.mms[0].tables, 300)] = radix.PRESENT | radix.ZERO


def _writable_shared_page(w: World) -> None:
    w.pt.flat[w.pt.slot(w.mms[0].tables, 0)] |= radix.WRITE


def _lost_page(w: World) -> None:
    w.page.state[w.page.new()] = 1


def _two_exclusive(w: World) -> None:
    w.page.state[w.anonymous_pages()] |= EXCLUSIVE


def _freed_vma(w: World) -> None:
    w.vma.free(w.mms[0].vmas[0])


def _page_of_another_place(w: World) -> None:
    pages = w.page.live()
    w.page.index[pages[w.page.mapping[pages] == 0][-1]] += 1


@pytest.mark.parametrize(
    "damage",
    [
        *(_vma_order, _mapcount, _rss, _users, _swap_count, _file_users, _i_mmap, _stray_pte),
        *(_writable_shared_page, _lost_page, _two_exclusive, _freed_vma, _page_of_another_place),
    ],
)
def test_every_damage_is_found(damage: Callable[[World], None]) -> None:
    w = busy()
    audit(w)
    damage(w)
    with pytest.raises(Corruption):
        audit(w)


@pytest.mark.parametrize("key", WORLDS)
def test_a_forgotten_object_of_the_design_is_found(key: str) -> None:
    w = busy(key)
    audit(w)
    table = {"pte_chain": "block", "anonmm": "anonmm", "anonmm:variant=4c": "anonmm"}.get(key, "av")
    getattr(w.design, table).new()
    with pytest.raises(Corruption):
        audit(w)


@pytest.mark.parametrize("key", WORLDS)
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("ending", [Munmap(pid=1, span=Span(0, 4)), Exit(pid=1), Mmap(pid=1, span=Span(0, 8))])
def test_shared_anonymous_memory_goes_with_its_last_mapping(key: str, swapped: bool, ending: object) -> None:
    w = new_world(key)
    w.apply(Spawn(pid=1))
    w.apply(Mmap(pid=1, span=Span(0, 4), kind="anon-shared"))
    w.apply(Touch(pid=1, runs=((0, 3, "w"),)))
    if swapped:
        w.apply(Reclaim())
    w.apply(Fork(pid=1, child=2))
    w.apply(Exit(pid=2))
    assert len(w.swap if swapped else w.page) == 3
    w.apply(ending)  # type: ignore[arg-type]
    assert (len(w.page), len(w.swap), len(w.cache)) == (0, 0, 0)
    audit(w)


def test_a_file_keeps_its_page_cache() -> None:
    w = busy()
    w.apply(Exit(pid=1))
    w.apply(Exit(pid=2))
    audit(w)
    assert np.count_nonzero(w.page.mapping[w.page.live()] == 0) >= 2
