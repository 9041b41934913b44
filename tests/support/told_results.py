"""The made-up run of tests/store with all that the pipeline tells of its artifacts, stages and gains; hostile names."""

from harness.records.artifact import (
    AccuracyDrop,
    Fidelity,
    Inside,
    LayerError,
    OperatorTally,
    Rival,
    TensorInfo,
    Training,
)
from harness.records.entry import Comparison, Entry
from harness.records.memory import MemoryAccount
from harness.records.operators import OperatorFigure, OperatorProfile
from harness.records.results import Results
from support.sample_results import HOSTILE, changed_artifact, measured, results

LONG_RECIPES = ("prune(0.8)+int8_float_io", "distill(width=0.5)+prune(0.8, block=(1, 16))+float16")
STAGE_S = {"preprocess": 0.0004, "inference": 0.0002, "postprocess": 0.0001, "end_to_end": 0.00072}
WHOLE = Inside(
    operators=(
        OperatorTally(name="CONV_2D", count=3, macs=1_234_567, xnnpack=3),
        OperatorTally(name="SOFTMAX", count=1, macs=0),
    ),
    parameters=38_106,
    macs=1_234_567,
    weight_bytes=152_424,
    activation_bytes=16_384,
    zero_share=0.801,
    compressed_bytes=61_000,
)


OPERATOR_KINDS = (
    OperatorFigure(
        name="CONV_2D",
        count=14,
        delegated=14,
        macs=6_690_816,
        seconds=157.2e-6,
        ci_low=151e-6,
        ci_high=163e-6,
        share=0.649,
    ),
    OperatorFigure(name="SOFTMAX", count=1, delegated=0, macs=0, seconds=0.4e-6, share=0.0016),
)
OPERATORS = OperatorProfile(
    path="CompiledModel of litert 2.3.0, 1 thread, xnnpack",
    inference_s=242e-6,
    told_share=0.934,
    processes=3,
    runs=678,
    kinds=OPERATOR_KINDS,
    operators=OPERATOR_KINDS,
)


MEMORY = MemoryAccount(
    pss_bytes=40.9e6,
    runtime_bytes=35.1e6,
    weights_bytes=0.1e6,
    weights_mapped=True,
    packed_bytes=0.2e6,
    arena_bytes=1.9e6,
    stacks_bytes=8192.0,
    libraries_bytes=3.5e6,
    unexplained_bytes=91_808.0,
    processes=2,
    peak_bytes=52.9e6,
    load_peak_bytes=50.6e6,
    run_peak_bytes=52.9e6,
)


def inside(recipe: str | None) -> Inside:
    """Integers have one more operator, a stranger's file one of its own."""
    if recipe == "int8":
        quantize = OperatorTally(name="QUANTIZE", count=2, macs=0, xnnpack=0)
        return WHOLE.model_copy(update={"operators": (*WHOLE.operators, quantize), "compressed_bytes": None})
    if recipe is None:
        return WHOLE.model_copy(update={"custom_operators": (f"Mine{HOSTILE}",), "zero_share": None})
    return WHOLE


def fidelity(recipe: str) -> Fidelity:
    equal = recipe == "float16"
    return Fidelity(
        against="float32",
        samples=450,
        real=True,
        max_error=0.0 if equal else 0.0213,
        max_error_share=0.0 if equal else 0.0215,
        sqnr_db=None if equal else 33.52,
        cosine=0.99987,
    )


def drop() -> AccuracyDrop:
    return AccuracyDrop(
        value=0.0111,
        ci_low=0.0022,
        ci_high=0.0201,
        confidence=0.95,
        p_value=0.0625,
        lost=6,
        gained=1,
        n=450,
        obtained="paired over the same samples",
    )


def told(entry: Entry) -> Entry:
    """An entry with what its artifact's build would tell."""
    if entry.artifact is None:
        return entry
    update: dict[str, object] = {
        "inside": inside(entry.recipe),
        "fidelity_reason": "there is nothing to compare it with",
    }
    update["sha256"] = (entry.recipe or "none").encode().hex().ljust(64, "0")
    if entry.recipe not in (None, "float32"):
        update |= {"fidelity": fidelity(entry.recipe), "fidelity_reason": None, "accuracy_drop": drop()}
    if entry.recipe == "int8":
        tensor = TensorInfo(name="x", shape=(1, 8, 8, 1), dtype="int8", scale=0.00392157, zero_point=-128)
        layer = LayerError(layer=f"dense_1{HOSTILE}", operator="FULLY_CONNECTED", sqnr_db=12.34, fall_db=18.2)
        trained = Training(what="trained", epochs=1, seconds=12.5, notes=("stopped early: no better loss in 3 epochs",))
        distilled = Training(what="distilled(width=0.5)", epochs=9, cached=True)
        rival = Rival(what="the same student trained alone", value=0.968, own_value=0.972, score="top1", n=450, seed=0)
        update |= {"inputs": [tensor], "worst_layers": (layer,), "trainings": (trained, distilled), "rival": rival}
    return entry.model_copy(update={"artifact": changed_artifact(entry.artifact, **update)})


def staged(entry: Entry) -> Entry:
    """The entry with three stages, the whole, and answers from the device."""
    stages = [measured(name, value, spread=0.02) for name, value in STAGE_S.items()]
    answers = (f'{{"label": "{HOSTILE}"}}', *(f'{{"digit": {digit}}}' for digit in range(6)), '"' + "x" * 300 + '"')
    return entry.model_copy(
        update={
            "measurements": [*entry.measurements, *stages],
            "answers": answers,
            "operators": OPERATORS,
            "memory": MEMORY,
        }
    )


def compared(entry: Entry) -> Entry:
    comparison = Comparison(
        against="digits_cnn/float32",
        metric="latency_p50",
        ratio=0.34,
        ci_low=0.33,
        ci_high=0.35,
        confidence=0.95,
        sentence=f"faster by int8: 0.340 of float32's latency (0.330 to 0.350) {HOSTILE}",
    )
    return entry.model_copy(update={"comparisons": (comparison,)})


def told_results() -> Results:
    entries = [told(entry) for entry in results().entries]
    int8 = [number for number, entry in enumerate(entries) if entry.recipe == "int8"]
    for number in int8:
        entries[number] = compared(staged(entries[number]))
    long = [entries[0].model_copy(update={"recipe": recipe}) for recipe in LONG_RECIPES]
    return results().model_copy(update={"entries": [*entries, *map(told, long)]})
