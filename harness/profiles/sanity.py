"""What is well-formed in a profile and still cannot be meant."""

import re
from collections.abc import Iterator
from itertools import pairwise

from harness.profiles.problems import Problem
from harness.records.device import DeviceProfile, PowerModel
from harness.records.nearest import nearest
from harness.records.ssh_address import is_host, is_user, parse_ssh_address

MOST_PROCESSOR = 4095
"""The highest number of a processor: Linux counts up to 8,191 on servers, boards have a dozen."""
SENSOR_KINDS = ("hwmon", "rapl")
"""What power sensors are named by: "hwmon:NAME" or "rapl"."""

_SENSOR = re.compile(r"rapl|hwmon:\S+")


def cpu_numbers(cpus: str) -> tuple[int, ...]:
    """The processors that e.g. "0-2,5" names, in order and once each; empty ranges ("3-1") name none."""
    spans = (part.partition("-") for part in cpus.split(","))
    numbers = {cpu for first, _, last in spans for cpu in range(int(first), int(last or first) + 1)}
    return tuple(sorted(numbers))


def contradictions(profile: DeviceProfile) -> list[Problem]:
    """Every contradiction of a profile whose keys, types and ranges are right."""
    checks = (_connection, _threads, _power)
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


def _threads(profile: DeviceProfile) -> Iterator[Problem]:
    cpus, threads = profile.tuning.cpus, profile.runtime.num_threads
    if cpus is None:
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
    if profile.power.model is not None:
        yield from _model(profile.power.model)


def _sensor_hint(sensor: str) -> str:
    kind, _, rest = sensor.partition(":")
    meant = nearest(kind, SENSOR_KINDS)
    hint = {"hwmon": f'; did you mean "hwmon:{rest or "NAME"}"?', "rapl": '; did you mean "rapl"?'}.get(meant or "", "")
    return f'expected "hwmon:NAME" or "rapl"{hint}'


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
