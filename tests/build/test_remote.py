"""What registries say of images: read as far as it has the shape that this tool writes, whoever wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from build.small import checkout, planned

from dockwright.build import parts, remote
from dockwright.build.images import LABEL_INPUT, LABEL_PARTS, Image
from dockwright.engine.registry.documents import Descriptor
from dockwright.engine.registry.repository import RemoteImage

LAYERS = tuple(
    Descriptor(media_type="application/vnd.oci.image.layer.v1.tar+gzip", digest=f"sha256:{digit * 64}", size=size)
    for digit, size in (("1", 10), ("2", 20))
)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return planned(checkout(tmp_path_factory.mktemp("remote")))["family-web"]


def test_layers_are_known_by_their_diff_ids() -> None:
    found = RemoteImage("sha256:m", {"rootfs": {"diff_ids": ["sha256:a", "sha256:b"]}}, LAYERS)
    assert remote._layers(found) == {"sha256:a": 10, "sha256:b": 20}


@pytest.mark.parametrize("config", [{}, {"rootfs": 1}, {"rootfs": {}}, {"rootfs": {"diff_ids": "ab"}}, {"rootfs": []}])
def test_a_configuration_of_another_shape_says_nothing_of_layers(config: dict[str, Any]) -> None:
    assert remote._layers(RemoteImage("sha256:m", config, LAYERS)) == {}


def test_fewer_layers_than_promised_are_those_that_there_are() -> None:
    found = RemoteImage("sha256:m", {"rootfs": {"diff_ids": ["sha256:a", 2, "sha256:c"]}}, LAYERS)
    assert remote._layers(found) == {"sha256:a": 10, "2": 20}


def test_an_image_tells_what_it_was_made_of(image: Image) -> None:
    labels = {LABEL_PARTS: parts.record(image.parts), LABEL_INPUT: image.input_digest}
    found = remote._stored(image, "host/family-web:tag", RemoteImage("sha256:m", {"config": {"Labels": labels}}, ()))
    assert found.parts is not None
    assert parts.changes(found.parts, image.parts) == ()
    assert (found.name, found.input_digest, found.reference) == (
        "family-web",
        image.input_digest,
        "host/family-web:tag",
    )
    assert remote.unknown([found], {"family-web": image, "other": image}) == {"other": image}


@pytest.mark.parametrize("labels", [None, [], {LABEL_PARTS: "no"}, {LABEL_PARTS: 1}])
def test_an_image_that_tells_nothing_is_not_compared_with(image: Image, labels: object) -> None:
    found = remote._stored(image, "host/family-web:tag", RemoteImage("sha256:m", {"config": {"Labels": labels}}, ()))
    assert found.parts is None
    assert remote.unknown([found], {"family-web": image}) == {"family-web": image}
    assert Path(found.reference).name == "family-web:tag"
