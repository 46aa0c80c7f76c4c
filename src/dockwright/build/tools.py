"""The host's own tools that builds use, each in a folder that holds nothing else: bound into steps, never shipped."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import tempfile
from functools import cache
from pathlib import Path

from dockwright.engine.state import state_dir
from dockwright.lock.python import uv

# cyclonedx-python-lib and everything that it imports: plain Python, so any interpreter runs it.
CYCLONEDX = (
    "boolean",
    "cyclonedx",
    "defusedxml",
    "license_expression",
    "packageurl",
    "py_serializable",
    "sortedcontainers",
    "typing_extensions",
)


@cache
def versions() -> str:
    """The versions that decide what these tools make: a part of every input digest."""
    return " ".join(f"{name}=={importlib.metadata.version(name)}" for name in ("uv", "cyclonedx-python-lib"))


def current() -> frozenset[str]:
    """The names of the folders that are used now."""
    return frozenset((_uv(), _cyclonedx()))


def _uv() -> str:
    return f"uv-{importlib.metadata.version('uv')}"


def _cyclonedx() -> str:
    return f"cyclonedx-{importlib.metadata.version('cyclonedx-python-lib')}"


def uv_folder() -> Path:
    """A folder with the tool's own uv."""
    return _made(_uv(), {"uv": Path(uv())})


def cyclonedx_folder() -> Path:
    """A folder with the packages that write bills of materials."""
    parts: dict[str, Path] = {}
    for name in CYCLONEDX:
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None  # noqa: S101 - locked in requirements/tool.lock
        path = Path(spec.origin)
        path = path.parent if path.name == "__init__.py" else path
        parts[path.name] = path
    return _made(_cyclonedx(), parts)


def _made(name: str, parts: dict[str, Path]) -> Path:
    """A folder below the state directory, complete from the moment it has its name."""
    target = state_dir() / "tools" / name
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    for part, source in parts.items():
        if source.is_dir():
            shutil.copytree(source, work / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, work / part)
    work.chmod(0o755)
    try:
        work.rename(target)
    except OSError:
        shutil.rmtree(work)  # Another run of the tool was faster, with the same content.
    return target
