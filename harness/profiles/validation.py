"""Everything that is wrong with a profile, said at once and in plain words."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness.records.device import METER, DeviceProfile, Meter, PowerModel
from harness.records.nearest import did_you_mean
from harness.records.secret_names import is_password, is_secret
from harness.records.ssh_address import is_host, is_user, parse_ssh_address
from harness.records.units import QuantityError, parse_duration

Table = dict[str, Any]
Keys = tuple[str | int, ...]

_GIVEN_BY_FILE = {"name", "lineage"}
_CORES = 'processor numbers in quotes, such as "0-3" or "0,2", or big or little'
_FREQUENCY = 'a frequency such as "1.5 GHz", or min or max'
_EXPECTED = {
    "runtime.package": (
        'auto, litert, compiled, tflite, system or command, with a version as in "litert==2.3.0" if it is pinned'
    ),
    "tuning.cpus": _CORES,
    "tuning.irq_cpus": _CORES,
    "power.model.bands": "pairs [from utilisation, relative error], such as [[0.0, 0.4], [0.5, 0.15]]",
}
_KINDS = {
    "string_type": "a text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "missing": "a value",
    "string_pattern_mismatch": "a text without control characters",
}
_OF_A_KEY = "[key]"
"""What pydantic puts behind the place of a table's key that is wrong itself."""
_VARIABLE = "a variable's name, such as OMP_NUM_THREADS"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, and a sentence on what was expected."""

    keys: Keys
    sentence: str

    def __str__(self) -> str:
        return f"{dotted(self.keys)}: {self.sentence}"


def dotted(keys: Keys) -> str:
    """A key path as people write it: power.model.bands[0]."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def secrets(table: Table) -> list[Problem]:
    """Keys that look like a password; their values are never shown."""
    reason = "a password has no place in a profile: use an SSH key (connection.identity_file) or an agent"
    return [Problem(keys, reason) for keys, _ in _leaves(table) if is_password(str(keys[-1]))]


def parsed(table: Table, *, name: str, lineage: Sequence[str]) -> DeviceProfile | list[Problem]:
    """The profile in ``table``, or every problem of keys, types and ranges."""
    found = secrets(table) + _foreign(table)
    refused = {problem.keys for problem in found}
    document = json.dumps({**table, "name": name, "lineage": list(lineage)}, default=str)
    try:
        profile = DeviceProfile.model_validate_json(document)
    except ValidationError as error:
        worded = (_worded(details) for details in error.errors(include_url=False))
        return found + [problem for problem in worded if problem.keys not in refused]
    return found or profile


def _foreign(table: Table) -> list[Problem]:
    """What TOML can say and a profile cannot: keys the file's name gives, and dates."""
    given = [Problem((key,), "unknown key: the file's name gives it") for key in _GIVEN_BY_FILE & set(table)]
    dates = [
        Problem(keys, "a date, expected a text in quotes or a number")
        for keys, value in _leaves(table)
        if isinstance(value, date | datetime | time)
    ]
    return given + dates


