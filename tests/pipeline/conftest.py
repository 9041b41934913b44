"""What tests of the pipeline share: one TensorFlow process for all that only export and convert."""

from collections.abc import Iterator

import pytest
from pipeline.workbench import Workbench

from harness.pipeline.worker.worker_client import WorkerClient


@pytest.fixture(scope="session")
def tensorflow_worker() -> Iterator[WorkerClient]:
    """A process that builds, started when it is first asked."""
    with WorkerClient() as worker:
        yield worker


@pytest.fixture(scope="module")
def workbench(tensorflow_worker: WorkerClient, tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """A folder of the test module's own, and the process."""
    return Workbench(tmp_path_factory.mktemp("models"), tensorflow_worker)
