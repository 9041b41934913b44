"""The settings of a session: what was typed, over [tool.harness] of the pyproject.toml, over the defaults."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from harness.records.errors import UsageError
from harness.records.files import expand_home
from harness.records.nearest import did_you_mean
from harness.records.settings import OPTIONS, PATH, SIZE, Option, Settings
from harness.records.toml_file import read_toml_table

_KEYS: Final = {option.key: field for field, option in OPTIONS.items()} | {"history": "history"}
"""The field of each key in [tool.harness]."""


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
        if field in OPTIONS:
            _check(OPTIONS[field], value)
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


def locate_history(rootdir: Path, *, reports_dir: Path | None, history: str | None) -> tuple[Path, str | None]:
    """The reports folder and the history's address, from what was typed over [tool.harness] of rootdir.

    The address is None for the reports folder's own, outside of a repository. Raises UsageError.
    """
    values = _defaults(rootdir) | _from_pyproject(rootdir / "pyproject.toml")
    address = history or values.get("history") or _repository_history(rootdir)
    return reports_dir or values["reports_dir"], address


def _defaults(rootdir: Path) -> dict[str, Any]:
    devices = _within(rootdir, "devices")
    own = {"devices_dir": devices} if devices.is_dir() else {}
    return {"reports_dir": _within(rootdir, Settings.reports_dir), **own}


def _within(rootdir: Path, path: str | Path) -> Path:
    """A path of rootdir, as short as it can be said from the current folder."""
    whole = rootdir.resolve() / expand_home(path)
    here = Path.cwd().resolve()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole


def _check(option: Option, value: Any) -> None:  # noqa: ANN401 - an option's value has the option's own type
    if option.choices and value.split("==")[0] not in option.choices:
        raise UsageError(
            f"{option.flag} {value}: expected one of {', '.join(option.choices)}"
            + did_you_mean(value, option.choices, before="; ")
        )
    if isinstance(value, Path) and not str(value).isprintable():
        raise UsageError(f"{option.flag} {str(value)!a}: a path with letters that cannot be shown: rename it")
    if option.within is not None:
        low, high = option.within
        if not low <= value <= high:
            if option.kind is SIZE:
                raise UsageError(f"{option.flag} {SIZE.show(value)}: expected {SIZE.show(low)} to {SIZE.show(high)}")
            raise UsageError(f"{option.flag} {value}: expected a number from {low:g} to {high:g}")


def _repository_history(rootdir: Path) -> str | None:
    # Loads pydantic, which every pytest of an environment is spared.
    from harness.store.git import history_file

    file = history_file(rootdir)
    return None if file is None else str(file)


def _from_pyproject(path: Path) -> dict[str, Any]:
    """The fields that [tool.harness] sets; a folder or file that it names is one beside it. Raises UsageError."""
    if not path.exists():
        return {}
    table = read_toml_table(path, ("tool", "harness"), error=UsageError)
    return {_field_of(key, path): _value_of(key, value, path) for key, value in table.items()}


def _field_of(key: str, path: Path) -> str:
    if key not in _KEYS:
        raise UsageError(
            f"{path}: [tool.harness] {key} is no option"
            + (did_you_mean(key, _KEYS, before="; ") or f": known are {', '.join(_KEYS)}")
        )
    return _KEYS[key]


def _value_of(key: str, value: Any, path: Path) -> Any:  # noqa: ANN401 - as above
    if key == "device":
        return _device_names(value, path)
    if key == "history":
        return _history_address(value, path)
    kind = OPTIONS[_KEYS[key]].kind
    refusal = UsageError(f"{path}: [tool.harness] {key} = {value!r:.60}: expected {kind.expected}")
    if type(value) not in kind.in_toml or (isinstance(value, str) and "\0" in value):
        raise refusal
    if kind is PATH:
        return _within(path.parent, value)
    try:
        return kind.parse(value)
    except ValueError as error:
        raise refusal from error


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
