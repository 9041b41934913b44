"""A worker process with TensorFlow, asked directly: what tests of exporting and converting share."""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.pipeline.model.job import INFO, SAVED_MODEL, BuildJob, ModelSource, PreparedInfo, TrainingStep
from harness.pipeline.worker.protocol import Convert, Prepare
from harness.pipeline.worker.worker_client import WorkerClient
from harness.records.errors import BuildError


@dataclass(frozen=True)
class Prepared:
    """The folder of an exported model, read without TensorFlow."""

    folder: Path

    @property
    def info(self) -> PreparedInfo:
        return PreparedInfo.model_validate_json((self.folder / INFO).read_text(encoding="utf-8"))

    @property
    def saved_model(self) -> Path:
        return self.folder / SAVED_MODEL

    def arrays(self, name: str) -> dict[str, Any]:
        with np.load(self.folder / name, allow_pickle=False) as content:
            return dict(content)


@dataclass
class Workbench:
    """Prepares models of a folder with modules of the test's own, and converts them."""

    folder: Path
    worker: WorkerClient
    said: list[str] = field(default_factory=list)

    def prepare(self, source: str, *, kind: Any = "factory", label: str = "", **given: Any) -> Prepared:
        """The exported model of a factory "module:function" or of a file. Raises BuildError."""
        job = self._job(source, kind, label or source, given)
        self.worker.ask(Prepare(label=job.model.label, job=job), self.said.append)
        return Prepared(Path(job.prepared))

    def convert(self, source: str, recipe: str = "float32", *, kind: Any = "factory", **given: Any) -> Path:
        """Its .tflite file."""
        job = self._job(source, kind, source, given, recipe=recipe)
        self.worker.ask(Prepare(label=job.model.label, job=job), self.said.append)
        self.worker.ask(Convert(label=job.model.label, job=job), self.said.append)
        return Path(job.output)

    def refusal(self, source: str, **given: Any) -> str:
        """What preparing says, having left nothing half made."""
        with pytest.raises(BuildError) as caught:
            self.prepare(source, **given)
        message = str(caught.value)
        assert "\n" not in message and "Traceback" not in message
        assert not list((self.folder / "prepared").glob("*.partial"))
        return message

    def _job(self, source: str, kind: Any, label: str, given: dict[str, Any], recipe: str = "float32") -> BuildJob:
        steps, prepared, seed = given.pop("steps", []), given.pop("prepared", "prepared"), given.pop("seed", 0)
        model = ModelSource(kind=kind, source=source, label=label, search=[str(self.folder)], **given)
        name = sha256(f"{model!r} {seed} {steps}".encode()).hexdigest()[:16]
        return BuildJob(
            model=model,
            trainings=[
                TrainingStep(step=step, weights=str(self.folder / "weights" / f"{name}{step or ''}"))
                for step in (None, *steps)
            ],
            recipe=recipe,
            seed=seed,
            prepared=str(self.folder / prepared / name),
            output=str(self.folder / f"{name}-{recipe}.tflite"),
        )
