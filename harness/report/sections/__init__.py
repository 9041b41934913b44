"""The sections of report.html: each a noun's file here and its template; `harness.report.page` lists them in order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.records.results import Results
from harness.report.charts.page_charts import GroupCharts


@dataclass(frozen=True)
class Section:
    """A heading, and what its template (templates/NAME.html) is given; None: nothing to say, so it is left out.

    A section that folds is open where its context says ``opened``: there something is to be read. Its ``hint``
    stands beside the heading.
    """

    name: str
    title: str
    context: Callable[[Results, list[GroupCharts]], dict[str, Any] | None]
    folds: bool = True
