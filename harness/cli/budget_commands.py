"""``harness budgets`` and its commands. Each body imports what it needs, so that --help stays quick."""

from typing import Annotated

import typer

from harness.cli.exit_codes import list_exit_codes
from harness.cli.options import BudgetsFile, DevicesDir, Json, ReportsDir, RunArgument

budgets = typer.Typer(
    help="Write budgets from what was measured, and keep them honest.", no_args_is_help=True, rich_markup_mode=None
)


@budgets.command(epilog=list_exit_codes("budgets propose"))
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


@budgets.command(epilog=list_exit_codes("budgets check"))
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


@budgets.command(epilog=list_exit_codes("budgets waive"))
def waive(  # noqa: PLR0913, PLR0917 - one parameter an option
    run: RunArgument,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="why the limits may be exceeded until then")],
    until: Annotated[
        str | None, typer.Option(metavar="DAY", help="the last day, at most 90 days ahead (default: in 30 days)")
    ] = None,
    issue: Annotated[
        str | None, typer.Option(metavar="TEXT", help="where it is followed up (default: the run's id)")
    ] = None,
    entry: Annotated[
        list[str] | None, typer.Option(metavar="CANDIDATE/RECIPE", help="only this entry (repeatable)")
    ] = None,
    metric: Annotated[list[str] | None, typer.Option(metavar="KEY", help="only this key (repeatable)")] = None,
    device: Annotated[
        list[str] | None, typer.Option("--device", "--board", metavar="NAME", help="only this device (repeatable)")
    ] = None,
    budgets_file: BudgetsFile = None,
    reports_dir: ReportsDir = None,
    as_json: Json = False,
) -> None:
    """Write waivers for the limits that a stored run broke."""
    from harness.cli.budgets_waive import WaiveRequest, waive_limits

    request = WaiveRequest(
        run, reason, until, issue, entry or [], metric or [], device or [], budgets_file, reports_dir
    )
    raise typer.Exit(waive_limits(request, as_json=as_json))
