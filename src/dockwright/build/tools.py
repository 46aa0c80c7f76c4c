"""The host's own tools that builds use, each in a folder that holds nothing else: bound into steps, never shipped."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import shutil
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from dockwright.engine.state import state_dir

# Named context of a build -> importable name -> the distribution that it belongs to.
# What writes bills of materials, and everything that it imports, is plain Python, so any interpreter runs it.
CONTEXTS: dict[str, dict[str, str]] = {
    "uv": {"uv": "uv"},
    "cyclonedx": {
        "boolean": "boolean.py",
        "cyclonedx": "cyclonedx-python-lib",
        "defusedxml": "defusedxml",
        "license_expression": "license-expression",
        "packageurl": "packageurl-python",
        "packaging": "packaging",
        "py_serializable": "py-serializable",
        "sortedcontainers": "sortedcontainers",
        "typing_extensions": "typing_extensions",
    },
}


@cache
def versions(context: str) -> dict[str, str]:
    """Distribution -> version, of what a named context holds: a part of the inputs of images that use it."""
    return {name: importlib.metadata.version(name) for name in CONTEXTS[context].values()}


def current() -> frozenset[str]:
    """The names of the folders that are used now."""
    return frozenset(map(_name, CONTEXTS))


def folder(context: str) -> Path:
    """A folder with a named context's tool and nothing else."""
    from dockwright.lock.python import uv  # With what it imports: to plan, none of it is needed.

    return _made(_name(context), {"uv": Path(uv())} if context == "uv" else _packages(CONTEXTS[context]))


def _name(context: str) -> str:
    return f"{context}-{hashlib.sha256(repr(versions(context)).encode()).hexdigest()[:12]}"


def _packages(names: Iterable[str]) -> dict[str, Path]:
    """Where importable packages are: file or folder name -> path."""
    parts: dict[str, Path] = {}
    for name in names:
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None  # noqa: S101 - locked in requirements/tool.lock
        path = Path(spec.origin)
        path = path.parent if path.name == "__init__.py" else path
        parts[path.name] = path
    return parts


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
