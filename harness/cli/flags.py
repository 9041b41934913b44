"""Options that several commands have, each with one name everywhere."""

from pathlib import Path
from typing import Annotated

import typer

from harness.records.units import QuantityError, parse_duration

Device = Annotated[
    list[str] | None, typer.Option("--device", "--board", metavar="NAME", help="device to measure on (repeatable)")
]
DevicesDir = Annotated[
    Path | None, typer.Option("--devices-dir", help="folder of device profiles, before the shipped ones")
]
ReportsDir = Annotated[Path | None, typer.Option("--reports-dir", help="where run folders are written")]
CacheDir = Annotated[Path | None, typer.Option("--cache-dir", help="host cache")]


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except QuantityError as error:
        raise typer.BadParameter(str(error)) from None


TimeLimit = Annotated[
    float | None,
    typer.Option("--time-limit", parser=_seconds, metavar="TIME", help="for all measuring of one entry, 90 or 5m"),
]
MinSecs = Annotated[
    float | None,
    typer.Option("--min-secs", parser=_seconds, metavar="TIME", help="least a trial measures, 0.5 or 500ms"),
]
MaxSecs = Annotated[
    float | None, typer.Option("--max-secs", parser=_seconds, metavar="TIME", help="most a trial measures, 30 or 1m")
]
Json = Annotated[bool, typer.Option("--json", help="print JSON on stdout, prose on stderr")]
