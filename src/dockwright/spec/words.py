"""pydantic's errors in plain words: what is expected, and what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from dockwright.spec.document import Table
from dockwright.spec.finding import Finding
from dockwright.spec.names import did_you_mean

Loc = tuple[str | int, ...]
# The tags that pydantic adds to a location for the branches of a union and for dictionary keys are no keys of a file.
KEY_TAG = "[key]"

WANTED = {
    "string_type": "a text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "tuple_type": "a list in [brackets]",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "date_type": "a date such as 2025-12-31, without quotes",
    "date_from_datetime_inexact": "a date such as 2025-12-31, without a time",
    "string_too_short": "a text that is not empty",
}


def findings(error: ValidationError, model: type[BaseModel], table: Table) -> list[Finding]:
    """Every error of a validation, each once, with the line of the deepest key that stands in the file."""
    found: dict[Loc, Finding] = {}
    details = [(_in_file(detail["loc"], table), detail) for detail in error.errors(include_url=False)]
    places = Counter(loc for loc, _ in details)
    for loc, detail in details:
        # Where a value may be one of several things, each of them complains; what the key is for says it all.
        kind = detail["type"] if places[loc] == 1 else "union"
        rule, says = _say(kind, detail.get("ctx", {}), detail["input"], loc, detail["loc"], model)
        path = ".".join(map(str, loc)) or table.document.file.rsplit("/", 1)[-1]
        line = table.document.line((*table.path, *loc))
        found.setdefault(loc, Finding(rule, "error", path, table.document.file, line, says))
    return list(found.values())


def _in_file(loc: Loc, table: Table) -> Loc:
    """A location without pydantic's own tags: only its last part may be missing in the file."""
    here: Any = table
    kept: list[str | int] = []
    for index, part in enumerate(loc):
        if part == KEY_TAG:
            continue
        there = (isinstance(here, dict) and part in here) or (
            isinstance(here, tuple) and isinstance(part, int) and part < len(here)
        )
        if there:
            kept.append(part)
            here = here[part]
        elif isinstance(here, dict) and index == len(loc) - 1:
            kept.append(part)
    return tuple(kept)


def _say(
    kind: str, context: dict[str, Any], value: object, loc: Loc, raw: Loc, model: type[BaseModel]
) -> tuple[str, str]:
    names = list(_fields(model, loc[:-1]))
    field = _field(model, loc)
    about = field.description if field and field.description else ""
    if kind == "extra_forbidden":
        known = did_you_mean(str(loc[-1]), names) or f"; known keys are {', '.join(names)}"
        return "unknown-key", f"is no key of this table{known}"
    if kind == "missing":
        return "missing-key", f"is missing: expected {about or 'a value'}"
    if raw and raw[-1] == KEY_TAG:
        return "bad-name", f"is no good name: expected {_described(model, loc) or 'letters, digits, . _ -'}"
    return "bad-value", f"expected {_wanted(kind, context, about)}, found {_shown(value)}"


def _wanted(kind: str, context: dict[str, Any], about: str) -> str:
    if kind == "literal_error":
        return f"one of {context['expected'].replace(' or ', ', ')}"
    bounds = {"greater_than_equal": "ge", "less_than_equal": "le", "greater_than": "gt", "less_than": "lt"}
    words = {"ge": "or more", "le": "or less"}
    if kind in bounds:
        bound = bounds[kind]
        number = f"more than {context[bound]}" if bound == "gt" else f"{context[bound]} {words.get(bound, '')}".strip()
        return f"{number} ({about})" if about else number
    if kind == "too_short":
        return f"at least {context['min_length']} entry ({about})"
    if kind == "string_too_long":
        return f"at most {context['max_length']} letters"
    wanted = WANTED.get(kind)
    if wanted:
        return f"{wanted} ({about})" if about else wanted
    return about or "another value"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, tuple):
        return "an empty list" if not value else "a list"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number of more than 64 bits"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _fields(model: type[BaseModel], loc: Loc) -> Iterator[str]:
    inner = _model_at(model, loc)
    if inner is not None:
        yield from inner.model_fields


def _field(model: type[BaseModel], loc: Loc) -> FieldInfo | None:
    """The declared field that a location is in: the deepest one on the way."""
    for end in range(len(loc), 0, -1):
        inner = _model_at(model, loc[: end - 1])
        if inner is not None and loc[end - 1] in inner.model_fields:
            return inner.model_fields[str(loc[end - 1])]
    return None


def _model_at(model: type[BaseModel], loc: Loc) -> type[BaseModel] | None:
    """The model that describes a location: through fields, the values of tables, and the items of lists."""
    here: Any = model
    for part in loc:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(str(part))
            here = field.annotation if field else None
        else:
            models = [arg for arg in get_args(here) if isinstance(arg, type) and issubclass(arg, BaseModel)]
            here = models[0] if models else None
    return here if isinstance(here, type) and issubclass(here, BaseModel) else None


def _described(model: type[BaseModel], loc: Loc) -> str:
    """The description of the names that a table's keys must be."""
    inner = _model_at(model, loc[:-2])
    field = inner.model_fields.get(str(loc[-2])) if inner and len(loc) > 1 else None
    for argument in get_args(field.annotation) if field else ():
        for extra in getattr(argument, "__metadata__", ()):
            if isinstance(extra, FieldInfo) and extra.description:
                return extra.description
    return ""
