"""The options, with one name everywhere: what each is, its default from [tool.harness], its check."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.records.errors import UsageError
from harness.records.files import expand_home
from harness.records.nearest import nearest
from harness.records.settings import Settings
from harness.records.toml_file import read_toml_table
from harness.records.units import parse_duration, parse_quantity


@dataclass(frozen=True)
class Option:
    """One option of both faces: ``flag`` is typed by users, ``field`` is its place in Settings."""

    flag: str
    field: str
    kind: Callable[[Any], Any]
    metavar: str
    text: str
    choices: tuple[str, ...] = ()
    switch: bool = False
    """Typed without a value."""

    @property
    def key(self) -> str:
        """The key in [tool.harness]."""
        return self.flag.removeprefix("--")


def share(text: str | float) -> float:
    """A share as people write it, "0.5 %" or 0.005. Raises ValueError."""
    if isinstance(text, str) and "%" in text:
        return parse_quantity(text, "1")
    return float(text)


OPTIONS = (
    Option("--devices-dir", "devices_dir", Path, "DIR", "folder of device profiles, before the shipped ones"),
    Option("--reports-dir", "reports_dir", Path, "DIR", "where run folders are written (default: reports)"),
    Option("--cache-dir", "cache_dir", Path, "DIR", "host cache (default: edge-harness in XDG_CACHE_HOME)"),
    Option("--artifacts", "artifacts", Path, "DIR", "take built candidates from this folder (harness build --out)"),
    Option("--jobs", "jobs", int, "N", "processes that build at a time (default: 1)"),
    Option(
        "--runtime",
        "runtime",
        str,
        "NAME",
        "interpreter on the board",
        ("auto", "litert", "tflite", "system"),
    ),
    Option("--num-threads", "num_threads", int, "N", "interpreter threads (default: the profile's)"),
    Option("--trials", "trials", int, "N", "trials an entry, each a process of its own (default: 10)"),
    Option(
        "--time-limit",
        "time_limit_s",
        parse_duration,
        "TIME",
        "for measuring an entry, 90 or 5m (default: 60)",
    ),
    Option("--warmup-runs", "warmup_runs", int, "N", "inferences before a trial measures (default: 5)"),
    Option("--num-runs", "num_runs", int, "N", "least inferences a trial (default: 50)"),
    Option("--min-secs", "min_secs", parse_duration, "TIME", "least a trial measures, 0.5 or 500ms (default: 0.5)"),
    Option("--max-secs", "max_secs", parse_duration, "TIME", "most a trial measures, 30 or 1m (default: 30)"),
    Option(
        "--baseline",
        "baseline",
        str,
        "BASE",
        "compare with a revision's merge base, rev:SHA, a .tflite file, a folder of artifacts or a results.json",
    ),
    Option("--alpha", "alpha", share, "SHARE", "chance of a false alarm of the whole session (default: 0.5 %%)"),
    Option("--miss", "miss", share, "SHARE", "chance that a metric beyond its limit passes (default: 5 %%)"),
    Option("--plan-only", "plan_only", bool, "", "print trials and minutes; touch no board", switch=True),
    Option("--resume", "resume", Path, "RUN", "go on with a run that was killed, in its folder"),
    Option("--inconclusive", "inconclusive", str, "fail|warn", "what too-close-to-call means", ("fail", "warn")),
    Option("--seed", "seed", int, "N", "seed of random inputs and of training (default: 0)"),
)

_FILE_ONLY = {"history": "history"}
"""Keys of [tool.harness] that no option has: a database's URL may hold a password, and options stand in results."""

_RANGES: dict[str, tuple[float, float]] = {
    "jobs": (1, 64),
    "num_threads": (1, 256),
    "trials": (1, 10_000),
    "time_limit_s": (0.1, 86_400),
    "warmup_runs": (0, 100_000),
    "num_runs": (1, 10_000_000),
    "min_secs": (0.001, 3600),
    "max_secs": (0.001, 3600),
    "alpha": (1e-9, 0.5),
    "miss": (1e-9, 0.5),
    "seed": (0, 2**31 - 1),
}


def make_settings(given: Mapping[str, Any], *, devices: list[str], rootdir: Path, command: str) -> Settings:
    """Settings from what was typed, over [tool.harness] of rootdir's pyproject.toml, over the defaults.

    Folders that are not typed are those of ``rootdir``, wherever the command was given; profiles those of the current
    folder where ``rootdir`` has none. ``given`` maps Settings fields to values, None where nothing was typed. Raises
    UsageError.
    """
    values = _defaults(rootdir) | _from_pyproject(rootdir / "pyproject.toml")
    default_devices = values.pop("devices", [])
    values.update({field: value for field, value in given.items() if value is not None})
    for field, value in values.items():
        if field not in _FILE_ONLY.values():
            _check(field, value)
    chosen = tuple(dict.fromkeys(devices or default_devices))
    if chosen:
        values.setdefault("history", _repository_history(rootdir))
    fixed_length = not {"num_runs", "min_secs"}.isdisjoint(values)
    settings = Settings(devices=chosen, command=command, fixed_length=fixed_length, **values)
    if settings.max_secs < settings.min_secs:
        raise UsageError(
            f"--max-secs {settings.max_secs:g} is below --min-secs {settings.min_secs:g}: give a larger --max-secs"
        )
    return settings


