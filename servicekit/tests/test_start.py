"""What stops a service from starting is said in one line, with the exit code that tells whose fault it is."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from running import PROFILE, Running, Surroundings, start_service

TRIED = Path(__file__).parent / "apps" / "Tried"


def ended(running: Running) -> tuple[int, list[dict[str, Any]]]:
    running.start(healthy=False)
    try:
        assert running.process is not None
        code = running.process.wait(20)
        return code, [line for line in running.lines if line["level"] != "info"]
    finally:
        running.kill()


def break_build(running: Running, **changed: Any) -> None:
    file = running.surroundings.folder / "build.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changed}))


WRONG: Mapping[str, tuple[Callable[[Running], Any], str]] = {
    "no build facts": (lambda s: (s.surroundings.folder / "build.json").unlink(), "build.json: No such file"),
    "another service": (lambda s: break_build(s, service="Other"), "built for Other"),
    "a port that is none": (lambda s: break_build(s, port=70_000), "port is not a port"),
    "one port for both": (lambda s: break_build(s, port=s.health_port), "are the same"),
    "a build without commit": (lambda s: break_build(s, git_sha=""), "git_sha is missing"),
    "no profile": (lambda s: (s.surroundings.folder / "profile.json").unlink(), "profile.json: No such file"),
    "a profile that is cut": (
        lambda s: (s.surroundings.folder / "profile.json").write_text('{"OMP_NUM'),
        "profile.json: not JSON",
    ),
    "a profile that is a list": (
        lambda s: (s.surroundings.folder / "profile.json").write_text("[]"),
        "not a JSON object",
    ),
    "threads that are no number": (
        lambda s: (s.surroundings.folder / "profile.json").write_text(json.dumps({**PROFILE, "OMP_NUM_THREADS": "x"})),
        "OMP_NUM_THREADS is not a whole number",
    ),
    "no secret": (lambda s: (s.surroundings.folder / "secrets" / "fleet-token").unlink(), "fleet-token: No such file"),
    "an empty secret": (
        lambda s: (s.surroundings.folder / "secrets" / "fleet-token").write_text("\n"),
        "the secret is empty",
    ),
    "a secret in bytes": (
        lambda s: (s.surroundings.folder / "secrets" / "fleet-token").write_bytes(b"\xff\xfe"),
        "the secret is not a text",
    ),
    "peers that are no JSON": (lambda s: s.environment.update(DOCKWRIGHT_PEERS="{"), "DOCKWRIGHT_PEERS: not JSON"),
    "a peer elsewhere": (
        lambda s: s.environment.update(DOCKWRIGHT_PEERS='{"A":{"m":{"url":"https://a/x","health_url":"http://a:1"}}}'),
        "A on m: url and health_url must both be http://host:port",
    ),
    "an address that is not here": (
        lambda s: s.environment.update(DOCKWRIGHT_BIND="192.0.2.1"),
        "cannot listen on 192.0.2.1",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_surroundings_are_one_clear_line_and_exit_2(tmp_path: Path, what: str) -> None:
    running = Running(Surroundings(TRIED, tmp_path))
    change, says = WRONG[what]
    change(running)
    code, lines = ended(running)
    assert code == 2
    (line,) = lines
    assert says in line["message"] and "trace" not in line and line["level"] == "error"


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    running = Running(Surroundings(TRIED, tmp_path))
    with socket.socket() as other:
        other.bind(("127.0.0.1", running.port))
        other.listen()
        code, (line,) = ended(running)
    assert code == 2
    assert f"cannot listen on 127.0.0.1:{running.port}: Address already in use" in line["message"]


@pytest.mark.parametrize("entry", ["tried:nothing", "tried:os"])
def test_an_entry_without_a_factory(tmp_path: Path, variant: Callable[..., Path], entry: str) -> None:
    code, (line,) = ended(Running(Surroundings(variant(entry=entry), tmp_path / "home")))
    assert code == 2
    assert "tried has no function" in line["message"]


def test_a_broken_service_is_traced_and_exit_1(tmp_path: Path, variant: Callable[..., Path]) -> None:
    copy = variant()
    (copy / "tried.py").write_text("import json\n\nraise RuntimeError('broken')\n")
    code, lines = ended(Running(Surroundings(copy, tmp_path / "home")))
    assert code == 1
    (line,) = lines
    assert "RuntimeError: broken" in line["trace"]


HOOK = """
from fastapi import FastAPI
from servicekit import Misconfigured, Service
from servicekit.web import create_app

def create(service: Service) -> FastAPI:
    async def fails() -> None:
        raise {error}
    service.on_start(fails)
    return create_app(service, title="x", version="1")
"""


@pytest.mark.parametrize(
    ("error", "code", "traced"), [("Misconfigured('no model file')", 2, False), ("OSError('gone')", 1, True)]
)
def test_a_start_hook_that_fails_ends_the_process(
    tmp_path: Path, variant: Callable[..., Path], error: str, code: int, traced: bool
) -> None:
    copy = variant()
    (copy / "tried.py").write_text(HOOK.format(error=error))
    found, (line,) = ended(Running(Surroundings(copy, tmp_path / "home")))
    assert found == code
    assert ("trace" in line) == traced
    assert traced or line["message"] == "no model file"


def test_health_says_that_a_service_is_starting(tmp_path: Path) -> None:
    running = Running(Surroundings(TRIED, tmp_path, run_files={"start-slowly": ""}))
    try:
        running.start(healthy=False)
        health = running.wait_for_health(503)
        assert health.json()["reasons"] == [{"check": "phase", "reason": "the service is starting"}]
    finally:
        running.kill()


def test_the_profile_reaches_the_service_under_the_names_that_programs_read(tmp_path: Path) -> None:
    profile = {**PROFILE, "GPU_VISIBLE_DEVICES": "0", "OMP_NUM_THREADS": 3}
    with start_service(TRIED, tmp_path, profile=profile, env={"MKL_NUM_THREADS": "1"}) as service:
        found = service.ask("GET", "/environment").json()
        processes = Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()
    assert found["OMP_NUM_THREADS"] == found["OPENBLAS_NUM_THREADS"] == "3"
    assert found["PYTORCH_CUDA_ALLOC_CONF"] == found["TORCH_CUDA_ALLOC_CONF"] == "max_split_size_mb:64"
    assert found["CUDA_VISIBLE_DEVICES"] == found["NVIDIA_VISIBLE_DEVICES"] == found["GPU_VISIBLE_DEVICES"] == "0"
    assert found["UVICORN_WORKERS"] == "4" and found["MODEL_EVICT_THRESHOLD_PCT"] == "90"
    assert found["MKL_NUM_THREADS"] == "1", "what is set on the container stays"
    assert processes == [], "UVICORN_WORKERS in the environment multiplies nothing"
