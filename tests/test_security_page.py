"""Each claim of SECURITY.md names tests that are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_CLAIM = re.compile(r"^\| (?P<claim>[^|]+) \| (?P<tests>`tests/[^|]+) \|$", re.MULTILINE)
CLAIMS = _CLAIM.findall((ROOT / "SECURITY.md").read_text(encoding="utf-8"))


def test_every_row_of_what_is_defended_is_read():
    defended = (ROOT / "SECURITY.md").read_text(encoding="utf-8").split("## What is defended")[1].split("\n## ")[0]
    rows = [line for line in defended.splitlines() if line.startswith("| ") and line != "| claim | held by |"]
    assert len(CLAIMS) == len(rows) >= 16


@pytest.mark.parametrize(("claim", "tests"), CLAIMS, ids=[claim[:40] for claim, _ in CLAIMS])
def test_a_claim_names_tests_that_are_there(claim: str, tests: str):
    named = re.findall(r"`([^`]+)`", tests)
    assert named, claim
    for one in named:
        file, _, name = one.partition("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, one
