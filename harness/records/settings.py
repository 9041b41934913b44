"""The settings of one invocation, each declared once, with its option for pytest, ``harness`` and [tool.harness]."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from harness.records.units import format_quantity, parse_duration, parse_rate, parse_share, parse_size

ENERGY_WINDOW_S: Final = 10.0
"""Seconds of steady inference behind a sensor's figure; shorter windows of a slow sensor err by up to 80 %."""
FEWEST_PAIRS: Final = 6
"""Windows of each arm before which no limit on energy is judged: those of a first look."""
LEAST_MOST_PAIRS: Final = 12
"""Windows of each arm that a limit on energy may take, unless its error rate takes more."""
MOST_PAIRS: Final = 130


@dataclass(frozen=True)
class ValueKind:
    """A kind of value: how its text is parsed, what TOML may hold of it, and what a refusal says was expected."""

    parse: Callable[[Any], Any]
    """Raises ValueError with a sentence for people, or is a type."""
    in_toml: tuple[type, ...]
    expected: str
    show: Callable[[Any], str] = str
    """A default as people write it."""


NUMBER: Final = ValueKind(int, (int,), "a whole number")
TEXT: Final = ValueKind(str, (str,), "a text in quotes")
PATH: Final = ValueKind(Path, (str,), "a text in quotes")
SWITCH: Final = ValueKind(bool, (bool,), "true or false")
DURATION: Final = ValueKind(parse_duration, (int, float, str), 'a time, such as 90 or "5m"', "{:g}".format)
SHARE: Final = ValueKind(
    parse_share, (int, float, str), 'a share, such as "0.5 %"', lambda share: format_quantity(share, "1")
)
SIZE: Final = ValueKind(parse_size, (int, str), 'a size, such as "128 MB"', lambda size: format_quantity(size, "B"))

RATE: Final = ValueKind(parse_rate, (int, float, str), 'a rate, such as "10/s"', "{:g}/s".format)


@dataclass(frozen=True)
class Option:
    """How users give a setting: what they type, and the key in [tool.harness]."""

    flag: str
    kind: ValueKind
    metavar: str
    help: str
    """In OPTIONS with the default at its end."""
    choices: tuple[str, ...] = ()
    within: tuple[float, float] | None = None
    """The least and the greatest that is taken."""
    unset: str = ""
    """What holds where the setting is None, for the help."""
    alias: str = ""
    """Another flag that means the same."""

    @property
    def key(self) -> str:
        """The key in [tool.harness]."""
        return self.flag.removeprefix("--")

    @property
    def flags(self) -> tuple[str, ...]:
        """All that may be typed, the one that messages name first."""
        return (self.flag, self.alias) if self.alias else (self.flag,)


