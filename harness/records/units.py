"""Quantities as people write them, and back: SI base units inside, prefixes for eyes; k and M are decimal."""

import math
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, Literal

from harness.records.metrics import Unit
from harness.records.nearest import did_you_mean

MOST_NUMBER: Final = 1e30
"""No quantity in an SI base unit comes near it, and products and ratios of such numbers stay finite."""
QuantityUnit = Unit | Literal["pt", "Hz"]
"""A metric's unit, or "pt": percentage points, kept as a fraction (1 pt is 0.01), or that of clocks."""
ShownUnit = QuantityUnit | str
"""One of ours, or that of a user's own metric, which is shown as it stands."""


class QuantityError(ValueError):
    """A quantity that cannot be read; the message is one line."""


@dataclass(frozen=True)
class _Kind:
    """What a unit measures, the spellings accepted for it, and an example."""

    noun: str
    spellings: tuple[str, ...]
    example: str


_KINDS: dict[QuantityUnit, _Kind] = {
    "s": _Kind("a time", ("s", "ms", "µs", "us", "ns"), "4 ms"),
    "B": _Kind("a size in bytes", ("B", "kB", "MB", "GB", "TB"), "60 kB"),
    "J": _Kind("an energy", ("J", "mJ", "µJ", "uJ", "nJ", "kJ"), "15 mJ"),
    "W": _Kind("a power", ("W", "mW", "µW", "uW", "nW", "kW"), "2.5 W"),
    "1/s": _Kind("a rate", ("/s", "1/s", "k/s", "M/s"), "100 /s"),
    "B/s": _Kind("a rate of bytes", ("B/s", "kB/s", "MB/s", "GB/s"), "40 MB/s"),
    "1/Wh": _Kind("a number a watt-hour", ("/Wh", "1/Wh", "k/Wh", "M/Wh"), "5000 /Wh"),
    "1": _Kind("a share", ("%", "pt"), "98 %"),
    "pt": _Kind("percentage points", ("pt",), "1 pt"),
    "Hz": _Kind("a frequency", ("Hz", "kHz", "MHz", "GHz"), "1.5 GHz"),
}
_PERCENT = 0.01
_OURS: Final = {spelled.casefold() for kind in _KINDS.values() for spelled in kind.spellings} | {
    *("percent", "per cent", "points", "pts", "p"),
}
_MOST_DECIMALS = 2
"""Of a change in per cent."""
_MOST_LETTERS = 64
"""Of a quantity: more digits than any number needs, and few enough that reading them costs nothing."""
_WRITTEN = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?) *(.*)")
_DURATION = re.compile(r"\s*([+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?)\s*([a-zA-Zµ]*)\s*", re.ASCII)
_SECONDS = {
    "": 1.0,
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("ms", "msec", "milliseconds"), 1e-3),
}
_MICRO = {"μ": "µ"}
"""The Greek letter is read as the micro sign."""


def parse_quantity(text: str, unit: QuantityUnit) -> float:
    """The value of e.g. "4 ms", "60 kB", "15 mJ", "100 /s", "98 %" or "1 pt" in the SI base unit ``unit``.

    Shares and percentage points come back as fractions: "98 %" is 0.98.
    Raises QuantityError for a missing, unknown or other unit, naming what is expected and the nearest unit.
    """
    text = " ".join(text.split())
    number, written = _split(text, unit)
    if written not in _KINDS[unit].spellings:
        raise QuantityError(_unit_complaint(text, written, unit))
    value = _scaled(number, written)
    if not abs(value) <= MOST_NUMBER:
        raise QuantityError(f'"{text}": expected a finite number of at most {MOST_NUMBER:g} in the base unit')
    return value


def parse_duration(text: str | float) -> float:
    """Seconds of e.g. 300, "300", "300 s", "5m", "5 min", "1.5 h" or "500 ms". Raises QuantityError."""
    if not isinstance(text, str):
        return float(text)
    match = _DURATION.fullmatch(text)
    unit = _SECONDS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise QuantityError(f'{text[:40]!r} is no time: expected seconds, or one with its unit, such as "90s" or "5m"')
    return float(match[1]) * unit


def parse_size(text: str | int) -> int:
    """Whole bytes of e.g. "128MB", "128 MB" or 128000000. Raises QuantityError."""
    return int(text) if not isinstance(text, str) or text.strip().isdecimal() else round(parse_quantity(text, "B"))


def parse_rate(text: str | float) -> float:
    """Times a second of e.g. "10/s", "0.5 /s" or 10. Raises QuantityError."""
    if not isinstance(text, str):
        return float(text)
    try:
        return float(text)
    except ValueError:
        return parse_quantity(text, "1/s")


def parse_share(text: str | float) -> float:
    """The fraction of e.g. "0.5 %", "0.005" or 0.005. Raises QuantityError."""
    if not isinstance(text, str):
        return float(text)
    if "%" in text:
        return parse_quantity(text, "1")
    try:
        return float(text)
    except ValueError:
        raise QuantityError(f'{text[:40]!r} is no share: expected one such as "0.5 %" or 0.005') from None


