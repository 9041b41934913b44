import re

import pytest
from rich.cells import cell_len
from support.ab_results import ab_results
from support.sample_results import entries, measured, results
from support.told_results import told_results

from harness.records.entry import Finding
from harness.records.results import Results
from harness.records.status import Status
from harness.report import table
from harness.report.labels import EXIT_MEANINGS, STATUS_WORDS, waived_limits
from harness.report.page import page
from harness.report.summary import summary
from harness.report.terminal import wrap_columns
from harness.report.terminal_table import break_name


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("made", [results, told_results, ab_results])
@pytest.mark.parametrize("colour", [False, True])
def test_no_line_is_longer_than_the_terminal(width, made, colour):
    """Wide characters take two columns, what steers colours none."""
    wide = [
        one.model_copy(update={"candidate": "模型" * 20, "recipe": recipe, "test_label": "テスト" * 15})
        for one, recipe in zip(made().entries[:2], ("prune(0.8, block=(1, 16))+distill(width=0.5)", None), strict=True)
    ]
    told = made().model_copy(update={"entries": [*made().entries, *wide]})
    text = table(told, width, colour=colour)
    assert ("\x1b[" in text) == colour
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert max(map(cell_len, plain.splitlines())) <= width
    assert plain.rstrip().endswith(table(told, width).rstrip()[-40:])


@pytest.mark.parametrize("count", [1, 8, 200])
def test_any_number_of_entries_ends_with_the_tally_and_conclusions(count):
    (entry,) = entries()[3:4]
    many = [entry.model_copy(update={"candidate": f"network_{number}"}) for number in range(count)]
    lines = table(results().model_copy(update={"entries": many})).splitlines()
    tally = next(at for at, line in enumerate(lines) if line.startswith(f"{count} passed; exit code"))
    assert len(lines) - tally <= 12 and len(lines) <= 115


def test_an_entry_is_one_line_with_figure_interval_limit_size_and_accuracy():
    lines = [" ".join(line.split()) for line in table(results()).splitlines()]
    assert "dynamic_int8 passed 94 µs ±0.4 % ▏░░░░ 2 % 121.3 kB 98 %" in lines
    assert "float32 failed 4.25 ms ±0.4 % █████ 106 % 412 kB 98.22 %" in lines
    assert "float32 measured 154 µs ±0.4 % no limit 412 kB 98.22 %" in lines


def test_what_changed_stands_below_its_figure_and_states_are_words():
    text = table(ab_results())
    assert re.search(
        r"int8 +failed +4\.285 ms ±0\.4 % +█████ 221 % +112\.7 kB\n +▲ 4\.4 % +p50 vs baseline +identical\n", text
    )
    assert re.search(r"float32 +passed .*\n +unchanged ", text)
    for state, word in (("new", "new"), ("identical", "identical"), ("missing", "no baseline")):
        assert re.search(rf"  {state}_recipe +.*\n +{word}\n", text)
    assert "baseline: commit 1a2b3c4d, the merge base with origin/main\n" in text


def test_what_is_worse_is_red_and_what_is_better_green():
    text = table(ab_results(), colour=True)
    assert re.search(r"\x1b\[31m *▲ 4\.4 %", text) and re.search(r"\x1b\[1;31mfailed", text)
    faster = ab_results()
    entry = faster.entries[0]
    ratios = [one.model_copy(update={"ratio": 0.9, "ci_low": 0.89, "ci_high": 0.91}) for one in entry.baseline.ratios]
    entry = entry.model_copy(update={"baseline": entry.baseline.model_copy(update={"ratios": ratios})})
    assert re.search(r"\x1b\[32m *▼ 10 %", table(faster.model_copy(update={"entries": [entry]}), colour=True))


@pytest.mark.parametrize(
    ("finding", "told"),
    [
        ({"gate": "budget", "metric": "accuracy", "value": 0.98, "limit": 0.97}, "███▍░  67 %"),
        ({"gate": "budget", "metric": "throughput", "value": 200.0, "limit": 100.0}, "██▌░░  50 %"),
        ({"gate": "regression", "metric": "latency_p50", "value": -0.03, "limit": 0.02}, "░░░░░   0 %"),
        ({"gate": "accuracy_drop", "metric": "accuracy", "value": 0.01, "limit": 0.0}, "█████  over"),
        ({"gate": "accuracy_drop", "metric": "accuracy", "value": 0.0, "limit": 0.0}, "░░░░░   0 %"),
        ({"gate": "budget", "metric": "latency_p50", "value": 0.043, "limit": 0.001}, "█████   43x"),
    ],
)
def test_how_much_of_a_limit_is_used(finding, told):
    held = Finding(status=Status.PASS, reason="held", **finding)
    entry = entries()[3].model_copy(update={"findings": [held]})
    assert told in table(results().model_copy(update={"entries": [entry]}))