def _defaults(rootdir: Path) -> dict[str, Any]:
    devices = _within(rootdir, "devices")
    own = {"devices_dir": devices} if devices.is_dir() else {}
    return {"reports_dir": _within(rootdir, Settings.reports_dir), **own}


def _within(rootdir: Path, path: str | Path) -> Path:
    """A path of rootdir, as short as it can be said from the current folder."""
    whole = rootdir.resolve() / expand_home(path)
    here = Path.cwd().resolve()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole


def _check(field: str, value: Any) -> None:  # noqa: ANN401 - an option's value has the option's own type
    option = next(option for option in OPTIONS if option.field == field)
    if option.choices and value.split("==")[0] not in option.choices:
        hint = nearest(value, option.choices)
        raise UsageError(
            f"{option.flag} {value}: expected one of {', '.join(option.choices)}"
            + (f"; did you mean {hint}?" if hint else "")
        )
    if isinstance(value, Path) and not str(value).isprintable():
        raise UsageError(f"{option.flag} {str(value)!a}: a path with letters that cannot be shown: rename it")
    low, high = _RANGES.get(field, (None, None))
    if low is not None and high is not None and not low <= value <= high:
        raise UsageError(f"{option.flag} {value}: expected a number from {low:g} to {high:g}")


def _from_pyproject(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    table = read_toml_table(path, ("tool", "harness"), error=UsageError)
    return {_field_of(key, path): _value_of(key, value, path) for key, value in table.items()}


def kept_where(rootdir: Path, *, reports_dir: Path | None, history: str | None) -> tuple[Path, str | None]:
    """The reports folder and the history's address, from what was typed over [tool.harness] of rootdir.

    The address is None for the reports folder's own, outside of a repository. Raises UsageError.
    """
    values = _defaults(rootdir) | _from_pyproject(rootdir / "pyproject.toml")
    address = history or values.get("history") or _repository_history(rootdir)
    return reports_dir or values["reports_dir"], address


def _repository_history(rootdir: Path) -> str | None:
    from harness.store.repository import history_file

    file = history_file(rootdir)
    return None if file is None else str(file)


def _field_of(key: str, path: Path) -> str:
    known = {option.key: option.field for option in OPTIONS} | {"device": "devices"} | _FILE_ONLY
    if key not in known:
        hint = nearest(key, known)
        raise UsageError(
            f"{path}: [tool.harness] {key} is no option"
            + (f"; did you mean {hint}?" if hint else f": known are {', '.join(known)}")
        )
    return known[key]


def _value_of(key: str, value: Any, path: Path) -> Any:  # noqa: ANN401 - as above
    if key == "device":
        return _device_names(value, path)
    if key in _FILE_ONLY:
        return _history_address(value, path)
    kind = next(option.kind for option in OPTIONS if option.key == key)
    written = (int, float, str)
    wanted: dict[object, tuple[type, ...]] = {parse_duration: written, share: written, Path: (str,), str: (str,)}
    refusal = UsageError(f"{path}: [tool.harness] {key} = {value!r:.60}: expected {_kind_name(kind)}")
    if not isinstance(value, wanted.get(kind, (int,))) or isinstance(value, bool) != (kind is bool):
        raise refusal
    if isinstance(value, str) and "\0" in value:
        raise refusal
    if kind is Path:
        return _within(path.parent, str(value))
    try:
        return kind(value)
    except ValueError as error:
        raise refusal from error


def _kind_name(kind: Callable[[Any], Any]) -> str:
    names: dict[object, str] = {int: "a whole number", bool: "true or false", share: 'a share, such as "0.5 %"'}
    return names.get(kind, 'a time, such as 90 or "5m"' if kind is parse_duration else "a text in quotes")


def _device_names(value: Any, path: Path) -> list[str]:  # noqa: ANN401 - as above
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageError(
            f"{path}: [tool.harness] device = {value!r:.60}: expected a device's name in quotes, or a list of them"
        )
    return names


def _history_address(value: Any, path: Path) -> str:  # noqa: ANN401 - what a file says
    """A database's URL as it is, a file beside the pyproject.toml that names it."""
    if not isinstance(value, str) or "\0" in value:
        raise UsageError(f"{path}: [tool.harness] history = {value!r:.60}: expected a text in quotes")
    return value if "://" in value else str(path.parent / expand_home(value))
