"""What a device profile says, after reading and checking."""

from typing import Literal

from pydantic import Field

from harness.records.base import Record

TransportName = Literal["ssh", "local"]
RuntimeName = Literal["auto", "litert", "tflite", "system"]
StartMode = Literal["fork", "exec"]


class Connection(Record):
    """How the board is reached."""

    transport: TransportName = "ssh"
    host: str | None = None
    user: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    identity_file: str | None = None
    known_hosts: str | None = None
    proxy_jump: str | None = None
    python: str | None = None
    """The interpreter on the board; None is python3 over ssh, the harness' own for local."""


class Hardware(Record):
    """What the board should be; compared with what it says it is."""

    model: str | None = None
    """A part of the device tree's model string, by which `harness add` knows the board."""
    arch: str | None = None
    cpu: str | None = None
    memory: str | None = None
    storage: str | None = None


class Runtime(Record):
    """Which interpreter measures, and how it is set up."""

    package: str = Field(default="auto", pattern=r"^(auto|(litert|tflite|system)(==[0-9][0-9A-Za-z.]*)?)$")
    num_threads: int = Field(default=1, ge=1, le=256)
    delegate: str = "xnnpack"
    """xnnpack, none, or the path of a delegate library on the board."""
    delegate_options: dict[str, str] = {}
    env: dict[str, str] = {}
    start: StartMode = "fork"
    max_output_error: float = Field(default=0.0, ge=0.0, le=1.0)
    """Largest allowed deviation of an output, as a share of the output's range."""


class Limits(Record):
    """Beyond these the board is not fit to measure."""

    max_temp_c: float | None = Field(default=None, gt=0, lt=150)


class Tuning(Record):
    """What is set on the board for the run, and put back afterwards."""

    governor: str | None = None
    cpus: str | None = Field(default=None, pattern=r"^\d+(-\d+)?(,\d+(-\d+)?)*$")


class PowerModel(Record):
    """P = idle_w + (full_w - idle_w) * u, u the utilisation of all cores in 0..1."""

    idle_w: float = Field(gt=0)
    full_w: float = Field(gt=0)
    bands: list[tuple[float, float]] = Field(min_length=1)
    """Pairs (from utilisation, relative error): the last pair whose first number is <= u holds."""
    source: str = Field(min_length=1)


class Power(Record):
    """Where energy comes from, best first: named sensors, else the model."""

    sensors: list[str] = []
    """"hwmon:NAME" (a hwmon device's name) or "rapl"."""
    model: PowerModel | None = None


class DeviceProfile(Record):
    """One board, as its file in devices/ describes it; ``lineage`` is its own name, then what it extends."""

    name: str
    lineage: tuple[str, ...]
    description: str = ""
    connection: Connection = Connection()
    hardware: Hardware = Hardware()
    runtime: Runtime = Runtime()
    limits: Limits = Limits()
    tuning: Tuning = Tuning()
    power: Power = Power()
