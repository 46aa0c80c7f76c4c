"""Images that others have built: found in a registry by their input digest, and brought here in place of a build."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from dockwright.build import tags
from dockwright.build.images import LABEL_INPUT, Image
from dockwright.build.moving import Moving, mb
from dockwright.engine import transfer
from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError, EngineUnavailable

if TYPE_CHECKING:
    from dockwright.engine.registry.place import Place
    from dockwright.engine.registry.repository import RemoteImage, Repository

Say = Callable[[str], None]
AT_ONCE = 8


def repository(place: Place, image: Image) -> Repository:
    """Where a registry has an image: its name is the same below every registry."""
    from dockwright.engine.registry.repository import Repository

    return Repository(place.below(image.repository.rpartition("/")[2]))


def pull(docker: Docker, place: Place, images: Mapping[str, Image], say: Say) -> tuple[str, ...]:
    """Bring what the registry has of `images` into the engine; returns their names.

    A registry that does not answer, or lets nobody in, costs a build and fails none.
    """
    try:
        found = look(place, images, say)
    except DockwrightError as error:
        say(f"nothing can be taken from {place}: {error}" + (f" -> {error.remedy}" if error.remedy else ""))
        return ()
    came = []
    for name, remote in found.items():
        source = repository(place, images[name])
        say(f"  {name} from {place}: {mb(sum(layer.size for layer in remote.layers))} at most")
        try:
            transfer.pull(docker, source.place, remote.digest, Moving(name, say))
        except EngineUnavailable:
            raise
        except DockwrightError as error:
            say(f"  {name} cannot be taken from {place}: {error}")
            continue
        docker.run("tag", source.named(remote.digest), tags.by_input(images[name]))
        came.append(name)
    return tuple(came)


def look(place: Place, images: Mapping[str, Image], say: Say) -> dict[str, RemoteImage]:
    """What a registry has of `images`, by name. A tag proves nothing: the image itself has to say the same."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = pool.map(lambda image: repository(place, image).image(tags.input_tag(image)), images.values())
        found = {name: remote for name, remote in zip(images, asked, strict=True) if remote}
    wrong = [name for name, remote in found.items() if remote.labels.get(LABEL_INPUT) != images[name].input_digest]
    for name in wrong:
        say(f"  {name} in {place} is not made from what its tag says; it is built here")
    return {name: remote for name, remote in found.items() if name not in wrong}
