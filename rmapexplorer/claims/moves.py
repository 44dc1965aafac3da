"""Claims about anonmm and mremap: C1 to C4, and C17."""

from __future__ import annotations

from rmapexplorer.claims.look import cost, kept, kept_beside, missed_by_pid, pages_at, walk_of
from rmapexplorer.claims.model import (
    HALF_TRUE,
    HOLDS,
    I386,
    ONLY_WHEN,
    REFUTED,
    X86_64,
    Claim,
    Figure,
    Figures,
    Place,
    Table,
    Verdict,
    columns,
    each,
    listed,
    many,
    number,
    where,
)  # fmt: skip
from rmapexplorer.claims.replay import Replay
from rmapexplorer.claims.scene import ARENA, CHILD, HEAP, PARENT, Scene, span
from rmapexplorer.core.counters import copied_early
from rmapexplorer.core.units import PAGE_BYTES
from rmapexplorer.formats.session import Session

SHARED = span(HEAP, 64)
ALONE = span(HEAP + 0x100, 48)
SHARED_TO, ALONE_TO = SHARED.moved(ARENA), ALONE.moved(ARENA + 0x100)


def _family(title: str) -> Scene:
    # two areas after a fork: one still shared, of the other the child has copies of its own
    s = Scene(title, I386)
    s.area(PARENT, SHARED)
    s.area(PARENT, ALONE)
    s.fork(PARENT, CHILD, comm="worker")
    s.write(CHILD, ALONE)
    return s


# -- C1 -----------------------------------------------------------------------------------------------


def _c1_scene() -> Session:
    s = _family("C1: anonmm and mremap")
    s.note("The worker shares 64 pages with the server and has 48 pages of its own.")
    s.move(CHILD, SHARED, SHARED_TO.start)
    s.move(CHILD, ALONE, ALONE_TO.start)
    s.note("It moved both areas: what the address tells has become wrong in one of the two processes.")
    s.reclaim()
    return s.session()


def _c1(r: Replay) -> Figures:
    r.until(0)
    shared = pages_at(r.world, CHILD, SHARED)
    figures = {"shared": len(shared), "alone": len(pages_at(r.world, CHILD, ALONE))}
    done = r.until(1)
    figures["missed_shared"] = walk_of(r.world, (PARENT, SHARED), (CHILD, SHARED_TO)).missed
    figures["missed_alone"] = walk_of(r.world, (CHILD, ALONE_TO)).missed
    figures["copied"] = copied_early(done)
    figures["unswappable"] = r.until()["pages_unswappable"]
    return figures


def _c1_rule(t: Table) -> Verdict:
    forms = where(t, lambda f: True, "anonmm")
    losing = where(t, lambda f: f["missed_shared"] > 0, "anonmm")
    alone = where(t, lambda f: f["missed_alone"] > 0, "anonmm")
    if not losing:
        return Verdict(
            REFUTED, f"No form of anonmm misses a pte of a page that was moved: {each(t, 'missed_shared', forms)}."
        )
    if losing == alone == forms:
        return Verdict(HOLDS, f"Every form of anonmm misses ptes: {each(t, 'missed_shared')}.")
    copying = [name for name in forms if name not in losing and t[name]["copied"] > 0]
    noting = [name for name in forms if name not in losing and t[name]["copied"] == 0]
    lost = t[losing[0]]
    return Verdict(
        ONLY_WHEN,
        f"the pages are shared and mremap leaves them as they are: of {number(lost['shared'])} shared pages moved "
        f"{listed(losing)} miss "
        f"{each(t, 'missed_shared', losing)} ptes, of {number(lost['alone'])} pages mapped once "
        f"{each(t, 'missed_alone', losing)}. "
        f"{listed(copying)} find all after copying {each(t, 'copied', copying)} pages; {listed(noting)} find all "
        f"without a copy.",
    )


