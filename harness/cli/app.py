"""The commands and their options. Each body imports what it needs, so that --help stays quick."""

import atexit
import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.budget_commands import budgets, judge
from harness.cli.options import CacheDir, DevicesDir, Given, Json, ReportsDir, with_settings
from harness.cli.terminal import make_output_plain
from harness.records.errors import HarnessError, UsageError
from harness.records.settings import OPTIONS

app = typer.Typer(
    name="harness",
    help="Benchmarks neural networks on edge devices.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line; what is wrong is one line on stderr and its exit code."""
    make_output_plain()
    atexit.register(gc.freeze)  # an exit that looks for garbage in all that was imported takes 0.2 s longer
    try:
        code = app(standalone_mode=False)
    except HarnessError as error:
        sys.stderr.write("harness: " + " ".join(str(error).split()) + "\n")
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("harness: interrupted; what was measured is kept\n")
        sys.exit(130)
    except Exception as error:
        show = getattr(error, "show", None)  # typer's own, on the words that were typed: it has them from click
        if show is None:
            raise
        show()
        sys.exit(UsageError.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


def _print_version(*, asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        sys.stdout.write(f"edge-harness {version('edge-harness')}\n")
        raise typer.Exit


@app.callback()
def harness(
    version: Annotated[
        bool, typer.Option("--version", callback=lambda asked: _print_version(asked=asked), is_eager=True)
    ] = False,
) -> None:
    """Benchmarks neural networks on edge devices."""


@app.command()
@with_settings("reports_dir", "cache_dir")
def demo(*, given: Given, as_json: Json = False) -> None:
    """Measure two shipped models on this machine, and say what to type next."""
    from harness.cli.demo import show_demo

    raise typer.Exit(show_demo(given, as_json=as_json))


@app.command()
def init(
    device: Annotated[
        str | None,
        typer.Option("--device", "--board", metavar="NAME", help="the board of the limits and the workflow"),
    ] = None,
    devices_dir: DevicesDir = None,
    as_json: Json = False,
) -> None:
    """Write a small benchmarks/ with limits, a profile and a workflow into this folder; what exists is kept."""
    from harness.cli.init import write_benchmarks

    write_benchmarks(device, devices_dir=devices_dir, as_json=as_json)


@app.command()
@with_settings(*OPTIONS)
def run(  # noqa: PLR0913 - one parameter an option
    *,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="model files, folders of them, or names of candidates")
    ],
    recipe: Annotated[
        list[str] | None, typer.Option(metavar="RECIPE", help='what is done to each, e.g. "int8" (repeatable)')
    ] = None,
    data: Annotated[str | None, typer.Option(metavar="NAME|PATH", help="data set of the files")] = None,
    stages: Annotated[str | None, typer.Option(metavar="FILE", help="their preprocess and postprocess")] = None,
    samples: Annotated[
        str | None, typer.Option(metavar="FILE", help="real inputs: .npz with i0, i1..., or one .npy")
    ] = None,
    signature: Annotated[str | None, typer.Option(metavar="NAME", help="which of a file's signatures")] = None,
    given: Given,
    as_json: Json = False,
) -> None:
    """Measure model files on a board."""
    from harness.cli.run import RunRequest, run_files

    devices = given.pop("devices") or []
    wanted = RunRequest(files, recipes=recipe, data=data, stages=stages, samples=samples, signature=signature)
    raise typer.Exit(run_files(wanted, devices=devices, given=given, as_json=as_json))


@app.command()
@with_settings("devices_dir", "reports_dir", "cache_dir", "time_limit_s")
def selftest(  # noqa: PLR0913 - one parameter an option
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="the board's profile")],
    model: Annotated[Path | None, typer.Option(metavar="FILE", help="a .tflite file (default: a shipped one)")] = None,
    limit: Annotated[str, typer.Option(metavar="SHARE", help="slowdown that fails")] = "2 %",
    runs: Annotated[int, typer.Option(min=1, metavar="N", help="how often")] = 1,
    given: Given,
    as_json: Json = False,
) -> None:
    """Measure a board against itself: a difference that is found is a false alarm."""
    from harness.cli.selftest import SelftestRequest, measure_itself

    raise typer.Exit(measure_itself(name, SelftestRequest(model, limit, runs), given=given, as_json=as_json))


@app.command()
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


@app.command()
def build(  # noqa: PLR0913, PLR0917 - one parameter an option
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", help="benchmark files or folders")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="processes that build at a time (default: 2)")] = None,
    cache_dir: CacheDir = None,
    out: Annotated[
        Path | None, typer.Option(help="folder for pytest --artifacts, on a machine that only measures")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="seed of training and of random inputs")] = 0,
    reconvert: Annotated[bool, typer.Option("--reconvert", help="convert anew, with the trained weights kept")] = False,
    memory: Annotated[str | None, typer.Option(help="for all processes together (default: 6 GB)")] = None,
    as_json: Json = False,
    baseline: Annotated[
        str | None, typer.Option(metavar="REV", help="build a revision's merge base too, into --out, for --baseline")
    ] = None,
) -> None:
    """Build the candidates that the benchmarks at PATH name (default: benchmarks)."""
    from harness.cli.build import BuildOptions, build_benchmarks

    options = BuildOptions(jobs, cache_dir, out, seed, reconvert, memory, as_json, baseline)
    raise typer.Exit(build_benchmarks(paths or ["benchmarks"], options))


