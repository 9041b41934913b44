"""A run folder's results.json -> its report.html, summary.md and github-action-benchmark.json."""

from pathlib import Path

from harness.records.results import Results
from harness.report.action_benchmark import action_benchmark
from harness.report.charts.chart_client import ChartClient
from harness.report.charts.page_charts import draw_charts
from harness.report.page import PAGE_NAME, load_templates, page
from harness.report.summary import summary
from harness.store import load_results
from harness.store.disk import write_whole

SUMMARY_NAME = "summary.md"
ACTION_NAME = "github-action-benchmark.json"


def render(folder: Path, client: ChartClient | None = None, results: Results | None = None) -> Path:
    """Write report.html and what pipelines read beside the folder's results.json; gives the page's path.

    ``client`` is one that was started earlier and is warm by now; it stays open. ``results`` are those of the
    folder's file, where the caller has read it. Charts that cannot be drawn are left out, and the page says so.
    HarnessError when a file cannot be written.
    """
    if client is None:
        with ChartClient() as own:
            return render(folder, own, results)
    results = results or load_results(folder)
    write_whole(folder / SUMMARY_NAME, summary(results).encode())
    write_whole(folder / ACTION_NAME, action_benchmark(results).encode())
    load_templates()  # while the engine starts
    write_whole(folder / PAGE_NAME, page(results, draw_charts(results, client)).encode())
    return folder / PAGE_NAME
