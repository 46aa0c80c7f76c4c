"""Bounds and shapes of what comes from outside."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

SERVICE_NAME: Final = r"^[A-Z][A-Za-z0-9]{1,59}$"
MACHINE_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"

ServiceName = Annotated[str, Field(pattern=SERVICE_NAME)]
MachineName = Annotated[str, Field(pattern=MACHINE_NAME)]
Megabytes = Annotated[int, Field(ge=0, le=2**40)]
Cpus = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Percent = Annotated[float, Field(ge=0, le=10_000_000, allow_inf_nan=False)]


class Heard(BaseModel):
    """What another program said: strict about what is needed here, lenient about what it says besides."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


def first_fault(error: ValidationError) -> str:
    """In one short line."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    return f"{place}: {fault['msg']}"[:300]
