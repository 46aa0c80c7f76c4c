"""Writes openapi.json beside each service's code, from its factory, without a server.

python tests/openapi.py [SERVICE…]      writes; without names, for every service
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from running import SERVICES, Surroundings


def folders() -> list[Path]:
    """Every service that is implemented."""
    return sorted(path.parent for path in SERVICES.glob("*/service.toml"))


def made(service: Path, python: str = sys.executable) -> str:
    """What openapi.json should hold. Raises RuntimeError."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Surroundings(service, Path(folder)).write()
        command = [python, "-m", "servicekit", "openapi"]
        done = subprocess.run(command, cwd=service, env=environment, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(f"{service.name}: ends with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def main(names: list[str]) -> None:
    for service in [SERVICES / name for name in names] or folders():
        path = service / "openapi.json"
        content = made(service)
        if not path.exists() or path.read_text() != content:
            path.write_text(content)
            print(f"wrote {path.relative_to(SERVICES.parents[1])}")


if __name__ == "__main__":
    main(sys.argv[1:])
