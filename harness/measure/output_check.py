"""Whether the board computes what the host computed: no speed counts for wrong outputs."""

from dataclasses import dataclass

from harness.records.artifact import GoldenOutputs
from harness.records.board import OutputCheck, Trial
from harness.records.entry import Finding
from harness.records.status import Status

TOP1_SHARE = 0.99
"""Of real samples; on random ones a top-1 says little."""
SQNR_DB = 30.0
MOST_STEPS = 2
"""Of the outputs' quantisation: what families of kernels differ by on real samples (docs/verification.md)..."""
MOST_STEPS_SHARE = 0.05
"""...and at most this share of the outputs' range, since outputs that are few steps wide would agree with anything."""
FAMILIES_DB = 3.0
"""A third family of kernels may be as far from two others as they are from each other; this is twice that power."""


@dataclass(frozen=True)
class OutputVerdict:
    """A sentence for the entry, and a finding where the outputs are wrong."""

    sentence: str
    finding: Finding | None = None


@dataclass(frozen=True)
class _ComparedOutputs:
    """The board's outputs against one family of the host's kernels."""

    check: OutputCheck
    kernels: str

    @property
    def nearness(self) -> tuple[bool, float]:
        """Larger is nearer."""
        return self.check.bit_equal, self.check.sqnr_db or 0.0


def check_outputs(
    check: OutputCheck, golden: GoldenOutputs, *, max_output_error: float, builtin: OutputCheck | None = None
) -> OutputVerdict:
    """Compare by the rule: bit-equal; else top-1 on 99 of 100 real samples, 30 dB, 2 steps, or the profile's error.

    ``check`` is against XNNPACK, ``builtin`` against the built-in kernels where those differ. What counts is the
    nearer: which family computes is the choice of the board's runtime. On random inputs, outputs that are as far from
    it as both are from each other are not judged. Values that are not finite are wrong where the host's are finite (the
    board then tells a lost signal). ``max_output_error`` is a share of the outputs' range.
    """
    compared = _nearer(check, builtin, golden)
    check, reference = compared.check, _reference(golden, compared.kernels)
    if check.samples != golden.samples:
        return _wrong(f"{check.samples} samples were compared", f"all {golden.samples}")
    if check.bit_equal:
        return OutputVerdict(f"bit-equal with {reference} ({check.samples} samples){_both_nan(check)}")
    if check.nonfinite and not _faithful(check):
        return _wrong(f"{check.nonfinite} values are NaN or infinite", "finite values, as on the host")
    if _close(check, golden, max_output_error):
        return OutputVerdict(f"agree with {reference}: {_figures(check)}{_inputs_note(golden)}{_both_nan(check)}")
    return _not_judged(check, golden) or _wrong(_figures(check), _rule(golden, max_output_error))


def unchecked_outputs(reason: str | None) -> OutputVerdict:
    """The sentence for an artifact without expected outputs."""
    return OutputVerdict(f"outputs unchecked: {reason}" if reason else "outputs unchecked")


def same_bits(trial: Trial | None) -> bool:
    """Whether a check trial's outputs are those of a family of the host's kernels, bit by bit."""
    checks = (trial.check, trial.check_builtin) if trial is not None else ()
    return any(check is not None and check.bit_equal for check in checks)


def _nearer(check: OutputCheck, builtin: OutputCheck | None, golden: GoldenOutputs) -> _ComparedOutputs:
    first = _ComparedOutputs(check, golden.delegate)
    if builtin is None or golden.builtin is None:
        return first
    return max(first, _ComparedOutputs(builtin, "no delegate"), key=lambda one: one.nearness)


def _close(check: OutputCheck, golden: GoldenOutputs, max_output_error: float) -> bool:
    # Of a file that nothing here can read it is not known whether it classifies.
    agree = (
        golden.real
        and not golden.by_user
        and check.top1_agree is not None
        and check.top1_agree >= TOP1_SHARE * check.samples
    )
    steps = check.max_steps is not None and check.max_steps <= MOST_STEPS and check.max_error <= MOST_STEPS_SHARE
    return agree or steps or _faithful(check) or check.max_error <= max_output_error


def _faithful(check: OutputCheck) -> bool:
    return check.sqnr_db is not None and check.sqnr_db >= SQNR_DB


def _not_judged(check: OutputCheck, golden: GoldenOutputs) -> OutputVerdict | None:
    """Where random inputs cannot tell: the host's own families are as far apart as the board is from the nearer."""
    if golden.real or golden.builtin is None or check.sqnr_db is None:
        return None
    apart = golden.builtin.sqnr_db
    if check.sqnr_db < apart - FAMILIES_DB:
        return None
    return OutputVerdict(
        f"outputs not judged: on random inputs XNNPACK and the built-in kernels of {golden.runtime} are themselves "
        f"{apart:.1f} dB apart (here: {_figures(check)}); give real ones with samples="
    )


def _wrong(found: str, expected: str) -> OutputVerdict:
    sentence = f"wrong output on the board: {found}; expected {expected}"
    return OutputVerdict(sentence, Finding(gate="outputs", metric=None, status=Status.FAIL, reason=sentence))


def _figures(check: OutputCheck) -> str:
    top1 = [] if check.top1_agree is None else [f"top-1 agrees on {check.top1_agree} of {check.samples} samples"]
    sqnr = [] if check.sqnr_db is None else [f"SQNR {check.sqnr_db:.1f} dB"]
    steps = [] if check.max_steps is None else [f"{check.max_steps} quantisation steps"]
    return ", ".join([*top1, *sqnr, f"largest error {check.max_error:.2g} of the range", *steps])


def _rule(golden: GoldenOutputs, max_output_error: float) -> str:
    top1 = ["the same top-1 on 99 of 100"] if golden.real and not golden.by_user else []
    error = [f"an error of at most {max_output_error:g} of the range"] if max_output_error else []
    return " or ".join([*top1, f"an SQNR of {SQNR_DB:g} dB", *error])


def _reference(golden: GoldenOutputs, kernels: str) -> str:
    if golden.by_user:
        return golden.runtime
    return f"{golden.runtime} on the host ({golden.arch}, {kernels}, num_threads {golden.num_threads})"


def _inputs_note(golden: GoldenOutputs) -> str:
    return "" if golden.real else "; inputs are seeded random numbers"


def _both_nan(check: OutputCheck) -> str:
    return f", {check.nonfinite} values NaN or infinite on both" if check.nonfinite else ""
