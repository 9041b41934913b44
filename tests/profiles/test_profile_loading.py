"""From a device's name to its profile: folders, extends, and every problem in one line."""

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.profiles import available, cpu_numbers, load, profile_schema
from harness.records.device import Connection, DeviceProfile, Runtime, Tuning
from harness.records.errors import ProfileError

ROOT = Path(__file__).parents[2]
SHIPPED = [
    "beagleplay",
    "coral-dev-board",
    "imx8mp-evk",
    "jetson-nano",
    "jetson-orin-nano",
    "local",
    "rock-5b",
    "rpi-zero-2w",
    "rpi3b-plus",
    "rpi4",
    "rpi5",
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of the user's, and a current directory without one."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    devices = tmp_path / "devices"
    devices.mkdir()
    return devices


def write(folder, name, text):
    (folder / f"{name}.toml").write_text(text)


def refusal(folder, name="board"):
    with pytest.raises(ProfileError) as caught:
        load(name, folder)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4
    return str(caught.value)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_profiles_load_and_fit_the_published_schema(name):
    profile = load(name)
    assert profile.lineage == (name,)
    text = (ROOT / "devices" / f"{name}.toml").read_text()
    jsonschema.validate(tomllib.loads(text), json.loads((ROOT / "docs/device-profile.schema.json").read_text()))
    if name != "local":
        assert profile.connection.host == f"{name}.local"
        assert text.startswith("# Board: ")
        assert None not in (profile.hardware.cpu, profile.hardware.memory, profile.hardware.storage)


def test_shipped_profiles_are_found_wherever_one_stands(folder):
    assert list(available()) == SHIPPED


def test_published_schema_is_current():
    published = json.loads((ROOT / "docs/device-profile.schema.json").read_text())
    assert published == profile_schema(), "write profile_schema() to docs/device-profile.schema.json"
    jsonschema.Draft202012Validator.check_schema(published)


def test_local_changes_nothing_and_models_nothing():
    profile = load("local")
    assert profile.connection.transport == "local"
    assert profile.power.sensors == ["rapl"]
    assert profile.power.model is None
    assert profile.tuning.governor is None
    assert (profile.runtime.max_output_error, profile.runtime.num_threads) == (0.0, 1)


def test_a_power_model_is_only_where_one_was_published():
    assert {name for name in SHIPPED if load(name).power.model} == {"rpi3b-plus", "rpi4"}


def test_extends_merges_key_by_key(folder):
    write(folder, "lab", 'extends = "rpi4"\n[connection]\nuser = "lab"\n[power]\nsensors = ["hwmon:ina226"]\n')
    write(folder, "pi-07", 'extends = "lab"\n[connection]\nhost = "10.0.0.7"\n[runtime]\nnum_threads = 2\n')
    profile = load("pi-07", folder)
    assert profile.lineage == ("pi-07", "lab", "rpi4")
    assert (profile.connection.host, profile.connection.user) == ("10.0.0.7", "lab")
    assert (profile.runtime.num_threads, profile.tuning.cpus) == (2, "0-3")
    assert profile.power.sensors == ["hwmon:ina226"]
    assert profile.power.model == load("rpi4").power.model


def test_the_users_folder_comes_first_and_may_extend_its_shipped_namesake(folder):
    write(folder, "rpi4", 'extends = "rpi4"\n[connection]\nhost = "10.0.0.4"\n')
    profile = load("rpi4", folder)
    assert profile.connection.host == "10.0.0.4"
    assert profile.lineage == ("rpi4",)
    assert profile.hardware == load("rpi4").hardware
    assert available(folder)["rpi4"] == folder / "rpi4.toml"


def test_devices_of_the_current_directory_are_found(folder, monkeypatch):
    write(folder, "mine", 'extends = "rpi5"\n')
    monkeypatch.chdir(folder.parent)
    assert load("mine").lineage == ("mine", "rpi5")
    assert "rpi4" in available()


def test_a_parent_may_lack_what_its_children_give(folder):
    write(folder, "kind", '[hardware]\narch = "aarch64"\n')
    write(folder, "board", 'extends = "kind"\n[connection]\nhost = "b"\n')
    assert load("board", folder).hardware.arch == "aarch64"
    assert "connection.host: missing: add host" in refusal(folder, "kind")


@pytest.mark.parametrize(
    ("links", "chain"),
    [
        ({"board": "board"}, "board -> board"),
        ({"board": "b", "b": "c", "c": "b"}, "board -> b -> c -> b"),
        ({"board": "b", "b": "board"}, "board -> b -> board"),
    ],
)
def test_a_circle_is_refused_with_its_chain(folder, links, chain):
    for name, parent in links.items():
        write(folder, name, f'extends = "{parent}"\n')
    assert f"in a circle: {chain};" in refusal(folder)


def test_unknown_names_give_the_nearest_and_all(folder):
    said = refusal(folder, "rpi44")
    assert 'no device "rpi44": did you mean rpi4? known devices: beagleplay' in said
    write(folder, "board", 'extends = "rip5"\n')
    assert 'board.toml: extends: no device "rip5": did you mean rpi5?' in refusal(folder)


def test_a_name_cannot_lead_out_of_the_folder(folder):
    (folder.parent / "outside.toml").write_text('[connection]\nhost = "x"\n')
    assert 'no device "../outside"' in refusal(folder, "../outside")


def test_an_unknown_device_says_where_it_was_looked_for(folder, tmp_path, monkeypatch):
    assert f"; looked in {folder.resolve()} and the shipped profiles" in refusal(folder, "nobody")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(ProfileError) as caught:
        load("nobody")
    assert f"; looked in {tmp_path.resolve() / 'empty'} (it has no folder devices) and the" in str(caught.value)


def test_all_problems_of_a_file_at_once(folder):
    write(
        folder,
        "board",
        """
        nmae = "x"
        [connection]
        transport = "shh"
        prot = 22
        password = "hunter2"
        [runtime]
        package = "litert=2"
        num_threads = "4"
        [tuning]
        cpus = 3
        """,
    )
    said = refusal(folder)
    for part in (
        "nmae: unknown key, ",
        'connection.transport: "shh", expected "ssh" or "local"; did you mean ssh?',
        "connection.prot: unknown key, did you mean port?",
        "connection.password: a password has no place in a profile: use an SSH key",
        'runtime.package: "litert=2", expected auto, litert, compiled, tflite, system or command',
        'runtime.num_threads: "4", expected a whole number',
        "tuning.cpus: 3, expected processor numbers in quotes",
    ):
        assert part in said
    assert said.count("; ") >= 6
    assert "hunter2" not in said


def test_a_problem_names_the_file_it_stands_in(folder):
    write(folder, "kind", "[runtime]\nnum_thread = 4\n")
    write(folder, "board", 'extends = "kind"\n[connection]\nhost = "b"\nport = 0\n')
    said = refusal(folder)
    assert f"did you mean num_threads? (said in {folder / 'kind.toml'})" in said
    assert "connection.port: 0, expected greater than or equal to 1" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[power]\nsensors = ['hwmn:ina226']", "did you mean hwmon:ina226?"),
        ("[power]\nsensors = ['solar']", 'expected "hwmon:NAME", "iio:NAME", "pmic", "battery", "rapl" or "meter"'),
        ("[power]\nsensors = ['meter']", '"meter" without a meter'),
        ("[power]\nmeter = { command = ['m'], interval = 'often' }", "power.meter.interval: 'often' is no time"),
        ("[power]\nmeter = { command = ['m'], interval = '1 h' }", "1 h: expected 0.05 s to 10 s"),
        ("[power]\nmeter = { command = [] }", "power.meter.command"),
        ("[power.accuracy.rapl]\ngain = 0.1", "is none of the sensors"),
        ("[tuning]\ncpus = '0-1'\n[runtime]\nnum_threads = 4", "names 2 processors for runtime.num_threads = 4"),
        ("[tuning]\ncpus = '3-0'", "names 0 processors"),
        ("[tuning]\ncpus = '0-9999999999'", 'tuning.cpus: "0-9999999999", expected processor numbers in quotes'),
        ("[tuning]\ncpus = '0-9999'", "names processor 9999: expected 0 to 4095"),
        ("[tuning]\ncpus = '\u0660-\u0663'", "expected processor numbers in quotes"),
        (f"[tuning]\ncpus = '0{',0' * 600}'", "tuning.cpus"),
        ("[power]\nmodel = {idle_w = 1e300, full_w = 1e308, bands = [[0, 0.1]], source = 's'}", "power.model.idle_w"),
        (f"description = '{'x' * 5000}'", "description: "),
        ('description = "\\u001b[2J"', "description: "),
        ('[connection]\nidentity_file = "a\\u0000b"', "expected a text without control characters"),
        ("[connection]\nport = 65536", "connection.port: 65536, expected"),
        ("[connection]\nuser = '-l root'", "connection.user: expected the name of an account"),
        ("[connection]\nproxy_jump = 'gate:\u00b2'", "connection.proxy_jump: 'gate:\u00b2' is no [user@]host[:port]"),
        ("[connection]\nproxy_jump = 'a,gate:99999'", "connection.proxy_jump: 'gate:99999': port 99999, expected one"),
        ('[runtime.env]\n"A=B" = "1"', "runtime.env.A=B: expected a variable's name"),
        ('[runtime.env]\nA = "1\\u0000"', "runtime.env.A: "),
        ('[runtime.env]\nHF_APIKEY = "hf_abc\\u0000"', "runtime.env.HF_APIKEY: expected a text"),
        ("[limits]\nmax_temp_c = nan", "limits.max_temp_c"),
        ("description = 2026-11-24", "description: a date, expected a text"),
        ("name = 'x'", "name: unknown key: the file's name gives it"),
        ("runtime = 4", "runtime: 4, expected a table"),
        (
            "[power]\nmodel = {idle_w = 3, full_w = 2, bands = [[0.5, 0.1]], source = 's'}",
            "full_w: 2.0 is less than idle_w = 3.0",
        ),
        ("[power]\nmodel = {idle_w = 1, full_w = 2, bands = [[0.5, 0.1]], source = 's'}", "expected 0.0 first"),
        ("[power]\nmodel = {idle_w = 1, full_w = 2, bands = [[0, 15]], source = 's'}", "between 0 and 1"),
        ("[power]\nmodel = {idle_w = 1, full_w = 2, bands = [[0, 0.1]]}", "power.model.source: expected a value"),
    ],
)
def test_each_kind_of_nonsense_has_its_sentence(folder, text, said):
    write(folder, "kind", '[connection]\nhost = "b"\n')
    write(folder, "board", f'extends = "kind"\n{text}\n')
    assert said in refusal(folder)


