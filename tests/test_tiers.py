"""Every test is of one tier, and the tables that say which name what is there."""

import re
from collections import Counter
from pathlib import Path

import pytest
from support.tiers import FILES, FIXTURES, FOLDERS, TIERS, tier_of

TESTS = Path(__file__).parent


def test_every_test_has_exactly_one_tier(request: pytest.FixtureRequest) -> None:
    items = [item for item in request.session.items if item.path.is_relative_to(TESTS)]
    assert items
    odd = {item.nodeid: sorted(tiers_of(item)) for item in items if len(tiers_of(item)) != 1}
    assert odd == {}


def tiers_of(item: pytest.Item) -> list[str]:
    return [mark.name for mark in item.iter_markers() if mark.name in TIERS]


def test_this_file_is_fast(request: pytest.FixtureRequest) -> None:
    assert Counter(tiers_of(request.node)) == {"fast": 1}


@pytest.mark.parametrize(
    ("path", "fixtures", "marked", "tier"),
    [
        ("gates/test_limits.py", [], [], "fast"),
        ("gates/test_limits.py", ["leased"], [], "board"),
        ("report/test_index.py", ["tmp_path", "browser"], [], "browser"),
        ("pipeline/test_zoo.py", ["workbench", "tensorflow_worker"], [], "tensorflow"),
        ("pipeline/test_training_chain.py", [], [], "tensorflow"),
        ("faces/test_building_ahead.py", ["leased"], [], "tensorflow"),
        ("pipeline/test_training_chain.py", [], ["fast", "slow"], "fast"),
        ("transport/test_ssh.py", [], [], "board"),
        ("test_mutations.py", [], [], "simulated"),
        ("emulated/test_emulated_board.py", [], [], "emulated"),
    ],
)
def test_a_marker_decides_then_the_file_then_fixtures_then_the_folder(
    path: str, fixtures: list[str], marked: list[str], tier: str
) -> None:
    assert tier_of(path, fixtures, marked) == tier


def test_two_tiers_for_one_test_are_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("test_it.py: a test of two tiers: fast, board")):
        tier_of("test_it.py", [], ["board", "fast"])


def test_the_tables_name_files_folders_and_fixtures_that_are_there() -> None:
    assert [pattern for pattern in FILES if not list(TESTS.glob(pattern))] == []
    assert [name for name in FOLDERS if not (TESTS / name).is_dir()] == []
    code = "".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py"))
    assert [name for name in FIXTURES if not re.search(rf"@pytest\.fixture.*\n+def {name}\(", code)] == []
    assert {*FILES.values(), *FOLDERS.values(), *FIXTURES.values()} <= set(TIERS)