cache = typer.Typer(
    help="Show what builds left on this machine, and remove it.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(cache, name="cache")
app.add_typer(budgets, name="budgets")
app.command()(judge)


@cache.command("list")
def cache_list(cache_dir: CacheDir = None, as_json: Json = False) -> None:
    """List what was built, what was used last first."""
    from harness.cli.cache import list_cache

    list_cache(cache_dir, as_json=as_json)


@cache.command("size")
def cache_size(cache_dir: CacheDir = None, as_json: Json = False) -> None:
    """Say how much room each kind takes."""
    from harness.cli.cache import size_of_cache

    size_of_cache(cache_dir, as_json=as_json)


@cache.command("prune")
def cache_prune(
    kinds: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KIND]...", help="weights, prepared, artifacts, golden, stages (default: all but weights)"
        ),
    ] = None,
    older_than: Annotated[float, typer.Option(metavar="DAYS", help="only what was not used for so long")] = 0.0,
    cache_dir: CacheDir = None,
    as_json: Json = False,
) -> None:
    """Remove what was built; what a build is at work on stays."""
    from harness.cli.cache import prune_cache

    prune_cache(kinds or [], cache_dir, older_than=older_than, as_json=as_json)


@app.command()
def devices(devices_dir: DevicesDir = None, as_json: Json = False) -> None:
    """List the devices there are profiles for."""
    from harness.cli.boards import list_devices

    list_devices(devices_dir, as_json=as_json)


@app.command()
def add(  # noqa: PLR0913, PLR0917 - one parameter an option
    name: Annotated[str, typer.Argument(help="name of the new profile")],
    address: Annotated[
        str,
        typer.Argument(
            metavar="USER@HOST[:PORT]", help="or ssh://..., a Host of ~/.ssh/config; USER@[::1]:PORT for IPv6"
        ),
    ],
    devices_dir: DevicesDir = None,
    identity_file: Annotated[str | None, typer.Option(help="private key")] = None,
    known_hosts: Annotated[str | None, typer.Option(help="file of accepted host keys")] = None,
    proxy_jump: Annotated[str | None, typer.Option(help="jump host")] = None,
    as_json: Json = False,
) -> None:
    """Probe a board, write its profile, and say what is missing."""
    from harness.cli.boards import add_device

    extra = {"identity_file": identity_file, "known_hosts": known_hosts, "proxy_jump": proxy_jump}
    add_device(
        name,
        address,
        devices_dir=devices_dir,
        extra={key: value for key, value in extra.items() if value is not None},
        as_json=as_json,
    )


@app.command()
def provision(  # noqa: PLR0913, PLR0917 - typer's way of declaring options
    name: Annotated[str, typer.Argument(help="device to provision")],
    devices_dir: DevicesDir = None,
    cache_dir: CacheDir = None,
    runtime: Annotated[str | None, typer.Option(help="litert or tflite (default: what fits the board)")] = None,
    clean: Annotated[bool, typer.Option("--clean", help="instead, remove all that was ever put on the board")] = False,
    as_json: Json = False,
) -> None:
    """Put a runtime on a board that has no internet, and prove it by running a model."""
    from harness.cli.boards import clean_device, provision_device

    if clean:
        clean_device(name, devices_dir=devices_dir, as_json=as_json)
        return
    provision_device(name, devices_dir=devices_dir, cache_dir=cache_dir, package=runtime, as_json=as_json)


@app.command()
def doctor(
    name: Annotated[str, typer.Argument(help="device to examine")],
    devices_dir: DevicesDir = None,
    as_json: Json = False,
) -> None:
    """Say what a board is, where it differs from its profile, and whether it is fit to measure."""
    from harness.cli.boards import examine_device

    raise typer.Exit(examine_device(name, devices_dir=devices_dir, as_json=as_json))


@app.command()
def inspect(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="model files (.tflite)")],
    as_json: Json = False,
) -> None:
    """Say what is inside model files: operators, their work, weights, memory."""
    from harness.cli.inspect import inspect_files

    raise typer.Exit(inspect_files(files, as_json=as_json))


@app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="run folder, results.json, run id or latest")],
    b: Annotated[str, typer.Argument(metavar="B", help="the other one")],
    reports_dir: ReportsDir = None,
    as_json: Json = False,
) -> None:
    """Hold one stored run against another: every metric of B as a ratio of A's."""
    from harness.cli.compare import compare_runs

    raise typer.Exit(compare_runs(a, b, reports_dir=reports_dir, as_json=as_json))


@app.command()
def report(
    run_folder: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="run folder, its results.json, run id or latest")
    ] = None,
    index: Annotated[bool, typer.Option("--index", help="make the page over all runs")] = False,
    reports_dir: ReportsDir = None,
    as_json: Json = False,
) -> None:
    """Make a stored run's report again, or the page over all runs."""
    from harness.cli.report import remake_index, remake_report

    if index:
        remake_index(reports_dir, as_json=as_json)
    if run_folder is not None or not index:
        remake_report(run_folder, reports_dir=reports_dir, as_json=as_json)
