"""What peers tell, taken as far as it makes sense and no further. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from unified_observability_center.clean import line
from unified_observability_center.words import MACHINE, SERVICE, seconds

MOST: Final = 500


@dataclass(frozen=True)
class Card:
    name: str
    memory_used_mb: float
    memory_total_mb: float
    busy_pct: float | None
    temperature_c: float | None


@dataclass(frozen=True)
class Use:
    memory_mb: float | None
    cpu_pct: float | None
    gpu_memory_mb: float | None


@dataclass(frozen=True)
class MachineState:
    """`why` is why nothing more is known; empty when it is. `cards` is None when nothing is known of them."""

    why: str = ""
    cpus: float | None = None
    busy_pct: float | None = None
    memory_total_mb: float | None = None
    memory_used_mb: float | None = None
    disk_total_mb: float | None = None
    disk_used_mb: float | None = None
    cards: tuple[Card, ...] | None = None
    cards_why: str = ""
    warnings: tuple[str, ...] = ()
    uses: dict[str, Use] = field(default_factory=dict)


@dataclass(frozen=True)
class Care:
    """What its supervisor thinks of an instance, where that says more than its health."""

    state: str
    text: str


@dataclass(frozen=True)
class Group:
    service: str
    kind: str
    pattern: str
    level: str
    message: str
    count: int
    first_seen: float
    last_seen: float
    machines: tuple[str, ...]


def machine(told: Any) -> MachineState | None:
    """GET /v1/machine of a supervisor; None when it is not one."""
    row = _dict(told)
    memory, disk, cpu = _dict(row.get("memory")), _dict(row.get("disk")), _dict(row.get("cpu"))
    if not memory and not cpu:
        return None
    total, free = _number(memory.get("total_mb")), _number(memory.get("available_mb"))
    disk_total, disk_free = _number(disk.get("total_mb")), _number(disk.get("free_mb"))
    return MachineState(
        "",
        _number(cpu.get("count")),
        _number(cpu.get("busy_pct")),
        total,
        None if total is None or free is None else max(0.0, total - free),
        disk_total,
        None if disk_total is None or disk_free is None else max(0.0, disk_total - disk_free),
        None if not isinstance(row.get("gpus"), list) else tuple(_cards(row["gpus"])),
        _text(row.get("gpus_reason")),
        tuple(_text(one) for one in _list(row.get("warnings"))[:5]),
        uses(row),
    )


def twin(told: Any) -> dict[str, MachineState]:
    """GET /v1/machines of SystemDigitalTwin, by machine."""
    found: dict[str, MachineState] = {}
    for row in _list(_dict(told).get("machines"))[:50]:
        name = _text(_dict(row).get("machine"))
        if not MACHINE.fullmatch(name):
            continue
        why = _text(row.get("why"))
        used = [{**_dict(one), "memory_mb": _dict(one).get("memory_used_mb")} for one in _list(row.get("instances"))]
        live = {**_dict(row.get("live")), "warnings": row.get("warnings"), "instances": used}
        known = None if why else machine(live)
        found[name] = known or MachineState(why=f"SystemDigitalTwin: {why or 'it does not know it either'}")
    return found


def uses(told: Any) -> dict[str, Use]:
    found: dict[str, Use] = {}
    for row in map(_dict, _list(_dict(told).get("instances"))[:MOST]):
        name = _text(row.get("service"))
        cpu = row.get("cpu_pct", row.get("cpu_used_pct"))
        gpu = row.get("gpu_memory_mb") if "gpu_memory_used_mb" not in row else row["gpu_memory_used_mb"]
        if SERVICE.fullmatch(name):
            found[name] = Use(_number(row.get("memory_mb")), _number(cpu), _number(gpu))
    return found


def care(told: Any) -> dict[str, Care]:
    """GET /v1/instances of a supervisor: those that it holds, waits with, or has given up."""
    found: dict[str, Care] = {}
    for row in map(_dict, _list(_dict(told).get("instances"))[:MOST]):
        name, state = _text(row.get("service")), _text(row.get("state"))
        text = _care(row, state)
        if SERVICE.fullmatch(name) and text:
            found[name] = Care(state, text)
    return found


def _care(row: dict[str, Any], state: str) -> str:
    hold = _dict(row.get("hold"))
    if hold:
        why = _text(hold.get("why"))
        return "left alone: " + ("stopped by hand" if hold.get("by") == "stop" else why or "held")
    if row.get("breaker") == "open":
        failures = _number(row.get("failures"))
        return "given up for now" + (f" after {failures:.0f} restarts" if failures else "")
    kind = _text(_dict(row.get("fault")).get("kind"))
    return {
        "paused": "paused by hand",
        "waiting": "waits for what it depends on",
        "backoff": f"restart is due ({kind})" if kind else "restart is due",
        "acting": "is being restarted",
    }.get(state, "")


def groups(told: Any) -> list[Group] | None:
    """GET /v1/groups of CentralErrorBus; None when it is not one."""
    rows = _dict(told).get("groups")
    if not isinstance(rows, list):
        return None
    return [_group(_dict(row)) for row in rows[:50]]


def _group(row: dict[str, Any]) -> Group:
    sample = _dict(row.get("sample"))
    return Group(
        _text(row.get("service")),
        _text(row.get("kind")),
        _text(row.get("pattern")),
        _text(sample.get("level")) or "error",
        _text(sample.get("message")),
        int(_number(row.get("count")) or 0),
        seconds(row.get("first_seen")) or 0.0,
        seconds(row.get("last_seen")) or 0.0,
        tuple(_text(_dict(one).get("machine")) for one in _list(row.get("machines"))[:20]),
    )


def _cards(rows: list[Any]) -> list[Card]:
    return [
        Card(
            _text(row.get("name")),
            _number(row.get("memory_used_mb")) or 0.0,
            _number(row.get("memory_total_mb")) or 0.0,
            _number(row.get("busy_pct")),
            _number(row.get("temperature_c")),
        )
        for row in map(_dict, rows[:16])
    ]


def _dict(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _text(found: Any) -> str:
    return line(found, 300) if isinstance(found, str) else ""


def _number(found: Any) -> float | None:
    good = isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found < 2**53
    return float(found) if good else None
