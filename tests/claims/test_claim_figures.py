"""The figures of each claim: closed forms and what the mails of March 2004 say, worked out without the code under test.

F1 to F6 are those of tests/golden/test_closed_forms.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rmapexplorer.claims.model import HALF_TRUE, HOLDS, ONLY_WHEN, REFUTED, ClaimResult

Run = Callable[[str], ClaimResult]
RFC2, FIXUP = "anon_vma:direct=naive,adopt=none,alloc=fork", "anon_vma:direct=fixup,adopt=none,alloc=fork"

VERDICTS = {
    "C1": ONLY_WHEN, "C2": HOLDS, "C3": HALF_TRUE, "C4": ONLY_WHEN, "C5": HALF_TRUE, "C6": ONLY_WHEN,
    "C7": HALF_TRUE, "C8": REFUTED,
    "C9": HOLDS, "C10": ONLY_WHEN, "C11": ONLY_WHEN, "C12": HOLDS, "C13": HOLDS, "C14": ONLY_WHEN, "C15": HOLDS,
    "C16": ONLY_WHEN,
    "C17": HOLDS, "C18": ONLY_WHEN,
}  # fmt: skip
"""What the figures below say by the rules; a change here has to be explained by a changed figure."""


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict(run: Run, name: str) -> None:
    assert run(name).verdict.kind == VERDICTS[name]


def column(result: ClaimResult, figure: str) -> dict[str, float]:
    return {name: figures[figure] for name, figures in result.figures.items() if figure in figures}


def test_c1_missed_are_the_shared_pages_moved_where_nothing_else_is_done(run: Run) -> None:
    """4c and 4a: R of R shared pages, none of those mapped once; 4d and 4e copy R; all others neither miss nor copy."""
    shared = 64
    result = run("C1")
    lossy, copying = {"anonmm:variant=4a", "anonmm:variant=4c"}, {"anonmm:variant=4d", "anonmm"}
    for name, figures in result.figures.items():
        assert figures["shared"] == shared
        assert figures["missed_shared"] == figures["unswappable"] == (shared if name in lossy else 0), name
        assert figures["missed_alone"] == 0, name
        assert figures["copied"] == (shared if name in copying else 0), name


def test_c2_the_parent_is_missed_instead(run: Run) -> None:
    """As many ptes as before, of the other process."""
    for figures in run("C2").figures.values():
        assert (figures["kept_parent"], figures["kept_child"]) == (0, 64)
        assert (figures["rewritten_parent"], figures["rewritten_child"]) == (64, 0)
        assert figures["alone"] == 0


def test_c3_a_block_for_each_shared_page_that_moves_and_none_by_fork(run: Run) -> None:
    """rmap_chain: seven words and next, 32 bytes on i386 and 64 on x86_64; made with GFP_KERNEL before the lock."""
    result = run("C3")
    assert column(result, "a_shared_page") == {
        "anonmm:variant=4b": 32, "pte_chain": 0, "anonmm:variant=4b (x86_64)": 64, "pte_chain (x86_64)": 0,
    }  # fmt: skip
    assert set(column(result, "a_lone_page").values()) == {0}
    for name, figures in result.figures.items():
        chains = name.startswith("pte_chain")
        assert (figures["fork"] > 0) == chains
        assert (figures["atomic_forks"] > 0) == chains
        assert figures["atomic_moves"] == 0
        # two addresses in each of two mms
        assert (figures["probes_before"], figures["probes_after"]) == ((2, 2) if chains else (2, 4))


def test_c4_chains_grow_with_the_addresses_and_stay(run: Run) -> None:
    """4b: 18 addresses beside the first: blocks of 6 and 7, so three for each of 64 pages; two anonmms of 24 bytes, one orphan later."""
    t = run("C4").figures
    assert t["anonmm:variant=4b"] == {
        "before": 48, "first": 48 + 64 * 32, "to_and_fro": 48 + 64 * 32, "many": 48 + 3 * 64 * 32,
        "home": 48 + 3 * 64 * 32,
        "exited": 24 + 3 * 64 * 32, "copied": 0,
    }  # fmt: skip
    assert t["anonmm"]["copied"] == 64
    for name in ("anonmm", "shared_space", "anon_vma", "anon_vma_chain", "pte_chain"):
        assert {t[name][at] for at in ("before", "first", "to_and_fro", "many", "home")} == {t[name]["before"]}, name
    ranges = t["anonmm_ranges"]
    assert ranges["first"] - ranges["before"] == 28  # one range, i386
    assert ranges["many"] == ranges["first"]
    assert ranges["home"] == ranges["before"]


def test_c5_ranges_take_less_memory_but_no_shorter_walks(run: Run) -> None:
    t = run("C5").figures
    for form in (
        "anonmm_ranges",
        "anonmm_ranges:alloc=preallocated",
        "anonmm_ranges:form=tree",
        "anonmm_ranges:form=exhaustive",
    ):
        assert t[form]["total"] < t["anon_vma"]["total"]
        assert t[form]["probes"] >= t["anon_vma"]["probes"]
        assert t[form]["missed"] == 0
    assert t["anonmm_ranges"]["atomic"] >= 60  # six workers, ten moves each
    assert t["anonmm_ranges:alloc=preallocated"]["atomic"] == 0
    assert t["anonmm"]["copied"] == 6 * 10 * 4


def test_c6_the_list_wins_in_new_vmas_and_loses_its_lead_in_inherited_ones(run: Run) -> None:
    """F4 with n = 100: the mean of n - i + 1 is 50.5 for anon_vma; in new vmas a list of one."""
    t, n = run("C6").figures, 100
    assert t["anon_vma"]["nodes_fresh"] == 1
    assert t["anon_vma"]["nodes_inherited"] == t["anon_vma"]["probes_inherited"] == (n + 1) / 2
    assert t["anonmm"]["probes_fresh"] == t["anonmm"]["probes_inherited"] == 1
    assert t["shared_space"]["probes_fresh"] == (n + 1) / 2
    assert t["shared_space"]["probes_inherited"] == (n + 1) / 2 + 1  # the parent's vma covers the index as well


def test_c7_direct_pages_save_allocations_over_anon_vma_but_no_probes_over_anonmm(run: Run) -> None:
    t = run("C7").figures
    assert {name: figures["probes"] for name, figures in t.items()} == dict.fromkeys(t, 1)
    assert t[RFC2]["fault_allocs"] == t["anonmm"]["fault_allocs"] == 0
    assert t["anon_vma"]["fault_objects"] == 6  # one for each of six vmas that lie apart
    assert t["pte_chain"]["fault_allocs"] == 6 * 16  # one try for each page


def test_c8_pages_whose_vma_changed_are_missed(run: Run) -> None:
    """48 pages, the middle 12 get other rights: whatever vma keeps its id, the others' pages name the wrong one."""
    t = run("C8").figures
    assert t[RFC2]["missed"] == t[RFC2]["unswappable"] == t[RFC2]["changed"] > 0
    assert t[FIXUP]["missed"] == 0
    assert t[FIXUP]["touched"] == t[FIXUP]["changed"] > 0
    assert (t["anon_vma"]["missed"], t["anon_vma"]["touched"]) == (0, 0)


