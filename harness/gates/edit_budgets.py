"""budgets.toml edited as by hand: comments, order and whatever was not meant stay as they are."""

import tomllib
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from harness.records.errors import BudgetsError


@dataclass(frozen=True)
class Edit:
    """A limit to be written: its table, its key, and the quantity's text.

    ``source`` "model" makes it a table {max = TEXT, source = "model"}, with ``bound`` min where it is a floor.
    """

    device: str
    candidate: str
    key: str
    text: str
    bound: str = "max"
    source: str | None = None

    @property
    def value(self) -> str | dict[str, str]:
        """What stands behind the key."""
        return self.text if self.source is None else {self.bound: self.text, "source": self.source}


def edit_budgets(text: str, edits: Iterable[Edit], *, label: str) -> str:
    """The file's text with the limits in it; new tables come last. Of two edits of one key the last holds.

    Raises BudgetsError where it is written in a way that cannot be edited without changing more.
    """
    from tomlkit.exceptions import TOMLKitError

    wanted = tomllib.loads(text)
    last = {(edit.device, edit.candidate, edit.key): edit for edit in edits}
    places = [(edit, edit.candidate in wanted.get(edit.device, {})) for edit in last.values()]
    for edit, _ in places:
        wanted.setdefault(edit.device, {}).setdefault(edit.candidate, {})[edit.key] = edit.value
    try:
        written = _written(text, places)
        same = tomllib.loads(written) == wanted
    except (TOMLKitError, tomllib.TOMLDecodeError):
        same = False
    if not same:
        raise BudgetsError(
            f"{label}: is written in a way that cannot be edited; write its limits in tables, "
            'such as [rpi4."kws_ds_cnn/int8"]'
        )
    return written


@dataclass(frozen=True)
class WaiverText:
    """A waiver to be written: the values of its seven keys."""

    device: str
    candidate: str
    metric: str
    limit: str
    until: date | str
    issue: str
    reason: str

    @property
    def keys(self) -> dict[str, str | date]:
        """Key by key, in the order in which they are written."""
        return {name: getattr(self, name) for name in _WAIVER_KEYS}

    @property
    def place(self) -> tuple[str, ...]:
        """What no two waivers of a file have in common."""
        return tuple(" ".join(getattr(self, name).split()) for name in _PLACE_KEYS)

    @property
    def toml(self) -> str:
        """The waiver as a budgets file has it."""
        import tomlkit

        return f"[[waiver]]\n{tomlkit.dumps(self.keys)}"


_PLACE_KEYS: Final = ("device", "candidate", "metric")
_WAIVER_KEYS: Final = (*_PLACE_KEYS, "limit", "until", "issue", "reason")


def edit_waivers(text: str, waivers: Iterable[WaiverText], *, label: str) -> str:
    """The file's text with the waivers in it; one of the same device, candidate and metric is changed where it stands.

    New ones come last. Raises BudgetsError where the file cannot be edited without changing more.
    """
    from tomlkit.exceptions import TOMLKitError

    last = {waiver.place: waiver for waiver in waivers}
    wanted = tomllib.loads(text)
    stands = _places(wanted.get("waiver", []))
    for place, waiver in last.items():
        if place in stands:
            wanted["waiver"][stands[place]].update(waiver.keys)
        else:
            wanted.setdefault("waiver", []).append(waiver.keys)
    try:
        written = _with_waivers(text, last, stands)
        same = tomllib.loads(written) == wanted
    except (TOMLKitError, tomllib.TOMLDecodeError):
        same = False
    if not same:
        raise BudgetsError(f"{label}: is written in a way that cannot be edited; write its waivers as [[waiver]]")
    return written


def _places(found: Iterable[Mapping[str, object]]) -> dict[tuple[str, ...], int]:
    """Where in the file the waiver of a device, candidate and metric stands."""
    return {tuple(" ".join(str(one.get(key)).split()) for key in _PLACE_KEYS): at for at, one in enumerate(found)}


def _with_waivers(
    text: str, waivers: Mapping[tuple[str, ...], WaiverText], stands: Mapping[tuple[str, ...], int]
) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    for place, waiver in waivers.items():
        if place in stands:
            table: MutableMapping[str, Any] = document["waiver"][stands[place]]
            for key, value in waiver.keys.items():
                if table[key] != value:
                    table[key] = value
    return _joined([tomlkit.dumps(document), *(one.toml for place, one in waivers.items() if place not in stands)])


def _written(text: str, places: Iterable[tuple[Edit, bool]]) -> str:
    """The text with each edit in the table that is there, or in a new one."""
    import tomlkit

    document = tomlkit.parse(text)
    new: dict[tuple[str, str], list[Edit]] = {}
    for edit, is_there in places:
        if is_there:
            _put(document[edit.device][edit.candidate], edit)
        else:
            new.setdefault((edit.device, edit.candidate), []).append(edit)
    return _joined([tomlkit.dumps(document), *(_table(*place, found) for place, found in new.items())])


def _put(table: Any, edit: Edit) -> None:  # noqa: ANN401 - one of tomlkit's several kinds of tables
    """Set a key; a new one stands behind the last key, before comments that belong to what follows."""
    if edit.key in table:
        _replace(table, edit)
        return
    body = getattr(getattr(table, "value", None), "body", [])
    following = _cut(body)
    table.append(edit.key, _item(edit))
    for item in following:
        table.add(item)


def _replace(table: MutableMapping[str, Any], edit: Edit) -> None:
    """Another text where one stood; in a table's form only the bound changes."""
    old = table[edit.key]
    if isinstance(old, MutableMapping) and edit.source == old.get("source"):
        old[edit.bound] = edit.text
    else:
        table[edit.key] = _item(edit)


def _cut(body: list[tuple[Any, Any]]) -> list[Any]:
    """Take blank lines and comments off the end of a table, from the first blank line on, and give them back."""
    end = len(body)
    while end > 0 and body[end - 1][0] is None:
        end -= 1
    blank = next((n for n in range(end, len(body)) if not body[n][1].as_string().strip()), len(body))
    following = [item for _, item in body[blank:]]
    del body[blank:]
    return following


def _table(device: str, candidate: str, edits: Iterable[Edit]) -> str:
    import tomlkit

    table, outer, whole = tomlkit.table(), tomlkit.table(is_super_table=True), tomlkit.document()
    for edit in edits:
        table.append(edit.key, _item(edit))
    outer.append(candidate, table)
    whole.append(device, outer)
    return tomlkit.dumps(whole)


def _item(edit: Edit) -> Any:  # noqa: ANN401 - a text or one of tomlkit's tables
    import tomlkit

    if isinstance(edit.value, str):
        return edit.value
    inline = tomlkit.inline_table()
    inline.update(edit.value)
    return inline


def _joined(parts: Iterable[str]) -> str:
    """The parts with one blank line between them."""
    return "\n".join(f"{part.rstrip()}\n" for part in parts if part.strip())
