"""What a stored run keeps of a board: what stands in for one, and nothing secret."""

import os
import platform

import pytest

from harness.records.device import Connection
from harness.session.describe import stand_in
from harness.testing import make_facts

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
        ("127.0.0.1", {"arch": "riscv64", "model": "linux,dummy-virt"}, "emulated machine, no edge board"),
    ],
)
def test_a_loopback_address_is_this_machine_only_where_the_board_says_so(host, changes, label):
    assert stand_in(Connection(host=host), make_facts(**(HERE | changes))) == label
    assert stand_in(Connection(transport="local"), make_facts()) == "this machine, no edge board"
