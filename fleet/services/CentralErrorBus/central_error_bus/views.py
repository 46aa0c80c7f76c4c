"""Between the API's models and what is kept."""

from __future__ import annotations

import json

from central_error_bus import models
from central_error_bus.core import texts
from central_error_bus.core.record import Incoming, Kept
from central_error_bus.follow import Lost
from central_error_bus.store.groups import KeptGroup


def incoming(given: models.ErrorIn) -> Incoming:
    kind, message, trace = texts.clean(given.kind), texts.clean(given.message), texts.clean(given.trace or "")
    context, context_cut = texts.context(given.context)
    whole = {"kind": len(kind) <= models.KIND, "message": len(message) <= texts.MESSAGE}
    whole |= {"trace": len(trace) <= texts.TRACE, "context": not context_cut}
    return Incoming(
        given.service,
        given.machine,
        models.micros(given.at),
        given.level,
        kind[: models.KIND],
        texts.head(message, texts.MESSAGE),
        texts.middle_out(trace, texts.TRACE),
        context,
        " ".join(name for name, fits in whole.items() if not fits),
        given.id,
    )


def error(kept: Kept) -> models.ErrorView:
    found = kept.error
    return models.ErrorView.model_validate(
        {
            "number": kept.number,
            "id": found.id,
            "service": found.service,
            "machine": found.machine,
            "at": models.utc(found.at),
            "received_at": models.utc(kept.received_at),
            "level": found.level,
            "kind": found.kind,
            "message": found.message,
            "trace": found.trace,
            "context": json.loads(found.context),
            "cut": found.cut.split(),
            "group": kept.group,
            "opened": kept.opened or None,
        }
    )


def group(kept: KeptGroup) -> models.GroupView:
    return models.GroupView.model_validate(
        {
            "id": kept.fingerprint,
            "service": kept.service,
            "kind": kept.kind,
            "pattern": kept.pattern,
            "frames": kept.frames,
            "count": kept.count,
            "first_seen": models.utc(kept.first_seen),
            "last_seen": models.utc(kept.last_seen),
            "last_number": kept.last_number,
            "machines": [
                {"machine": one.name, "count": one.count, "last_seen": models.utc(one.last_seen)}
                for one in kept.machines
            ],
            "state": kept.state,
            "changed_at": models.utc(kept.changed_at),
            "note": kept.note,
            "reopened": kept.reopened,
            "sample": {**kept.sample, "at": models.utc(kept.sample["at"])},
        }
    )


def lost(found: Lost) -> models.LostView:
    return models.LostView(after=str(found.after), up_to=str(found.up_to))