def parse_amount(text: str) -> tuple[float, str]:
    """The number of e.g. "30 dB" and its unit, one of a user's own. Raises QuantityError for what is none.

    What looks like a unit of ours is a mistyped one.
    """
    match = _WRITTEN.fullmatch(" ".join(text.split())[:_MOST_LETTERS])
    value, unit = (float(match[1]), match[2]) if match else (math.inf, "")
    if not unit or not abs(value) <= MOST_NUMBER:
        raise QuantityError(f"{text[:_MOST_LETTERS]!r} is no quantity: expected a number with its unit")
    if is_our_unit(unit):
        raise QuantityError(f'"{unit}" is a unit of another kind of quantity')
    return value, unit


def loss_unit(unit: str) -> str:
    """The unit of what is lost of an accuracy: percentage points of a fraction, else the accuracy's own."""
    return "pt" if unit == "1" else unit


def is_our_unit(unit: str) -> bool:
    """Whether a unit is one of our spellings, or per cent in words."""
    return unit.casefold() in _OURS


def format_quantity(value: float, unit: ShownUnit) -> str:
    """``value``, in the SI base unit ``unit``, for eyes: four digits, "217.4 µs", "98.3 %"; "31.2 dB" of another."""
    if unit not in _KINDS:
        return f"{value:.4g} {unit}"
    if unit in ("1", "pt"):
        return f"{value / _PERCENT:.4g} {'%' if unit == '1' else 'pt'}"
    if unit == "1/s":  # "4.6 k/s" and "500 m/s" would mislead the eye
        return f"{float(f'{value:.4g}'):.12g} /s"
    if unit == "1/Wh":
        return f"{float(f'{value:.4g}'):.12g} /Wh"
    return str(_quantity_class()(value, unit).render(prec=3))


@lru_cache(maxsize=4096)
def format_interval(low: float, high: float, unit: ShownUnit) -> str:
    """Both ends for eyes: "4.28-4.35 ms"; "980 µs to 1.02 ms" where a prefix lies between them, or one is negative."""
    ends = format_quantity(low, unit), format_quantity(high, unit)
    (number, _, first), (_, _, second) = (end.rpartition(" ") for end in ends)
    if first == second and low >= 0:
        return f"{number}-{ends[1]}"
    return f"{number if first == second else ends[0]} to {ends[1]}"


def format_change(before: float, after: float, unit: ShownUnit) -> str:
    """What was and what is, with one unit where they share it: "5.73 -> 11.39 µs"; once where they look the same."""
    was, now = format_quantity(before, unit), format_quantity(after, unit)
    if was == now:
        return now
    number, _, first = was.rpartition(" ")
    return f"{number if now.endswith(f' {first}') else was} -> {now}"


def format_share(share: float) -> str:
    """A change for eyes, without its sign: two or three digits, "0.31 %", "5.1 %", "99 %"."""
    return f"{100 * abs(share):.{_decimals(share)}f} %"


def format_share_interval(low: float, high: float) -> str:
    """Both ends of a change with as many decimals as the larger has, or tell them apart: "61 to 108 %"."""
    decimals = _decimals(max(abs(low), abs(high)))
    while decimals < _MOST_DECIMALS and f"{100 * low:.{decimals}f}" == f"{100 * high:.{decimals}f}":
        decimals += 1
    first, second = (f"{100 * end:z.{decimals}f}" for end in (low, high))
    return f"{first} to {second} %"


def _decimals(share: float) -> int:
    """Of a share in per cent: two below 1 %, one below 10 %, else none."""
    return 2 if abs(share) < 0.00995 else 1 if abs(share) < 0.0995 else 0


def _split(text: str, unit: QuantityUnit) -> tuple[str, str]:
    if len(text) > _MOST_LETTERS:
        raise QuantityError(
            f'"{text[:_MOST_LETTERS]}..." has {len(text)} characters, more than the {_MOST_LETTERS} of any quantity: '
            f"expected {_expected(unit)}"
        )
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise QuantityError(f'"{text}" is no quantity: expected {_expected(unit)}')
    written = match[2]
    for look_alike, meant in _MICRO.items():
        written = written.replace(look_alike, meant)
    return match[1], written


def _scaled(number: str, written: str) -> float:
    if written in ("%", "pt"):
        return float(number) * _PERCENT
    written = written.removeprefix("1")
    prefix, slash, _ = written.partition("/")
    spelled = f"{number} {prefix}r" if slash else f"{number} {written}"
    return float(_quantity_class()(spelled))


def _unit_complaint(text: str, written: str, unit: QuantityUnit) -> str:
    if not written:
        return f'"{text}" has no unit: expected {_expected(unit)}'
    for kind in _KINDS.values():
        if written in kind.spellings:
            return f'"{text}" is {kind.noun}: expected {_expected(unit)}'
    hint = did_you_mean(written, _KINDS[unit].spellings, before="; ")
    return f'"{text}": unknown unit "{written}", expected {_expected(unit)}{hint}'


def _expected(unit: QuantityUnit) -> str:
    kind = _KINDS[unit]
    return f'{kind.noun} in {", ".join(kind.spellings)}, such as "{kind.example}"'


@cache
def _quantity_class() -> Any:  # noqa: ANN401 - quantiphy carries no types
    """Quantiphy's class with our preferences; imported on first use, and the shared class left as it is."""
    from quantiphy import Quantity

    class Shown(Quantity):
        pass

    Shown.set_prefs(input_sf="TGMkmuµn", output_sf="TGMkmun", map_sf=Shown.map_sf_to_greek, spacer=" ")
    return Shown