C1 = Claim(
    id="C1", title="anonmm cannot handle mremap",
    statement="A page that is known by its address in a group of mms can no longer be found once one process moves "
    "it.",
    place=Place((2, 10), "anonmm has no reasonable way to deal with mremap"),
    columns=columns(
        "anonmm", "anonmm:variant=4a", "anonmm:variant=4b", "anonmm:variant=4c", "anonmm:variant=4d", "anonmm_ranges",
        "pte_chain", "anon_vma", "anon_vma_chain", "shared_space",
    ),
    figures=(
        Figure("shared", "pages", "shared pages in the area that is moved"),
        Figure("alone", "pages", "pages mapped once in the other area that is moved"),
        Figure("missed_shared", "ptes", "ptes of the shared pages that walks miss after the move"),
        Figure("missed_alone", "ptes", "the same of the pages mapped once"),
        Figure("copied", "pages", "pages that mremap copied"),
        Figure("unswappable", "pages", "pages that reclaim could not unmap for it"),
    ),
    make=_c1_scene, measure=_c1, rule=_c1_rule,
    rule_text="Holds where every form of anonmm misses ptes of moved pages, shared or not; holds only when ..., "
    "where some do; "
    "refuted where none does.",
)  # fmt: skip


# -- C2 -----------------------------------------------------------------------------------------------


def _c2_scene() -> Session:
    s = _family("C2: page->index cannot be put right")
    s.move(CHILD, SHARED, SHARED_TO.start)
    s.move(CHILD, ALONE, ALONE_TO.start)
    s.note("What if mremap wrote the new address into page->index of the shared pages?")
    return s.session()


def _c2(r: Replay) -> Figures:
    r.until(0)
    w = r.world.copy()
    shared, alone = pages_at(w, CHILD, SHARED_TO), pages_at(w, CHILD, ALONE_TO)
    before = missed_by_pid(w, shared)
    w.page.index[shared] += ARENA - HEAP
    after = missed_by_pid(w, shared)
    return {
        "shared": len(shared), "kept_parent": before[PARENT], "kept_child": before[CHILD],
        "rewritten_parent": after[PARENT],
        "rewritten_child": after[CHILD], "alone": cost(w, alone).missed,
    }  # fmt: skip


def _c2_rule(t: Table) -> Verdict:
    turned = where(
        t, lambda f: f["rewritten_parent"] == f["kept_child"] > 0 and f["rewritten_child"] == f["kept_parent"] == 0
    )
    mended = where(t, lambda f: f["rewritten_parent"] + f["rewritten_child"] == 0)
    words = (
        f"with the old index walks miss {each(t, 'kept_child')} ptes of the mover and {each(t, 'kept_parent')} of "
        f"its parent, with the new one "
        f"{each(t, 'rewritten_child')} of the mover and {each(t, 'rewritten_parent')} of its parent"
    )
    if len(turned) == len(t):
        return Verdict(HOLDS, f"Rewriting moves the loss to the other side: {words}.")
    if len(mended) == len(t):
        return Verdict(REFUTED, f"Rewriting mends it: {words}.")
    return Verdict(HALF_TRUE, f"Rewriting does not simply move the loss: {words}.")


C2 = Claim(
    id="C2", title="page->index cannot be put right",
    statement="Writing the new address into the pages that mremap moves helps nobody: the other processes that map "
    "them are at the old one.",
    place=Place((18,), "no fixing of page->index, since it means the old address to other processes"),
    columns=columns("anonmm:variant=4a", "anonmm:variant=4c"),
    figures=(
        Figure("shared", "pages", "shared pages that the child moved"),
        Figure("kept_parent", "ptes", "missed of the parent while page->index is the old address"),
        Figure("kept_child", "ptes", "missed of the child then"),
        Figure("rewritten_parent", "ptes", "missed of the parent once page->index is the new address"),
        Figure("rewritten_child", "ptes", "missed of the child then"),
        Figure("alone", "ptes", "missed of pages that only the child maps, whose index mremap did rewrite"),
    ),
    make=_c2_scene, measure=_c2, rule=_c2_rule,
    rule_text="Holds where the rewriting makes the walks miss as many ptes of the parent as they missed of the "
    "child before; refuted where "
    "they miss none any more.",
)  # fmt: skip


