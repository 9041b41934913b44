"""peak_memory and model_memory."""

from harness.measure.metrics.evidence import Evidence, over_trials, unknown
from harness.records.results import Measurement


def compute(evidence: Evidence) -> list[Measurement]:
    """Bytes from memory trials only: a forked process counts just the pages it touched itself."""
    told = [trial.memory for trial in evidence.lived("memory") if trial.memory is not None]
    figures = [figure for figure in told if figure.hwm_bytes > 0]
    if not figures:
        reason = "the board's kernel does not tell VmHWM" if told else evidence.absence("memory")
        return [unknown("peak_memory", reason), unknown("model_memory", reason)]
    before = min(figure.hwm_before_bytes for figure in figures)
    return [
        over_trials(
            "peak_memory",
            [float(figure.hwm_bytes) for figure in figures],
            f"{before / 1e6:.1f} MB of it Python, numpy and the runtime before a model",
        ),
        over_trials("model_memory", [float(f.hwm_bytes - f.hwm_before_bytes) for f in figures]),
    ]