@pytest.mark.parametrize("host", ["::1", "[::1]", "fe80::1%eth0", "10.0.0.7", "pi.local.", "pi_lab", "b\u00fcro-pi"])
def test_hosts_that_are_names_or_addresses(folder, host):
    write(folder, "board", f'[connection]\nhost = "{host}"\nproxy_jump = "ssh://me@[::1]:2222,gate"\n')
    assert load("board", folder).connection.host == host


@pytest.mark.parametrize(
    "host", ["pi@10.0.0.7", "-oProxyCommand=x", "a b", "", "a..b", ".", "x" * 64, "$(id)", ":::1", "a/b", "pi:22"]
)
def test_a_host_is_a_name_or_an_address(folder, host):
    write(folder, "board", f'[connection]\nhost = "{host}"\n')
    assert "connection.host: expected a name or address" in refusal(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"= nonsense", "not valid TOML"),
        (b"\xef\xbb\xbfdescription = 1", "byte order mark"),
        (b"\xff", "not UTF-8 at byte 0"),
        (b"extends = 4", "expected the name"),
    ],
)
def test_a_file_that_is_no_profile(folder, content, said):
    (folder / "board.toml").write_bytes(content)
    assert said in refusal(folder)


def test_hidden_files_are_no_profiles(folder):
    write(folder, "board", '[connection]\nhost = "x"\n')
    (folder / "._board.toml").write_bytes(b"\0\5\x16\7")
    write(folder, ".#other", "= nonsense")
    assert not [name for name in available(folder) if name.startswith(".")]
    assert load("board", folder).name == "board"
    assert 'no device "._board": did you mean board?' in refusal(folder, "._board")


