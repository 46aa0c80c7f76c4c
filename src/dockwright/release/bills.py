"""Reads the bill of materials out of an image, which need not run for that."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from dockwright.build import sbom
from dockwright.build.contents import CREATE
from dockwright.engine.docker import Docker
from dockwright.errors import CommandFailed, UnreadableInput

AT_ONCE = 4


def of_images(docker: Docker, references: Mapping[str, str], say: Callable[[str], None]) -> dict[str, bytes]:
    """Name -> the bill of materials in its image. `references`: name -> image."""
    if references:
        say(f"reading the bills of materials of {len(references)} images")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(references, pool.map(lambda image: of_image(docker, image), references.values()), strict=True))


def of_image(docker: Docker, reference: str) -> bytes:
    """The document in one image. Raises UnreadableInput where there is none. The container for it never runs."""
    container = docker.run(*CREATE, reference).strip()
    try:
        with (
            docker.output("cp", f"{container}:{sbom.PATH}", "-") as archive,
            tarfile.open(fileobj=archive, mode="r|") as entries,
        ):
            for entry in entries:
                file = entries.extractfile(entry) if entry.isreg() else None
                if file is not None:
                    data = file.read(sbom.MOST_BYTES + 1)
                    sbom.read(data, f"{reference}: {sbom.PATH}")
                    return data
    except (CommandFailed, tarfile.TarError) as error:
        says = f"{reference} has no bill of materials at {sbom.PATH}"
        raise UnreadableInput(says, "./dockwright build makes it again once the image is removed") from error
    finally:
        docker.run("rm", "--force", "--volumes", container, check=False)
    raise UnreadableInput(f"{reference}: {sbom.PATH} is no file")
