"""Artifacts: what candidates become, with what is known of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.records.base import Record
from harness.records.candidate import OwnMetric


class TensorInfo(Record):
    """One input or output of a model; ``scale`` 0 means not quantised."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0
    below: int | None = None
    """Of an input that holds indices: the size of the table it looks into, where the graph tells it."""


class OperatorTally(Record):
    """One kind of operator in a model file: how often, and the work it does."""

    name: str
    """As the TensorFlow Lite schema spells it, e.g. "DEPTHWISE_CONV_2D"; custom ones by their own name."""
    count: int
    macs: int
    """Multiply-accumulates of all of them, for the file's own shapes."""
    xnnpack: int | None = None
    """How many of them XNNPACK took on the host; None where that was not asked."""


class Inside(Record):
    """What a model file holds, read from the file without running it; sizes in bytes."""

    operators: tuple[OperatorTally, ...]
    """Largest work first."""
    parameters: int
    """Elements of all constant floating and quantised tensors that operators use as weights or biases."""
    macs: int
    """Multiply-accumulates of one inference."""
    weight_bytes: int
    activation_bytes: int
    """The largest sum of activations that live at one time, each tensor at its own size: a lower bound of the arena."""
    zero_share: float | None = None
    """Share of zeros among the weights of convolutions and dense layers (biases excluded), 0..1; None: no weights."""
    compressed_bytes: int | None = None
    """The file's size after DEFLATE at the level zip and gzip use (6): what pruning saves where files are stored
    compressed. None: not asked, or the file is too large to try."""
    order: tuple[tuple[int, int], ...] = ()
    """The first graph's operators in the order they run: each one's place in ``operators``, and its own
    multiply-accumulates. Empty for more than 5,000, and in results of an earlier harness."""
    custom_operators: tuple[str, ...] = ()
    """Operators outside TensorFlow Lite's built-in ones, Flex included."""


class AccuracyResult(Record):
    """How well the artifact does on a held-out test set, through LiteRT on the host.

    ``score`` top1: the share classified rightly, ``correct`` of ``n``. auc: the area under the ROC curve, by which an
    anomalous sample gets a higher reconstruction error than a normal one. own: the user's ``metric``. ``correct`` is
    None but for top1.
    """

    value: float
    correct: int | None
    n: int
    dataset: str
    obtained: str
    score: Literal["top1", "auc", "own"] = "top1"
    right: str | None = None
    """Which samples are right, a bit each from the first on, as base64, so that two artifacts can be compared."""
    chance: float | None = None
    """What guessing gives: the share of the commonest label; 0.5 for an AUC. None: not asked."""
    by_chance: bool = False
    """The value is no better than guessing."""
    metric: OwnMetric | None = None
    """Of score own: the user's function, and what its figure is called."""

    @property
    def title(self) -> str:
        """What people call the figure."""
        return self.metric.name if self.metric else "accuracy"

    @property
    def unit(self) -> str:
        """Of the value: "1" for a fraction, else the user's own."""
        return self.metric.unit if self.metric else "1"

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1."""
        return -1 if self.metric is not None and self.metric.better == "lower" else 1

    def lost_against(self, before: "AccuracyResult") -> float | None:
        """How much worse it is than ``before``, in its unit, negative for a gain; None where they are not comparable.

        From counts where there are some: a difference of rounded shares may lie beyond a limit that it keeps.
        """
        ours, theirs = ((one.dataset, one.n, one.score, one.metric) for one in (self, before))
        if ours != theirs:
            return None
        if self.correct is None or before.correct is None:
            return self.sign * (before.value - self.value)
        return (before.correct - self.correct) / self.n


class AccuracyDrop(Record):
    """How much accuracy was lost against the float32 recipe, in its unit; paired over the same samples.

    Positive is worse, whichever way is better. ``lost`` samples were right before and are wrong now, ``gained`` the
    other way round (None but for top1). The interval is null where ``obtained`` says why there is none.
    """

    value: float
    ci_low: float | None
    ci_high: float | None
    confidence: float
    p_value: float | None
    lost: int | None
    gained: int | None
    n: int
    obtained: str
    reference_by_chance: bool = False
    """The reference is no better than guessing, so that nothing could be lost."""


class Fidelity(Record):
    """How near the artifact's outputs are to those of the float32 recipe, dequantised, on the same samples."""

    against: str
    samples: int
    real: bool
    """True for samples of a data set or given by the user, False for made-up ones."""
    max_error: float
    """Largest absolute difference of any output value."""
    max_error_share: float
    """The same as a share of the float32 outputs' range."""
    sqnr_db: float | None
    """10 log10(signal power / error power), worst output; None where the outputs are equal."""
    cosine: float | None
    """Cosine similarity, mean over samples, worst output; None where an output is all zeros."""


