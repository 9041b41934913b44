"""The vendor's own benchmark beside ours."""

from harness.records.base import Record


class VendorBenchmark(Record):
    """What ``litert-benchmark`` told of the same file on the same board; seconds of an inference, rounded to 10 us."""

    median_s: float
    avg_s: float
    min_s: float
    max_s: float
    p5_s: float
    p95_s: float
    num_runs: int
    warmup_runs: int


class CrossCheck(Record):
    """Its figures, and in one sentence how ours agree with them; None and the reason where it could not run."""

    vendor: VendorBenchmark | None
    sentence: str
