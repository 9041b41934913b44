"""The script that measures good models on every runtime: what it counts, and a run of it on a few made ones."""

import ast
import json
from pathlib import Path

import pytest
from fidelity.verdicts import NoResultsError, Row, Verdict, main, read_row, table
from support.made_graphs import detection, lookup, random_numbers, running_sum
from support.own_lease import own_lease
from support.tiny_model import write

SCRIPT = Path(__file__).parent / "fidelity" / "verdicts.py"


def entry(outputs, status="MEASURED"):
    return {"candidate": "m", "status": status, "reason": "why", "runtime": "litert 2.3.0", "outputs": outputs}


def test_the_script_imports_nothing_of_the_harness():
    tree = ast.parse(SCRIPT.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported and not [name for name in imported if name.split(".")[0] == "harness"]


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (entry("bit-equal with litert"), "bit-equal"),
        (entry("agree with litert"), "agree"),
        (entry("outputs not judged: on random inputs"), "not judged"),
        (entry("outputs unchecked: not deterministic"), "unchecked"),
        (entry("", "ERROR"), "ERROR"),
        (entry("wrong output on the board", "FAIL"), "FAIL"),
    ],
)
def test_an_entry_is_counted_by_what_it_says(told, kind):
    row = read_row(json.dumps({"entries": [told]}), "none")
    assert (row.runtime, row.delegate, row.count(kind)) == ("litert 2.3.0", "none", 1)


@pytest.mark.parametrize("text", ["", "{}", '{"entries": []}', '{"entries": [{}]}'])
def test_results_that_are_none_are_said(text):
    with pytest.raises(NoResultsError, match="no results on stdout"):
        read_row(text, "none")


def test_what_is_not_plainly_right_stands_below_the_table():
    row = Row("litert 2.3.0", "none", (Verdict("a", "bit-equal", "same"), Verdict("b", "FAIL", "wrong")))
    shown = table([row]).splitlines()
    assert shown[2] == "| litert 2.3.0 | none | 2 | 1 | 0 | 0 | 0 | 1 | 0 |"
    assert shown[3:] == ["litert 2.3.0, none: b: FAIL: wrong"]


def test_good_models_that_remember_look_up_draw_and_detect_do_not_fail(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "models"
    folder.mkdir()
    made = {"remembers": running_sum(), "looks_up": lookup(7), "draws": random_numbers(), "detects": detection()}
    for name, content in made.items():
        write(folder / f"{name}.bin", content)

    with own_lease():
        status = main(["--package", "litert", str(folder)])

    shown = capsys.readouterr().out.splitlines()
    assert status == 0, shown
    assert [line.split("|")[2:9] for line in shown[2:4]] == [
        [f" {delegate} ", " 4 ", " 3 ", " 0 ", " 0 ", " 1 ", " 0 "] for delegate in ("xnnpack", "none")
    ]
    assert "draws: unchecked: outputs unchecked: not deterministic: it draws random numbers" in shown[4]
