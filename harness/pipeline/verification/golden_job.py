"""What the limited process that runs a model on the host is asked, and what it answers."""

from harness.records.base import Record


class GoldenJob(Record):
    """A model to run on the host, and with what."""

    model: str
    samples: str | None
    """npz with i0, i1... and, for a classifier, labels; None: seeded random inputs."""
    keep: int
    """At most so many samples are kept with their outputs."""
    seed: int
    inputs_path: str
    outputs_path: str


class GoldenAnswer(Record):
    """How many samples were kept, and of all ``n`` labelled ones how many were right; or the refusal."""

    samples: int = 0
    n: int = 0
    correct: int | None = None
    refused: str | None = None
    bad_samples: str | None = None
    """What is wrong with the samples that were given."""
