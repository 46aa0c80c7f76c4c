"""Files in a volume of an engine, wherever it is: written by a container that lives for a moment.

This reaches every engine in the same way, also one that shares no file system with this host.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Mapping

from dockwright.engine.docker import Docker
from dockwright.errors import CommandFailed

# Services run as this user; nobody else inside a container has to read what is written.
OWNER = 10001
# Runs inside the container with the fleet's own Python. A reader sees the old file or the new one, whole.
WRITE = """
import json, os, sys
files = json.load(sys.stdin)
for name, text in files.items():
    path = os.path.join("/files", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = os.path.join(os.path.dirname(path), "." + os.path.basename(path))
    with open(part, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(part, 0o400)
    os.chown(part, OWNER, OWNER)
    os.replace(part, path)
kept = {os.path.join("/files", name) for name in files}
for folder, _, names in os.walk("/files"):
    for path in (os.path.join(folder, name) for name in names):
        if path not in kept:
            os.unlink(path)
""".replace("OWNER", str(OWNER))


def ensure(docker: Docker, name: str, labels: Mapping[str, str]) -> None:
    """Make a volume unless it is there."""
    words = [f"--label={key}={value}" for key, value in labels.items()]
    docker.run("volume", "create", *words, name)


def read_file(docker: Docker, container: str, path: str, limit: int = 4_000_000) -> str | None:
    """A text file as a container sees it, mounted volumes included; None where it is not there or too large."""
    try:
        with docker.output("cp", f"{container}:{path}", "-") as stream:
            content = stream.read(limit)
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            entry = archive.next()
            file = archive.extractfile(entry) if entry and entry.isreg() else None
            return file.read().decode(errors="replace") if file else None
    except (CommandFailed, tarfile.TarError):
        return None


def replace_files(docker: Docker, volume: str, image: str, files: Mapping[str, str]) -> None:
    """Make a volume hold exactly these files (path below its top -> text), readable by the services' user only.

    `image`: any image of the fleet that the engine has. Raises CommandFailed, EngineUnavailable.
    """
    words = [
        "run", "--rm", "--interactive", "--pull=never", "--name", f"dockwright-files-{os.urandom(4).hex()}",
        "--network=none", "--read-only", "--cap-drop=ALL", "--cap-add=CHOWN", "--cap-add=DAC_OVERRIDE",
        "--security-opt=no-new-privileges:true", "--user=0:0", "--log-driver=none",
        "--volume", f"{volume}:/files", "--entrypoint=python3", image, "-I", "-c", WRITE,
    ]  # fmt: skip
    try:
        docker.run(*words, stdin=json.dumps(dict(files)))
    except CommandFailed as error:
        raise CommandFailed(
            f"what services read could not be written to the volume {volume}",
            "is that machine's disk full?",
            error.output,
        ) from error
