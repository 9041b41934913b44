"""A list of tests before and after: what moved is found by its name, what is gone is told."""

from pathlib import Path

import pytest
from support.moved_tests import main

BEFORE = """tests/a/test_one.py::test_x[1]
tests/a/test_one.py::test_x[2::3]
tests/a/test_one.py::test_y

5 tests collected in 0.1s
"""


@pytest.mark.parametrize(
    ("after", "status", "said"),
    [
        (BEFORE, 0, "0 names moved, 0 have fewer cases"),
        (BEFORE.replace("a/test_one", "b/test_two").replace("[1]", "[one]"), 0, "2 names moved, 0 have fewer cases"),
        (BEFORE.replace("[1]", "").replace("tests/a/test_one.py::test_x[2::3]", ""), 1, "now 1"),
        (BEFORE.replace("test_y", "test_z"), 1, "fewer: test_y: 1 in tests/a/test_one.py, now 0"),
    ],
)
def test_what_moved_is_no_loss(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], after: str, status: int, said: str
) -> None:
    (tmp_path / "before").write_text(BEFORE)
    (tmp_path / "after").write_text(after)
    assert main([str(tmp_path / "before"), str(tmp_path / "after")]) == status
    assert said in capsys.readouterr().out
