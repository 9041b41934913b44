"""The options on pytest's command line, made of ``harness.records.settings``, where one is added.

And how each is spelled where another plugin or a conftest owns its name.
"""

import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from harness.records.errors import UsageError
from harness.records.secret_names import words_without_secrets
from harness.records.settings import OPTIONS, SWITCH, Settings
from harness.session.make_settings import make_settings

_PREFIX: Final = "--harness-"
_CONFTEST = "conftest.py"


def add_options(parser: pytest.Parser) -> None:
    """Add the options of all settings, under the names that are free.

    Each has a twin with a prefix, --harness-device, that works where the short name is somebody else's.
    """
    taken = frozenset(name for _, names in _options(parser) for name in names)
    group = parser.getgroup("harness", "edge benchmarks")

    def add(*flags: str, **kwargs: Any) -> None:  # noqa: ANN401 - argparse's own keywords
        names = [name for name in (*flags, twin(flags[0])) if name not in taken]
        if names:
            group.addoption(*names, **kwargs)

    for field, option in OPTIONS.items():
        shown = option.help.replace("%", "%%")
        if option.kind is SWITCH:
            add(*option.flags, dest=f"harness_{field}", action="store_true", default=None, help=shown)
        else:
            several = {"action": "append", "default": []} if field == "devices" else {}
            parse = _say_whole(option.kind.parse)
            add(*option.flags, dest=f"harness_{field}", type=parse, metavar=option.metavar, help=shown, **several)


def _say_whole(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """The reader of a value, whose own words argparse prints in place of "invalid parse_duration value"."""
    if isinstance(kind, type):
        return kind

    def read(text: str) -> Any:  # noqa: ANN401 - an option's value has the option's own type
        try:
            return kind(text)
        except ValueError as error:
            raise ArgumentTypeError(str(error).replace("%", "%%")) from None

    return read


def release_names(config: pytest.Config) -> None:
    """Forget our options' names once the command line is read, so that conftests found at collection may have them."""
    parser = getattr(config._parser, "optparser", None)
    known = getattr(parser, "_option_string_actions", {})  # where argparse looks for clashes
    for dest, names in _options(config._parser):
        if dest.startswith("harness_"):
            for name in names:
                known.pop(name, None)


def twin(flag: str) -> str:
    """The spelling of an option that no other plugin has: --harness-device for --device."""
    return f"{_PREFIX}{flag.removeprefix('--')}"


def shadowed_flags(config: pytest.Config) -> tuple[str, ...]:
    """Our options whose short names another plugin or a conftest owns in this pytest."""
    own = {name for dest, names in _options(config._parser) if dest.startswith("harness_") for name in names}
    return tuple(flag for option in OPTIONS.values() for flag in option.flags if flag not in own)


def spell_options(text: str, config: pytest.Config) -> str:
    """A message in which each of our options is named as it works in this pytest."""
    aside = shadowed_flags(config)
    if not aside:
        return text
    # --board names a device too, but its own twin would be one more spelling to know.
    known = {flag: twin(option.flag) for option in OPTIONS.values() for flag in option.flags if flag in aside}
    pattern = rf"(?<![\w-])(?:{'|'.join(map(re.escape, known))})(?![\w-])"
    return re.sub(pattern, lambda found: known[found[0]], text)


def forget_values(args: Sequence[str], paths: list[str]) -> None:
    """Take our options' values out of what seem to be test ``paths`` as long as the options are not added yet.

    Conftests are searched there. A value that has a conftest of its own stays: the option may be that conftest's.
    """
    valued = [option for option in OPTIONS.values() if option.kind is not SWITCH]
    flags = {flag for option in valued for flag in (*option.flags, twin(option.flag))}
    for flag, value in pairwise(args):
        if flag in flags and value in paths and not _has_conftest(Path(value)):
            paths.remove(value)


def read_settings(config: pytest.Config) -> Settings:
    """Settings of this pytest. Raises pytest.UsageError in one line."""
    given = {field: config.getoption(f"harness_{field}", None) for field in OPTIONS}
    try:
        return make_settings(
            given,
            devices=given.pop("devices") or [],
            rootdir=_home(config),
            command=" ".join(["pytest", *words_without_secrets(map(str, config.invocation_params.args))]),
        )
    except UsageError as error:
        raise pytest.UsageError(spell_options(str(error), config)) from None


def _home(config: pytest.Config) -> Path:
    """Pytest's rootdir; the current folder where nothing but the tests' own folder below it made that the rootdir."""
    chosen = config.inipath is not None or config.getoption("rootdir", None) is not None
    here = config.invocation_params.dir
    return here if not chosen and config.rootpath.is_relative_to(here) else config.rootpath


def refuse_without_device(session: pytest.Session) -> None:
    """Raise pytest.UsageError, with the names there are, where a collected test asks for ``bench``."""
    from harness.plugin.benchmarks import is_benchmark

    if not any(map(is_benchmark, session.items)):
        return
    from harness.profiles import available

    names = ", ".join(sorted(available(read_settings(session.config).devices_dir)))
    raise pytest.UsageError(spell_options(f"no device named: give --device NAME, one of {names}", session.config))


def _options(parser: pytest.Parser) -> Iterator[tuple[str, Sequence[str]]]:
    """The destination and the names of every option that a parser has."""
    for group in dict.fromkeys([parser._anonymous, *parser._groups]):
        for option in group.options:
            yield option.dest, option.names()


def _has_conftest(path: Path) -> bool:
    return any((folder / _CONFTEST).is_file() for folder in (path, *path.glob("test*")))
