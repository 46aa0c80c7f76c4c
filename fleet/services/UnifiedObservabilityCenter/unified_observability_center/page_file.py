"""The status page: one HTML document with its style and its script inside, and a policy that lets in nothing else."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "page"


@dataclass(frozen=True)
class Page:
    body: bytes
    policy: str
    etag: str


def load(folder: Path = FOLDER) -> Page:
    """Raises OSError."""
    style, script = (_joined(folder, kind) for kind in ("css", "js"))
    html = (folder / "page.html").read_text()
    body = html.replace("/*style*/", style, 1).replace("/*script*/", script, 1).encode()
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
    return Page(body, policy, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _joined(folder: Path, kind: str) -> str:
    """All files of a kind, in the order of the numbers that their names begin with."""
    return "\n".join(path.read_text() for path in sorted(folder.glob(f"*.{kind}")))


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
