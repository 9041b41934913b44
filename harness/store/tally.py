"""What a run's journal says of one device."""

from harness.records.base import Record
from harness.records.results import DeviceRecord


class DeviceTally(Record):
    """A device as the run saw it, the bytes of files sent to it, and where its time went in seconds."""

    name: str
    record: DeviceRecord
    bytes_sent: int
    seconds: dict[str, float]
