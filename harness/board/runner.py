"""Which interpreter of those on the board measures."""

from pathlib import PurePosixPath

from harness.profiles import CORE_WORDS, cpu_numbers
from harness.records.board import BoardFacts, RuntimeFound
from harness.records.device import DeviceProfile
from harness.records.errors import BoardUnfitError, ProfileError
from harness.records.plan import RunnerSpec

PREFERENCE = ("litert", "tflite", "system")
COMPILED = "compiled"
"""LiteRT's CompiledModel, another path through the same package."""
_BUILT_IN = ("xnnpack", "none")


def choose_runner(
    profile: DeviceProfile,
    facts: BoardFacts,
    *,
    num_threads: int | None = None,
    package: str | None = None,
) -> RunnerSpec:
    """The runner for a profile on a board; ``num_threads`` and ``package`` replace the profile's own.

    BoardUnfitError where the board has no such runtime, ProfileError where threads and cores contradict.
    """
    runtime = profile.runtime
    threads = num_threads or runtime.num_threads
    _check_cores(profile, facts, threads)
    wanted = package or runtime.package
    if wanted == "command":
        return _command_runner(profile, facts, threads)
    found = _choose(wanted, facts, profile.name)
    external = runtime.delegate not in _BUILT_IN
    compiled = wanted.partition("==")[0] == COMPILED
    if external and compiled:
        raise ProfileError(f"{profile.name}: LiteRT's CompiledModel takes no delegate's library; set package to litert")
    return RunnerSpec(
        package=COMPILED if compiled else found.package,
        version=found.version,
        python=found.python,
        site=found.site,
        num_threads=threads,
        delegate=runtime.delegate,
        delegate_options=runtime.delegate_options,
        env=runtime.env,
        cpus=profile.tuning.cpus,
        start="exec" if external else runtime.start,
    )


def _command_runner(profile: DeviceProfile, facts: BoardFacts, threads: int) -> RunnerSpec:
    """A program's; numpy, which compares outputs, is that of any runtime on the board, else of the agent's Python."""
    runtime = profile.runtime
    found = next((one for one in facts.runtimes if one.numpy is not None), None)
    return RunnerSpec(
        package="command",
        version=PurePosixPath(runtime.command[0]).name,
        python=found.python if found else "",
        site=found.site if found else None,
        num_threads=threads,
        delegate="none",
        env=runtime.env,
        cpus=profile.tuning.cpus,
        command=tuple(runtime.command),
    )


def _check_cores(profile: DeviceProfile, facts: BoardFacts, threads: int) -> None:
    cpus = profile.tuning.cpus
    if cpus in CORE_WORDS:
        return  # the board knows which cores these are, and compares
    chosen = cpu_numbers(cpus) if cpus else tuple(range(facts.cpu_count))
    if chosen and max(chosen) >= facts.cpu_count:
        raise ProfileError(
            f"{profile.name}: tuning.cpus = {cpus!r} names core {max(chosen)}, "
            f"but the board has cores 0-{facts.cpu_count - 1}"
        )
    if len(chosen) < threads:
        where = f"tuning.cpus = {cpus!r} allows" if cpus else "the board has"
        raise ProfileError(
            f"{profile.name}: {threads} threads were asked for, but {where} {len(chosen)} cores; "
            "lower num_threads or name more cores"
        )


def _choose(wanted: str, facts: BoardFacts, device: str) -> RuntimeFound:
    name, _, version = wanted.partition("==")
    name = "litert" if name == COMPILED else name
    names = PREFERENCE if name == "auto" else (name,)
    fitting = [runtime for runtime in facts.runtimes if runtime.package in names and version in ("", runtime.version)]
    if not fitting:
        there = ", ".join(f"{runtime.package} {runtime.version}" for runtime in facts.runtimes) or "none"
        raise BoardUnfitError(
            f"{device}: no {'runtime' if name == 'auto' else wanted} on the board (found: {there}); "
            f"{_remedy(name, wanted, device)}"
        )
    # A provisioned one was proved by a model, and was put there where the board's own did not work.
    return min(fitting, key=lambda one: (names.index(one.package), one.site is None, _newest_first(one.version)))


def _remedy(name: str, wanted: str, device: str) -> str:
    if name == "system":
        return "install the vendor's own interpreter there, or set runtime.package to auto"
    which = "" if name == "auto" else f" --runtime {wanted}"
    return f"put one there with: harness provision {device}{which}"


def _newest_first(version: str) -> tuple[int, ...]:
    numbers = "".join(char if char.isdigit() else " " for char in version).split()
    return tuple(-int(number) for number in numbers)
