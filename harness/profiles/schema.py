"""The JSON Schema of a profile's file, for editors."""

from typing import Any

from harness.records.device import DeviceProfile


def profile_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a device's TOML file: the profile without what the file's name gives."""
    schema = DeviceProfile.model_json_schema()
    for given in ("name", "lineage"):
        del schema["properties"][given]
        schema["required"].remove(given)
    if not schema["required"]:
        del schema["required"]
    extends = {"type": "string", "description": "The name of a device whose profile is taken over, key by key."}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "edge-harness device profile",
        "description": "One board: devices/NAME.toml describes the device NAME.",
        "properties": {"extends": extends, **schema["properties"]},
    }
