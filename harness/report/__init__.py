"""The report: results.json -> one offline HTML file, a Markdown summary, a table; and a page over all runs.

Made from the file and never from live objects, byte for byte the same each time.
"""

from harness.report.charts.chart_client import ChartClient
from harness.report.conclusions import Conclusion, conclusions
from harness.report.index import Index, write_index
from harness.report.page import PAGE_NAME
from harness.report.renderer import SUMMARY_NAME, ReportRenderer, render
from harness.report.terminal import table

__all__ = [
    "PAGE_NAME",
    "SUMMARY_NAME",
    "ChartClient",
    "Conclusion",
    "Index",
    "ReportRenderer",
    "conclusions",
    "render",
    "table",
    "write_index",
]