def test_a_verdict_is_a_line_of_figures_and_a_quieter_one_below_it():
    reason = "latency_p50: 5.73 -> 11.39 µs, 99 % slower than main (61 to 108 %), limit 5 %"
    detail = "at least 58 % worse after 12 blocks, seed 0; budgets.toml"
    slow = Finding(gate="regression", metric="latency_p50", status=Status.FAIL, reason=reason, detail=detail)
    large = Finding(gate="budget", metric="model_size", status=Status.FAIL, reason="model_size: 60 kB, limit 50 kB")
    entry = entries()[5].model_copy(update={"findings": [slow, large]})
    made = results().model_copy(update={"entries": [entry]})
    assert (
        f"digits_cnn/float32 on rpi4\nFAIL {reason}\n     {detail}\nFAIL model_size: 60 kB, limit 50 kB\n"
    ) in table(made, 90)
    assert f"\x1b[1;31mFAIL\x1b[0m {reason}\n\x1b[2m     {detail}\x1b[0m\n" in table(made, 90, colour=True)


def test_conclusions_stand_last():
    lines = table(told_results(), 140).splitlines()
    assert [line.partition(" (")[0] for line in lines[-3:]] == [
        "digits_cnn, local: int8 is 2.94x faster than float32",
        "digits_cnn, rpi4: int8 is 2.94x faster than float32",
        "5 of 12 entries have no limit",
    ]


@pytest.mark.parametrize(
    ("name", "room", "broken"),
    [
        ("short", 20, "short"),
        ("  prune(0.8)+int8_float_io", 16, "  prune(0.8)+\n  int8_float_io"),
        ("模型模型模型", 6, "模型模\n型模型"),
        ("abcdefghij", 4, "abcd\nefgh\nij"),
        ("", 4, ""),
    ],
)
def test_a_name_is_broken_where_its_parts_end(name, room, broken):
    assert break_name(name, room) == broken


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [("one two three", 8, ["one two", "  three"]), ("模型模型", 5, ["模", "  模", "  型", "  型"]), ("", 9, [""])],
)
def test_text_is_wrapped_by_columns(text, width, lines):
    assert all(cell_len(line) <= width for line in wrap_columns(text, width, hang=2))
    if text.isascii():
        assert wrap_columns(text, width, hang=2) == lines


def test_what_was_lost_stands_below_the_accuracy_and_is_explained():
    text = table(told_results())
    assert re.search(r" 97\.11 %\n +-1\.11 pt\n", text)
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
    assert "154 µs ±0.4 %" in local and "±: 95 % interval over trials" in local
    assert "4.25 ms" in rpi4 and "412 kB" in rpi4 and "98.22 %" in rpi4
    roomy = table(results(), 120)
    assert "38.4 MB" in roomy and "±40 %" in roomy and "below energy: the error band of its source" in roomy


def test_every_status_is_a_word():
    text = table(results())
    for status in Status:
        assert STATUS_WORDS[status] in text


def test_what_did_not_hold_is_a_sentence_worst_first():
    text = " ".join(table(results()).split())
    order = [text.index(f"{word} ") for word in ("ERROR", "FAIL", "INVALID", "INCONCLUSIVE")]
    assert order == sorted(order)
    assert "digits_cnn/float32 on rpi4 FAIL latency p50 4.25 ms (4.23-4.27) is above 4 ms on rpi4" in text


def test_before_the_conclusions_it_is_said_what_the_exit_code_means():
    text = " ".join(table(results()).split())
    assert f"3 measured; exit code 1: {EXIT_MEANINGS[1]} digits_cnn, local: int8 is " in text


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
    assert "1 ms ±2 %" in table(made)
    for text in (summary(made).replace("\u00a0", " "), page(made, [])):
        assert "980 µs to 1.02 ms" in text


def test_of_very_many_entries_the_worst_are_shown_and_the_rest_is_said():
    entry = results().entries[0].model_copy(update={"device": "rpi4", "status": Status.PASS, "findings": []})
    many = [entry.model_copy(update={"candidate": f"network_{number}"}) for number in range(150)]
    failed = entry.model_copy(update={"candidate": "the_last", "status": Status.FAIL})
    shown = table(results().model_copy(update={"entries": [*many, failed]}))
    assert "the_last" in shown.partition("network_0")[0]
    table_part = shown.partition("±:")[0]
    assert "network_48" in table_part and "network_49" not in table_part
    assert "the 50 of 151 entries that fared worst; all of them stand in the report" in shown
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


def test_a_number_stays_with_its_unit():
    assert wrap_columns("false alarm at most 0.25 %, limit 4 ms", 26, hang=0) == [
        "false alarm at most",
        "0.25 %, limit 4 ms",
    ]
