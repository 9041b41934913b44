"""Settings: typed over pyproject.toml over defaults, and refused in one line."""

from pathlib import Path
from typing import Any

import pytest

from harness.records.errors import UsageError
from harness.records.settings import OPTIONS, Settings
from harness.records.units import QuantityError, parse_duration
from harness.session.make_settings import locate_history, make_settings


def settings(folder: Path, devices: list[str] | None = None, **given: Any) -> Settings:
    return make_settings(given, devices=devices or [], rootdir=folder, command="pytest")


def pyproject(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(f"[tool.harness]\n{text}\n", encoding="utf-8")


def test_defaults_without_a_pyproject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings(tmp_path) == Settings(command="pytest")


def test_folders_are_those_of_the_rootdir_from_wherever_the_command_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, here = tmp_path / "repository", tmp_path / "elsewhere"
    for folder in (root / "devices", root / "benchmarks", here / "devices"):
        folder.mkdir(parents=True)
    for current, start in ((here, root), (root / "benchmarks", root), (root, Path())):
        monkeypatch.chdir(current)
        got = settings(root)
        assert (got.reports_dir, got.devices_dir) == (start / "reports", start / "devices")
        assert locate_history(root, reports_dir=None, history="x")[0] == start / "reports"
        assert settings(root, reports_dir=Path("typed")).reports_dir == Path("typed")
    pyproject(root, 'reports-dir = "out"\ndevices-dir = "boards"\nartifacts = "/srv/built"')
    monkeypatch.chdir(here)
    got = settings(root)
    assert (got.reports_dir, got.devices_dir, got.artifacts) == (root / "out", root / "boards", Path("/srv/built"))
    (root / "devices").rmdir()
    (root / "pyproject.toml").unlink()
    assert settings(root).devices_dir is None, "those of the current folder, then"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("300", 300.0), ("5m", 300.0), ("5 min", 300.0), ("90s", 90.0), ("1.5h", 5400.0), ("500ms", 0.5), ("1e2", 100.0)],
)
def test_times_are_taken_with_their_units(tmp_path: Path, text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    pyproject(tmp_path, f'min-secs = 0.1\ntime-limit = "{text}"')
    assert settings(tmp_path).time_limit_s == seconds


@pytest.mark.parametrize("text", ["5x", "", "m", "5 m 3 s", "nan", "inf", "５m", "1" * 5000 + "d"])
def test_what_is_no_time_is_one_line(text: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_duration(text)
    assert "expected seconds, or one with its unit" in str(caught.value) and len(str(caught.value)) < 200


def test_pyproject_gives_defaults_and_the_command_line_wins(tmp_path: Path) -> None:
    pyproject(tmp_path, 'device = ["a", "b"]\ntrials = 7\nmin-secs = 2')
    got = settings(tmp_path)
    assert (got.devices, got.trials, got.min_secs) == (("a", "b"), 7, 2.0)
    assert settings(tmp_path, ["c"], trials=3).trials == 3
    assert settings(tmp_path, ["c", "c"]).devices == ("c",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("trails = 3", ["trails", "did you mean trials"]),
        ('trials = "three"', ["trials", "expected a whole number"]),
        ("trials = true", ["trials", "expected a whole number"]),
        ("trials = 0", ["--trials 0", "from 1"]),
        ("trials = ", ["pyproject.toml", "not valid TOML"]),
        ("device = 3", ["device = 3", "expected a device's name in quotes"]),
        ('device = ["a", 3]', ["device = ['a', 3]", "or a list of them"]),
        (f"time-limit = {'9' * 400}", ["pyproject.toml", "beyond 64 bits"]),
        ("time-limit = nan", ["--time-limit nan", "from 0.1"]),
        ('reports-dir = "a\\u0000b"', ["reports-dir", "expected a text"]),
        ('history = "a\\u0000b"', ["history", "expected a text"]),
        ("plan-only = 1", ["plan-only = 1", "expected true or false"]),
        ("alpha = []", ["alpha = []", "expected a share"]),
        ('runtime = "litter"', ["--runtime litter", "did you mean litert"]),
        ('inconclusive = "ignore"', ["expected one of fail, warn"]),
        ("min-secs = 40", ["--max-secs 30", "--min-secs 40"]),
    ],
)
def test_wrong_pyproject_is_one_line(tmp_path: Path, text: str, words: list[str]) -> None:
    pyproject(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        settings(tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize("text", ["tool = 3", "[tool]\nharness = 3", "[[tool]]\nharness = 3", "[[tool.harness]]"])
def test_a_pyproject_of_another_shape_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"pyproject.toml: (tool|harness) = .*: expected a table, \[tool.harness\]$"):
        settings(tmp_path)


def test_what_other_tools_write_into_pyproject_is_theirs(tmp_path: Path) -> None:
    other = f"[tool.other]\nn = {'9' * 30}\nx = {'[' * 40}{']' * 40}\ntext = '{'x' * 2**20}'\n"
    (tmp_path / "pyproject.toml").write_text(f"{other}[tool.harness]\ntrials = 7\n", encoding="utf-8")
    assert settings(tmp_path).trials == 7


def test_every_option_has_a_place_in_settings() -> None:
    fields = set(Settings.__dataclass_fields__)
    assert set(OPTIONS) <= fields
    assert fields - set(OPTIONS) == {"fixed_length", "history", "command"}
    assert len({option.flag for option in OPTIONS.values()}) == len(OPTIONS)


def test_the_history_is_named_in_pyproject_alone_files_beside_it(tmp_path: Path) -> None:
    pyproject(tmp_path, 'history = "kept/all.db"')
    assert settings(tmp_path).history == str(tmp_path / "kept/all.db")
    pyproject(tmp_path, 'history = "postgresql+psycopg://lab/runs"\nreports-dir = "elsewhere"')
    assert settings(tmp_path).history == "postgresql+psycopg://lab/runs"
    assert "--history" not in {option.flag for option in OPTIONS.values()}
    found = locate_history(tmp_path, reports_dir=None, history=None)
    assert found == (tmp_path / "elsewhere", "postgresql+psycopg://lab/runs")
    assert locate_history(tmp_path, reports_dir=Path("typed"), history="typed.db") == (Path("typed"), "typed.db")


def test_reports_and_history_have_defaults(tmp_path: Path) -> None:
    assert locate_history(tmp_path, reports_dir=None, history=None) == (tmp_path / "reports", None)
