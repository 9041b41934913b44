"""Whether measuring works: the right board, a runtime, a model that runs, steady figures, sensors, rights."""

import shlex

from harness.board.doctor.check import (
    SUDO,
    Answer,
    Check,
    Examination,
    by_facts,
    by_state,
    fail,
    harness_words,
    ok,
    on_board,
    warn,
)
from harness.board.doctor.rights import rights_command
from harness.board.preflight import differences
from harness.records.board import BoardFacts
from harness.records.device import METER
from harness.records.health import Spread, SystemState

WIDE_SHARE = 0.05


def _hardware(found: Examination, facts: BoardFacts) -> Answer:
    odd = differences(found.profile, facts)
    if odd:
        return warn("; ".join(odd), harness_words(found, "doctor", "--accept"))
    return ok("as the profile says")


def _runtime(found: Examination, facts: BoardFacts) -> Answer:
    if found.no_runner is not None:
        # Threads and cores that contradict each other are the profile's matter, not a runtime's.
        missing = not facts.runtimes or "harness provision" in found.no_runner
        return fail(found.no_runner, _provision(found) if missing else None)
    return ok(", ".join(f"{one.package} {one.version}" for one in facts.runtimes))


def _provision(found: Examination) -> str:
    return harness_words(found, "provision")


def _model(found: Examination) -> Answer | None:
    if found.facts is None or found.no_runner is not None or found.unproved:
        return None
    if found.model_problem is not None:
        return fail(found.model_problem, _provision(found))
    return ok("a small model runs, and its answer is right")


def _spread(found: Examination) -> Answer | None:
    now = found.spread
    if now is None:
        return None
    said = [f"p50 of {now.processes} processes within {_percent(now)} ({now.p50_s * 1e3:.3f} ms)"]
    said += [f"p99 {now.p99_over_p50:.3g} times p50"]
    if found.tuned_spread is not None:
        said.append(f"within {_percent(found.tuned_spread)} as a run tunes it")
    if found.earlier_spread is not None:
        said.append(f"within {_percent(found.earlier_spread)} the last time")
    steady = min(one.between for one in (now, found.tuned_spread) if one is not None) <= WIDE_SHARE
    return ok(", ".join(said)) if steady else warn(", ".join(said))


def _percent(spread: Spread) -> str:
    return f"{100 * spread.between:.1f} %"


def _sensors(found: Examination, facts: BoardFacts) -> Answer:
    there = {sensor.name: sensor for sensor in facts.sensors}
    named = [name.partition("/")[0] for name in found.profile.power.ranked]
    good = [name for name, sensor in there.items() if sensor.readable and (name in named or not named)]
    good += [f"{METER}, by its command" for name in named if name == METER]
    if good:
        return ok(", ".join(good))
    if not there and not named:
        return ok("none: energy comes from the profile's model, or is null")
    reasons = [f"{name} is not on the board" for name in named if name not in there]
    reasons += [f"{sensor.name}: {sensor.reason or 'cannot be read'}" for sensor in facts.sensors]
    files = found.state.unreadable if found.state else ()
    return warn("; ".join(reasons), on_board(found, f"{SUDO}chmod a+r {shlex.join(files)}") if files else None)


def _rights(found: Examination, state: SystemState) -> Answer:
    if found.refused:
        return fail(f"the profile's [tuning] is refused: {found.untuned}")
    point = found.point
    if point is None or not point.settings:
        return ok("the profile sets nothing")
    denied = [setting.what for setting in point.refused if setting.denied]
    kept = [setting.words for setting in point.refused if not setting.denied]
    if denied:
        spread = (
            f"; as it is, p50 stays within {_percent(found.spread)} from process to process" if found.spread else ""
        )
        said = f"{state.account} may not set the {', the '.join(denied)}{spread}"
        return warn("; ".join([said, *kept]), rights_command(found))
    if kept:
        return warn("; ".join(kept))
    return ok(f"{state.account} may set all that the profile asks for")


MEASURING_CHECKS = (
    Check(
        "hardware",
        "the profile's [hardware] against what the board says of itself",
        "figures are compared with those of another kind of board",
        by_facts(_hardware),
    ),
    Check("runtime", "the interpreter that the profile asks for", "nothing is measured", by_facts(_runtime)),
    Check("model run", "a model of one addition, as the profile sets it up", "nothing is measured", _model),
    Check(
        "spread",
        "p50 of a small model in six processes, as the board is and as a run tunes it",
        "a difference must be larger than this to be seen in a few trials",
        _spread,
    ),
    Check(
        "power sensors",
        "sensors of the profile, or all there are",
        "energy is null or modelled, with a band of 15 to 40 %",
        by_facts(_sensors),
    ),
    Check(
        "tuning rights",
        "whether the account may set what the profile's [tuning] asks for, and the board keeps it",
        "runs measure at the board's own operating point, with its spread",
        by_state(_rights),
    ),
)
