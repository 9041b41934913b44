"""The pytest plugin: options, the ``bench`` fixture, markers, own letters, the table, the exit codes.

It is loaded by every pytest of an environment, so this module imports nothing heavy: the hooks that only
benchmarks need live in ``harness.plugin.benchmark_session`` and load when a device was named.
"""

from harness.plugin.fixtures import bench, harness_device
from harness.plugin.hooks import (
    pytest_addoption,
    pytest_collection_finish,
    pytest_configure,
    pytest_configure_node,
    pytest_deselected,
    pytest_generate_tests,
    pytest_load_initial_conftests,
    pytest_make_parametrize_id,
    pytest_report_collectionfinish,
    pytest_report_header,
    pytest_report_teststatus,
    pytest_runtest_call,
    pytest_runtest_setup,
    pytest_runtestloop,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
    pytest_testnodeready,
    pytest_unconfigure,
    pytest_xdist_make_scheduler,
)

__all__ = [
    "bench",
    "harness_device",
    "pytest_addoption",
    "pytest_collection_finish",
    "pytest_configure",
    "pytest_configure_node",
    "pytest_deselected",
    "pytest_generate_tests",
    "pytest_load_initial_conftests",
    "pytest_make_parametrize_id",
    "pytest_report_collectionfinish",
    "pytest_report_header",
    "pytest_report_teststatus",
    "pytest_runtest_call",
    "pytest_runtest_setup",
    "pytest_runtestloop",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "pytest_testnodeready",
    "pytest_unconfigure",
    "pytest_xdist_make_scheduler",
]
