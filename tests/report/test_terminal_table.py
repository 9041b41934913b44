import re

import pytest
from support.sample_results import entries, measured, results
from support.told_results import told_results

from harness.records.results import Finding, Results
from harness.records.status import Status
from harness.report import table
from harness.report.labels import EXIT_MEANINGS, STATUS_WORDS, waived_limits
from harness.report.page import page
from harness.report.summary import summary


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("made", [results, told_results])
def test_no_line_is_longer_than_the_terminal(width, made):
    assert max(map(len, table(made(), width).splitlines())) <= width


def test_what_was_lost_stands_below_the_accuracy_and_is_explained():
    text = table(told_results())
    assert re.search(r"97\.11 % .*\n.* -1\.11 pt", text)
    assert "below accuracy: points gained or lost against float32" in " ".join(text.split())
    assert "points gained" not in table(results())


def test_stages_stand_in_lines_of_their_own_under_their_entry():
    lines = [" ".join(line.split()) for line in table(told_results()).splitlines()]
    first = lines.index("preprocess 400 µs")
    assert lines[first : first + 5] == [
        "preprocess 400 µs",
        "inference 200 µs",
        "postprocess 100 µs",
        "their sum 700 µs",
        "end to end 720 µs",
    ]
    assert "passed" in "".join(lines[first - 2 : first])


def test_stages_are_in_line_with_p50():
    lines = table(told_results()).splitlines()
    head = next(line for line in lines if " p50" in line)
    assert next(line for line in lines if "their sum" in line).endswith("700 µs")
    assert len(next(line for line in lines if "their sum" in line)) == head.index("p50") + 3


def test_a_stage_that_is_not_known_leaves_no_sum():
    entry = entries()[0].model_copy(update={"measurements": [measured("preprocess", None, reason="died")]})
    lines = [" ".join(line.split()) for line in table(results().model_copy(update={"entries": [entry]})).splitlines()]
    assert "preprocess –" in lines and "their sum –" in lines


def test_one_block_per_device_with_its_label_and_its_numbers():
    local, rpi4 = table(results()).split("rpi4 (simulated board): Raspberry Pi 4 Model B Rev 1.4")
    assert local.startswith("local (this machine, no edge board): KVM")
    assert "154 µs" in local and "153.4-154.6" in local
    assert "4.25 ms" in rpi4 and "38.4 MB" in rpi4 and "98.22 %" in rpi4 and "±40 %" in rpi4


def test_every_status_is_a_word():
    text = table(results())
    for status in Status:
        assert STATUS_WORDS[status] in text


def test_what_did_not_hold_is_a_sentence_worst_first():
    text = " ".join(table(results()).split())
    order = [text.index(f"{word}: ") for word in ("error", "failed", "board unfit", "too close")]
    assert order == sorted(order)
    assert "digits_cnn/float32: latency p50 4.25 ms (4.23-4.27) is above 4 ms on rpi4" in text


def test_the_last_line_says_what_the_exit_code_means():
    text = " ".join(table(results()).split())
    assert text.endswith(f"exit code 1: {EXIT_MEANINGS[1]}")


def test_nothing_from_a_board_steers_the_terminal():
    text = table(results())
    assert all(character.isprintable() or character == "\n" for character in text)


def test_p90_has_a_column_only_where_there_is_room():
    assert " p90" not in table(results(), 80)
    assert " p90" in table(results(), 120)


def test_columns_nobody_has_are_left_out():
    bare = [entry.model_copy(update={"measurements": entry.measurements[:1]}) for entry in entries()]
    text = table(results().model_copy(update={"entries": bare}))
    assert "p50" in text and "accuracy  " not in text and "energy\n" not in text


def test_a_run_without_entries_says_so():
    run = results().run.model_copy(update={"exit_code": 5, "notes": []})
    assert table(Results(run=run, devices={}, entries=[])) == f"no entries; exit code 5: {EXIT_MEANINGS[5]}\n"


def test_what_is_waived_stands_first_and_once():
    sentence = "limit 2 % waived to 8 % until 2026-12-01 (#123: new kernel \x1b[31m)"
    finding = Finding(gate="regression", metric="latency_p50", status=Status.PASS, reason="held", waiver=sentence)
    held = [one.model_copy(update={"findings": [*one.findings, finding]}) for one in entries()[5:6]]
    made = results().model_copy(update={"entries": [*entries(), *held, *held]})

    text = table(made)

    assert " ".join(text.split()).startswith(
        "WAIVED: rpi4 (simulated board), digits_cnn/float32, latency_p50_regression: limit 2 % waived to 8 % until "
    )
    assert text.count("WAIVED") == 1 and "\x1b" not in text
    assert "WAIVED" not in table(results())


@pytest.mark.parametrize(("gate", "key"), [("budget", "accuracy"), ("accuracy_drop", "accuracy_drop")])
def test_a_waiver_is_told_with_the_key_of_its_budget(gate, key):
    finding = Finding(gate=gate, metric="accuracy", status=Status.PASS, reason="held", waiver="limit waived")
    made = results().model_copy(update={"entries": [entries()[0].model_copy(update={"findings": [finding]})]})

    assert waived_limits(made) == [f"local (this machine, no edge board), digits_cnn/float32, {key}: limit waived"]


def test_an_interval_across_a_prefix_keeps_both_units_wherever_it_is_told():
    entry = results().entries[0]
    p50 = measured("latency_p50", 0.001, ci_low=0.00098, ci_high=0.00102)
    made = results().model_copy(update={"entries": [entry.model_copy(update={"measurements": [p50]})]})
    assert "980 µs to 1.02 ms" in table(made)
    for text in (summary(made).replace("\u00a0", " "), page(made, [])):
        assert "980 µs to 1.02 ms" in text


def test_of_very_many_entries_the_worst_are_shown_and_the_rest_is_said():
    entry = results().entries[0].model_copy(update={"device": "rpi4", "status": Status.PASS, "findings": []})
    many = [entry.model_copy(update={"candidate": f"network_{number}"}) for number in range(150)]
    failed = entry.model_copy(update={"candidate": "the_last", "status": Status.FAIL})
    shown = table(results().model_copy(update={"entries": [*many, failed]}))
    assert "the_last" in shown.partition("network_0")[0]
    assert "network_98" in shown and "network_99" not in shown
    assert "the 100 of 151 entries that fared worst; all of them stand in the report" in shown
    assert "1 failed, 150 passed" in shown


def test_outputs_that_were_not_compared_are_said_once_a_reason_in_terminal_and_summary():
    said = "outputs unchecked: not deterministic: it draws random numbers (RANDOM_UNIFORM)"
    made = [entries()[0].model_copy(update={"candidate": f"m{at}", "outputs": said}) for at in range(5)]
    failed = made[0].model_copy(update={"candidate": "broken", "status": Status.ERROR})
    run = results().model_copy(update={"entries": [*made, failed, entries()[1]]})
    names = [f"{one.candidate}/{one.recipe}" if one.recipe else one.candidate for one in made[:3]]
    sentence = f"{', '.join(f'{name} on {made[0].device}' for name in names)} and 2 more: {said}"
    assert " ".join(table(run).split()).count(sentence) == 1
    assert "broken on" not in table(run)
    assert summary(run).count("<summary>Outputs not compared</summary>") == 1
    assert "Outputs not compared" not in summary(results())
