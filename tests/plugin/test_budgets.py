"""Tables and waivers that match nothing: refused at collection, or at the end where tests name candidates only then."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.plugin.collected_budgets import CollectedBudgets
from harness.profiles import load
from harness.records.candidate import Candidate
from harness.records.errors import BudgetsError
from harness.records.settings import Settings

HELLO = Candidate("hello", "file", "hello.tflite")
TODAY = date(2026, 1, 2)
WAIVER = """
[[waiver]]
device = "local"
candidate = "{candidate}"
metric = "{metric}"
limit = "2 MB"
until = 2026-12-01
issue = "#1"
reason = "grows for now"
"""
TABLE = '[local."{}"]\nmodel_size = "1 MB"\n'
Check = Callable[..., CollectedBudgets]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def checked(text: str, *named: Candidate | None, whole: bool = True) -> CollectedBudgets:
        """The budgets of one file and a test for each candidate; None: one that names its own only when it runs."""
        (tmp_path / "budgets.toml").write_text(text)
        budgets = CollectedBudgets(tmp_path, {"local": load("local", None)}, None, TODAY)
        config: Any = SimpleNamespace(
            args=["." if whole else "test_a.py::test_0"],
            invocation_params=SimpleNamespace(dir=tmp_path),
            getoption=lambda _: "",
        )
        budgets.check([item(tmp_path, candidate) for candidate in named], config, Settings(devices=("local",)))
        return budgets

    return checked


def item(folder: Path, candidate: Candidate | None = None) -> Any:
    own = {} if candidate is None else {"candidate": candidate}
    return SimpleNamespace(
        nodeid="test_a.py::test_0",
        path=folder / "test_a.py",
        fixturenames=["bench", "harness_device"],
        iter_markers=lambda _name=None: [],
        callspec=SimpleNamespace(params={"harness_device": "local", **own}),
    )


def test_where_parameters_name_all_candidates_a_table_without_one_is_refused_at_once(check: Check) -> None:
    with pytest.raises(BudgetsError, match=r'\[local\."helo"\]: matches no candidate; did you mean hello'):
        check(TABLE.format("helo"), HELLO)
    assert check(TABLE.format("hello"), HELLO).list_unused() == []


@pytest.mark.parametrize("pattern", ["hello", "*", "hel*"])
def test_a_table_waits_for_what_a_test_measures(check: Check, tmp_path: Path, pattern: str) -> None:
    budgets = check(TABLE.format(pattern) + WAIVER.format(candidate=pattern, metric="model_size"), None)
    assert len(budgets.list_unused()) == 2, "nothing was measured yet"
    budgets.record_call(item(tmp_path), HELLO)
    assert budgets.list_unused() == []


def test_a_table_that_nothing_was_measured_for_is_said_at_the_end(check: Check, tmp_path: Path) -> None:
    text = TABLE.format("helo") + TABLE.format("hello") + WAIVER.format(candidate="hello", metric="init_time")
    budgets = check(text.replace('"2 MB"', '"2 s"'), None)
    budgets.record_call(item(tmp_path), HELLO)
    table, waiver = budgets.list_unused()
    assert table == 'budgets.toml [local."helo"]: matches no candidate; did you mean hello?'
    assert "no budget limits init_time there" in waiver


def test_a_device_that_is_none_is_refused_at_once(check: Check) -> None:
    with pytest.raises(BudgetsError, match="no device is called 'locl'"):
        check(TABLE.format("*").replace("local", "locl"), None)
    with pytest.raises(BudgetsError, match="no device is called 'locl'"):
        check(TABLE.format("*") + WAIVER.format(candidate="*", metric="model_size").replace("local", "locl"), None)


def test_what_parameters_named_counts_though_it_was_not_measured(check: Check, tmp_path: Path) -> None:
    budgets = check(TABLE.format("hello"), HELLO, None)
    budgets.record_call(item(tmp_path), Candidate("other", "file", "other.tflite"))
    assert budgets.list_unused() == []


def test_a_test_alone_leaves_tables_of_others_unsaid(check: Check) -> None:
    assert check(TABLE.format("helo"), None, whole=False).list_unused() == []


def test_the_controller_knows_what_workers_tests_measured(check: Check, tmp_path: Path) -> None:
    text = TABLE.format("hello") + TABLE.format("other")
    first, second, controller = check(text, None), check(text, None), CollectedBudgets(tmp_path, {}, None, TODAY)
    first.record_call(item(tmp_path), HELLO)
    for worker in (first, second):
        controller.add_calls(worker.for_controller())
    (said,) = controller.list_unused()
    assert said.startswith('budgets.toml [local."other"]: matches no candidate')
