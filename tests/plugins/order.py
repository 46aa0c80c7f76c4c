"""How tests are spread over processes: those that start engines first and all on one, each other file as a whole."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from plugins.abilities import ENGINES

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return ENGINES if nodeid.startswith(ENGINES) else nodeid.split("::")[0]

    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that the other processes have all the rest to do meanwhile."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: not item.nodeid.startswith(ENGINES))
