"""The command line: its commands in the order of ``harness --help``, and how an error leaves it."""

import atexit
import gc
import sys
from typing import Annotated

import typer

from harness.cli.board_commands import add, calibrate, devices, doctor, emulate, provision, simulate
from harness.cli.budget_commands import budgets
from harness.cli.cache_commands import cache
from harness.cli.exit_codes import list_exit_codes
from harness.cli.measure_commands import build, demo, init, inspect, run, selftest
from harness.cli.stored_run_commands import compare, history, judge, report
from harness.cli.terminal import make_output_plain
from harness.records.errors import HarnessError, UsageError

COMMANDS = (
    demo,
    init,
    run,
    build,
    inspect,
    selftest,
    add,
    provision,
    doctor,
    calibrate,
    devices,
    emulate,
    simulate,
    judge,
    compare,
    history,
    report,
)
"""A new command: a function here, its exit codes in exit_codes.py, a row in docs/commands.md."""

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


for command in COMMANDS:
    app.command(epilog=list_exit_codes(command.__name__))(command)
app.add_typer(cache, name="cache")
app.add_typer(budgets, name="budgets")
