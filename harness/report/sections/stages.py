"""Pre- and post-processing beside the model: three stages, their sum, the whole, and what was answered."""

from typing import Any

from harness.records.entry import Entry
from harness.records.results import Results
from harness.report.charts.page_charts import GroupCharts
from harness.report.charts.stages import staged_variants
from harness.report.groups import Variant
from harness.report.numbers import stage_lines
from harness.report.sections import Section

ANSWERS_SHOWN = 5
ANSWER_LENGTH = 200


def _context(results: Results, figures: list[GroupCharts]) -> dict[str, Any] | None:
    panels = [_panel(drawn) for drawn in figures if staged_variants(drawn.group)]
    return {"devices": results.devices, "panels": panels} if panels else None


def _panel(drawn: GroupCharts) -> dict[str, Any]:
    variants = staged_variants(drawn.group)
    return {
        "candidate": drawn.group.candidate,
        "device": drawn.group.device,
        "columns": [line.title for line in stage_lines(variants[0].entry)],
        "rows": [(variant.name, _cells(variant.entry)) for variant in variants],
        "figures": drawn.of("stages"),
        "answers": [_answers(variant) for variant in variants if variant.entry.answers],
    }


def _cells(entry: Entry) -> list[tuple[str, ...]]:
    return [(line.value, *filter(None, (line.interval, line.trials))) for line in stage_lines(entry)]


def _answers(variant: Variant) -> dict[str, Any]:
    answers = variant.entry.answers
    return {
        "name": variant.name,
        "shown": [_short(answer) for answer in answers[:ANSWERS_SHOWN]],
        "more": max(0, len(answers) - ANSWERS_SHOWN),
    }


def _short(answer: str) -> str:
    return answer if len(answer) <= ANSWER_LENGTH else f"{answer[: ANSWER_LENGTH - 1]}…"


STAGES = Section("stages", "Stages", _context)
