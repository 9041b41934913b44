"""The plugin of this checkout, also where it is not installed; what only tests share stands in tests/conftest.py."""

pytest_plugins = ["harness.plugin"]
