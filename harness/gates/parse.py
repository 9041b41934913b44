"""A budget's key and value, as a marker or budgets.toml writes them, made into a limit."""

from collections.abc import Iterable, Mapping
from typing import Literal

from harness.gates.limits import ACCURACY_DROP, REGRESSION_SUFFIX, Limit, LimitKind, unit_of
from harness.records.errors import BudgetsError
from harness.records.metrics import METRICS
from harness.records.nearest import nearest
from harness.records.units import QuantityError, parse_quantity


def parse_limit(key: str, value: object, *, origin: str) -> Limit:
    """The limit that ``key = value`` states.

    A value is text with a unit ("4 ms", "60 kB", "2 %", "1 pt"), or a table {max = "15 mJ", source = "model"},
    with min in place of max where higher is better. Raises BudgetsError, one line, naming ``origin``.
    """
    metric, kind = _metric_and_kind(key, origin)
    text, source = _text_and_source(value, metric=metric, kind=kind, origin=origin)
    number = _quantity(text, metric=metric, kind=kind, origin=origin)
    if number < 0:
        raise refusal(origin, f"{text!r} is negative; write a limit of zero or more")
    return Limit(metric=metric, kind=kind, value=number, origin=origin, source=source)


def parse_limits(table: Mapping[str, object], *, origin: str) -> tuple[Limit, ...]:
    """The limits of a whole table or marker; ``origin`` gets each key appended.

    Raises BudgetsError with every problem at once, in one line.
    """
    limits, problems = collect_limits(table, origin=origin)
    if problems:
        raise BudgetsError("; ".join(problems))
    return limits


def collect_limits(table: Mapping[str, object], *, origin: str) -> tuple[tuple[Limit, ...], list[str]]:
    """The limits that could be read, and one sentence for each that could not."""
    limits: list[Limit] = []
    problems: list[str] = []
    for key, value in table.items():
        try:
            limits.append(parse_limit(key, value, origin=f"{origin} {key}"))
        except BudgetsError as error:
            problems.append(str(error))
    return tuple(limits), problems


def refusal(place: str, why: str) -> BudgetsError:
    """A budget's error in one line, whatever the user's keys and values contain."""
    return BudgetsError(" ".join(f"{place}: {why}".split()))


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """The nearest of some words as a question to append to a sentence, or nothing."""
    found = nearest(word, words)
    return f"; did you mean {found!r}?" if found else ""


def _keys() -> tuple[str, ...]:
    return (*METRICS, *(f"{name}{REGRESSION_SUFFIX}" for name in METRICS), ACCURACY_DROP)


def _metric_and_kind(key: str, origin: str) -> tuple[str, LimitKind]:
    if key == ACCURACY_DROP:
        return "accuracy", "accuracy_drop"
    if key in METRICS:
        return key, "absolute"
    metric = key.removesuffix(REGRESSION_SUFFIX)
    if metric != key and metric in METRICS:
        return metric, "regression"
    hint = did_you_mean(key, _keys()) or f"; metrics are {', '.join(METRICS)}"
    raise refusal(origin, f"no metric is called {key!r}{hint}")


def _text_and_source(
    value: object, *, metric: str, kind: LimitKind, origin: str
) -> tuple[str, Literal["model"] | None]:
    """The quantity's text, and "model" where the table asks for it."""
    if isinstance(value, str):
        return value, None
    if not isinstance(value, Mapping):
        raise refusal(origin, f'{value!r} is no text with a unit; write it in quotes, like "4 ms" or "1 pt"')
    bound = "min" if kind == "absolute" and METRICS[metric].better == "higher" else "max"
    unknown = [str(name) for name in value if name not in (bound, "source")]
    if unknown or not isinstance(value.get(bound), str):
        found = f"unknown {unknown[0]!r}" if unknown else f"no text under {bound!r}"
        raise refusal(origin, f'{found} in the table; write {{ {bound} = "...", source = "model" }}')
    return str(value[bound]), _source(value, metric=metric, origin=origin)


def _source(value: Mapping[str, object], *, metric: str, origin: str) -> Literal["model"] | None:
    if "source" not in value:
        return None
    if value["source"] != "model":
        raise refusal(origin, f'source {value["source"]!r} is unknown; "model" is the only one')
    if METRICS[metric].kind != "energy":
        raise refusal(origin, "only energy and power come from a model; leave source out")
    return "model"


def _quantity(text: str, *, metric: str, kind: LimitKind, origin: str) -> float:
    """The text's number in SI base units, or as a share where the limit is one."""
    try:
        return parse_quantity(text, unit_of(metric, kind))
    except QuantityError as error:
        raise refusal(origin, str(error)) from error
