"""Which settings hold a secret: their values stand in nothing that others read."""

import pytest

from harness.records.secret_names import HIDDEN, is_password, is_secret, without_secrets, words_without_secrets

SECRETS = """
HF_APIKEY HF_API_KEY OPENAI_KEY AWS_ACCESS_KEY_ID GITHUB_PAT NPM_AUTH DB_DSN AZURE_SAS license_key CLIENT_CREDENTIALS
SESSION_COOKIE hf_token PGPASSWORD SIGNING-KEY key
"""
OTHERS = """
OMP_NUM_THREADS LD_LIBRARY_PATH PYTHONPATH KMP_AFFINITY HOME XNNPACK_CACHE KEYBOARD AUTHOR model_dir precision PATH
"""


@pytest.mark.parametrize("name", SECRETS.split())
def test_names_of_secrets(name):
    assert is_secret(name) and without_secrets({name: "abc"}) == {name: HIDDEN}


@pytest.mark.parametrize("name", OTHERS.split())
def test_names_of_other_settings(name):
    assert not is_secret(name) and without_secrets({name: "abc"}) == {name: "abc"}


def test_an_address_with_a_password_is_one():
    assert is_secret("STORE", "redis://me:abc@host/0") and is_secret("STORE", "https://:abc@host")
    assert not is_secret("STORE", "https://host/a:b@c") and not is_secret("STORE", "ssh://me@host")


def test_passwords_have_no_place_in_a_profile():
    assert is_password("token") and is_password("sudo-password") and not is_password("HF_APIKEY")


def test_a_command_is_kept_without_them():
    command = "benchmarks --device=pi --api-key abc --hub-token=abc TOKEN=abc -k token --password -x"
    words = command.split()
    shown = words_without_secrets([*words, "--store=redis://me:abc@host", "redis://me:abc@host", "t.py::test[key=3]"])
    assert "abc" not in " ".join(shown)
    assert shown[:4] == ["benchmarks", "--device=pi", "--api-key", HIDDEN]
    assert shown[4:9] == [f"--hub-token={HIDDEN}", f"TOKEN={HIDDEN}", "-k", "token", "--password"]
    assert shown[9:] == ["-x", f"--store={HIDDEN}", HIDDEN, "t.py::test[key=3]"]