# -- C3 -----------------------------------------------------------------------------------------------


def _c3_scene() -> Session:
    s = _family("C3: pte_chains after the first mremap")
    s.note("Before the move.")
    s.move(CHILD, SHARED, SHARED_TO.start)
    s.note("The worker moved the 64 pages it shares.")
    s.move(CHILD, ALONE, ALONE_TO.start)
    s.note("And the 48 pages of its own.")
    s.fork(CHILD, 3, comm="worker")
    s.note("It forks: all pages are mapped once more.")
    return s.session()


def _c3(r: Replay) -> Figures:
    forks = r.until(0)
    w = r.world
    bytes_at = [kept_beside(w, "anonmm")]
    shared, alone = pages_at(w, CHILD, SHARED), pages_at(w, CHILD, ALONE)
    before = cost(w, shared)
    moves = r.until(1)
    bytes_at.append(kept_beside(w, "anonmm"))
    after = cost(w, shared)
    moves_alone = r.until(2)
    bytes_at.append(kept_beside(w, "anonmm"))
    last_fork = r.until(3)
    bytes_at.append(kept_beside(w, "anonmm"))
    return {
        "before": bytes_at[0], "a_shared_page": (bytes_at[1] - bytes_at[0]) / len(shared),
        "a_lone_page": (bytes_at[2] - bytes_at[1]) / len(alone), "fork": bytes_at[3] - bytes_at[2],
        "atomic_moves": moves["atomic_allocs"] + moves_alone["atomic_allocs"],
        "atomic_forks": forks["atomic_allocs"] + last_fork["atomic_allocs"],
        "probes_before": before.probes_a_page, "probes_after": after.probes_a_page,
    }  # fmt: skip


def _c3_rule(t: Table) -> Verdict:
    chains, ptes = where(t, lambda f: True, "anonmm"), where(t, lambda f: True, "pte_chain")
    if all(t[name]["a_shared_page"] == 0 for name in chains):
        return Verdict(REFUTED, "Nothing is kept for a page that is moved.")
    both = chains + ptes
    paid = (
        f"a moved page that is shared costs {each(t, 'a_shared_page', chains)} bytes, one mapped once "
        f"{each(t, 'a_lone_page', chains)}"
    )
    tells = (
        f"a fork after it costs {each(t, 'fork', both)} bytes, and forks tried GFP_ATOMIC "
        f"{each(t, 'atomic_forks', both)} times"
    )
    if all(t[name]["fork"] > 0 and t[name]["atomic_forks"] > 0 for name in chains):
        return Verdict(HOLDS, f"They behave as pte_chains do: {paid}; {tells}.")
    probes = (
        f"{each(t, 'probes_before', chains)} ptes probed for a shared page before the move, "
        f"{each(t, 'probes_after', chains)} after"
    )
    return Verdict(
        HALF_TRUE,
        f"memory is paid page by page, as for pte_chains, but not for each pte: {paid}; {tells}. Addresses are "
        f"chained, and each is tried in every mm: {probes}.",
    )


C3 = Claim(
    id="C3", title="after an mremap anonmm falls back to pte_chains",
    statement="Hugh Dickins' 2003 patch solves mremap by giving the moved pages pte_chains again.",
    place=Place((12, 19), "he used the pte_chains after the first mremap, as the rmap VM does"),
    columns=columns("anonmm:variant=4b", "pte_chain", also=X86_64),
    figures=(
        Figure("before", "bytes", "chains before the move"),
        Figure("a_shared_page", "bytes", "more for each shared page that is moved"),
        Figure("a_lone_page", "bytes", "more for each page mapped once that is moved"),
        Figure("fork", "bytes", "more chains after the mover forked"),
        Figure("atomic_moves", "times", "GFP_ATOMIC tried by the moves"),
        Figure("atomic_forks", "times", "GFP_ATOMIC tried by the forks"),
        Figure("probes_before", "ptes a page", "probed to unmap a shared page before the move"),
        Figure("probes_after", "ptes a page", "and after it"),
    ),
    make=_c3_scene, measure=_c3, rule=_c3_rule,
    rule_text="Refuted where a moved page costs nothing; holds where the chains cost memory page by page, and in "
    "forks, with GFP_ATOMIC; "
    "half true where they cost memory page by page only.",
    remark="The blocks hold virtual addresses, not ptes (anobjrmap 5/6 of 2003-03-20); that patch calls them chains "
    "as well, hence the name.",
)  # fmt: skip


