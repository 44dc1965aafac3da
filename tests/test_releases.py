"""Every session file that a release wrote opens, and shows under every design what it showed then. See releases.py: how to add one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from releases import HERE, digest, keep

from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.formats.session import load_session, parse_session, to_text

KEPT = sorted(path.stem for path in HERE.glob("*.rmap"))
CHANGED: dict[tuple[str, str], str] = {}
"""(release, design) -> the digest since a rule of the kernel was put right; each with a comment that says which, and why."""


def digests_of(name: str) -> dict[str, str]:
    digests: dict[str, str] = json.loads((HERE / f"{name}.json").read_text())
    return digests


def test_every_file_has_its_digests() -> None:
    assert len(KEPT) >= 6
    assert sorted(path.stem for path in HERE.glob("*.json")) == KEPT
    assert set(CHANGED) <= {(name, key) for name in KEPT for key in digests_of(name)}


@pytest.mark.parametrize("name", KEPT)
def test_it_opens_with_the_same_digest(name: str) -> None:
    session = load_session(str(HERE / f"{name}.rmap"))
    assert len(session.operations) >= 37
    assert parse_session(to_text(session).encode(), name) == session
    expected = {key: CHANGED.get((name, key), kept) for key, kept in digests_of(name).items()}
    assert {key: digest(key, session) for key in expected} == expected


def test_what_is_kept_now_is_like_the_last(tmp_path: Path) -> None:
    """The command writes both files, for all designs, and never over one that is kept."""
    keep("next", tmp_path)
    digests = json.loads((tmp_path / "next.json").read_text())
    assert list(digests) == [kind.key for kind in DESIGNS]
    session = load_session(str(tmp_path / "next.rmap"))
    assert digests == {key: digest(key, session) for key in digests}
    with pytest.raises(FileExistsError, match="must stay what it is"):
        keep("next", tmp_path)
