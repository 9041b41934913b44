"""An option is declared once: pytest, ``harness run`` and [tool.harness] have the same ones, of the same words."""

import argparse

import pytest
import typer
from _pytest.config.argparsing import Parser
from typer.testing import CliRunner

from harness.cli.app import app
from harness.plugin.options import add_options, twin
from harness.records.settings import OPTIONS


@pytest.fixture(scope="module")
def of_pytest() -> dict[str, argparse.Action]:
    parser = Parser(_ispytest=True)
    add_options(parser)
    return {flag: action for action in parser.optparser._actions for flag in action.option_strings}


@pytest.fixture(scope="module")
def of_run() -> dict[str, tuple[str, str]]:
    """The help and the metavar of each option of ``harness run``."""
    (run,) = (command for name, command in typer.main.get_command(app).commands.items() if name == "run")
    return {flag: (one.help, one.metavar) for one in run.params if one.param_type_name == "option" for flag in one.opts}


def test_pytest_and_harness_run_have_every_option_with_the_same_help(
    of_pytest: dict[str, argparse.Action], of_run: dict[str, tuple[str, str]]
) -> None:
    for option in OPTIONS.values():
        for flag in option.flags:
            help_text, metavar = of_run[flag]
            assert help_text == option.help == (of_pytest[flag].help or "") % {}, flag
            assert (metavar or "") == option.metavar == (of_pytest[flag].metavar or ""), flag
        assert of_pytest[twin(option.flag)] is of_pytest[option.flag]
    assert {"--alpha", "--miss", "--inconclusive"} <= set(of_run)


def test_the_help_of_harness_run_names_every_option_and_default() -> None:
    said = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "100"})
    assert said.exit_code == 0
    shown = " ".join(said.output.split())
    for option in OPTIONS.values():
        assert f"{', '.join(option.flags)} {option.metavar}".strip() in shown
    for default in ("session (default: 0.5 %)", "passes (default: 5 %)", "own (default: 10)", "means (default: fail)"):
        assert default in shown


@pytest.mark.parametrize(
    ("flag", "text", "words"),
    [
        ("--alpha", "many", "no share"),
        ("--miss", "%", "a share"),
        ("--time-limit", "5x", "no time"),
        ("--memory-limit", "2 s", "size"),
    ],
)
def test_a_value_that_is_none_is_said_in_its_own_words_by_both(
    of_pytest: dict[str, argparse.Action], flag: str, text: str, words: str
) -> None:
    said = CliRunner().invoke(app, ["run", "model.tflite", flag, text])
    assert said.exit_code != 0 and words in said.output and flag in said.output
    parse = of_pytest[flag].type
    assert callable(parse)
    with pytest.raises(argparse.ArgumentTypeError, match=words):
        parse(text)
