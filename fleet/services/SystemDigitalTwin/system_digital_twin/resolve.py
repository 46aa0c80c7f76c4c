"""From a question's words to a change. An instance is touched once at most, so that the order says nothing."""

from __future__ import annotations

from system_digital_twin.core.change import Change
from system_digital_twin.core.needs import Key, Needs, Placed
from system_digital_twin.core.span import NOTHING, UNKNOWN, Span, exactly
from system_digital_twin.rooms import thousandths
from system_digital_twin.wishes import Given, Question

UNTOLD = Needs(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, None, None)
SOME_CARD = Span(1, None)


class Contradiction(ValueError):
    """The question cannot be meant so."""


def resolve(question: Question, known: Placed, base: Placed) -> Change:
    """`known`: where the needs of known services come from; `base`: what is there. Raises Contradiction."""
    return _Resolving(known, base).resolve(question)


class _Resolving:
    def __init__(self, known: Placed, base: Placed) -> None:
        self._base = base
        self._known = {key.service: needs for key, needs in sorted(known.items(), reverse=True)}
        self._gone: set[Key] = set()
        self._put: dict[Key, Needs] = {}

    def resolve(self, question: Question) -> Change:
        for gone in question.remove:
            self._take(Key(gone.service, gone.machine))
        for move in question.move:
            self._place(Key(move.service, move.target), self._take(Key(move.service, move.origin)))
        for change in question.change:
            key = Key(change.service, change.machine)
            self._touch(key)
            self._put[key] = merge(self._there(key), change)
        for new in question.add:
            self._place(Key(new.service, new.machine), merge(self._known.get(new.service, UNTOLD), new))
        return Change(frozenset(self._gone), self._put)

    def _touch(self, key: Key) -> None:
        if key in self._gone or key in self._put:
            raise Contradiction(f"{key} is touched more than once")

    def _there(self, key: Key) -> Needs:
        if key not in self._base:
            raise Contradiction(f"{key} is not there")
        return self._base[key]

    def _take(self, key: Key) -> Needs:
        self._touch(key)
        needs = self._there(key)
        self._gone.add(key)
        return needs

    def _place(self, key: Key, needs: Needs) -> None:
        self._touch(key)
        if key in self._base:
            raise Contradiction(f"{key} is there already")
        self._put[key] = needs


def merge(needs: Needs, given: Given) -> Needs:
    """`needs` with what is given in their place."""
    return Needs(
        _or(given.memory, needs.memory),
        _gpu(needs.gpu_memory, given),
        _or(given.disk_mb, needs.disk),
        _or(thousandths(given.cpus), needs.cpu),
        needs.port if given.port is None else given.port,
        needs.health_port if given.health_port is None else given.health_port,
    )


def _or(given: int | None, otherwise: Span) -> Span:
    return otherwise if given is None else exactly(given)


def _gpu(known: Span, given: Given) -> Span:
    if given.gpu_memory_mb is not None:
        return exactly(given.gpu_memory_mb)
    if given.gpu is None:
        return known
    if given.gpu is False:
        return NOTHING
    return known if known.low else SOME_CARD
