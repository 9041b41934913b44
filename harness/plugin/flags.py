"""The options on pytest's command line."""

from argparse import ArgumentError
from typing import Any

import pytest

from harness.records.errors import UsageError
from harness.records.settings import Settings
from harness.session.options import OPTIONS, make_settings

_DEVICE_HELP = "device to measure on, a profile's name (repeatable)"


def add_flags(parser: pytest.Parser) -> None:
    """Add --device (also --board) and the options of ``harness.session.options``."""
    group = parser.getgroup("harness", "edge benchmarks")
    kwargs: dict[str, Any] = {
        "action": "append",
        "default": [],
        "metavar": "NAME",
        "dest": "harness_devices",
        "help": _DEVICE_HELP,
    }
    try:
        group.addoption("--device", "--board", **kwargs)
    except (ValueError, ArgumentError):
        group.addoption("--board", **kwargs)
    for option in OPTIONS:
        dest = f"harness_{option.field}"
        if option.switch:
            group.addoption(option.flag, dest=dest, action="store_true", default=None, help=option.text)
        else:
            group.addoption(option.flag, dest=dest, type=option.kind, metavar=option.metavar, help=option.text)


def stepped_aside(config: pytest.Config) -> bool:
    """Whether another plugin owns --device in this pytest."""
    return any(
        "--device" in option.names() and option.dest != "harness_devices"
        for group in config._parser._groups
        for option in group.options
    )


def settings_of(config: pytest.Config) -> Settings:
    """Settings of this pytest. Raises pytest.UsageError in one line."""
    given = {option.field: config.getoption(f"harness_{option.field}") for option in OPTIONS}
    try:
        return make_settings(
            given,
            devices=list(config.getoption("harness_devices")),
            rootdir=config.rootpath,
            command=" ".join(["pytest", *map(str, config.invocation_params.args)]),
        )
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def refuse_without_device(session: pytest.Session) -> None:
    """Raise pytest.UsageError, with the names there are, where a collected test asks for ``bench``."""
    if not any("bench" in getattr(item, "fixturenames", ()) for item in session.items):
        return
    from harness.profiles import available

    names = ", ".join(sorted(available(settings_of(session.config).devices_dir)))
    raise pytest.UsageError(f"no device named: give --device NAME, one of {names}")
