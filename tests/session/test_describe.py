"""What a stored run keeps of a board: what stands in for one, and nothing secret."""

import os
import platform

import pytest

from harness.records.emulation import EMULATED
from harness.session.describe import stand_in
from harness.testing import make_facts, make_profile

HERE = {
    "hostname": platform.node(),
    "kernel": platform.release(),
    "arch": platform.machine(),
    "cpu_count": os.cpu_count() or 1,
}
LOOPBACK = "loopback ssh on this machine, no edge board"


@pytest.mark.parametrize(
    ("host", "changes", "label"),
    [
        ("127.0.0.1", {}, LOOPBACK),
        ("pi-07.lab", {}, LOOPBACK),
        ("[::1]", {"hostname": "container"}, LOOPBACK),
        ("localhost.", {"hostname": "container"}, LOOPBACK),
        ("127.0.0.1", {"arch": "riscv64", "hostname": "pi"}, None),
        ("localhost", {"kernel": "6.1.21-v8+", "hostname": "pi"}, None),
        ("::1", {"cpu_count": 1000}, None),
        ("10.0.0.7", {"hostname": "pi"}, None),
        ("127.0.0.1", {"arch": "riscv64", "model": "linux,dummy-virt"}, None),
        ("127.0.0.1", {"emulated": "a made-up processor"}, EMULATED),
    ],
)
def test_a_loopback_address_is_this_machine_only_where_the_board_says_so(host, changes, label):
    assert stand_in(make_profile(connection={"host": host}), make_facts(**(HERE | changes))) == label
    assert stand_in(make_profile(connection={"transport": "local"}), make_facts()) == "this machine, no edge board"


@pytest.mark.parametrize("said", [True, False])
def test_a_profile_that_says_whether_the_board_is_emulated_is_believed(said):
    for facts in (make_facts(), make_facts(emulated="a made-up processor")):
        label = stand_in(make_profile(connection={"host": "10.0.0.7"}, hardware={"emulated": said}), facts)
        assert label == (EMULATED if said else None)
