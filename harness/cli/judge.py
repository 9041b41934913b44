"""``harness judge``: a stored run judged by today's budgets, without a board."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path

from harness.cli.budget_files import BudgetFiles, lineages_of, stored_run
from harness.cli.terminal import write_table
from harness.gates import Budgets, Limit, is_sampled, judge, limits_for
from harness.gates.judge import GATES, stored_limits, without_verdicts
from harness.records.entry import Entry
from harness.records.errors import BudgetsError, ResultsFileError, UsageError
from harness.records.limit_test import JUDGING_RULE
from harness.records.metrics import ESTIMATOR
from harness.records.results import Outcome, Results, Run
from harness.records.settings import Settings
from harness.records.text import escaped_json
from harness.report import render
from harness.session.error_guarantee import error_guarantee
from harness.session.outcome import FAILED, NOT_REACHED, run_exit_code, status_of
from harness.store.disk import disk_errors_named
from harness.store.results_file import RESULTS_NAME, results_text, save_results

_ROUNDING = 1e-9
_OF_JUDGING = ("trials", "time_limit_s", "min_secs", "num_runs", "alpha", "miss", "inconclusive", "baseline", "seed")
"""The settings that a verdict, its advice or the exit code depend on."""
_MOST_ID = 57
_MOST_CHANCE = 0.5


@dataclass(frozen=True)
class JudgeRequest:
    """What was typed."""

    run: str
    budgets: Path | None
    out: Path | None
    reports_dir: Path | None


def judge_run(request: JudgeRequest, *, as_json: bool) -> int:
    """Judge a stored run anew and show it; the run itself stays as it is. Returns the exit code, as a session's."""
    if request.out is not None and request.out.exists() and (not request.out.is_dir() or any(request.out.iterdir())):
        raise UsageError(f"--out {request.out}: something is there already: name a folder that is not, or is empty")
    stored = stored_run(request.run, request.reports_dir)
    judged = rejudge_run(stored, BudgetFiles(Path.cwd(), request.budgets))
    report = _write_run(judged, request.out) if request.out is not None else None
    prose = sys.stderr if as_json else sys.stdout
    if is_judged_otherwise(stored.run):
        prose.write("judged by an earlier rule: the run's own verdicts stand\n")
    write_table(judged, prose)
    prose.write(f"report: {report}\n" if report else "")
    if as_json:
        sys.stdout.write(escaped_json(results_text(judged)))
    return judged.run.exit_code


def rejudge_run(stored: Results, files: BudgetFiles) -> Results:
    """The run with the verdicts that the budgets files give it; waivers hold as of the day the run was made.

    Alpha is divided over all limits in which chance has a part. The same run and files give the same results on any
    later day. A run that was judged by another rule keeps its verdicts. Raises BudgetsError, also where such a run is
    to be held to other limits than its own; and ResultsFileError.
    """
    settings, day = judging_settings(stored.run), _day(stored.run)
    lineages = lineages_of(stored)
    limits = [
        _limits(entry, files.of(entry.test), lineages.get(entry.device, (entry.device,)), day)
        for entry in stored.entries
    ]
    if not files.read and not any(limits):
        raise BudgetsError("no budgets.toml is found from the run's tests upward: give --budgets FILE")
    if is_judged_otherwise(stored.run):
        return _with_own_verdicts(stored, limits, files)
    paired = settings.baseline is not None
    sampled = [sum(is_sampled(limit, paired=paired) for limit in own) for own in limits]
    shares = _shares(stored.entries, sampled, settings.alpha)
    entries = [
        judge(without_verdicts(entry), own, settings=settings, share=share)
        for entry, own, share in zip(stored.entries, limits, shares, strict=True)
    ]
    return stored.model_copy(update={"run": _run(stored, entries, settings, files), "entries": entries})


def _shares(entries: Sequence[Entry], sampled: Sequence[int], alpha: float) -> list[float]:
    """What each of an entry's limits may take: what it took, unless so many limits would now take more than alpha."""
    even = alpha / max(1, sum(sampled))
    taken = [next((one.alpha for one in entry.findings if one.alpha is not None), even) for entry in entries]
    whole = sum(share * count for share, count in zip(taken, sampled, strict=True))
    return taken if whole <= alpha * (1.0 + _ROUNDING) else [even] * len(entries)


