"""What may be asked at all: a raw request head becomes a Wish, or Refused is raised. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from self_healing_supervisor.words import CONTAINER_ID, CONTAINER_NAME, DEPLOY_LOCK

TAIL: Final = 200
TARGET_BYTES: Final = 1024
Check = Callable[[str], bool]


class Refused(Exception):
    """The filter does not let this through; `status` is the HTTP status, str() the reason shown to the client."""

    def __init__(self, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Wish:
    """A permitted request: `kind` is the rule, `ref` the container (full id or full name), `query` checked values."""

    kind: str
    ref: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


def _number(most: int) -> Check:
    return lambda value: re.fullmatch(r"\d{1,9}", value) is not None and int(value) <= most


def _flag(value: str) -> bool:
    return value in ("0", "1", "true", "false")


def _moment(value: str) -> bool:
    return re.fullmatch(r"\d{1,12}(\.\d{1,9})?", value) is not None


def _one_of(*values: str) -> Check:
    return lambda value: value in values


def _name(value: str) -> bool:
    return len(value) <= 100 and CONTAINER_NAME.fullmatch(value) is not None


def _digest(value: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", value) is not None


def _tag(value: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", value) is not None


@dataclass(frozen=True)
class Rule:
    kind: str
    method: str
    path: re.Pattern[str]
    query: Mapping[str, Check] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()


def _on_container(kind: str, method: str, verb: str, needs: Iterable[str] = (), **query: Check) -> Rule:
    return Rule(kind, method, re.compile(rf"/containers/([^/]+)/{verb}"), query, frozenset(needs))


_ABOUT: Final = {"name": _name, "digest": _digest}
_SIGNALS = _one_of("SIGKILL", "SIGTERM", "SIGABRT")
RULES: Final = (
    Rule("ping", "GET", re.compile("/_ping")),
    Rule("ping", "HEAD", re.compile("/_ping")),
    Rule("version", "GET", re.compile("/version")),
    Rule("events", "GET", re.compile("/events"), {"since": _moment, "until": _moment}),
    Rule("list", "GET", re.compile("/containers/json"), {"all": _flag}),
    # Of these the client names a container, and of which image: nothing else of a request is its to say.
    Rule("create", "POST", re.compile("/containers/create"), _ABOUT, frozenset({"name"})),
    Rule("pull", "POST", re.compile("/images/create"), _ABOUT, frozenset({"name", "digest"})),
    Rule("keep", "POST", re.compile("/images/tag"), _ABOUT, frozenset({"name"})),
    Rule("image", "GET", re.compile("/images/json"), {**_ABOUT, "tag": _tag}, frozenset({"name"})),
    Rule("claim", "POST", re.compile(f"/networks/{DEPLOY_LOCK}")),
    Rule("leave", "DELETE", re.compile(f"/networks/{DEPLOY_LOCK}")),
    _on_container("inspect", "GET", "json"),
    Rule("remove", "DELETE", re.compile("/containers/([^/]+)")),
    _on_container(
        "logs", "GET", "logs", ("tail",),
        tail=_number(TAIL), stdout=_flag, stderr=_flag, timestamps=_flag, since=_moment,
    ),
    _on_container(
        "stats", "GET", "stats", ("stream",), stream=_one_of("0", "false"), **{"one-shot": _flag}
    ),
    _on_container("start", "POST", "start"),
    _on_container("stop", "POST", "stop", t=_number(60)),
    _on_container("restart", "POST", "restart", t=_number(60)),
    _on_container("kill", "POST", "kill", ("signal",), signal=_SIGNALS),
)  # fmt: skip
_VERSION = re.compile(r"/v1\.\d{1,3}(?=/)")
_PLAIN_PATH = re.compile(r"(/[A-Za-z0-9_.-]+)+")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_.-]+")


def _query(raw: str) -> dict[str, str]:
    """Only `name=value` of plain characters, each name once: nothing that two parsers could read in two ways."""
    found: dict[str, str] = {}
    for part in raw.split("&") if raw else ():
        name, equals, value = part.partition("=")
        if not equals or not _PLAIN_VALUE.fullmatch(name) or not _PLAIN_VALUE.fullmatch(value):
            raise Refused("a query that is not plain name=value is refused")
        if name in found:
            raise Refused("a query that gives a name twice is refused")
        found[name] = value
    return found


def _checked(rule: Rule, query: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in query.items():
        check = rule.query.get(name)
        if check is None or not check(value):
            raise Refused(f"{rule.kind}: the query {name}={value} is not on the list"[:200])
    missing = rule.needs - query.keys()
    if missing:
        raise Refused(f"{rule.kind}: the query must give {', '.join(sorted(missing))}")
    return query


def reference(ref: str) -> str:
    """`ref` when it is a container's full id or full name; the engine would take prefixes and ids for names."""
    if CONTAINER_ID.fullmatch(ref) or _name(ref):
        return ref
    raise Refused("a container is named by its full id or by its full dockwright- name")


def _heads(headers: Iterable[tuple[bytes, bytes]]) -> None:
    for name, value in headers:
        if name.lower() == b"upgrade" or (name.lower() == b"connection" and b"upgrade" in value.lower()):
            raise Refused("upgraded connections are refused")


def read(method: str, path: bytes, query: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> Wish:
    """The Wish behind a request head; `path` and `query` as they came over the wire. Raises Refused."""
    _heads(headers)
    if len(path) + len(query) > TARGET_BYTES:
        raise Refused("the request target is too long", 414)
    try:
        text, asked = path.decode("ascii"), query.decode("ascii")
    except UnicodeDecodeError as error:
        raise Refused("the request target is not plain ASCII") from error
    text = _VERSION.sub("", text, count=1) if _VERSION.match(text) else text
    if not _PLAIN_PATH.fullmatch(text):
        raise Refused("a path that is not plain is refused")
    for rule in RULES:
        hit = rule.path.fullmatch(text) if rule.method == method else None
        if hit:
            ref = reference(hit.group(1)) if hit.groups() else ""
            return Wish(rule.kind, ref, _checked(rule, _query(asked)))
    raise Refused(f"{method} {text} is not on the list"[:200])
