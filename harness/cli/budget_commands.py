"""The commands on budgets and their options. Each body imports what it needs, so that --help stays quick."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import DevicesDir, Json, ReportsDir

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="run folder, its results.json, run id or latest")]
BudgetsFile = Annotated[
    Path | None, typer.Option("--budgets", metavar="FILE", help="budgets file (default: nearest to each test)")
]

budgets = typer.Typer(
    help="Write budgets from what was measured, and keep them honest.", no_args_is_help=True, rich_markup_mode=None
)


@budgets.command()
def propose(  # noqa: PLR0913, PLR0917 - one parameter an option
    run: RunArgument,
    margin: Annotated[str, typer.Option(metavar="SHARE", help="room above the figure's bad end")] = "10%",
    budgets_file: BudgetsFile = None,
    device: Annotated[
        list[str] | None, typer.Option("--device", "--board", metavar="NAME", help="only this device (repeatable)")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="METRIC", help="(repeatable; default: latency_p50, model_memory, model_size)"),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="also change limits that are broken or slacker than the margin")
    ] = False,
    reports_dir: ReportsDir = None,
    as_json: Json = False,
) -> None:
    """Write limits for what a stored run measured into budgets.toml."""
    from harness.cli.budgets_propose import ProposeRequest, propose_budgets

    request = ProposeRequest(run, margin, budgets_file, device or [], metric or [], update, reports_dir)
    raise typer.Exit(propose_budgets(request, as_json=as_json))


@budgets.command()
def check(
    path: Annotated[str | None, typer.Argument(help="benchmark file or folder (default: benchmarks)")] = None,
    run: Annotated[str | None, typer.Option(metavar="RUN", help="a stored run, to find limits that are slack")] = None,
    devices_dir: DevicesDir = None,
    reports_dir: ReportsDir = None,
    as_json: Json = False,
) -> None:
    """Say which limits are slack or match nothing, and which waivers expired or soon will."""
    from harness.cli.budgets_check import CheckRequest, check_budgets

    raise typer.Exit(check_budgets(CheckRequest(path, run, devices_dir, reports_dir), as_json=as_json))


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
