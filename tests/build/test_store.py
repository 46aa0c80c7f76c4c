"""What an image in an engine's store says of itself."""

from __future__ import annotations

import pytest

from dockwright.build.store import Stored

SHA = "59b51f84018bb1c7c1cdc27540fcfbff72a5bfb3"


def image(tag: str) -> Stored:
    return Stored("sha256:1", f"registry.example:5000/fleet/thing:{tag}", SHA, tag, "sha256:inputs")


@pytest.mark.parametrize(
    ("tag", "dirty"),
    [
        ("20261124-59b51f84018b", False),
        ("20261124-59b51f84018b-dirty", True),
        ("20261124-59b51f84018b-mainpc", False),
        ("20261124-59b51f84018b-dirty-mainpc", True),
        ("3.11-slim-20261124-59b51f84018b", False),
        ("3.11-slim-20261124-59b51f84018b-dirty", True),
        ("20261124-unknown-dirty-main.pc", True),
        ("20261124-59b51f84018b-dirty_machine", False),
    ],
)
def test_an_image_of_a_dirty_work_tree_is_known_by_its_tag(tag: str, dirty: bool) -> None:
    assert image(tag).dirty is dirty
