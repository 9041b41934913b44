"""Files of a run: raw trials and a journal while it works, results.json when it ends.

Several processes may append to one run folder; one of them finishes it.
"""

from harness.store.results_file import load_results, results_schema
from harness.store.run_folder import DeviceTally, PlannedBenchmark, RunFolder
from harness.store.stored_runs import find_run, load_run

__all__ = ["DeviceTally", "PlannedBenchmark", "RunFolder", "find_run", "load_results", "load_run", "results_schema"]
