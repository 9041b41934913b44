"""The commands from a model to its figures. Each body imports what it needs, so that --help stays quick."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import CacheDir, DevicesDir, Given, Json, with_settings
from harness.records.settings import OPTIONS


@with_settings("reports_dir", "cache_dir")
def demo(*, given: Given, as_json: Json = False) -> None:
    """Measure two shipped models on this machine, and say what to type next."""
    from harness.cli.demo import show_demo

    raise typer.Exit(show_demo(given, as_json=as_json))


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
    metric: Annotated[
        str | None, typer.Option(metavar="MODULE:FUNCTION", help="accuracy by a function of yours, in place of top-1")
    ] = None,
    given: Given,
    as_json: Json = False,
) -> None:
    """Measure model files on a board."""
    from harness.cli.run import RunRequest, run_files

    devices = given.pop("devices") or []
    wanted = RunRequest(
        files, recipes=recipe, data=data, stages=stages, samples=samples, signature=signature, metric=metric
    )
    raise typer.Exit(run_files(wanted, devices=devices, given=given, as_json=as_json))


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


def inspect(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="model files (.tflite)")],
    as_json: Json = False,
) -> None:
    """Say what is inside model files: operators, their work, weights, memory."""
    from harness.cli.inspect import inspect_files

    raise typer.Exit(inspect_files(files, as_json=as_json))


@with_settings("devices_dir", "reports_dir", "cache_dir", "time_limit_s")
def selftest(  # noqa: PLR0913 - one parameter an option
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="the board's profile")],
    model: Annotated[Path | None, typer.Option(metavar="FILE", help="a .tflite file (default: a shipped one)")] = None,
    limit: Annotated[str, typer.Option(metavar="SHARE", help="slowdown that fails")] = "2 %",
    runs: Annotated[int, typer.Option(min=1, metavar="N", help="how often")] = 1,
    full: Annotated[
        bool, typer.Option("--full", help="the cost of reading, memory sum, tuning put back, a planted slowdown too")
    ] = False,
    given: Given,
    as_json: Json = False,
) -> None:
    """Measure a board against itself: a difference that is found is a false alarm."""
    from harness.cli.selftest import SelftestRequest, measure_itself

    if full:
        from harness.cli.full_selftest import measure_in_full

        raise typer.Exit(measure_in_full(name, SelftestRequest(model, limit, runs), given=given, as_json=as_json))
    raise typer.Exit(measure_itself(name, SelftestRequest(model, limit, runs), given=given, as_json=as_json))
