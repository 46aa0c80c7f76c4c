"""Requests that fit and that do not, made from each service's own description: none is answered with a 5xx."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from running import Running
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BOUNDED = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # a failing request is small enough to read, and shrinking takes minutes
    suppress_health_check=list(HealthCheck),
)


def test_no_request_breaks_the_service(service: Running) -> None:
    schema = schemathesis.openapi.from_url(f"{service.url}/openapi.json")
    headers = {"Authorization": f"Bearer {service.token}"}
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        if streams(operation.definition.raw):
            continue
        for mode in modes(operation.definition.raw):

            @BOUNDED
            @given(case=operation.as_strategy(mode))
            def ask(case: Case[Any]) -> None:
                response = case.call(headers=headers, timeout=10)
                case.validate_response(response, checks=CHECKS)

            try:
                ask()
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, operation.label  # everything fits, so nothing misfits
    assert not [line for line in service.lines if line["message"] == "a request failed"]


def modes(operation: dict[str, Any]) -> list[GenerationMode]:
    """What takes no input cannot be given any that does not fit."""
    return list(GenerationMode) if {"parameters", "requestBody"} & set(operation) else [GenerationMode.POSITIVE]


def streams(operation: dict[str, Any]) -> bool:
    """Whether the answer never ends."""
    return any("text/event-stream" in found.get("content", {}) for found in operation["responses"].values())
