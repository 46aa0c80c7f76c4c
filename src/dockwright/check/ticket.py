"""Change-control records: Markdown files with TOML front matter between two lines of `+++`."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from dockwright.spec import document, words
from dockwright.spec.declared import Declared
from dockwright.spec.finding import Finding, SpecError

FOLDER = "change-control"
NAME = re.compile(r"^(\d{4})-[a-z0-9]+(-[a-z0-9]+)*\.md$")
Story = Annotated[str, Field(min_length=1, max_length=8000, description="a text that is not empty")]
Change = Annotated[
    str,
    Field(
        pattern=r"^[^\s:]+: .+ -> .+$",
        max_length=8000,
        description="`path: old -> new`, as `dockwright change` writes it",
    ),
]


class Ticket(Declared):
    """One record. A deviation permits exactly the differences that it names; an interpretation names none."""

    number: int = Field(ge=1, le=9999, description="the number in the file's name")
    date: date
    title: Story = Field(description="what changes, in one line")
    kind: Literal["deviation", "interpretation"] = Field(
        "deviation", description="deviation: frozen values change; interpretation: how a section is read"
    )
    status: Literal["decided", "open"] = Field("decided", description="open: the decision still has to be made")
    section: str = Field(pattern=r"^[A-H](, [A-H])*$", description="the blueprint's sections, such as B, E")
    about: tuple[str, ...] = Field((), description="declared paths that an open decision or a reading concerns")
    changes: tuple[Change, ...] = Field((), description="each difference from the blueprint, `path: old -> new`")
    why: Story = Field(description="why the blueprint's value does not hold")
    evidence: Story = Field(description="what was seen or measured")
    undo: Story = Field(description="how to go back")


Ticket.model_rebuild()


def read_tickets(folder: Path) -> tuple[tuple[Ticket, ...], list[Finding]]:
    """Every ticket of a fleet folder, by number, and what is wrong with the files."""
    tickets: list[Ticket] = []
    findings: list[Finding] = []
    for path in sorted((folder / FOLDER).glob("*.md")):
        file = f"{folder.name}/{FOLDER}/{path.name}"
        if path.name == "README.md":
            continue
        try:
            tickets.append(_read(path, file))
        except SpecError as error:
            findings += error.findings
    return tuple(tickets), findings


def _read(path: Path, file: str) -> Ticket:
    match = NAME.match(path.name)
    if not match:
        says = "expected a name such as 0014-what-changes.md"
        raise SpecError([Finding("tickets", "error", path.name, file, 1, says)])
    table = document.parse(_front_matter(document.text_of(path, file), file), file)
    try:
        ticket = Ticket.model_validate(table)
    except ValidationError as error:
        raise SpecError(words.findings(error, Ticket, table)) from None
    if ticket.number != int(match[1]):
        says = f"expected {int(match[1])}, the number in the file's name"
        raise SpecError([Finding("tickets", "error", "number", file, ticket.line("number"), says)])
    return ticket


def _front_matter(text: str, file: str) -> str:
    """The front matter, on the lines where it stands in the file."""
    lines = text.splitlines()
    marks = [number for number, line in enumerate(lines) if line.strip() == "+++"]
    if len(marks) < 2 or marks[0] != 0:
        says = "expected front matter: the first line is +++, and another +++ ends it"
        raise SpecError([Finding("tickets", "error", Path(file).name, file, 1, says)])
    return "\n".join(["", *lines[1 : marks[1]], ""])
