"""What a run's journal says of one device, and of what is to be measured."""

from harness.records.base import Record
from harness.records.results import DeviceRecord


class DeviceTally(Record):
    """A device as the run saw it, the bytes of files sent to it, and where its time went in seconds."""

    name: str
    record: DeviceRecord
    bytes_sent: int
    seconds: dict[str, float]


class PlannedBenchmark(Record):
    """One benchmark that is to be measured; ``candidate`` None: whatever its test measures."""

    device: str
    test: str
    candidate: str | None = None
