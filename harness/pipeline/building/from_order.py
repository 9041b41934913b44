"""The tasks of a candidate whose model is made here: prepare, convert, complete."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from harness.pipeline.building.completing import Found, completed, if_there, reference_or_reason
from harness.pipeline.building.crew import Crew
from harness.pipeline.building.jobs import MADE_UP, RAW, TEST, PreparedInfo
from harness.pipeline.building.order import REFERENCE_RECIPE, Order
from harness.pipeline.building.requests import Convert
from harness.pipeline.building.workshop import Built, Desk, Workshop
from harness.records.artifact import Artifact
from harness.records.candidate import Candidate

_DEADLINE_S = 600.0
"""A whole test set may be run through a model that was built here."""


@dataclass(frozen=True)
class FromOrder:
    """What is done for one order. ``reference`` is the key of the task that gives the float32 artifact, if another."""

    candidate: Candidate
    order: Order
    reference: str | None
    shop: Workshop
    crew: Crew

    @property
    def preparing(self) -> str:
        """The key of the task that trains and exports, shared by recipes that train alike."""
        return f"prepare {self.order.prepared.name}"

    @property
    def converting(self) -> str:
        """The key of the task that converts."""
        return f"convert {self.order.artifact.name}"

    def prepare(self, desk: Desk) -> PreparedInfo:
        """Train and export."""
        return self.shop.prepare(self.order, desk)

    def convert(self, desk: Desk) -> Built:
        """Make the .tflite file."""
        self.crew.outcome(self.preparing)  # raises what went wrong there

        def request(output: Path) -> Convert:
            return Convert(label=desk.label, job=self.order.job(output))

        return self.shop.convert(self.order.artifact, request, desk, versions=self.order.versions)

    def complete(self, desk: Desk) -> Artifact:
        """Check the file and make its record."""
        built = cast(Built, self.crew.outcome(self.converting))
        about = cast(PreparedInfo, self.crew.outcome(self.preparing))
        found = Found(
            file=built.file,
            record=built.record,
            about=about,
            test=if_there(self.order.prepared / TEST) if about.dataset else None,
            raw=if_there(self.order.prepared / RAW),
            made_up=if_there(self.order.prepared / MADE_UP),
            reference=reference_or_reason(self.crew, self.reference),
            reference_name=REFERENCE_RECIPE,
            cached=built.cached,
            deadline_s=_DEADLINE_S,
        )
        return completed(self.candidate, found, self.shop, desk)