def test_c9_no_merge_of_plain_calls_is_refused(run: Run) -> None:
    t = run("C9").figures
    assert set(column(run("C9"), "plain").values()) == {0}
    assert set(column(run("C9"), "other").values()) == {0}
    assert t["anon_vma"]["moved_anon_vma"] > 0
    assert t["anon_vma"]["moved_pgoff"] > 0
    for name in ("anonmm", "pte_chain"):
        assert t[name]["gap"] == t[name]["moved_anon_vma"] == t[name]["moved_pgoff"] == 0
    assert t["anon_vma"]["vmas"] > t["shared_space"]["vmas"] > t["anonmm"]["vmas"]


def test_c10_flags_alone_merge_most_and_adoption_helps(run: Run) -> None:
    t = run("C10").figures
    assert t["anonmm"]["vmas_moved"] == t["pte_chain"]["vmas_moved"]
    assert t["shared_space"]["vmas_plain"] == t["pte_chain"]["vmas_plain"]
    assert 1 < t["anon_vma"]["vmas_plain"] / t["pte_chain"]["vmas_plain"] <= 1.1
    assert t["anon_vma"]["vmas_moved"] / t["pte_chain"]["vmas_moved"] > 1.1
    pages = 16
    assert t["anon_vma:adopt=none"]["vmas_ladder"] == pages
    assert {t[name]["vmas_ladder"] for name in ("anon_vma", "shared_space", "pte_chain", "anonmm")} == {1}
    assert t["pte_chain"]["errors_moved"] == 0 < t["anon_vma"]["errors_moved"]


def test_c11_without_the_check_the_moved_pages_are_missed(run: Run) -> None:
    """Twelve pages moved, one pte each; list or tree makes no difference; anonmm merges too and misses nothing."""
    t = run("C11").figures
    assert column(run("C11"), "missed") == {name: 12 if "pgoff_check=off" in name else 0 for name in t}
    assert t["anonmm"]["merged"] == 1
    assert t["anon_vma"]["merged"] == t["shared_space"]["merged"] == 0


