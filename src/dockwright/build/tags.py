"""How images are tagged. Inside the tool images are known by digest; tags are for people, registries and retention.

- by input digest: `input-<32 digits>`, made by the build itself. It is how an image of equal inputs is found again, in
  an engine or a registry, whatever commit asks for it. It moves once at most: from what was built of inputs that were
  not committed yet to what a commit built of the same.
- by commit: `YYYYMMDD-<git_sha>`, for instances with `-<machine>`. A new commit gives it to what is already there.

No build makes or moves a tag for the last healthy release, which is what `prev` means (ticket 0030): a build is not a
release, and knows nothing of health.
"""

from __future__ import annotations

from dockwright.build.images import Image
from dockwright.build.origin import Origin
from dockwright.build.parts import DIGEST

LENGTH = 32


def by_input(image: Image) -> str:
    """The reference of an image with these inputs."""
    return f"{image.repository}:{input_tag(image)}"


def input_tag(image: Image) -> str:
    """The tag by which an image of these inputs is found again, here and in registries."""
    return f"input-{image.input_digest.removeprefix(DIGEST)[:LENGTH]}"


def by_commit(image: Image, origin: Origin) -> str:
    """The reference of an image as a commit has it."""
    return f"{image.repository}:{tag(image, origin)}"


def tag(image: Image, origin: Origin) -> str:
    """The tag that a commit gives an image."""
    return f"{image.tag_prefix}{origin.tag}{image.tag_suffix}"
