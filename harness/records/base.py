"""The base of every record that crosses a boundary: frozen, strict, unknown fields refused."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen record; parsing is strict and refuses unknown fields, NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)