def test_c12_the_tree_is_faster_and_misses_as_much(run: Run) -> None:
    """Nine mms of twelve vmas; four moved one of eight pages each, of which one pte is missed."""
    for name in ("anonmm:variant=4c", "anonmm:variant=4a"):
        figures = run("C12").figures[name]
        assert figures["nodes_vmas"] == 9 * 12
        assert figures["nodes_tree"] < figures["nodes_vmas"] / 5
        assert figures["missed"] == figures["missed_tree"] == 4 * 8


def test_c13_files_need_nothing(run: Run) -> None:
    for name, figures in run("C13").figures.items():
        assert (figures["missed"], figures["copied"], figures["vmas_apart"], figures["vmas_together"]) == (
            0,
            0,
            2,
            1,
        ), name
        assert figures["allocs"] == 0, name


@pytest.mark.parametrize(("arch", "line", "slots", "head", "link"), [("", 32, 7, 12, 12), (" (x86_64)", 64, 7, 24, 24)])
def test_c14_break_even_is_two_pages_after_one_fork_and_three_after_forty(
    run: Run, arch: str, line: int, slots: int, head: int, link: int
) -> None:
    """F3: pages x ceil((n + 1) / N) x L1 against 12 + 12 (n + 1), 24 on x86_64; a process that never forked pays 0 against 24 and 48."""
    chains, objects = run("C14").figures["pte_chain" + arch], run("C14").figures["anon_vma" + arch]
    assert (chains["lone"], objects["lone"]) == (0, head + link)
    for forks in (1, 40):
        for pages in range(1, 9):
            figure = f"forks{forks}_pages{pages}"
            assert chains[figure] == pages * -(-(forks + 1) // slots) * line
            assert objects[figure] == head + link * (forks + 1)
            assert (objects[figure] < chains[figure]) == (pages >= {1: 2, 40: 3}[forks])


def test_c15_atomic_allocations_are_pages_mapped_twice_and_vmas(run: Run) -> None:
    t = run("C15").figures
    for name, figures in t.items():
        chains = name.startswith("pte_chain")
        assert (figures["doubled"], figures["vmas"]) == (60, 3)
        assert figures["first"] == (60 + 3 if chains else 0), name
        assert figures["second"] == (3 if chains else 0), name
        assert figures["faults"] == (60 if chains else 0), name
        tried = figures["faults"] + figures["first"] + figures["second"] + figures["move"]
        every = 10 if "10th" in name else 2 if "2nd" in name else 0
        assert figures["failures"] == (tried // every if every else 0), name


def test_c16_slices_run_out(run: Run) -> None:
    """2^32 pages are 4,096 times 2^20: the parent and 4,095 children. Eight pages share four addresses after one mremap."""
    t = run("C16").figures
    assert {name: f["first_overflow"] for name, f in t.items()} == {
        "shared_space:policy=P1": 4096, "shared_space": 0, "shared_space:policy=P2": 0,
    }  # fmt: skip
    assert {name: f["duplicates"] for name, f in t.items()} == {
        "shared_space:policy=P1": 8, "shared_space": 8, "shared_space:policy=P2": 0,
    }  # fmt: skip
    assert t["shared_space"]["space"] == 2**44


def test_c17_objects_with_offsets_treat_moved_vmas_alike(run: Run) -> None:
    """Three processes: 4b tries two addresses in each of three mms and stops at the last pte; 4e asks the mover for a page it left."""
    t = run("C17").figures
    for name in ("pte_chain", "shared_space", "anon_vma", "anon_vma_chain"):
        assert t[name]["nodes_still"] == t[name]["nodes_moved"], name
        assert t[name]["probes_still"] == t[name]["probes_moved"] == 1, name
        assert t[name]["copied"] == 0, name
    assert t["anonmm:variant=4b"]["probes_moved"] > 1
    assert t["anonmm_ranges"]["nodes_moved"] > t["anonmm_ranges"]["nodes_still"]
    assert t["anonmm"]["copied"] == 64
    assert t["anonmm"]["probes_moved"] == (3 + 1) / 3  # three probes for the two ptes left, one for the copy


def test_c18_only_a_page_without_an_mm_costs_a_search(run: Run) -> None:
    """Linus' group: child i of n is the (i + 1)-th mm asked, in the mean n / 2 + 1.5; anon_vma n - i + 1 in inherited vmas (F4)."""
    t, n = run("C18").figures, 100
    assert t["anonmm:group=none"]["probes_fresh"] == t["anonmm:group=none"]["probes_inherited"] == n / 2 + 1.5
    assert t["anonmm"]["probes_fresh"] == t["anonmm"]["probes_inherited"] == 1
    assert (t["anon_vma"]["probes_fresh"], t["anon_vma"]["probes_inherited"]) == (1, (n + 1) / 2)
    assert (t["anon_vma"]["probes_oldest"], t["anon_vma"]["probes_newest"]) == (n, 1)
    assert t["shared_space"]["probes_newest"] == n + 1
