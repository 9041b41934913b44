"""Whether the board computes what the host computed: no speed counts for wrong outputs."""

from dataclasses import dataclass

from harness.records.artifact import GoldenOutputs
from harness.records.board import OutputCheck
from harness.records.results import Finding
from harness.records.status import Status

TOP1_SHARE = 0.99
"""Of real samples; on random ones a top-1 says little."""
SQNR_DB = 30.0


@dataclass(frozen=True)
class OutputVerdict:
    """A sentence for the entry, and a finding where the outputs are wrong."""

    sentence: str
    finding: Finding | None = None


def judge_outputs(check: OutputCheck, golden: GoldenOutputs, *, max_output_error: float) -> OutputVerdict:
    """Compare by the rule: bit-equal; else top-1 on 99 of 100 real samples, or 30 dB, or the profile's error.

    Values that are not finite are wrong where the host's are finite (the board then tells a lost signal).
    ``max_output_error`` is a share of the outputs' range.
    """
    if check.samples != golden.samples:
        return _wrong(f"{check.samples} samples were compared", f"all {golden.samples}")
    if check.bit_equal:
        return OutputVerdict(f"bit-equal with {_reference(golden)} ({check.samples} samples){_both_nan(check)}")
    if check.nonfinite and not _faithful(check):
        return _wrong(f"{check.nonfinite} values are NaN or infinite", "finite values, as on the host")
    if _close(check, golden, max_output_error):
        return OutputVerdict(
            f"agree with {_reference(golden)}: {_figures(check)}{_inputs_note(golden)}{_both_nan(check)}"
        )
    return _wrong(_figures(check), _rule(golden, max_output_error))


def unchecked(reason: str | None) -> OutputVerdict:
    """The sentence for an artifact without expected outputs."""
    return OutputVerdict(f"outputs unchecked: {reason}" if reason else "outputs unchecked")


def _close(check: OutputCheck, golden: GoldenOutputs, max_output_error: float) -> bool:
    agree = golden.real and check.top1_agree is not None and check.top1_agree >= TOP1_SHARE * check.samples
    return agree or _faithful(check) or check.max_error <= max_output_error


def _faithful(check: OutputCheck) -> bool:
    return check.sqnr_db is not None and check.sqnr_db >= SQNR_DB


def _wrong(found: str, expected: str) -> OutputVerdict:
    sentence = f"wrong output on the board: {found}; expected {expected}"
    return OutputVerdict(sentence, Finding(gate="outputs", metric=None, status=Status.FAIL, reason=sentence))


def _figures(check: OutputCheck) -> str:
    top1 = [] if check.top1_agree is None else [f"top-1 agrees on {check.top1_agree} of {check.samples} samples"]
    sqnr = [] if check.sqnr_db is None else [f"SQNR {check.sqnr_db:.1f} dB"]
    return ", ".join([*top1, *sqnr, f"largest error {check.max_error:.2g} of the range"])


def _rule(golden: GoldenOutputs, max_output_error: float) -> str:
    top1 = ["the same top-1 on 99 of 100"] if golden.real else []
    error = [f"an error of at most {max_output_error:g} of the range"] if max_output_error else []
    return " or ".join([*top1, f"an SQNR of {SQNR_DB:g} dB", *error])


def _reference(golden: GoldenOutputs) -> str:
    return f"{golden.runtime} on the host ({golden.arch}, {golden.delegate}, num_threads {golden.num_threads})"


def _inputs_note(golden: GoldenOutputs) -> str:
    return "" if golden.real else "; inputs are seeded random numbers"


def _both_nan(check: OutputCheck) -> str:
    return f", {check.nonfinite} values NaN or infinite on both" if check.nonfinite else ""
