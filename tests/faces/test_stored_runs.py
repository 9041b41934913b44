"""Which budgets file holds for a stored entry, whatever its test's name was made to be."""

import pytest

from harness.cli.budget_files import BudgetFiles, check_word
from harness.records.errors import UsageError
from harness.testing import make_entry


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root/benchmarks/vision").mkdir(parents=True)
    (tmp_path / "budgets.toml").write_text('[rpi4."outside"]\n')
    return tmp_path / "root"


def test_the_nearest_file_upward_is_read_once(root):
    (root / "benchmarks/budgets.toml").write_text('[rpi4."x"]\nlatency_p50 = "4 ms"\n')
    files = BudgetFiles(root)

    first = files.of("benchmarks/vision/test_a.py::test_a[x]")

    assert first is files.of("benchmarks/test_b.py::test_b") and first.label == "benchmarks/budgets.toml"
    assert files.of("harness run") is None
    assert list(files.read) == [first]


def test_a_given_file_holds_for_every_test(root):
    (root / "own.toml").write_text('[rpi4."x"]\nlatency_p50 = "4 ms"\n')
    files = BudgetFiles(root, root / "own.toml")

    assert files.of("benchmarks/test_a.py::test_a").label == files.of("harness run").label == "own.toml"
    assert files.to_write("benchmarks/test_a.py::test_a") == root / "own.toml"


@pytest.mark.parametrize(
    "test", ["../test_x.py::t", "/etc/passwd::t", "", "::", "..", "a\x00b::t", "x" * 5000, "no/such/folder/test.py::t"]
)
def test_no_name_leads_out_of_the_folder(root, test):
    files = BudgetFiles(root)

    assert files.of(test) is None
    assert files.to_write(test) == root / "budgets.toml"


def test_a_new_file_stands_in_the_top_folder_of_the_tests(root):
    entries = [make_entry(test=f"benchmarks/{name}::t") for name in ("test_a.py", "vision/test_b.py")]
    found = BudgetFiles(root).by_file([*entries, make_entry(test="harness run")])

    assert {path: len(same) for path, same in found.items()} == {
        root / "benchmarks/budgets.toml": 2,
        root / "budgets.toml": 1,
    }


def test_a_mistyped_word_has_the_nearest_beside_it():
    assert check_word("rpi4", ["rpi4", "local"], flag="--device") == "rpi4"
    with pytest.raises(UsageError, match="--device rpi44 is not there: did you mean rpi4"):
        check_word("rpi44", ["rpi4", "local"], flag="--device")