@dataclass(frozen=True)
class Settings:
    """What the user asked for. Durations are in seconds, shares are fractions."""

    devices: Annotated[
        tuple[str, ...],
        Option("--device", TEXT, "NAME", "device to measure on, a profile's name (repeatable)", alias="--board"),
    ] = ()
    devices_dir: Annotated[
        Path | None, Option("--devices-dir", PATH, "DIR", "folder of device profiles, before the shipped ones")
    ] = None
    reports_dir: Annotated[Path, Option("--reports-dir", PATH, "DIR", "where run folders are written")] = Path(
        "reports"
    )
    cache_dir: Annotated[
        Path | None, Option("--cache-dir", PATH, "DIR", "host cache", unset="edge-harness in XDG_CACHE_HOME")
    ] = None
    artifacts: Annotated[
        Path | None,
        Option("--artifacts", PATH, "DIR", "take built candidates from this folder (harness build --out)"),
    ] = None
    jobs: Annotated[int, Option("--jobs", NUMBER, "N", "processes that build at a time", within=(1, 64))] = 1
    runtime: Annotated[
        str | None,
        Option(
            "--runtime",
            TEXT,
            "NAME",
            "interpreter on the board: auto, litert, compiled, tflite or system",
            choices=("auto", "litert", "compiled", "tflite", "system"),
            unset="the profile's",
        ),
    ] = None
    num_threads: Annotated[
        int | None,
        Option("--num-threads", NUMBER, "N", "interpreter threads", within=(1, 256), unset="the profile's"),
    ] = None
    trials: Annotated[
        int | None,
        Option("--trials", NUMBER, "N", "trials an entry, each a process of its own", within=(1, 10_000), unset="10"),
    ] = None
    time_limit_s: Annotated[
        float,
        Option("--time-limit", DURATION, "TIME", "for measuring an entry, 90 or 5m", within=(0.1, 86_400)),
    ] = 60.0
    warmup_runs: Annotated[
        int, Option("--warmup-runs", NUMBER, "N", "inferences before a trial measures", within=(0, 100_000))
    ] = 5
    num_runs: Annotated[int, Option("--num-runs", NUMBER, "N", "least inferences a trial", within=(1, 10_000_000))] = 50
    min_secs: Annotated[
        float,
        Option("--min-secs", DURATION, "TIME", "least a trial measures, 0.5 or 500ms", within=(0.001, 3600)),
    ] = 0.5
    max_secs: Annotated[
        float, Option("--max-secs", DURATION, "TIME", "most a trial measures, 30 or 1m", within=(0.001, 3600))
    ] = 30.0
    memory_limit: Annotated[
        int | None,
        Option(
            "--memory-limit",
            SIZE,
            "SIZE",
            "memory that each trial's process may take, 128MB, in a cgroup of its own; a process that needs more fails",
            within=(1e6, 1e15),
            unset="all there is",
        ),
    ] = None
    accuracy_on_board: Annotated[
        bool,
        Option("--accuracy-on-board", SWITCH, "", "count accuracy from the board's own outputs for the whole test set"),
    ] = False
    baseline: Annotated[
        str | None,
        Option(
            "--baseline",
            TEXT,
            "BASE",
            "compare with a .tflite file, a folder of artifacts, a results.json or, in pytest, with a revision's merge "
            "base or rev:SHA",
        ),
    ] = None
    across: Annotated[
        str | None,
        Option("--across", TEXT, "WHAT", "compare with a stored run though this differs: kernel, or several by commas"),
    ] = None
    alpha: Annotated[
        float, Option("--alpha", SHARE, "SHARE", "chance of a false alarm of the whole session", within=(1e-9, 0.5))
    ] = 0.005
    """The chance, at most, that a session in which every metric keeps its limit is failed."""
    miss: Annotated[
        float, Option("--miss", SHARE, "SHARE", "chance that a metric beyond its limit passes", within=(1e-9, 0.5))
    ] = 0.05
    inconclusive: Annotated[
        Literal["fail", "warn"],
        Option("--inconclusive", TEXT, "fail|warn", "what too-close-to-call means", choices=("fail", "warn")),
    ] = "fail"
    design: Annotated[
        Literal["trials", "slices"],
        Option(
            "--design",
            TEXT,
            "trials|slices",
            "how a limit against a baseline measures p50 and mean: whole trials in turn, or two processes in slices",
            choices=("trials", "slices"),
        ),
    ] = "slices"
    cross_check: Annotated[
        bool,
        Option(
            "--cross-check",
            SWITCH,
            "",
            "let the vendor's litert-benchmark run on the board too, and explain a difference",
        ),
    ] = False
    operators: Annotated[
        bool,
        Option(
            "--operators", SWITCH, "", "time each operator too, in a pass of its own after the trials (LiteRT only)"
        ),
    ] = False
    energy_window_s: Annotated[
        float,
        Option(
            "--energy-window", DURATION, "TIME", "of steady inference behind a joule", within=(ENERGY_WINDOW_S, 3600)
        ),
    ] = ENERGY_WINDOW_S
    energy_pairs: Annotated[
        int | None,
        Option(
            "--energy-pairs",
            NUMBER,
            "N",
            "most windows of each arm that a limit on energy takes, beside the time limit",
            within=(FEWEST_PAIRS, MOST_PAIRS),
            unset=f"{LEAST_MOST_PAIRS}, more where the error rate takes them",
        ),
    ] = None
    rate: Annotated[
        float | None,
        Option(
            "--rate",
            RATE,
            "RATE",
            "inferences a second as the application asks for them, for the power at that rate",
            within=(1e-6, 1e9),
        ),
    ] = None
    wait_s: Annotated[
        float,
        Option(
            "--wait",
            DURATION,
            "TIME",
            "for a board that another session has, in its queue, 300 or 20min",
            within=(0, 604_800),
        ),
    ] = 0.0
    plan_only: Annotated[bool, Option("--plan-only", SWITCH, "", "print trials and minutes; touch no board")] = False
    resume: Annotated[
        Path | None, Option("--resume", PATH, "RUN", "go on with a run that was killed, in its folder")
    ] = None
    fixed_length: bool = False
    """Whether num_runs or min_secs was asked for: then no trial is shorter, whatever the first blocks show."""
    history: str | None = None
    """Where figures of all runs are kept: a file or a database's URL; None: history.db in the reports folder. No
    option but a key of [tool.harness]: a database's URL may hold a password, and options stand in results."""
    seed: Annotated[
        int, Option("--seed", NUMBER, "N", "seed of random inputs and of training", within=(0, 2**31 - 1))
    ] = 0
    command: str = ""


def _options() -> Mapping[str, Option]:
    """The options by field, each with its default in its help."""
    found = {}
    for field in fields(Settings):
        option = next(iter(getattr(field.type, "__metadata__", ())), None)
        if isinstance(option, Option):
            default = option.unset if field.default in (None, ()) else option.kind.show(field.default)
            told = f"{option.help} (default: {default})" if default and option.kind is not SWITCH else option.help
            found[field.name] = replace(option, help=told)
    return found


OPTIONS: Final = _options()
"""The option of each field of Settings that has one."""
