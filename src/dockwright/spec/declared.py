"""The base of everything that is declared: strict, closed, unchangeable, and knowing its place in a file."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from dockwright.spec.document import Table

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="a name: letters, digits, . _ -")]
ServiceName = Annotated[
    str, Field(pattern=r"^[A-Z][A-Za-z0-9]{1,59}$", description="a service's name in CamelCase, 60 letters at most")
]
Port = Annotated[int, Field(ge=1, le=65535, description="a port number from 1 to 65535")]
Megabytes = Annotated[int, Field(ge=1, le=2**26, description="mebibytes, a whole number above 0")]


class Declared(BaseModel):
    """A part of the declaration; `line("port")` is where it says so."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    _table: Table | None = PrivateAttr(default=None)

    @model_validator(mode="wrap")
    @classmethod
    def _remember(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        made = handler(data)
        if isinstance(data, Table):
            made._table = data
        return made

    @property
    def file(self) -> str:
        """The file that declares this, relative to the repository; empty when it came from no file."""
        return self._table.document.file if self._table is not None else ""

    def line(self, *keys: str | int) -> int:
        """The line, from 1, of a key below this value, or of the value itself."""
        return self._table.document.line((*self._table.path, *keys)) if self._table is not None else 1

    def __eq__(self, other: object) -> bool:
        """Equal values are equal wherever they stand."""
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]
