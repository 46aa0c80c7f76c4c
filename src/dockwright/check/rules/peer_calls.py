"""A service names every peer that its code calls: an undeclared call has no address and fails at run time."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from dockwright.check import sources
from dockwright.check.facts import Facts
from dockwright.spec.finding import Finding
from dockwright.spec.names import did_you_mean

KIT = {"ServiceRegistry", "CentralErrorBus", "UnifiedObservabilityCenter"}
METHODS = {"url", "health_url", "machines", "call"}


def find(facts: Facts) -> Iterator[Finding]:
    for name, service in facts.fleet.implementations.items():
        known = {*service.calls, *service.depends, *KIT, name}
        for source in sources.of_service(facts.folder, name):
            for peer, line in _peers(source.tree):
                if peer not in known:
                    says = f"calls {peer}, which service.toml does not name in `calls`{did_you_mean(peer, known)}"
                    yield Finding("peer-calls", "error", peer, facts.shown(source.path), line, says)


def _peers(tree: ast.AST | None) -> Iterator[tuple[str, int]]:
    """Names given as texts to `….peers.url("Name")` and its siblings."""
    for node in ast.walk(tree) if tree else ():
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        owner, first = node.func.value, node.args[0]
        whose = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        if whose == "peers" and node.func.attr in METHODS and isinstance(first, ast.Constant):
            yield str(first.value), node.lineno
