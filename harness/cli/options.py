"""Options of commands, made of ``harness.records.settings``, where one is added; and those of several commands.

An option of one command stands at that command.
"""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from harness.records.settings import NUMBER, OPTIONS, PATH, SWITCH, TEXT, ValueKind

T = TypeVar("T")
Given = dict[str, Any]
"""What was typed of the settings, by field; None where nothing was."""


def with_settings(*names: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Give a command the options of these fields of Settings, in place of its parameter ``given: Given``."""

    def decorate(command: Callable[..., T]) -> Callable[..., T]:
        @functools.wraps(command)
        def run(**typed: object) -> T:
            given = {name: typed.pop(name) for name in names}
            return command(**typed, given=given)

        signature = inspect.signature(command)
        parameters = []
        for own in signature.parameters.values():
            options = [_parameter(name) for name in names] if own.name == "given" else [own]
            parameters += [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in options]
        vars(run)["__signature__"] = signature.replace(parameters=parameters)
        return run

    return decorate


def _parameter(name: str) -> inspect.Parameter:
    declared: Any = Annotated  # made of values: mypy takes the whole for a type
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=declared[_annotation(name), _option(name)]
    )


def _annotation(name: str) -> Any:  # noqa: ANN401 - a type
    if name == "devices":
        return list[str] | None
    types: dict[ValueKind, Any] = {NUMBER: int | None, PATH: Path | None, SWITCH: bool | None, TEXT: str | None}
    return types.get(OPTIONS[name].kind, float | None)


def _option(name: str) -> Any:  # noqa: ANN401 - as typer declares what Option gives
    """Typer's option for a field of Settings, of the same flags and help as pytest's."""
    option = OPTIONS[name]
    if option.kind in (NUMBER, PATH, SWITCH, TEXT):
        return typer.Option(*option.flags, metavar=option.metavar or None, help=option.help)
    return typer.Option(*option.flags, parser=_parser(option.kind), metavar=option.metavar, help=option.help)


def _parser(kind: ValueKind) -> Callable[[str], Any]:
    """Parses a value whose own refusal typer then shows."""

    def parse(text: str) -> Any:  # noqa: ANN401 - a value has its option's own type
        try:
            return kind.parse(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return parse


DevicesDir = Annotated[Path | None, _option("devices_dir")]
ReportsDir = Annotated[Path | None, _option("reports_dir")]
Across = Annotated[str | None, _option("across")]
CacheDir = Annotated[Path | None, _option("cache_dir")]
Json = Annotated[bool, typer.Option("--json", help="print JSON on stdout, prose on stderr")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="run folder, its results.json, run id or latest")]
BudgetsFile = Annotated[
    Path | None, typer.Option("--budgets", metavar="FILE", help="budgets file (default: nearest to each test)")
]
