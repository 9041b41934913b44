"""Comments of few and of many entries: what stands above the fold, in which order, and that GitHub takes them."""

import itertools
from functools import cache

import pytest
from markdown_it import MarkdownIt
from support.baseline_results import measured_against, ratio
from support.sample_results import changed_artifact, entry, results

from harness.records.entry import Entry, Finding
from harness.records.results import Results
from harness.records.status import Status
from harness.report.summary import ABOVE_THE_FOLD, LONGEST_COMMENT, summary

READER = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
COUNTS = (2, 50, 1000)
FAILING = list(itertools.product(("failing", "mixed"), COUNTS))
URL = "https://github.com/owner/project/actions/runs/1234567890#artifacts"


@cache
def recipe_of(number: int) -> Entry:
    recipe, seconds = (("float32", 0.00425), ("int8", 0.00145))[number]
    return entry("rpi4", "keyword_net", recipe, Status.PASS, reason="all 1 budgets held", p50_s=seconds)


def held(number: int) -> Entry:
    """One of two recipes of a model, a little faster than its baseline and as large."""
    made = recipe_of(number % 2)
    assert made.artifact is not None
    artifact = changed_artifact(made.artifact, sha256=f"{number:064x}")
    own = made.model_copy(update={"candidate": f"keyword_net_{number // 2}", "artifact": artifact})
    size = float(made.artifact.size_bytes)
    with_ratio = ratio("latency_p50", 0.97).model_copy(update={"changed": number % 5 == 0})
    return measured_against(own, with_ratio, was={"model_size": size if number % 7 else size * 0.9})


def broken(number: int) -> Entry:
    """The same, slower than its limit allows; the more, the larger its number."""
    made = held(number)
    worse = 0.05 + number / 1000
    reason = f"latency_p50: 1.382 -> 1.45 ms, {100 * worse:.1f} % slower than main (4.1 to 5.9 %), limit 2 %"
    failed = Finding(
        gate="regression", metric="latency_p50", status=Status.FAIL, reason=reason, limit=0.02, value=worse,
        ci_low=worse - 0.01, ci_high=worse + 0.01, bound_low=worse - 0.02, bound_high=worse + 0.02,
    )  # fmt: skip
    return made.model_copy(update={"status": Status.FAIL, "reason": reason, "findings": [failed]})


KINDS = {
    "passing": lambda count: [held(number) for number in range(count)],
    "failing": lambda count: [broken(number) for number in range(count)],
    "mixed": lambda count: [(broken if number % 2 else held)(number) for number in range(count)],
}


@cache
def comment(kind: str, count: int) -> str:
    return summary(whole(kind, count))


def whole(kind: str, count: int) -> Results:
    code = 0 if kind == "passing" else 1
    run = results().run.model_copy(update={"exit_code": code, "pipeline_url": URL, "notes": []})
    made = results()
    return made.model_copy(
        update={"run": run, "devices": {"rpi4": made.devices["rpi4"]}, "entries": KINDS[kind](count)}
    )


def above(text: str) -> str:
    """What is read without a click: all that stands in no closed fold."""
    kept, depth = [], 0
    for line in text.splitlines(keepends=True):
        depth += line == "<details>\n"
        kept += [line] if depth == 0 else []
        depth -= line == "</details>\n"
    assert depth == 0
    return "".join(kept)


@pytest.mark.parametrize(("kind", "count"), list(itertools.product(KINDS, COUNTS)))
def test_at_most_1500_characters_stand_above_the_fold_and_github_takes_all_of_it(kind, count):
    text = comment(kind, count)
    assert len(above(text)) <= ABOVE_THE_FOLD == 1500
    assert len(text) < LONGEST_COMMENT == 65_536
    assert f"[Report]({URL})" in above(text)
    assert "**Conclusions**" in above(text)
    assert text.endswith("commit 9db751a.\n")


@pytest.mark.parametrize("count", COUNTS)
def test_of_a_passing_run_the_changes_are_read_first(count):
    lines = [line for line in above(comment("passing", count)).splitlines() if line]
    assert lines[1] == f"# ✅ {count} passed"
    changed, larger, smaller = (count + 4) // 5, (count + 6) // 7, 0
    assert lines[3].startswith(f"**Against the baseline:** {count} metrics compared, {changed} changed beyond noise.")
    assert "Accuracy: not compared in" not in lines[3]
    assert f"Model size: larger in {larger}, identical in {count - larger}." in lines[3], smaller
    assert lines[4].replace("\u00a0", " ").startswith("- **▲ 11 % larger** model size")


@pytest.mark.parametrize(("kind", "count"), FAILING)
def test_of_a_failing_run_broken_limits_are_read_first_figures_first(kind, count):
    text = comment(kind, count)
    failures = count if kind == "failing" else count // 2
    lines = [line for line in above(text).splitlines() if line]
    first = count - 1
    assert lines[3].startswith("- **failed** latency\\_p50: 1.382 -\\> 1.45 ms, ")
    assert lines[3].endswith(f"limit 2 %: keyword\\_net\\_{first // 2}/{('float32', 'int8')[first % 2]}")
    told = sum(line.startswith("- **failed**") for line in lines)
    left = failures - told
    assert told >= min(failures, 3)
    assert (f"- {left} more of these in the fold" in lines) == (left > 0)
    assert f"<summary>Every limit that did not hold ({failures})</summary>" in text


@pytest.mark.parametrize(("kind", "count"), FAILING)
def test_every_failed_limit_folds_out_its_waiver(kind, count):
    text = comment(kind, count)
    failures = count if kind == "failing" else count // 2
    assert f"<summary>Waivers to paste ({failures})</summary>" in text
    assert text.count("[[waiver]]") == failures or "more lines. All of it" in text
    assert "`harness budgets waive 3f9a1c --reason='...'` writes them" in text


@pytest.mark.parametrize(("kind", "count"), list(itertools.product(KINDS, COUNTS)))
def test_a_reader_of_markdown_sees_lists_folds_and_tables(kind, count):
    html = READER.render(comment(kind, count))
    assert html.count("<details") == html.count("</details>") >= 3
    assert "<table>" in html and "| ---" not in html
    assert html.count("<pre>") == (kind != "passing")
    assert "```" not in html and "**" not in html.split("<pre>")[0]


def test_the_worst_comes_first():
    lines = [line for line in above(comment("failing", 50)).splitlines() if line.startswith("- **failed**")]
    shares = [float(line.split(" ms, ")[1].split(" %")[0]) for line in lines]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 9.9


def test_a_metric_that_broke_its_limit_is_told_once():
    lines = above(comment("failing", 2))
    assert "latency p50" not in lines
    assert lines.count("latency\\_p50") == 2


def test_outside_of_a_pipeline_there_is_no_link():
    made = whole("passing", 2)
    text = summary(made.model_copy(update={"run": made.run.model_copy(update={"pipeline_url": None})}))
    assert "[Report]" not in text and "http" not in text
