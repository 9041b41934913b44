"""A run that was made before results.json became schema version 2: it loads, is judged alike, and renders."""

import shutil
from pathlib import Path

import pytest

from harness.cli.budget_files import BudgetFiles
from harness.cli.judge import is_judged_otherwise, rejudge_run
from harness.records.errors import BudgetsError
from harness.records.limit_test import JUDGING_RULE
from harness.records.metrics import ESTIMATOR
from harness.records.results import Results
from harness.report import render, table
from harness.store import RunFolder, load_run
from harness.store.history import History

GOLDEN = Path(__file__).parents[1] / "store" / "golden"
NAME = "20261128T140244Z-00c79c"
"""digits_cnn in two recipes with stages, on a PC, against a file, under absolute, relative and waived limits."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / NAME, tmp_path / "reports" / NAME))


@pytest.fixture
def stored(folder: Path) -> Results:
    assert '"schema_version": 1' in (folder / "results.json").read_text(encoding="utf-8")
    return load_run("00c79c", folder.parent)


def verdicts(results: Results) -> list[tuple[object, ...]]:
    return [
        (entry.subject, entry.status, finding.gate, finding.metric, finding.status, finding.limit, finding.waiver)
        for entry in results.entries
        for finding in sorted(entry.findings, key=lambda one: (one.gate, str(one.metric)))
    ]


def test_what_was_found_of_each_artifact_is_there(stored: Results) -> None:
    first, second = (entry.artifact.verification for entry in stored.entries if entry.artifact)
    assert first.accuracy is not None and first.fidelity_reason == "it is the reference itself"
    assert second.accuracy is not None and second.fidelity is not None and second.accuracy_drop is not None
    base = stored.entries[0].baseline
    assert base is not None and base.artifact is not None
    assert base.artifact.verification.accuracy_reason == "a model file has no test set"


def test_it_is_judged_to_the_same_verdicts_by_the_same_budgets(stored: Results, folder: Path) -> None:
    judged = rejudge_run(stored, BudgetFiles(folder, folder / "budgets.toml"))
    assert verdicts(judged) == verdicts(stored)
    assert (judged.run.exit_code, judged.run.status) == (stored.run.exit_code, stored.run.status) == (1, "FAIL")
    for one, other in zip(judged.entries, stored.entries, strict=True):
        assert {finding.reason for finding in one.findings} == {finding.reason for finding in other.findings}


def test_it_is_rendered_and_shown(stored: Results, folder: Path) -> None:
    page = render(folder).read_text(encoding="utf-8")
    assert "digits_cnn" in page and "paired over the same" in page
    assert "WAIVED: local" in table(stored) and "is above the limit of 1" in " ".join(table(stored).split())
    assert (folder / "summary.md").exists() and (folder / "github-action-benchmark.json").exists()


def test_its_raw_trials_are_read(folder: Path) -> None:
    lines = list(RunFolder(folder).trials())
    assert {line.entry for line in lines} == {"digits_cnn/float32", "digits_cnn/int8"}
    assert {line.trial.kind for line in lines} == {"check", "latency", "memory", "stages"}


def test_its_history_has_its_figures(stored: Results, folder: Path) -> None:
    history = History.open(str(folder / "history.db"))
    assert history.run_ids() == {stored.run.id}
    assert not history.append(stored), "it is there already"
    series = {(one.subject, one.metric): one.points[0].value for one in history.series()}
    for entry in stored.entries:
        assert series[entry.subject, "latency_p50"] == entry["latency_p50"].value


def test_it_is_held_to_no_other_limits_than_its_own(stored: Results, folder: Path) -> None:
    assert stored.run.judging_rule == 1
    budgets = folder / "budgets.toml"
    text = budgets.read_text(encoding="utf-8")
    changed = text.replace("latency_p50 = ", 'latency_p50 = "77 ms"\n# was ', 1)
    assert changed != text
    budgets.write_text(changed, encoding="utf-8")
    with pytest.raises(BudgetsError, match=r"judged by an earlier rule.*latency_p50.*measure it again"):
        rejudge_run(stored, BudgetFiles(folder, budgets))


@pytest.mark.parametrize(("rule", "estimator", "stands"), [(0, 0, False), (-1, 0, True), (0, -1, True)])
def test_verdicts_of_another_rule_or_on_figures_of_another_estimator_stand(
    stored: Results, rule: int, estimator: int, *, stands: bool
) -> None:
    told = {"judging_rule": JUDGING_RULE + rule, "estimator": ESTIMATOR + estimator}
    assert is_judged_otherwise(stored.run.model_copy(update=told)) == stands
