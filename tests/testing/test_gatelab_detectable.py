import json
from math import log1p

import numpy as np
import pytest
from typer.testing import CliRunner

from harness.testing.gatelab.detectable import app, detectable
from harness.testing.gatelab.sessions import Experiment, draw_trials

WHAT = Experiment("iid", 60, 1, 1, limit=0.02, slowdown=0.0, max_blocks=40)


def test_drawn_trials_are_those_of_the_slowdown_in_the_order_that_is_told():
    logs, outside = draw_trials(Experiment("iid", 400, 1, 1, limit=0.02, slowdown=0.05, max_blocks=10))
    assert logs.shape == (400, 10, 4) and outside.shape == (10,)
    outer, inner = logs[..., [0, 3]].mean(axis=(0, 2)), logs[..., [1, 2]].mean(axis=(0, 2))
    assert np.where(outside, outer - inner, inner - outer) == pytest.approx(log1p(0.05), abs=0.006)


def test_what_sessions_tell_is_no_less_than_what_is_caught_and_not_much_more():
    found = detectable(WHAT, 300)
    assert found["kept"] > 0.9
    assert 1.0 < found["told"] / found["caught"] < 1.4


def test_each_noise_and_number_of_limits_is_a_line():
    given = ["--sessions", "20", "--truths", "100", "--noise", "iid", "--noise", "tails:kind=t2", "--metrics", "3"]
    said = CliRunner().invoke(app, given)
    assert said.exit_code == 0, said.output
    lines = [json.loads(line) for line in said.output.splitlines()]
    assert [(line["noise"], line["metrics"], line["sessions"]) for line in lines] == [
        ("iid", 3, 20),
        ("tails:kind=t2", 3, 20),
    ]
    refused = CliRunner().invoke(app, ["--noise", "none"])
    assert refused.exit_code == 2 and "none" in refused.output
