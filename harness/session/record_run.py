"""A run at its end, held against the runs before it: what it was an attempt at, how its metrics went."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from harness.records.entry import Entry
from harness.records.errors import UsageError
from harness.records.history import Attempt, Series
from harness.records.metrics import ESTIMATES, ESTIMATOR, METRICS
from harness.records.results import Results, SelfTests
from harness.records.settings import Settings
from harness.records.status import Status
from harness.records.units import format_quantity
from harness.stats.estimates import median_over_trials
from harness.store.history import import_runs, newest_points, open_history, with_changes

POINTS = 50
_RUNS = 200
"""Newest runs that are looked through, and of those in the folder that the history lacks, taken in."""
_WAIT_S = 10.0
"""For a database that does not answer; the run itself must not fail with it."""
_TOLD = 10
"""Entries with an earlier attempt that did not hold, told one by one."""
_HELD = (Status.PASS, Status.MEASURED)


@dataclass(frozen=True)
class HistoryExcerpt:
    """What the history adds to a run: its series with their changes, and sentences for its notes."""

    series: tuple[Series, ...] = ()
    notes: tuple[str, ...] = ()
    selftests: Mapping[str, SelfTests] = field(default_factory=dict)
    """By device; none for a board that was never measured against itself."""


def record_run(results: Results, settings: Settings, *, again: bool = False) -> HistoryExcerpt:
    """Keep a run in the history, and say what came before it. A history that fails becomes a note.

    ``again``: it may be there already, as it was before it was taken up.
    """
    reports_dir = settings.reports_dir
    try:
        opened = open_history(reports_dir, settings.history, wait_s=_WAIT_S)
        history = opened.history
        import_runs(history, reports_dir, most=_RUNS)
        if again:
            history.forget(results.run.id)
        history.append(results)
        found = history.series_of_run(results.run.id, metrics=_kept_metrics(results.entries), newest=_RUNS)
        tests = {name: told for name in results.devices if (told := history.selftests(name)) is not None}
        tried = history.attempts(commit) if (commit := results.run.commit) and "+" not in commit else []
    except (UsageError, OSError) as error:
        return HistoryExcerpt(notes=(f"not in the history: {error}",))
    judged = {(_subject(entry), finding.metric) for entry in results.entries for finding in entry.findings}
    own = [series for series in found if any(point.run_id == results.run.id for point in series.points)]
    wanted = [one for one in own if _is_followed(one.metric) or (_subject(one), one.metric) in judged]
    series = [newest_points(with_changes(one), POINTS) for one in wanted]
    kept = tuple(one for one in series if len(one.points) > 1)
    return HistoryExcerpt(kept, (*opened.said, *_by_method(results, found), *_attempts(results, tried)), tests)


def _kept_metrics(entries: Sequence[Entry]) -> list[str]:
    judged = {finding.metric for entry in entries for finding in entry.findings if finding.metric is not None}
    always = [metric.name for metric in METRICS.values() if metric.followed]
    return [*always, *sorted(judged.difference(always))]


def _is_followed(metric: str) -> bool:
    """Whether the metric's way is kept in every results file; others' where a budget judged them."""
    return metric in METRICS and METRICS[metric].followed


def _by_method(results: Results, found: Sequence[Series]) -> Iterator[str]:
    """In the first run after another estimator's, how far the figure of each absolute limit moved by that alone."""
    earlier = {(_subject(one), one.metric): one.estimator for one in found if one.estimator != results.run.estimator}
    since = {
        (_subject(one), one.metric)
        for one in found
        if one.estimator == results.run.estimator and any(point.run_id != results.run.id for point in one.points)
    }
    for entry in results.entries:
        for finding in entry.findings:
            key = _subject(entry), finding.metric or ""
            if finding.gate == "budget" and key in earlier and key not in since:
                yield from _moved(entry, finding.metric or "", ESTIMATES.get(earlier[key], ""))


def _moved(entry: Entry, metric: str, before: str) -> Iterator[str]:
    """Both figures from the entry's own trials; nothing where the earlier estimator is unknown or tells no figure."""
    told = next((one for one in entry.measurements if one.metric == metric and one.value is not None), None)
    was = median_over_trials(metric, entry.trials, entry.figures) if before == ESTIMATES[1] else None
    if told is None or not told.value or not was:
        return
    values = [format_quantity(value, told.unit) for value in (told.value, was)]
    yield (
        f"{metric} of {entry.subject} on {entry.device} is now the {ESTIMATES[ESTIMATOR]}, {values[0]}; the {before} "
        f"of earlier runs would be {values[1]}: the method alone moved it by {100 * (told.value / was - 1):+.2g} %"
    )


def _subject(one: Entry | Attempt | Series) -> tuple[str, str, str | None, str]:
    """What is the same in every run."""
    return one.device, one.candidate, one.recipe, one.test


def _attempts(results: Results, tried: Sequence[Attempt]) -> Iterator[str]:
    """Which attempt at its commit the run was, and how entries fared that did not hold in an earlier one."""
    run, subjects = results.run.id, {_subject(entry) for entry in results.entries}
    same = [one for one in tried if _subject(one) in subjects]
    before = dict.fromkeys(one.run_id for one in same if one.run_id != run)
    if not before:
        return
    commit = (results.run.commit or "")[:8]
    yield f"attempt {len(before) + 1} at commit {commit}, after {', '.join(f'run {other}' for other in before)}"
    broken = dict.fromkeys(_subject(one) for one in same if one.run_id != run and one.status not in _HELD)
    labels = {_subject(entry): entry.test_label for entry in results.entries}
    for device, candidate, recipe, test in islice(broken, _TOLD):
        ways = [one for one in same if _subject(one) == (device, candidate, recipe, test)]
        label = labels[device, candidate, recipe, test]
        subject = (f"{candidate}/{recipe}" if recipe else candidate) + (f" ({label})" if label else "")
        yield f"{subject} on {device} at commit {commit}: {', '.join(_told(one, run) for one in ways)}"
    if len(broken) > _TOLD:
        yield f"and {len(broken) - _TOLD} more that did not hold in an earlier attempt: see harness history"


def _told(attempt: Attempt, run: str) -> str:
    return f"now {attempt.status}" if attempt.run_id == run else f"{attempt.status} (run {attempt.run_id})"
