"""What a block is told to do, checked field by field."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from edge_agent.power import MeterSpec
from edge_agent.wire import AgentError

KINDS = ("check", "latency", "memory", "energy", "stages", "slices", "operators", "cross_check", "test_set", "load")
_HEX = frozenset("0123456789abcdef")


class Runner(NamedTuple):
    """Which interpreter, and how it is set up."""

    package: str
    version: str
    python: str
    site: Optional[str]
    num_threads: int
    delegate: str
    delegate_options: Dict[str, str]
    env: Dict[str, str]
    cpus: Optional[str]
    start: str
    command: Tuple[str, ...] = ()
    """The words of a program that runs the model in place of an interpreter."""


class Trial(NamedTuple):
    """One process' worth of measuring; files by their sha256 in the store."""

    number: int
    block: int
    arm: str
    kind: str
    model: str
    inputs: Optional[str]
    expected: Optional[str]
    expected_builtin: Optional[str]
    below: Tuple[Optional[int], ...]
    stages: Optional[str]
    stages_name: Optional[str]
    raw: Optional[str]
    seed: int
    warmup_runs: int
    num_runs: int
    min_secs: float
    max_secs: float
    deadline_s: float
    sensors: Tuple[str, ...]
    slice_s: float
    """Of kind "slices": least seconds of a slice."""
    room_bytes: int
    """Of kind "slices": what both arms took of memory alone; 0: not known."""
    first: int
    """Of kind "test_set": the first of its num_runs samples."""
    memory_limit_bytes: int
    """What its process may take, where it is exec'd; 0: all there is."""
    read_state: bool
    """Whether the board's state is read around it."""
    cold: bool
    """Of kind "load": whether the model's file is put out of memory first."""
    meter: Optional[MeterSpec] = None
    """Of kind "energy": the user's command that prints watts, where it is run here."""


class Block(NamedTuple):
    """Trials of one parent process, a memory trial last."""

    number: int
    runner: Runner
    runner_record: Dict[str, Any]
    """The runner as it was sent, to be sent back."""
    trials: Tuple[Trial, ...]