def is_judged_otherwise(run: Run) -> bool:
    """Whether an earlier rule judged the run, or an earlier estimator made the figures that its verdicts tell of."""
    return (run.judging_rule, run.estimator) != (JUDGING_RULE, ESTIMATOR)


def _with_own_verdicts(stored: Results, limits: Sequence[Sequence[Limit]], files: BudgetFiles) -> Results:
    for entry, own in zip(stored.entries, limits, strict=True):
        held = {(one.gate, str(one.metric)): one.limit for one in entry.findings if one.limit is not None}
        asked = {(GATES[limit.kind][0], limit.metric): limit.value for limit in own}
        if held != asked:
            gate, metric = min(key for key in held.keys() | asked.keys() if held.get(key) != asked.get(key))
            raise BudgetsError(
                f"run {stored.run.id} was judged by an earlier rule, so that its verdicts stand only for the limits "
                f"that it was made with: the {gate} limit on {metric} of {entry.subject} is another; measure it again"
            )
    run = _run(stored, stored.entries, judging_settings(stored.run), files)
    notes = [*run.notes[:-1], f"{run.notes[-1]}; it keeps the verdicts of an earlier rule"]
    return stored.model_copy(update={"run": run.model_copy(update={"notes": notes})})


def judging_settings(run: Run) -> Settings:
    """What of the run's settings judging depends on. Raises ResultsFileError where it cannot be."""
    defaults = {one.name: one.default for one in fields(Settings) if one.name in _OF_JUDGING}
    given = {name: run.settings.get(name, default) for name, default in defaults.items()}
    for name, value in given.items():
        if not _is_plausible(name, value, defaults[name]):
            raise ResultsFileError(f"run {run.id}: settings.{name} is {value!r}: no run has it so; it was edited")
    return Settings(**given)  # type: ignore[arg-type]  # each was held against its default


def _is_plausible(name: str, value: object, default: object) -> bool:
    if name == "inconclusive":
        return value in ("fail", "warn")
    if name in ("alpha", "miss"):
        return isinstance(value, float) and 0 < value <= _MOST_CHANCE
    if isinstance(default, int | float):
        return isinstance(value, int | float) and not isinstance(value, bool) and (value > 0 or value == default)
    return value is None or isinstance(value, str if name == "baseline" else int)


def _limits(entry: Entry, budgets: Budgets | None, lineage: Sequence[str], day: date) -> list[Limit]:
    """The file's limits and those of the test's markers, as far as the run stored them."""
    markers, others = stored_limits(entry)
    limits = list(limits_for(budgets, lineage, entry.subject, markers, today=day))
    keys = {limit.key for limit in limits}
    return [*limits, *(limit for limit in others if limit.key not in keys)]


def _day(run: Run) -> date:
    """The UTC day on which a run was made."""
    try:
        return datetime.fromisoformat(run.created_at).astimezone(UTC).date()
    except (ValueError, OverflowError) as error:
        raise ResultsFileError(f"run {run.id}: created_at {run.created_at[:40]!r} is no date; it was edited") from error


def _run(stored: Results, entries: Sequence[Entry], settings: Settings, files: BudgetFiles) -> Run:
    """The run's own record with a name of its own, the new verdict, and where that comes from."""
    run = stored.run
    named = ", ".join(budgets.label for budgets in files.read) or "markers alone"
    outcome = run.outcome or _outcome_of(stored)
    code = run_exit_code(entries, outcome, settings=settings)
    return run.model_copy(
        update={
            "id": f"{run.id[:_MOST_ID]}.judged",
            "status": status_of(entries, outcome, code),
            "exit_code": code,
            "gate": error_guarantee(entries, settings),
            "notes": [*run.notes, f"run {run.id} judged anew, by {named}"],
        }
    )


def _outcome_of(stored: Results) -> Outcome:
    """The end of a run that an earlier harness wrote down; where it failed, its code does not tell of a board."""
    run = stored.run
    asked = run.settings.get("devices")
    missing = isinstance(asked, list) and not set(asked) <= set(stored.devices)
    lacked = run.exit_code == NOT_REACHED or (run.exit_code == FAILED and missing)
    return Outcome(unreached=[run.id] if lacked else [])


def _write_run(judged: Results, folder: Path) -> Path:
    """Write a run folder of the judged run, and its report; gives the page's path."""
    with disk_errors_named(folder):
        folder.mkdir(parents=True, exist_ok=True)
    save_results(judged, folder / RESULTS_NAME)
    return render(folder)
