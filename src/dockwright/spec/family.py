"""family.toml: what a family's locks must hold to and the blueprint does not speak of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dockwright.spec.declared import Declared, Name

Distribution = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?$", description="a Python package's name: lower case, digits, -"
    ),
]
Release = Annotated[
    str,
    Field(
        pattern=r"^\d+(\.\d+){0,5}((a|b|rc)\d+)?(\.post\d+)?$", description="a release's version, such as 0.6.3.post1"
    ),
]
Library = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_.+-]{1,100}\.so[A-Za-z0-9_.+-]{0,40}$", description="a library, such as libx.so.1")
]
Reason = Annotated[str, Field(min_length=1, max_length=1000, description="a text that is not empty")]


class SourceOnly(Declared):
    """A package that is published as source only: what it needs is declared, so no code of it runs to resolve."""

    requires: tuple[Reason, ...] = Field((), description="what it needs at run time, as requirements")
    reason: Reason = Field(description="why there is no wheel to take")


class Instead(Declared):
    """Another release of a package than those that others ask for."""

    at_least: Release
    reason: Reason = Field(description="why none of the releases that others ask for will do")


class FamilyFile(Declared):
    """fleet/families/<family>/family.toml. What it says holds for the family's descendants and services too."""

    name: Name = Field(description="the family's name: its row's and its folder's")
    budget_mb: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="largest image in MB (10^6 bytes), compressed; the blueprint's goal if none",
    )
    cache: Literal["off", "min", "max"] = Field(
        "off",
        description="what of its builds a registry keeps for others: nothing, the image's layers, or all stages' too",
    )
    floors: dict[Distribution, Release] = Field(
        default_factory=dict,
        description="package -> its lowest acceptable version, such as 0.6.3.post1; else a resolver may go back years",
    )
    without: dict[Distribution, Reason] = Field(
        default_factory=dict,
        description="packages that are left out although others ask for them, each with the reason",
    )
    without_libraries: dict[Library, Reason] = Field(
        default_factory=dict,
        description="system libraries that are left out although files of packages ask for them, each with the reason",
    )
    instead: dict[Distribution, Instead] = Field(
        default_factory=dict, description="packages of which a release is taken that others do not ask for"
    )
    sources: dict[Distribution, SourceOnly] = Field(
        default_factory=dict, description="packages that may be taken as source; all others come as wheels only"
    )