# -- C4 -----------------------------------------------------------------------------------------------

ROUNDS = 8
HOME = span(HEAP, 64)


def _c4_scene() -> Session:
    s = Scene("C4: what mremap leaves behind", I386)
    s.area(PARENT, HOME)
    s.fork(PARENT, CHILD, comm="worker")
    s.note("Before the first move.")
    at = s.move(CHILD, HOME, ARENA)
    s.note("After the first move.")
    for turn in range(ROUNDS):
        at = s.move(CHILD, at, ARENA if turn % 2 else HEAP)
    s.move(CHILD, at, HEAP)
    s.note("After moving to and fro, and back home.")
    at = HOME
    for turn in range(1, 2 * ROUNDS + 1):
        at = s.move(CHILD, at, ARENA + turn * 0x100)
    s.note("After moving to sixteen other places, one after another.")
    s.move(CHILD, at, HEAP)
    s.note("Home again.")
    s.exit(CHILD)
    return s.session()


def _c4(r: Replay) -> Figures:
    figures: dict[str, float] = {}
    copied = 0
    for note, name in enumerate(("before", "first", "to_and_fro", "many", "home")):
        copied += copied_early(r.until(note))
        figures[name] = kept(r.world)
    figures["copied"] = copied
    r.until()
    figures["exited"] = kept(r.world)
    return figures


def _c4_rule(t: Table) -> Verdict:
    forms = where(t, lambda f: True, "anonmm")
    growing = where(t, lambda f: max(f["first"], f["many"]) > f["before"], "anonmm")
    staying = where(t, lambda f: f["home"] > f["before"], "anonmm")
    copying = where(t, lambda f: f["copied"] > 0, "anonmm")
    others = [name for name in t if name not in forms]
    rest = "; ".join(f"{name} {number(t[name]['before'])} before, {number(t[name]['many'])} after" for name in others)
    if not growing:
        return Verdict(REFUTED, f"No form of anonmm keeps more bytes after moves: {each(t, 'many', forms)}.")
    words = "; ".join(
        f"{name} keeps {number(t[name]['before'])} bytes before, {number(t[name]['first'])} after one move, "
        f"{number(t[name]['many'])} after moves to many places, {number(t[name]['home'])} back home"
        for name in growing
    )
    paid = "; ".join(
        f"{name} keeps nothing more but copied {many(t[name]['copied'], 'page')}, "
        f"{number(t[name]['copied'] * PAGE_BYTES)} bytes that can be swapped"
        for name in copying
    )
    if growing == staying == forms:
        return Verdict(HOLDS, f"{words}. Others: {rest}.")
    return Verdict(
        ONLY_WHEN,
        f"addresses are noted page by page: it lasts in {listed(staying)}. {words}. {paid}. Others: {rest}.",
    )


C4 = Claim(
    id="C4", title="mremap leaves a lasting overhead behind",
    statement="Under anonmm every mremap attaches memory to what it touches, which stays and grows.",
    place=Place((3,), "mremap attaches a persistent dynamic overhead to the vma it touches"),
    columns=columns("anonmm:variant=4b", "anonmm", "anonmm_ranges", "pte_chain", "shared_space", "anon_vma",
    "anon_vma_chain"),
    figures=(
        Figure("before", "bytes", "reverse-mapping objects before the first move"),
        Figure("first", "bytes", "after one move"),
        Figure("to_and_fro", "bytes", "after moving between two places, and home"),
        Figure("many", "bytes", "after moving on to sixteen other places"),
        Figure("home", "bytes", "home again"),
        Figure("exited", "bytes", "after the mover's exit"),
        Figure("copied", "pages", "pages copied by all these moves"),
    ),
    make=_c4_scene, measure=_c4, rule=_c4_rule,
    rule_text="Holds where every form of anonmm keeps more bytes after moves, back at home too; holds only when "
    "..., where some do; refuted "
    "where none keeps more.",
)  # fmt: skip


