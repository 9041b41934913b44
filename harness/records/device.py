"""What a device profile says, after reading and checking."""

from typing import Annotated, Final, Literal

from pydantic import Field

from harness.records.base import Record
from harness.records.energy import SensorAccuracy
from harness.records.secret_names import without_secrets

TransportName = Literal["ssh", "local"]
RuntimeName = Literal["auto", "litert", "tflite", "system"]
StartMode = Literal["fork", "exec"]

Line = Annotated[str, Field(max_length=4096, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
"""A text without control characters: a path, a name, an option."""
Prose = Annotated[str, Field(max_length=4096, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]
"""The same, in as many lines as one likes."""
VariableName = Annotated[str, Field(max_length=256, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
VariableValue = Annotated[str, Field(max_length=2**15, pattern=r"^[^\x00]*$")]


METER: Final = "meter"
"""The name of the profile's meter among its sensors."""


class Connection(Record):
    """How the board is reached."""

    transport: TransportName = "ssh"
    host: Line | None = None
    user: Line | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    identity_file: Line | None = None
    known_hosts: Line | None = None
    proxy_jump: Line | None = None
    python: Line | None = None
    """The interpreter on the board; None is python3 over ssh, the harness' own for local."""


class Hardware(Record):
    """What the board should be; compared with what it says it is."""

    model: Line | None = None
    """A part of the device tree's model string, by which `harness add` knows the board."""
    arch: Line | None = None
    cpu: Line | None = None
    memory: Line | None = None
    storage: Line | None = None
    emulated: bool | None = None
    """Whether an emulator runs it, so that its speed says nothing; None: what the board says of itself decides."""


class Runtime(Record):
    """Which interpreter measures, and how it is set up."""

    package: str = Field(
        default="auto",
        max_length=64,
        pattern=r"^(auto|command|(litert|compiled|tflite|system)(==[0-9][0-9A-Za-z.]*)?)$",
    )
    command: list[Line] = Field(default=[], max_length=64)
    """With package = "command": a program on the board and its arguments, "{model}" for the model's path."""
    num_threads: int = Field(default=1, ge=1, le=256)
    delegate: Line = "xnnpack"
    """xnnpack, none, or the path of a delegate library on the board."""
    delegate_options: dict[Line, Line] = Field(default={}, max_length=256)
    env: dict[VariableName, VariableValue] = Field(default={}, max_length=256)
    start: StartMode = "fork"
    max_output_error: float = Field(default=0.0, ge=0.0, le=1.0)
    """Largest allowed deviation of an output, as a share of the output's range."""


class Limits(Record):
    """Beyond these the board is not fit to measure."""

    max_temp_c: float | None = Field(default=None, gt=0, lt=150)
    max_wait_s: float = Field(default=120.0, ge=0, le=3600)
    """How long is waited for a board to be cool and quiet, before it is refused."""


Frequency = Annotated[str, Field(max_length=32, pattern=r"^(min|max|[0-9]{1,12}(\.[0-9]{1,9})? ?[kMG]?Hz)$")]
"""Of a clock, such as "1.5 GHz"; min and max are the hardware's own limits."""
Cores = Annotated[
    str, Field(max_length=1024, pattern=r"^(big|little|[0-9]{1,4}(-[0-9]{1,4})?(,[0-9]{1,4}(-[0-9]{1,4})?)*)$")
]
"""Cores by number, such as "0-3,5", or by what the kernel says that they can do."""
PolicyName = Annotated[str, Field(pattern=r"^(big|little|policy[0-9]{1,4})$")]


class ClockTuning(Record):
    """What a clock is governed by, and between which limits; what is not given stays as it is."""

    governor: Line | None = None
    min_freq: Frequency | None = None
    max_freq: Frequency | None = None


class Tuning(ClockTuning):
    """The operating point that the board is set to for the run; what was before is put back afterwards.

    Governor and frequencies are those of every group of cores, unless ``policies`` says otherwise for one.
    """

    power_mode: Line | None = None
    """Of nvpmodel or the platform profile, by its name or number."""
    cpus: Cores | None = None
    """The cores that measuring processes run on."""
    irq_cpus: Cores | None = None
    """The cores that interrupts come to."""
    policies: dict[PolicyName, ClockTuning] = Field(default={}, max_length=64)
    devices: dict[Line, ClockTuning] = Field(default={}, max_length=64)
    """Memory controllers, GPUs, NPUs: by their names in /sys/class/devfreq, or patterns of these."""
    drop_caches: bool = False
    """Whether cold loads begin with an empty page cache."""


class PowerModel(Record):
    """P = idle_w + (full_w - idle_w) * u, u the utilisation of all cores in 0..1."""

    idle_w: float = Field(gt=0, le=1e4)
    full_w: float = Field(gt=0, le=1e4)
    bands: list[tuple[float, float]] = Field(min_length=1, max_length=64)
    """Pairs (from utilisation, relative error): the last pair whose first number is <= u holds."""
    source: Prose = Field(min_length=1)


class Meter(Record):
    """A USB or socket meter, by a command that prints watts: the last number of its first line."""

    command: list[Line] = Field(min_length=1, max_length=64)
    interval: Line = "1 s"
    """How often to run it."""
    on: Literal["host", "board"] = "host"
    """Where it is run."""


class Power(Record):
    """Where energy comes from, best first: named sensors, else the model."""

    sensors: list[Line] = Field(default=[], max_length=64)
    """"hwmon:NAME" or "iio:NAME" (a device's name), "pmic", "battery", "rapl" or "meter"."""
    meter: Meter | None = None
    """What "meter" is; it comes last where ``sensors`` does not name it."""
    accuracy: dict[Line, SensorAccuracy] = Field(default={}, max_length=64)
    """By a sensor's name, by how much it errs at most, where another than its maker's word is known."""
    model: PowerModel | None = None

    @property
    def ranked(self) -> tuple[str, ...]:
        """The sensors, best first, the meter among them."""
        last = [METER] if self.meter is not None and METER not in self.sensors else []
        return (*self.sensors, *last)


class DeviceProfile(Record):
    """One board, as its file in devices/ describes it; ``lineage`` is its own name, then what it extends."""

    name: str
    lineage: tuple[str, ...]
    description: Prose = ""
    connection: Connection = Connection()
    hardware: Hardware = Hardware()
    runtime: Runtime = Runtime()
    limits: Limits = Limits()
    tuning: Tuning = Tuning()
    power: Power = Power()

    def without_secrets(self) -> "DeviceProfile":
        """The profile as others may read it: the values of what looks like a secret are left out."""
        runtime = self.runtime.model_copy(
            update={
                "env": without_secrets(self.runtime.env),
                "delegate_options": without_secrets(self.runtime.delegate_options),
            }
        )
        return self.model_copy(update={"runtime": runtime})