def _leaves(table: Mapping[str, Any], above: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    for key, value in table.items():
        yield (*above, key), value
        if isinstance(value, dict):
            yield from _leaves(value, (*above, key))


def _worded(details: ErrorDetails) -> Problem:
    keys = details["loc"]
    if keys[-1] == _OF_A_KEY:
        keys = keys[:-1]
        if keys[:2] == ("runtime", "env"):
            return Problem(keys, f"expected {_VARIABLE}")
        if keys[:2] == ("tuning", "policies"):
            return Problem(keys, "expected big, little or a policy's name, such as policy4")
    if details["type"] == "extra_forbidden":
        return Problem(keys, _unknown_key(keys))
    return Problem(keys, f"{_got(details)}expected {_expectation(details)}{_meant(details)}")


def _unknown_key(keys: Keys) -> str:
    model = _record_at(keys[:-1])
    known = [key for key in model.model_fields if model is not DeviceProfile or key not in _GIVEN_BY_FILE]
    known += ["extends"] if model is DeviceProfile else []
    return "unknown key, " + (did_you_mean(str(keys[-1]), known) or f"expected one of {', '.join(known)}")


def _record_at(keys: Keys) -> type[BaseModel]:
    """The record that holds the table at ``keys``."""
    model: type[BaseModel] = DeviceProfile
    for key in keys:
        if str(key) not in model.model_fields:
            continue  # a name that the user gave to one of several
        annotation = model.model_fields[str(key)].annotation
        options = (annotation, *get_args(annotation))
        model = next(kind for kind in options if isinstance(kind, type) and issubclass(kind, BaseModel))
    return model


def _got(details: ErrorDetails) -> str:
    value = details["input"]
    if details["type"] == "missing" or isinstance(value, dict | list) or is_secret(str(details["loc"][-1]), str(value)):
        return ""
    return f"{json.dumps(value, ensure_ascii=False, default=str)[:60]}, "


def _expectation(details: ErrorDetails) -> str:
    known = _EXPECTED.get(".".join(key for key in details["loc"] if isinstance(key, str)))
    if details["loc"][0] == "tuning" and details["loc"][-1] in ("min_freq", "max_freq"):
        known = _FREQUENCY
    if known:
        return known
    plain = details["msg"].removeprefix("Input should be ").replace("'", '"')
    return _KINDS.get(details["type"], plain[:1].lower() + plain[1:])


def _meant(details: ErrorDetails) -> str:
    """The nearest of the words a key accepts."""
    words = re.findall(r"'([^']+)'", details.get("ctx", {}).get("expected", ""))
    return did_you_mean(str(details["input"]), words, before="; ")


MOST_PROCESSOR = 4095
"""The highest number of a processor: Linux counts up to 8,191 on servers, boards have a dozen."""
CORE_WORDS = ("big", "little")
"""Cores by what they can do; which these are, the board says."""
SENSOR_KINDS = ("hwmon", "iio", "pmic", "battery", "rapl", "meter")
"""What power sensors are named by: "hwmon:NAME", "iio:NAME", or the word alone."""
METER_INTERVAL_S = (0.05, 10.0)
"""Least and most between two runs of a meter's command."""

_SENSOR = re.compile(r"pmic|battery|rapl|meter|(hwmon|iio):[^\s/]+(/\S.*)?")


def cpu_numbers(cpus: str) -> tuple[int, ...]:
    """The processors that e.g. "0-2,5" names, in order and once each; empty ranges ("3-1") name none."""
    spans = (part.partition("-") for part in cpus.split(","))
    numbers = {cpu for first, _, last in spans for cpu in range(int(first), int(last or first) + 1)}
    return tuple(sorted(numbers))


def contradictions(profile: DeviceProfile) -> list[Problem]:
    """Every contradiction of a profile whose keys, types and ranges are right."""
    checks = (_connection, _command, _threads, _power)
    return [problem for check in checks for problem in check(profile)]


def _connection(profile: DeviceProfile) -> Iterator[Problem]:
    connection = profile.connection
    if connection.transport != "ssh":
        return
    if connection.host is None:
        yield Problem(
            ("connection", "host"), 'missing: add host = "NAME OR ADDRESS" under [connection], or transport = "local"'
        )
    elif "@" in connection.host:
        yield Problem(
            ("connection", "host"), "expected a name or address alone: the part before @ goes into connection.user"
        )
    elif not is_host(connection.host.removeprefix("[").removesuffix("]")):
        yield Problem(("connection", "host"), 'expected a name or address, such as "rpi4.local" or "fe80::1%eth0"')
    if connection.user is not None and not is_user(connection.user):
        yield Problem(("connection", "user"), 'expected the name of an account on the board, such as "lab"')
    if connection.proxy_jump is not None and connection.proxy_jump.lower() != "none":
        yield from _jumps(connection.proxy_jump)


def _jumps(text: str) -> Iterator[Problem]:
    for jump in text.split(","):
        try:
            parse_ssh_address(jump.strip())
        except ValueError as error:
            yield Problem(("connection", "proxy_jump"), str(error))


def _command(profile: DeviceProfile) -> Iterator[Problem]:
    runtime = profile.runtime
    if runtime.package != "command":
        if runtime.command:
            yield Problem(("runtime", "command"), 'goes with package = "command" alone')
    elif not any("{model}" in word for word in runtime.command):
        yield Problem(
            ("runtime", "command"), 'expected a program and its arguments, such as ["/opt/run_rknn", "{model}"]'
        )
    elif runtime.delegate != "xnnpack":
        yield Problem(("runtime", "delegate"), 'goes with interpreters: a program of package = "command" has its own')


def _threads(profile: DeviceProfile) -> Iterator[Problem]:
    cpus, threads = profile.tuning.cpus, profile.runtime.num_threads
    if cpus is None or cpus in CORE_WORDS:
        return
    if (highest := max(map(int, re.findall("[0-9]+", cpus)))) > MOST_PROCESSOR:
        yield Problem(("tuning", "cpus"), f'"{cpus}" names processor {highest}: expected 0 to {MOST_PROCESSOR}')
        return
    allowed = len(cpu_numbers(cpus))
    if allowed < threads:
        yield Problem(
            ("tuning", "cpus"),
            f'"{cpus}" names {allowed} processors for runtime.num_threads = {threads}: name more or lower the threads',
        )


def _power(profile: DeviceProfile) -> Iterator[Problem]:
    for index, sensor in enumerate(profile.power.sensors):
        if not _SENSOR.fullmatch(sensor):
            yield Problem(("power", "sensors", index), f'"{sensor}", {_sensor_hint(sensor)}')
    if METER in profile.power.sensors and profile.power.meter is None:
        yield Problem(("power", "sensors"), '"meter" without a meter: expected meter = { command = ["...", "..."] }')
    for name in profile.power.accuracy:
        if name not in profile.power.ranked:
            yield Problem(("power", "accuracy", name), "is none of the sensors: expected one that is named there")
    if profile.power.meter is not None:
        yield from _meter(profile.power.meter)
    if profile.power.model is not None:
        yield from _model(profile.power.model)


def _sensor_hint(sensor: str) -> str:
    kind, _, rest = sensor.partition(":")
    hint = did_you_mean(kind, SENSOR_KINDS, before="; ").replace("hwmon?", f"hwmon:{rest or 'NAME'}?")
    return f'expected "hwmon:NAME", "iio:NAME", "pmic", "battery", "rapl" or "meter"{hint}'


def _meter(meter: Meter) -> Iterator[Problem]:
    least, most = METER_INTERVAL_S
    try:
        seconds = parse_duration(meter.interval)
    except QuantityError as error:
        yield Problem(("power", "meter", "interval"), str(error))
        return
    if not least <= seconds <= most:
        yield Problem(("power", "meter", "interval"), f"{meter.interval}: expected {least:g} s to {most:g} s")


def _model(model: PowerModel) -> Iterator[Problem]:
    where = ("power", "model")
    if model.full_w < model.idle_w:
        yield Problem(
            (*where, "full_w"), f"{model.full_w} is less than idle_w = {model.idle_w}: expected at least that"
        )
    starts = [start for start, _ in model.bands]
    if starts[0] != 0.0 or any(later <= earlier for earlier, later in pairwise(starts)) or starts[-1] > 1:
        yield Problem((*where, "bands"), f"start at utilisations {starts}: expected 0.0 first, then rising, up to 1")
    if any(not 0 < error < 1 for _, error in model.bands):
        yield Problem((*where, "bands"), "expected every relative error between 0 and 1, such as 0.15")
