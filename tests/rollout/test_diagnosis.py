"""The doctor: every trouble is named with its remedy, and what is not known is said to be unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rollout.fleets import usual

from dockwright.rollout.diagnosis import Diagnosis, diagnose
from dockwright.rollout.examine import Card, Examined, read_cards, read_cuda, registry_trouble

MAINPC = usual().machines["mainpc"]
GOOD = Examined(
    engine="26.1.5",
    api=(1, 45),
    image_store="containerd",
    cpus=8,
    memory=33 * 2**30,
    clock_off=0.2,
    disk_free=200 * 10**9,
    taken=frozenset({22}),
    cards=(Card("NVIDIA GeForce RTX 4090", "550.54.14", 24564),),
    cuda="12.4",
    runtimes=frozenset({"nvidia", "runc"}),
    cdi="driver 550.54.14",
    registry="",
)
PORTS = {7000: "Alpha", 8000: "Alpha"}


def about(seen: Examined, what: str) -> Diagnosis:
    (found,) = [one for one in diagnose(seen, MAINPC, PORTS, "registry.example/fleet") if one.what == what]
    return found


def test_a_good_machine_has_nothing_to_mend() -> None:
    found = diagnose(GOOD, MAINPC, PORTS, "registry.example/fleet")
    assert {one.verdict for one in found} == {"good"}
    assert not any(one.remedy for one in found)
    assert {one.what for one in found} == {
        "engine", "disk", "cpus", "memory", "clock", "ports", "registry", "gpu", "driver", "cdi",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "what", "verdict", "says", "remedy"),
    [
        (replace(GOOD, api=(1, 41)), "engine", "bad", "API 1.41", "Docker 25"),
        (replace(GOOD, disk_free=10**9), "disk", "warning", "1 GB free", "prune"),
        (replace(GOOD, disk_free=None, why={"disk": "no image"}), "disk", "unknown", "no image", ""),
        (replace(GOOD, cpus=2), "cpus", "warning", "2 CPUs, 8 are declared", "fleet.toml"),
        (replace(GOOD, memory=2**30), "memory", "warning", "1.0 GiB of memory, 32.0 are declared", "fleet.toml"),
        (replace(GOOD, clock_off=-90.0), "clock", "bad", "90.0 s behind this host", "timedatectl"),
        (replace(GOOD, clock_off=None), "clock", "unknown", "does not tell", ""),
        (replace(GOOD, taken=frozenset({8000})), "ports", "bad", "others hold 8000 (Alpha)", "ss -tlnp"),
        (replace(GOOD, taken=None), "ports", "unknown", "not told", ""),
        (replace(GOOD, registry="it wants a login there"), "registry", "warning", "login", "docker login registry"),
        (replace(GOOD, registry="it does not answer"), "registry", "warning", "not answer", "sent from this host"),
        (replace(GOOD, cards=()), "gpu", "warning", "GPU services are left out", "nvidia-container-toolkit"),
        (replace(GOOD, cards=None, why={"cards": "no image"}), "gpu", "unknown", "no image", ""),
        (
            replace(GOOD, cards=(Card("NVIDIA GeForce RTX 3060", "550.1", 1),)),
            "gpu",
            "bad",
            "RTX 4090 is declared",
            "fl",
        ),
        (replace(GOOD, cards=(Card("RTX 4090", "525.60", 1),)), "driver", "bad", "driver 525.60", "-cu118"),
        (
            replace(GOOD, cdi="driver 535.1"),
            "cdi",
            "bad",
            "of another driver than 550.54.14",
            "nvidia-ctk cdi generate",
        ),
        (replace(GOOD, cdi="", runtimes=frozenset()), "cdi", "bad", "no nvidia runtime", "nvidia-ctk cdi generate"),
        (replace(GOOD, cdi=""), "cdi", "good", "the nvidia runtime is there", ""),
    ],
)
def test_each_trouble_and_its_remedy(seen: Examined, what: str, verdict: str, says: str, remedy: str) -> None:
    found = about(seen, what)
    assert found.verdict == verdict
    assert says in found.says
    assert remedy in found.remedy
    assert bool(found.remedy) == (verdict in ("bad", "warning"))


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        ("manifest for r.example/dockwright-doctor:none not found: manifest unknown", ""),
        ("Get https://r.example/v2/: tls: failed to verify certificate: x509: unknown authority", "certificate"),
        ("unauthorized: authentication required", "login"),
        ("dial tcp: lookup r.example: no such host", "name means nothing"),
        ("dial tcp 10.0.0.9:443: connect: connection refused", "does not answer"),
        ("http: server gave HTTP response to HTTPS client", "plain HTTP"),
        ("", "does not answer"),
        ("something new", "something new"),
    ],
)
def test_what_an_engine_says_of_a_registry(said: str, trouble: str) -> None:
    found = registry_trouble(said)
    assert trouble in found
    assert bool(found) == bool(trouble)


def test_what_nvidia_smi_prints_is_read() -> None:
    text = "NVIDIA GeForce RTX 4090, 550.54.14, 24564\nbroken line\n"
    assert read_cards(text) == (Card("NVIDIA GeForce RTX 4090", "550.54.14", 24564),)
    head = "| NVIDIA-SMI 550.54.14   Driver Version: 550.54.14   CUDA Version: 12.4     |"
    assert read_cuda(head) == "12.4"
    assert read_cuda("no such thing") is None
