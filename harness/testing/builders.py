"""Records for tests, with sensible values where a test does not care."""

from harness.records.artifact import Artifact, GoldenOutputs, StagesFile, TensorInfo, Verification
from harness.records.board import BoardFacts, Trial, TrialMemory, TrialTelemetry
from harness.records.device import DeviceProfile
from harness.records.entry import Entry
from harness.records.plan import RunnerSpec
from harness.records.status import Status
from harness.testing.models import ANSWERS

SIMULATED = "a simulated board"
_HEX = "0123456789abcdef"


def made_up_sha256(letter: str) -> str:
    """64 hexadecimal digits that tell files apart in tests; ``letter`` is one of them."""
    if len(letter) != 1 or letter not in _HEX:
        raise ValueError(f"expected one of {_HEX}, got {letter!r}")
    return letter * 64


def make_profile(name: str = "simulated", **changes: object) -> DeviceProfile:
    """A profile; ``changes`` are fields of DeviceProfile."""
    return DeviceProfile.model_validate({"name": name, "lineage": (name,), **changes})


def make_facts(**changes: object) -> BoardFacts:
    """Facts of a simulated four-core board; ``changes`` are fields of BoardFacts."""
    return BoardFacts.model_validate(
        {
            "hostname": "simulated",
            "model": "Simulated board",
            "arch": "aarch64",
            "kernel": "6.6.0",
            "os": "Simulated OS",
            "libc": "glibc 2.36",
            "python": "3.11.2",
            "cpu": "4x Cortex-A72",
            "cpu_count": 4,
            "max_freq_khz": 1_500_000,
            "governor": "performance",
            "governors": ("performance", "ondemand"),
            "memory_bytes": 4_000_000_000,
            "storage": "microSD",
            "disk_free_bytes": 10_000_000_000,
            "temp_c": 45.0,
            "throttled": 0,
            "runtimes": (),
            "sensors": (),
            "cache_dir": "/home/pi/.cache/edge-harness",
            "simulated": SIMULATED,
            **changes,
        }
    )


def make_runner(**changes: object) -> RunnerSpec:
    """A LiteRT runner with one thread; ``changes`` are fields of RunnerSpec."""
    return RunnerSpec.model_validate(
        {
            "package": "litert",
            "version": "2.3.0",
            "python": "/usr/bin/python3",
            "site": None,
            "num_threads": 1,
            "delegate": "xnnpack",
            **changes,
        }
    )


def make_golden(**changes: object) -> GoldenOutputs:
    """Expected outputs for 100 real samples; ``changes`` are fields of GoldenOutputs."""
    return GoldenOutputs.model_validate(
        {
            "inputs_path": "inputs.npz",
            "inputs_sha256": made_up_sha256("1"),
            "outputs_path": "outputs.npz",
            "outputs_sha256": made_up_sha256("2"),
            "samples": 100,
            "real": True,
            "runtime": "litert 2.3.0",
            "arch": "x86_64",
            "num_threads": 1,
            "delegate": "xnnpack",
            **changes,
        }
    )


def make_stages(**changes: object) -> StagesFile:
    """Pre- and post-processing with two raw samples; ``changes`` are fields of StagesFile."""
    return StagesFile.model_validate(
        {
            "path": "stages.py",
            "sha256": made_up_sha256("3"),
            "raw_path": "raw.npz",
            "raw_sha256": made_up_sha256("4"),
            "samples": len(ANSWERS),
            "answers": ANSWERS,
            **changes,
        }
    )


def make_artifact(candidate: str = "model", *, sha256: str = made_up_sha256("a"), **changes: object) -> Artifact:
    """An artifact without expected outputs; ``changes`` are fields of Artifact or of its Verification."""
    checks = {name: changes.pop(name) for name in Verification.model_fields if name in changes}
    return Artifact.model_validate(
        {
            "candidate": candidate,
            "recipe": None,
            "path": f"{candidate}.tflite",
            "sha256": sha256,
            "size_bytes": 40_000,
            "inputs": (TensorInfo(name="input", shape=(1, 8, 8, 1), dtype="float32"),),
            "outputs": (TensorInfo(name="output", shape=(1, 10), dtype="float32"),),
            "verification": Verification.model_validate({"golden_reason": "no expected outputs were made", **checks}),
            **changes,
        }
    )


def make_telemetry(**changes: object) -> TrialTelemetry:
    """Telemetry of a cool board at a steady clock; ``changes`` are fields of TrialTelemetry."""
    return TrialTelemetry.model_validate(
        {
            "temp_before_c": 45.0,
            "temp_after_c": 46.0,
            "freq_before_khz": 1_500_000,
            "freq_after_khz": 1_500_000,
            "throttled": 0,
            "involuntary_switches": 0,
            "runqueue_wait_s": 0.0,
            "cpu_s": 0.5,
            "wall_s": 0.5,
            "utilisation": 0.25,
            **changes,
        }
    )


def make_memory(**changes: object) -> TrialMemory:
    """Memory of a process that ran a small model; ``changes`` are fields of TrialMemory."""
    return TrialMemory.model_validate(
        {"hwm_before_bytes": 34_000_000, "hwm_bytes": 36_000_000, "rss_bytes": 36_000_000, **changes}
    )


def make_trial(index: int = 0, **changes: object) -> Trial:
    """A latency trial with ten reads about 4 ms; ``changes`` are fields of Trial."""
    samples = tuple(4_000_000 + 1_000 * step for step in range(10))
    return Trial.model_validate(
        {
            "index": index,
            "block": 0,
            "arm": "candidate",
            "kind": "latency",
            "init_s": 0.003,
            "first_inference_s": 0.006,
            "samples_ns": samples,
            "n": len(samples),
            "telemetry": make_telemetry(),
            **changes,
        }
    )


def make_entry(**changes: object) -> Entry:
    """An entry that was measured and has no budget; ``changes`` are fields of Entry."""
    return Entry.model_validate(
        {
            "device": "simulated",
            "test": "benchmarks/test_model.py::test_model",
            "candidate": "model",
            "recipe": None,
            "artifact": None,
            "runtime": "litert 2.3.0",
            "delegate": "xnnpack",
            "num_threads": 1,
            "status": Status.MEASURED,
            "reason": "10 trials",
            **changes,
        }
    )
