"""``@pytest.mark.tuning(...)``: an operating point of a benchmark's own, with the keys of a profile's [tuning]."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from pydantic import ValidationError

from harness.plugin.benchmarks import is_benchmark
from harness.records.base import describe_problems
from harness.records.device import Tuning
from harness.records.errors import UsageError
from harness.records.nearest import did_you_mean

_MARKER = "tuning"
_EXAMPLE = '@pytest.mark.tuning(max_freq="1 GHz")'


def check_tuning_markers(items: Iterable[pytest.Item]) -> None:
    """Refuse benchmarks' markers that set nothing, or nothing that can be set. Raises UsageError in one line."""
    for item in filter(is_benchmark, items):
        marked_tuning(item, Tuning())


def marked_tuning(item: pytest.Item, own: Tuning) -> Tuning | None:
    """The profile's tuning with what a test's markers say instead, the nearest first; None where it has none.

    Raises UsageError for a marker that sets nothing, or nothing that can be set.
    """
    wanted: dict[str, Any] = {}
    for marker in item.iter_markers(_MARKER):
        _check(item, marker)
        wanted = {**marker.kwargs, **wanted}
    return _parse(item, own.model_dump(mode="json") | wanted) if wanted else None


def _check(item: pytest.Item, marker: pytest.Mark) -> None:
    if marker.args or not marker.kwargs:
        said = "takes keywords" if marker.args else "sets nothing"
        raise UsageError(f"{item.nodeid}: @pytest.mark.tuning {said}: write e.g. {_EXAMPLE}")
    known = list(Tuning.model_fields)
    for key in marker.kwargs:
        if key not in known:
            meant = did_you_mean(key, known) or f"expected one of {', '.join(known)}"
            raise UsageError(f"{item.nodeid}: @pytest.mark.tuning has no {key}: {meant}")


def _parse(item: pytest.Item, settings: dict[str, Any]) -> Tuning:
    try:
        return Tuning.model_validate_json(json.dumps(settings, default=str))
    except ValidationError as error:
        raise UsageError(f"{item.nodeid}: @pytest.mark.tuning: {describe_problems(error)}") from error