def test_a_missing_folder_and_a_folder_for_a_file(folder):
    assert "no folder at" in refusal(folder / "absent")
    (folder / "board.toml").mkdir()
    assert "cannot be read" in refusal(folder)


@given(st.lists(st.integers(0, 255), min_size=1, max_size=12))
def test_processor_numbers_are_read_back(numbers):
    assert cpu_numbers(",".join(map(str, numbers))) == tuple(sorted(set(numbers)))
    assert cpu_numbers(f"{min(numbers)}-{max(numbers)}") == tuple(range(min(numbers), max(numbers) + 1))


TEXTS = ["", "-", "\u0664", "a\tb", "9" * 300, "0-4096", "[::", "a@b@c", "..", " ", "@", "\0", "\x1b"]
VALUES = st.sampled_from(
    [
        *map(json.dumps, TEXTS),
        *("0", "-1", "1e300", "nan", "true", "[]", "{}", "[[0, 0]]", "2026-01-01", "{a = '1'}", "[[]]", "['']"),
    ]
)
KEYS = st.sampled_from(
    [
        f"{table}.{key}" if table else key
        for table, record in {"": DeviceProfile, "connection": Connection, "runtime": Runtime, "tuning": Tuning}.items()
        for key in record.model_fields
    ]
    + ["runtime.env.X", "runtime.env.'A=B'", "power.sensors", "power.model", "power.model.bands", "hardware.cpu"]
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_whatever_a_profile_says_it_is_a_profile_or_one_line(tmp_path_factory, said):
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    (folder / "board.toml").write_text("\n".join(f"{key} = {value}" for key, value in said.items()))
    try:
        profile = load("board", folder)
    except ProfileError as error:
        assert "\n" not in str(error) and "\x1b" not in str(error)
    else:
        assert len(cpu_numbers(profile.tuning.cpus or "0")) <= 4096


def test_secrets_are_told_by_their_names_and_left_out(folder):
    write(
        folder,
        "board",
        '[connection]\nhost = "x"\n[runtime]\ndelegate_options = { license_key = "abc", model_dir = "/d" }\n'
        "[runtime.env]\n"
        'HF_APIKEY = "hf_abc"\nOMP_NUM_THREADS = "4"\nSTORE = "redis://me:abc@host"\nAWS_ACCESS_KEY_ID = "abc"\n',
    )
    profile = load("board", folder)
    assert profile.runtime.env["HF_APIKEY"] == "hf_abc"
    shown = profile.without_secrets()
    assert "abc" not in shown.model_dump_json()
    assert shown.runtime.env["HF_APIKEY"] == shown.runtime.env["STORE"] == "(not shown)"
    assert (shown.runtime.env["OMP_NUM_THREADS"], shown.runtime.delegate_options["model_dir"]) == ("4", "/d")
