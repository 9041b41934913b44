"""Every limit that did not hold has a sentence of its own wherever a run is told; what held is folded."""

import re

import pytest
from support.sample_results import results

from harness.plugin.github import annotations
from harness.records.entry import Finding
from harness.records.status import Status
from harness.report import table
from harness.report.labels import sentences
from harness.report.page import page
from harness.report.summary import summary

HELD = Finding(gate="budget", metric="accuracy", status=Status.PASS, reason="accuracy keeps the floor")
SLOW = Finding(gate="budget", metric="latency_p50", status=Status.FAIL, reason="latency is above the limit")
LARGE = Finding(gate="budget", metric="model_size", status=Status.FAIL, reason="size is above the limit")
CLOSE = Finding(gate="regression", metric="throughput", status=Status.INCONCLUSIVE, reason="throughput is too close")
UNFIT = Finding(gate="fitness", metric=None, status=Status.INVALID, reason="board not fit")
UNJUDGED = Finding(gate="budget", metric="latency_p50", status=Status.INVALID, reason="not judged: of an entry")


def run_with(*findings, status=Status.FAIL):
    entry = (
        results()
        .entries[5]
        .model_copy(update={"findings": list(findings), "status": status, "reason": "the first; and 1 more"})
    )
    return results().model_copy(update={"entries": [entry]})


def headline(made):
    """Terminal, summary and report, each without what is folded, and the annotations."""
    text = re.search(r'<section id="verdicts">.*?</section>', page(made, []), re.DOTALL)[0]
    folded = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    return table(made), summary(made).partition("<details>")[0], folded, "\n".join(annotations(made))


def test_every_broken_limit_is_told_and_what_held_is_folded():
    made = run_with(HELD, CLOSE, SLOW, LARGE)
    for text in headline(made):
        for finding in (SLOW, LARGE, CLOSE):
            assert finding.reason in re.sub(r"\s+", " ", text)
        assert HELD.reason not in text and "and 1 more" not in text
    assert HELD.reason in page(made, []) and HELD.reason in summary(made)
    assert [line[:9] for line in annotations(made)] == ["::error f", "::error f", "::warning"]


def test_of_an_entry_that_could_not_be_judged_the_cause_alone_is_told():
    for text in headline(run_with(UNFIT, UNJUDGED, status=Status.INVALID)):
        assert UNFIT.reason in text and UNJUDGED.reason not in text


@pytest.mark.parametrize("findings", [(), (HELD,)])
def test_without_a_finding_that_says_so_the_entrys_own_sentence_is_told(findings):
    (entry,) = run_with(*findings).entries
    assert sentences(entry) == [(Status.FAIL, "the first; and 1 more")]
