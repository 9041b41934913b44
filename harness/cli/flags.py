"""Options that several commands have, each with one name everywhere."""

from pathlib import Path
from typing import Annotated

import typer

Device = Annotated[
    list[str] | None, typer.Option("--device", "--board", metavar="NAME", help="device to measure on (repeatable)")
]
DevicesDir = Annotated[
    Path | None, typer.Option("--devices-dir", help="folder of device profiles, before the shipped ones")
]
ReportsDir = Annotated[Path | None, typer.Option("--reports-dir", help="where run folders are written")]
CacheDir = Annotated[Path | None, typer.Option("--cache-dir", help="host cache")]
Json = Annotated[bool, typer.Option("--json", help="print JSON on stdout, prose on stderr")]
