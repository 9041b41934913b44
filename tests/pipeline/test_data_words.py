"""What users write for data, checked when benchmarks are collected."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.pipeline.model.data import DATASETS, check_data_word
from harness.records.errors import CandidateSpecError


def refused(word: str, base_dir: Path | None = None) -> str:
    with pytest.raises(CandidateSpecError) as caught:
        check_data_word(word, str(base_dir) if base_dir else None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_names_there_are() -> None:
    assert list(DATASETS) == ["digits", "fashion_mnist", "cifar10", "speech_commands", "synthetic"]


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("digits", "digits"),
        (" digits ", "digits"),
        ("digits()", "digits"),
        ("synthetic", "synthetic(0)"),
        ("synthetic()", "synthetic(0)"),
        ("synthetic( 7 )", "synthetic(7)"),
        ("synthetic(seed=7)", "synthetic(7)"),
    ],
)
def test_a_name_has_one_spelling(written: str, spelled: str) -> None:
    assert check_data_word(written) == spelled
    assert check_data_word(spelled) == spelled


def test_a_path_becomes_absolute_from_the_folder_of_the_benchmark(tmp_path: Path) -> None:
    (tmp_path / "sums.npz").touch()
    (tmp_path / "gestures").mkdir()
    assert check_data_word("sums.npz", str(tmp_path)) == str(tmp_path / "sums.npz")
    assert check_data_word("./gestures", str(tmp_path)) == str(tmp_path / "gestures")
    assert check_data_word("gestures", str(tmp_path)) == str(tmp_path / "gestures")
    assert check_data_word(str(tmp_path / "sums.npz")) == str(tmp_path / "sums.npz")


def test_a_name_goes_before_a_folder_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "digits").mkdir()
    assert check_data_word("digits", str(tmp_path)) == "digits"
    assert check_data_word("./digits", str(tmp_path)) == str(tmp_path / "digits")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (
            "digit",
            'data "digit" is neither a data set nor a path: did you mean digits? there are digits, fashion_mnist',
        ),
        ("fashion-mnist", "did you mean fashion_mnist?"),
        ("synthetics(3)", "did you mean synthetic?"),
        ("qqqq", 'data "qqqq" is neither a data set nor a path: there are digits'),
        ("digits(3)", 'data "digits(3)": digits takes no argument'),
        ("synthetic(1, 2)", 'data "synthetic(1, 2)": synthetic takes seed'),
        ("synthetic(size=1)", 'data "synthetic(size=1)": synthetic takes seed'),
        ("synthetic(1, seed=2)", 'data "synthetic(1, seed=2)" gives seed twice'),
        ("synthetic(-1)", "seed is -1, where a whole number from 0 was expected"),
        ("synthetic(0.5)", "seed is 0.5, where a whole number from 0 was expected"),
        ("synthetic(True)", "seed is True, where a whole number from 0 was expected"),
        ("", "data is '', where digits, fashion_mnist"),
        ("no/such/folder", 'data file or folder "no/such/folder" does not exist: looked for /'),
        ("none.npz", 'data file or folder "none.npz" does not exist: looked for /'),
        ("a\0b/c", "does not exist"),
        ("digits + cifar10", "is neither a data set nor a path"),
    ],
)
def test_what_cannot_be_data_is_told_in_one_line(word: str, said: str, tmp_path: Path) -> None:
    assert said in refused(word, tmp_path)


def test_a_file_that_is_no_npz_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.csv").touch()
    assert refused("train.csv", tmp_path) == (
        f"data {tmp_path}/train.csv is no .npz file and no folder: docs/data.md says what may stand in them"
    )


def test_checking_a_word_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom harness.pipeline.model.data import check_data_word\ncheck_data_word('synthetic(3)')\n"
        "print(*{'numpy', 'pydantic', 'tensorflow', 'keras', 'sklearn', 'platformdirs'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
