"""The exit codes of each command and what they mean there, as ``--help`` and docs/exit-codes.md tell them."""

from collections.abc import Mapping
from typing import Final

_WRONG: Final = "an option, profile or file is wrong"
_FAR: Final = "a board was not reached or not leased"
_SESSION: Final = {
    0: "all held",
    1: "something failed, or could not be measured",
    2: "interrupted: --resume goes on",
    4: _WRONG,
    10: "something could not be judged",
    11: _FAR,
}
COMMAND_EXIT_CODES: Final[Mapping[str, Mapping[int, str]]] = {
    "demo": _SESSION,
    "init": {0: "written, or there already", 4: "an option is wrong, or a file cannot be written"},
    "run": _SESSION,
    "build": {0: "all built", 1: "a candidate did not build", 4: _WRONG, 143: "ended by SIGTERM"},
    "inspect": {0: "all read", 1: "a file is no model, or is damaged", 4: "an option is wrong"},
    "selftest": _SESSION,
    "add": {0: "written", 4: "an option is wrong, or the profile is there", 11: _FAR},
    "provision": {0: "a model ran, or all was removed", 4: _WRONG, 11: "not reached, not leased, or no runtime runs"},
    "doctor": {0: "fit to measure", 4: _WRONG, 10: "not fit to measure", 11: _FAR},
    "calibrate": {0: "the profile has the model", 4: "an option, profile or the meter's file is wrong", 11: _FAR},
    "devices": {0: "listed", 4: "a profile is wrong"},
    "emulate": {0: "runs, or was stopped", 4: "an option is wrong, or a program is missing", 11: "it did not start"},
    "simulate": {0: "ended by Ctrl-C", 4: "an option or the script is wrong", 11: "this machine cannot have one"},
    "judge": {
        **_SESSION,
        2: "the run was interrupted",
        3: "the run ended by an internal error of pytest",
        4: "a file is wrong, or the run was refused",
        11: "a board was not reached in the run",
    },
    "compare": {0: "compared", 4: "an option or a file is wrong, or boards or settings are not alike"},
    "history": {0: "shown, whatever became of the runs", 1: "the page could not be made", 4: _WRONG},
    "report": {0: "made", 1: "the page could not be made", 4: _WRONG},
    "cache list": {0: "listed", 4: "an option is wrong"},
    "cache size": {0: "told", 4: "an option is wrong"},
    "cache prune": {0: "removed", 4: "an option is wrong"},
    "budgets propose": {0: "every entry has a limit", 1: "some have none", 4: _WRONG},
    "budgets waive": {0: "the waivers stand in the file", 4: "nothing failed, or an option or a file is wrong"},
    "budgets check": {0: "nothing has to be mended", 1: "something expired or is stale", 4: _WRONG},
}
"""By what is typed after ``harness``. Beside these any command may end with 1 where it cannot write, 130 by Ctrl-C."""


def list_exit_codes(command: str) -> str:
    """The command's codes with their meanings, one sentence for the end of its help."""
    told = "; ".join(f"{code} {meaning}" for code, meaning in COMMAND_EXIT_CODES[command].items())
    return f"Exit codes: {told}."
