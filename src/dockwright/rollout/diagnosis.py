"""What is wrong with a machine, from what it shows: each with its remedy. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from dockwright.engine.docker import MIN_API
from dockwright.rollout.examine import Examined
from dockwright.spec.model import Machine

Verdict = Literal["good", "warning", "bad", "unknown"]
LEAST_DISK = 20 * 10**9
LEAST_DRIVER = 535  # risk R1
CLOCK_SECONDS = 5.0
MEMORY_SHARE = 0.9  # of what is declared: a kernel keeps some for itself


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at: what was seen and, where it is not good, what to do."""

    what: str
    verdict: Verdict
    says: str
    remedy: str = ""


def diagnose(seen: Examined, declared: Machine, ports: Mapping[int, str], registry: str) -> list[Diagnosis]:
    """Everything about one machine. `ports`: what the fleet wants to publish there, port -> service."""
    return [
        _engine(seen),
        _disk(seen),
        *_size(seen, declared),
        _clock(seen),
        _ports(seen, ports),
        _registry(seen, registry),
        *_gpu(seen, declared),
    ]


def _engine(seen: Examined) -> Diagnosis:
    says = f"Docker {seen.engine}, API {seen.api[0]}.{seen.api[1]}, {seen.image_store} image store"
    if seen.api < MIN_API:
        return Diagnosis("engine", "bad", says, f"API {MIN_API[0]}.{MIN_API[1]} (Docker 25) or newer is needed")
    return Diagnosis("engine", "good", says)


def _disk(seen: Examined) -> Diagnosis:
    if seen.disk_free is None:
        return Diagnosis("disk", "unknown", seen.why.get("disk", "not told"))
    says = f"{seen.disk_free / 1e9:.0f} GB free where images are kept"
    if seen.disk_free < LEAST_DISK:
        return Diagnosis("disk", "warning", says, "./dockwright prune shows what can go")
    return Diagnosis("disk", "good", says)


def _size(seen: Examined, declared: Machine) -> Iterator[Diagnosis]:
    if seen.cpus is not None:
        says = f"{seen.cpus} CPUs, {declared.cpus} are declared"
        less = seen.cpus < declared.cpus
        yield Diagnosis("cpus", "warning" if less else "good", says, "correct fleet.toml" if less else "")
    if seen.memory is not None:
        wanted = declared.memory_mb * 2**20
        says = f"{seen.memory / 2**30:.1f} GiB of memory, {wanted / 2**30:.1f} are declared"
        less = seen.memory < wanted * MEMORY_SHARE
        yield Diagnosis("memory", "warning" if less else "good", says, "correct fleet.toml" if less else "")


def _clock(seen: Examined) -> Diagnosis:
    if seen.clock_off is None:
        return Diagnosis("clock", "unknown", "the engine does not tell its time")
    says = f"{abs(seen.clock_off):.1f} s {'ahead of' if seen.clock_off > 0 else 'behind'} this host"
    if abs(seen.clock_off) > CLOCK_SECONDS:
        return Diagnosis("clock", "bad", says, "turn on time synchronisation (timedatectl set-ntp true) on both")
    return Diagnosis("clock", "good", says)


def _ports(seen: Examined, ports: Mapping[int, str]) -> Diagnosis:
    if seen.taken is None:
        return Diagnosis("ports", "unknown", seen.why.get("ports", "not told"))
    taken = {port: name for port, name in sorted(ports.items()) if port in seen.taken}
    if taken:
        says = ", ".join(f"{port} ({name})" for port, name in taken.items())
        return Diagnosis("ports", "bad", f"others hold {says}", "stop what listens there (ss -tlnp names it)")
    return Diagnosis("ports", "good", f"all {len(ports)} are free or the fleet's own")


def _registry(seen: Examined, registry: str) -> Diagnosis:
    if seen.registry is None:
        return Diagnosis("registry", "unknown", "not asked")
    if seen.registry == "":
        return Diagnosis("registry", "good", f"{registry} answers and is trusted")
    remedy = {
        "its certificate is not trusted there": f"put its CA into /etc/docker/certs.d/{registry.split('/')[0]}/ca.crt",
        "it wants a login there": f"docker login {registry.split('/')[0]}",
    }.get(seen.registry, "without a registry, images are sent from this host")
    return Diagnosis("registry", "warning", f"{registry}: {seen.registry}", remedy)


def _gpu(seen: Examined, declared: Machine) -> Iterator[Diagnosis]:
    if seen.cards is None:
        yield Diagnosis("gpu", "unknown", seen.why.get("cards", "not told"))
        return
    if not seen.cards:
        says = f"no card, {declared.gpu} is declared: GPU services are left out"
        yield Diagnosis(
            "gpu", "warning", says, "install the NVIDIA driver and nvidia-container-toolkit, restart Docker"
        )
        return
    names = ", ".join(card.name for card in seen.cards)
    known = [card for card in seen.cards if _model(declared.gpu) <= _model(card.name)]
    if known:
        yield Diagnosis("gpu", "good", names)
    else:
        yield Diagnosis("gpu", "bad", f"{names}, {declared.gpu} is declared", "correct fleet.toml, or the address")
    yield _driver(seen)
    yield _cdi(seen)


def _model(name: str) -> set[str]:
    """The words of a card's name that tell it from others: those with digits."""
    return {word for word in re.split(r"[\s-]+", name.upper()) if any(map(str.isdigit, word))}


def _driver(seen: Examined) -> Diagnosis:
    assert seen.cards  # noqa: S101 - called where there are some
    version = seen.cards[0].driver
    says = f"driver {version}, CUDA up to {seen.cuda or 'unknown'}"
    number = version.partition(".")[0]
    if not number.isdigit():
        return Diagnosis("driver", "unknown", says)
    if int(number) < LEAST_DRIVER:
        return Diagnosis(
            "driver", "bad", says, f"risk R1: install driver {LEAST_DRIVER} or newer; until then, images tagged -cu118"
        )
    return Diagnosis("driver", "good", says)


def _cdi(seen: Examined) -> Diagnosis:
    assert seen.cards  # noqa: S101 - called where there are some
    generate = "nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
    if not seen.cdi and "nvidia" in seen.runtimes:
        return Diagnosis("cdi", "good", "no CDI specification, the nvidia runtime is there")
    if not seen.cdi:
        return Diagnosis("cdi", "bad", "no CDI specification and no nvidia runtime", generate)
    if seen.cards[0].driver not in seen.cdi:
        return Diagnosis(
            "cdi",
            "bad",
            f"the CDI specification is of another driver than {seen.cards[0].driver}",
            generate,
        )
    return Diagnosis("cdi", "good", "the CDI specification names this driver")
