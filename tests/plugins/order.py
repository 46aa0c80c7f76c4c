"""How tests are spread over processes: those that start engines first and all on one, each other file as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from plugins.guard import ENGINES

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling


def one_of_many(config: pytest.Config) -> bool:
    """Whether this process runs tests for another one, which was asked to."""
    return hasattr(config, "workerinput")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return ENGINES if nodeid.startswith(ENGINES) else nodeid.split("::")[0]

    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest first, so that the other processes have all the rest to do meanwhile."""
    if one_of_many(config):
        items.sort(key=lambda item: not item.nodeid.startswith(ENGINES))