class LayerError(Record):
    """One tensor inside the model and how far quantisation moved it."""

    layer: str
    operator: str
    sqnr_db: float
    """Of its output against float32's: 10 log10(signal power / error power) a channel, cut to 0 to 60, their mean."""
    fall_db: float | None = None
    """How far that stands below the worst of what the layer was given, counted as at most 40 dB: its own share."""


class Training(Record):
    """How the weights came to be: one stage, e.g. trained, pruned(0.8), distilled."""

    what: str
    epochs: int | None = None
    """Epochs that ran; None where the harness did not train."""
    seconds: float = 0.0
    cached: bool = False
    notes: tuple[str, ...] = ()
    """Sentences for the report, e.g. "stopped early: no better validation loss in 3 epochs"."""


class Rival(Record):
    """What a recipe is held against by its nature: for distill the same student trained alone."""

    what: str
    """e.g. "the same student trained alone"."""
    value: float
    own_value: float
    """The recipe's own figure, obtained the same way (Keras, before conversion)."""
    score: Literal["top1", "auc"]
    n: int
    seed: int


class BuiltinOutputs(Record):
    """What LiteRT's built-in kernels give for the golden inputs without XNNPACK, where that is not the same bits.

    An .npz file like that of GoldenOutputs. XNNPACK rounds otherwise than the built-in kernels, and which of them
    computes a model depends on the board's runtime and its profile's delegate.
    """

    outputs_path: str
    outputs_sha256: str
    sqnr_db: float
    """How far both families of kernels are apart on the host: 10 log10(signal power / error power), worst output."""


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
    builtin: BuiltinOutputs | None = None

    @property
    def by_user(self) -> bool:
        """Whether the user stored the outputs, so that nothing ran on the host."""
        return not self.arch

    @property
    def files(self) -> dict[str, str]:
        """Every file by its path, with its sha256."""
        found = {self.inputs_path: self.inputs_sha256, self.outputs_path: self.outputs_sha256}
        return found | ({self.builtin.outputs_path: self.builtin.outputs_sha256} if self.builtin else {})


class StagesFile(Record):
    """A candidate's own pre- and post-processing: the file, the raw samples it starts from, the host's answers.

    ``raw_path`` is an .npz with keys "r0", "r1".. (one array a sample, of any shape each). ``answers`` are what
    postprocess gave on the host, sample by sample, as JSON texts; none where there is no postprocess, or where the
    host could not run the model (``answers_reason``).
    """

    path: str
    sha256: str
    raw_path: str
    raw_sha256: str
    samples: int
    answers: tuple[str, ...]
    answers_reason: str | None = None


class Verification(Record):
    """What running the model on the host showed, beside its reference; where something is missing, a reason says why.

    Made once, in a process that builds, and kept as it is: in the artifact and in every results file.
    """

    golden: GoldenOutputs | None = None
    golden_reason: str | None = None
    """Why outputs cannot be checked; None when golden is there."""
    accuracy: AccuracyResult | None = None
    accuracy_reason: str | None = None
    """Why there is no accuracy, e.g. "synthetic data: accuracy not claimed"."""
    accuracy_drop: AccuracyDrop | None = None
    fidelity: Fidelity | None = None
    fidelity_reason: str | None = None
    """Why outputs were not compared with float32's; None where they were."""
    worst_layers: tuple[LayerError, ...] = ()
    """Only where quantisation cost much: the layers with the worst error, worst first."""
    layers_reason: str | None = None
    """Why layers were not compared though quantisation cost much."""


class HeldOutSet(Record):
    """Where an artifact's whole test set lies and how it is scored, so that outputs of a board can be scored alike."""

    samples: str
    """An .npz with i0, i1... and what is right of each sample."""
    dataset: str
    score: Literal["top1", "auc"]
    seed: int
    reference: str | None
    reference_sha256: str | None
    deadline_s: float
    metric: OwnMetric | None = None
    search: tuple[str, ...] = ()
    """Folders in which the metric's module is found."""
    truth: str | None = None


@dataclass(frozen=True)
class HeldOutInputs:
    """A test set's inputs alone: an .npz with i0, i1..., the same file for every model that is scored on it."""

    path: Path
    sha256: str
    n: int


class Artifact(Record):
    """A .tflite file that is ready to ship, with what is known of it."""

    candidate: str
    recipe: str | None
    path: str
    sha256: str
    size_bytes: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    inside: Inside | None = None
    verification: Verification = Verification()
    trainings: tuple[Training, ...] = ()
    rival: Rival | None = None
    stages: StagesFile | None = None
    test_set: HeldOutSet | None = None
    """None where no accuracy is claimed, and where the test set was left behind (``--artifacts``)."""
    notes: tuple[str, ...] = ()
    """Sentences that whoever reads its figures must know, e.g. "dynamic_int8 made no weights smaller"."""
    cached: bool = False
    build_s: float = 0.0
    """Seconds of export and conversion; training is told apart, in ``trainings``."""
    versions: dict[str, str] = {}

    @property
    def local_path(self) -> Path:
        """The file on this host."""
        return Path(self.path)
