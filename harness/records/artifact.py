"""Artifacts: what candidates become, with what is known of them."""

from pathlib import Path

from harness.records.base import Record


class TensorInfo(Record):
    """One input or output of a model; ``scale`` 0 means not quantised."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0


class AccuracyResult(Record):
    """Share of a held-out test set classified rightly by the artifact through LiteRT on the host."""

    value: float
    correct: int
    n: int
    dataset: str
    obtained: str


class GoldenOutputs(Record):
    """Inputs and the outputs LiteRT gave for them on the host; two .npz files with keys "i0","i1".. / "o0","o1"..

    Every array has the sample as its first axis: shape (samples, *tensor shape).
    """

    inputs_path: str
    inputs_sha256: str
    outputs_path: str
    outputs_sha256: str
    samples: int
    real: bool
    """True for samples of a data set or given by the user, False for seeded random ones."""
    runtime: str
    arch: str
    num_threads: int
    delegate: str


class Artifact(Record):
    """A .tflite file that is ready to ship, with what is known of it."""

    candidate: str
    recipe: str | None
    path: str
    sha256: str
    size_bytes: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    accuracy: AccuracyResult | None = None
    accuracy_reason: str | None = None
    """Why there is no accuracy, e.g. "synthetic data: accuracy not claimed"."""
    golden: GoldenOutputs | None = None
    golden_reason: str | None = None
    """Why outputs cannot be checked; None when golden is there."""
    cached: bool = False
    build_s: float = 0.0
    versions: dict[str, str] = {}

    @property
    def local_path(self) -> Path:
        """The file on this host."""
        return Path(self.path)
