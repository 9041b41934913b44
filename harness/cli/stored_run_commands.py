"""The commands on stored runs and their options. Each body imports what it needs, so that --help stays quick."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import Across, BudgetsFile, Json, ReportsDir, RunArgument


def judge(
    run: RunArgument,
    budgets_file: BudgetsFile = None,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="write the judged run and its report here")] = None,
    reports_dir: ReportsDir = None,
    as_json: Json = False,
) -> None:
    """Judge a stored run by the budgets as they are now, without a board."""
    from harness.cli.judge import JudgeRequest, judge_run

    raise typer.Exit(judge_run(JudgeRequest(run, budgets_file, out, reports_dir), as_json=as_json))


def history(  # noqa: PLR0913, PLR0917 - one parameter an option
    device: Annotated[str | None, typer.Option("--device", "--board", metavar="NAME", help="only this device")] = None,
    candidate: Annotated[
        str | None, typer.Option(metavar="NAME", help="only this one; NAME/RECIPE is one recipe")
    ] = None,
    branch: Annotated[str | None, typer.Option(metavar="NAME", help="only runs on this branch")] = None,
    metric: Annotated[str, typer.Option(metavar="METRIC", help="which metric")] = "latency_p50",
    reports_dir: ReportsDir = None,
    database: Annotated[
        str | None,
        typer.Option(metavar="URL", help="file or SQLAlchemy URL (default: the repository's, see docs/history.md)"),
    ] = None,
    runs: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="the newest N runs, 0 for all (default: 200, of which 20 lines)"),
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="draw charts into a page")] = None,
    as_json: Json = False,
) -> None:
    """How a metric went from run to run, boards of unlike fingerprints apart, and where it changed."""
    from harness.cli.history import HistoryOutput, HistoryQuery, show_history

    asked, shown = HistoryQuery(device, candidate, branch, metric, runs), HistoryOutput(as_json, html)
    show_history(asked, shown, reports_dir=reports_dir, database=database)


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="run folder, results.json, run id or latest")],
    b: Annotated[str, typer.Argument(metavar="B", help="the other one")],
    across: Across = None,
    reports_dir: ReportsDir = None,
    as_json: Json = False,
) -> None:
    """Hold one stored run against another: every metric of B as a ratio of A's."""
    from harness.cli.compare import compare_runs

    raise typer.Exit(compare_runs(a, b, reports_dir=reports_dir, as_json=as_json, across=across))


def report(
    run_folder: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="run folder, its results.json, run id or latest")
    ] = None,
    index: Annotated[bool, typer.Option("--index", help="make the page over all runs")] = False,
    openmetrics: Annotated[
        bool, typer.Option("--openmetrics", help="instead, print the run's figures as Prometheus reads them")
    ] = False,
    reports_dir: ReportsDir = None,
    as_json: Json = False,
) -> None:
    """Make a stored run's report again, or the page over all runs."""
    from harness.cli.report import print_openmetrics, remake_index, remake_report

    if openmetrics:
        print_openmetrics(run_folder, reports_dir=reports_dir)
        return
    if index:
        remake_index(reports_dir, as_json=as_json)
    if run_folder is not None or not index:
        remake_report(run_folder, reports_dir=reports_dir, as_json=as_json)