class _Fields:
    """Typed access to a JSON object; every problem is an AgentError "bad_request" naming the key."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise AgentError("bad_request", "%s is no JSON object" % where)
        self.value: Dict[str, Any] = value
        self._where = where

    def problem(self, key: str, expected: str) -> AgentError:
        return AgentError("bad_request", "%s.%s is not %s" % (self._where, key, expected))

    def text(self, key: str) -> str:
        found = self.value.get(key)
        if not isinstance(found, str):
            raise self.problem(key, "a text")
        return found

    def maybe_text(self, key: str) -> Optional[str]:
        return None if self.value.get(key) is None else self.text(key)

    def whole(self, key: str) -> int:
        found = self.value.get(key, 0)
        if not isinstance(found, int) or isinstance(found, bool) or found < 0:
            raise self.problem(key, "a whole number from 0")
        return found

    def seconds(self, key: str) -> float:
        found = self.value.get(key)
        if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 <= found < 1e7:
            raise self.problem(key, "a number of seconds")
        return float(found)

    def texts(self, key: str) -> Dict[str, str]:
        found = self.value.get(key) or {}
        pairs = found.items() if isinstance(found, dict) else [(0, 0)]
        if not all(isinstance(name, str) and isinstance(value, str) for name, value in pairs):
            raise self.problem(key, "an object of texts")
        return dict(found)

    def items(self, key: str) -> List[Any]:
        found = self.value.get(key) or []
        if not isinstance(found, list):
            raise self.problem(key, "a list")
        return found

    def words(self, key: str) -> Tuple[str, ...]:
        found = self.items(key)
        if not all(isinstance(each, str) for each in found) or (found and not found[0]):
            raise self.problem(key, "a list of texts")
        return tuple(found)

    def maybe_wholes(self, key: str) -> Tuple[Optional[int], ...]:
        found = self.items(key)
        if not all(each is None or (type(each) is int and each > 0) for each in found):
            raise self.problem(key, "a list of whole numbers from 1 or null")
        return tuple(found)

    def digest(self, key: str) -> str:
        found = self.text(key)
        if not is_digest(found):
            raise self.problem(key, "a sha256 in hexadecimal")
        return found

    def maybe_digest(self, key: str) -> Optional[str]:
        return None if self.value.get(key) is None else self.digest(key)


def is_digest(value: object) -> bool:
    """Whether this is a sha256 in hexadecimal, and so a safe file name."""
    return isinstance(value, str) and len(value) == 64 and set(value) <= _HEX


def parse_block(value: object) -> Block:
    """A block as the protocol has it; raises AgentError "bad_request"."""
    fields = _Fields(value, "block")
    runner = _parse_runner(fields.value.get("runner"))
    number = fields.whole("index")
    trials = [_parse_trial(trial, number, "trials[%d]" % at) for at, trial in enumerate(fields.items("trials"))]
    memory = [trial for trial in trials if trial.kind == "memory"]
    if len(memory) > 1:
        raise AgentError("bad_request", "a block has at most one trial of kind memory, not %d" % len(memory))
    if runner.start != "exec" and any(trial.memory_limit_bytes for trial in trials):
        raise AgentError("bad_request", "a trial with a memory limit is exec'd")
    _refuse_unpaired([trial for trial in trials if trial.kind == "slices"])
    ordered = [trial for trial in trials if trial.kind != "memory"] + memory
    return Block(number, runner, dict(fields.value["runner"]), tuple(ordered))


def _refuse_unpaired(by_turns: List[Trial]) -> None:
    """Trials of kind "slices" are measured two by two."""
    pairs = list(zip(by_turns[::2], by_turns[1::2]))
    if 2 * len(pairs) != len(by_turns) or any(first.arm == second.arm for first, second in pairs):
        raise AgentError("bad_request", "trials of kind slices have to come in pairs, one of each arm")


def _parse_runner(value: object) -> Runner:
    fields = _Fields(value, "runner")
    start = fields.text("start") if "start" in fields.value else "fork"
    if start not in ("fork", "exec"):
        raise fields.problem("start", "fork or exec")
    return Runner(
        package=fields.text("package"),
        version=fields.text("version"),
        python=fields.text("python"),
        site=fields.maybe_text("site"),
        num_threads=max(fields.whole("num_threads"), 1),
        delegate=fields.text("delegate"),
        delegate_options=fields.texts("delegate_options"),
        env=fields.texts("env"),
        cpus=fields.maybe_text("cpus"),
        start=start,
        command=fields.words("command"),
    )


def _parse_trial(value: object, block: int, where: str) -> Trial:
    fields = _Fields(value, where)
    kind = fields.text("kind")
    if kind not in KINDS:
        raise fields.problem("kind", "one of " + ", ".join(KINDS))
    sensors = fields.items("sensors")
    if not all(isinstance(sensor, str) for sensor in sensors):
        raise fields.problem("sensors", "a list of texts")
    return Trial(
        number=fields.whole("index"),
        block=block,
        arm=fields.text("arm"),
        kind=kind,
        model=fields.digest("model"),
        inputs=fields.maybe_digest("inputs"),
        expected=fields.maybe_digest("expected"),
        expected_builtin=fields.maybe_digest("expected_builtin"),
        below=fields.maybe_wholes("below"),
        stages=fields.maybe_digest("stages"),
        stages_name=fields.maybe_text("stages_name"),
        raw=fields.maybe_digest("raw"),
        seed=fields.whole("seed"),
        warmup_runs=fields.whole("warmup_runs"),
        num_runs=fields.whole("num_runs"),
        min_secs=fields.seconds("min_secs"),
        max_secs=fields.seconds("max_secs"),
        deadline_s=fields.seconds("deadline_s"),
        sensors=tuple(sensors),
        slice_s=fields.seconds("slice_s") if "slice_s" in fields.value else 0.0,
        room_bytes=fields.whole("room_bytes"),
        first=fields.whole("first"),
        memory_limit_bytes=fields.whole("memory_limit_bytes"),
        read_state=fields.value.get("read_state", True) is not False,
        cold=fields.value.get("cold") is True,
        meter=_parse_meter(fields.value.get("meter"), where + ".meter"),
    )


def _parse_meter(value: object, where: str) -> Optional[MeterSpec]:
    if value is None:
        return None
    fields = _Fields(value, where)
    command = fields.items("command")
    if not command or not all(isinstance(word, str) for word in command):
        raise fields.problem("command", "a list of texts")
    return MeterSpec(tuple(command), fields.seconds("interval_s"))


def parse_tuning(value: object) -> Dict[str, Any]:
    """What a board is to be set to, as the protocol has it; raises AgentError "bad_request"."""
    fields = _Fields({} if value is None else value, "tuning")
    wishes: Dict[str, Any] = {key: fields.maybe_text(key) for key in ("power_mode", "cpus", "irq_cpus")}
    wishes.update(_clock_wishes(fields))
    for key in ("policies", "devices"):
        named = fields.value.get(key) or {}
        if not isinstance(named, dict):
            raise fields.problem(key, "an object")
        wishes[key] = {name: _clock_wishes(_Fields(own, "tuning.%s.%s" % (key, name))) for name, own in named.items()}
    wishes["drop_caches"] = fields.value.get("drop_caches") is True
    return wishes


def _clock_wishes(fields: _Fields) -> Dict[str, Any]:
    """What a clock is to be governed by, and between which frequencies, in Hz or by a word."""
    wishes: Dict[str, Any] = {"governor": fields.maybe_text("governor")}
    for key in ("min_freq", "max_freq"):
        found = fields.value.get(key)
        if isinstance(found, bool) or not (found in (None, "min", "max") or isinstance(found, (int, float))):
            raise fields.problem(key, "min, max or a frequency in Hz")
        wishes[key] = found
    return wishes


def heading(trial: Trial, died: Optional[str]) -> Dict[str, Any]:
    """The fields every Trial record has, whatever came of it."""
    return {
        "index": trial.number,
        "block": trial.block,
        "arm": trial.arm,
        "kind": trial.kind,
        "died": died,
    }
