"""The workloads: what they do to worlds of all designs, the files of the gallery, and the command that writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rmapexplorer import cli
from rmapexplorer.core.audit import audit
from rmapexplorer.core.operations import Fork, Mmap
from rmapexplorer.core.units import KernelError
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named
from rmapexplorer.formats.session import load_session
from rmapexplorer.workloads.families import FORK_SERVER, MREMAP_STORM, fork_server_pages, mremap_storm_pages
from rmapexplorer.workloads.gallery import GALLERY, workload_named
from rmapexplorer.workloads.shared_files import RMAP_TEST, TEST_MMAP3
from rmapexplorer.workloads.workload import Workload

SCENARIOS = Path(__file__).parents[2] / "resources" / "scenarios"
DESIGNS = ("pte_chain", "anonmm", "anon_vma", "anon_vma_chain")


def by_key(workload: Workload) -> str:
    return workload.key


def run(workload: Workload, design: str, **chosen: int) -> World:
    """The world after all operations at the small size, none of them refused."""
    values = workload.values(full=False, **chosen)
    w = World(design_named(design), workload.machine(values))
    for op in workload.operations(values):
        outcome = w.apply(op)
        assert outcome.ok, (op, outcome)
    return w


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("workload", GALLERY, ids=by_key)
def test_every_operation_succeeds_and_the_world_is_sound(workload: Workload, design: str) -> None:
    audit(run(workload, design))


@pytest.mark.parametrize("workload", GALLERY, ids=by_key)
def test_the_file_of_the_gallery_is_what_the_workload_gives(workload: Workload) -> None:
    """``rmapexplorer workload NAME --small -o FILE`` wrote it; do so again after a change."""
    path = SCENARIOS / f"{workload.number.lower()}-{workload.key}.rmap"
    session = load_session(str(path))
    assert session == workload.session(workload.values(full=False))
    assert 20 <= len(session.operations) <= 500
    assert session.notes[0].text.startswith(workload.lesson)


def test_there_are_nine_and_all_differ() -> None:
    assert [workload.number for workload in GALLERY] == [f"W{n}" for n in range(1, 10)]
    assert len({workload.key for workload in GALLERY}) == 9
    assert workload_named("w4") is workload_named("fork-server") is FORK_SERVER


@pytest.mark.parametrize("workload", GALLERY, ids=by_key)
def test_the_same_numbers_give_the_same_operations(workload: Workload) -> None:
    values = workload.values(full=False)
    assert list(workload.operations(values)) == list(workload.operations(values))


def test_test_mmap3_has_a_vma_for_every_page_and_process() -> None:
    """Reversed offsets never merge (test-mmap3.c): pages x 2^forks vmas on the file, as many ptes a page as processes."""
    w = run(TEST_MMAP3, "anon_vma", reclaim=0)
    assert w.imap.size(0) == 24 * 4
    mapped = w.page.live()[w.page.mapcount[w.page.live()] > 0]
    assert (len(mapped), set(w.page.mapcount[mapped].tolist())) == (24, {4})


def test_test_mmap3_at_full_size_makes_18_000_vmas_and_31_forks() -> None:
    operations = list(TEST_MMAP3.operations(TEST_MMAP3.values()))
    assert sum(isinstance(op, Mmap) for op in operations) == 18_001
    assert sum(isinstance(op, Fork) for op in operations) == 31


def test_rmap_test_maps_the_same_windows_everywhere() -> None:
    w = run(RMAP_TEST, "anon_vma", random=1, half=1, reclaim=0)
    assert w.imap.size(0) == 8 * 4
    mapped = w.page.live()[w.page.mapcount[w.page.live()] > 0]
    assert set(w.page.mapcount[mapped].tolist()) == {2}


@pytest.mark.parametrize("children", [0, 1, 5])
@pytest.mark.parametrize("inherited", [0, 1])
def test_the_working_set_of_the_fork_server_is_known(children: int, inherited: int) -> None:
    values = FORK_SERVER.values(full=False, children=children, inherited=inherited, reclaim=0)
    assert len(run(FORK_SERVER, "anon_vma", **values).page) == fork_server_pages(values)


@pytest.mark.parametrize("design", ["pte_chain", "anon_vma", "anon_vma_chain"])
def test_the_working_set_of_the_storm_is_known(design: str) -> None:
    """anonmm needs more: it copies what moves."""
    values = MREMAP_STORM.values(full=False, reclaim=0)
    assert len(run(MREMAP_STORM, design, **values).page) == mremap_storm_pages(values)
    copied = run(MREMAP_STORM, "anonmm", **values)
    assert copied.counters["copied_by_mremap"] == 8 * 4
    assert len(copied.page) == mremap_storm_pages(values) + 8 * 4


@pytest.mark.parametrize("workload", GALLERY, ids=by_key)
def test_wrong_numbers_are_one_sentence(workload: Workload) -> None:
    with pytest.raises(KernelError, match="has no parameter colour; it has: "):
        workload.values(colour=1)
    with pytest.raises(KernelError, match="pages must be [12] or more, not 0"):
        workload.values(pages=0)


# -- the command --------------------------------------------------------------------------------------


def test_a_workload_is_written_at_any_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    path = tmp_path / "w4.rmap"
    assert cli.main(["workload", "W4", "--small", "--children", "3", "-o", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: W4, 16 operations.\n"
    assert load_session(str(path)) == FORK_SERVER.session(FORK_SERVER.values(full=False, children=3))


def test_trouble_of_the_command_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["workload", "W4", "--children", "-1", "-o", str(tmp_path / "x")]) == 2
    assert capsys.readouterr().err == "rmapexplorer: children must be 0 or more, not -1.\n"
    assert cli.main(["workload", "aim7", "--children", "600000", "-o", str(tmp_path / "x")]) == 2
    assert "has more than 1,000,000 operations" in capsys.readouterr().err
    assert cli.main(["workload", "aim7", "--small", "-o", str(tmp_path / "no" / "x")]) == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert cli.main(["workload", "nosuch", "-o", "x"]) == 2
    assert "nosuch" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