# -- C17 ----------------------------------------------------------------------------------------------


def _c17_scene() -> Session:
    s = Scene("C17: before and after mremap", I386)
    s.area(PARENT, SHARED)
    s.fork(PARENT, CHILD, 3, comm="worker")
    s.note("Three processes share 64 pages.")
    s.move(CHILD, SHARED, SHARED_TO.start)
    s.note("One of them moved them.")
    return s.session()


def _c17(r: Replay) -> Figures:
    r.until(0)
    still = walk_of(r.world, (PARENT, SHARED), (CHILD, SHARED), (3, SHARED))
    copied = copied_early(r.until(1))
    moved = walk_of(r.world, (PARENT, SHARED), (CHILD, SHARED_TO), (3, SHARED))
    figures: dict[str, float] = {"copied": copied}
    for name, c in (("still", still), ("moved", moved)):
        figures |= {f"nodes_{name}": c.nodes / (c.hits + c.missed), f"probes_{name}": c.probes / (c.hits + c.missed)}
    return figures


def _even(f: Figures) -> bool:
    return f["nodes_moved"] == f["nodes_still"] and f["probes_moved"] == f["probes_still"] and not f["copied"]


def _c17_rule(t: Table) -> Verdict:
    uneven = [name for name in t if not _even(t[name])]
    words = "; ".join(
        f"{name} {number(t[name]['nodes_still'])} nodes and {number(t[name]['probes_still'])} probes a pte before "
        f"the move, "
        f"{number(t[name]['nodes_moved'])} and {number(t[name]['probes_moved'])} after it"
        + (f", {many(t[name]['copied'], 'page')} copied" if t[name]["copied"] else "")
        for name in uneven
    )
    even = [name for name in t if name not in uneven]
    if not _even(t["anon_vma"]):
        return Verdict(REFUTED, f"Moving makes a difference under anon_vma too: {words}.")
    anonmm = where(t, _even, "anonmm")
    if anonmm:
        return Verdict(
            HALF_TRUE,
            f"anon_vma treats both alike, but so does {listed(anonmm)}. It makes a difference under: "
            f"{words or 'none'}.",
        )
    return Verdict(HOLDS, f"It makes no difference under {listed(even)}. It does under: {words}.")


C17 = Claim(
    id="C17", title="all vmas alike, before and after mremap",
    statement="With anon_vma a vma that was moved is like any other; anonmm needs something special for it.",
    place=Place((4, 21), "all vmas should be symmetric, without special cases for mremap"),
    columns=columns(
        "pte_chain", "anonmm:variant=4b", "anonmm", "anonmm_ranges", "shared_space", "anon_vma", "anon_vma_chain"
    ),
    figures=(
        Figure("nodes_still", "nodes a pte", "visited to unmap the pages before the move"),
        Figure("nodes_moved", "nodes a pte", "and after one of three processes moved them"),
        Figure("probes_still", "probes a pte", "ptes probed for them before"),
        Figure("probes_moved", "probes a pte", "and after"),
        Figure("copied", "pages", "copied by the move"),
    ),
    make=_c17_scene, measure=_c17, rule=_c17_rule,
    rule_text="A design treats both alike where walks cost the same for each pte and nothing was copied. Holds "
    "where anon_vma does and no form of "
    "anonmm; half true where a form of anonmm does too; refuted where anon_vma does not.",
    remark="Copying should make both alike, at the price of the pages copied; but of three processes the mover is "
    "still asked for the page it left, one false "
    "probe for two ptes. With two processes nothing of that is seen.",
)  # fmt: skip

CLAIMS = (C1, C2, C3, C4, C17)
