"""Licences as SPDX names them, where what a package says of itself leaves no doubt; else in its own words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cyclonedx.spdx import fixup_id, is_expression

# Debian's short names are those of its copyright format 1.0.
GNU = re.compile(r"(?P<name>[AL]?GPL|GFDL|GFDL-NIV)-(?P<version>\d(?:\.\d)?)(?P<later>\+)?")
DEBIAN = {"apache-2": "Apache-2.0", "bsl-1": "BSL-1.0", "expat": "MIT", "mpl-1": "MPL-1.0", "mpl-2": "MPL-2.0"}
EXCEPTIONS = {
    "autoconf": "Autoconf-exception-3.0",
    "bison": "Bison-exception-2.2",
    "libtool": "Libtool-exception",
    "linux-syscall-note": "Linux-syscall-note",
    "texinfo": "Texinfo-exception",
}
# What Python packages write in their own way, in small letters.
PYTHON = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd-3": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "the unlicense (unlicense)": "Unlicense",
}
CLASSIFIER = "License :: "
# A field that is longer holds the licence itself.
LONG = 100


def debian(copyright_file: str) -> tuple[str, ...]:
    """What a package's copyright file says: each licence of its files once."""
    if re.search(r"^Format(-Specification)?:", copyright_file, re.MULTILINE):
        names = _fields(copyright_file)
    else:
        # Written for people, it refers by policy to those texts that every Debian has.
        names = (name.rstrip(".") for name in re.findall(r"/common-licenses/([A-Za-z0-9.-]+)", copyright_file))
    return tuple(sorted({_debian(name) or name for name in names if name}))


def python(expression: str, field: str, classifiers: list[str]) -> tuple[str, ...]:
    """What a distribution's metadata says, the newest way of saying it first."""
    if expression.strip():
        return (_spdx(expression) or _line(expression),)
    field = "" if field.strip() == "UNKNOWN" else field.strip()
    if field and len(field) <= LONG and "\n" not in field:
        return (_python(field),)
    named = sorted({_python(each.rsplit(" :: ", 1)[1]) for each in classifiers if each.startswith(CLASSIFIER)})
    return tuple(named) or ((_line(field),) if field else ())


def is_id(text: str) -> bool:
    return fixup_id(text) == text


def is_compound(text: str) -> bool:
    """Whether a text is an expression of SPDX's identifiers, and not only of what people call licences."""
    words = re.split(r"\s+(?:AND|OR)\s+", text.replace("(", "").replace(")", ""))
    named = all(is_id(word.split(" WITH ")[0].strip()) for word in words)
    return named and not is_id(text) and is_expression(text)


def _fields(copyright_file: str) -> Iterator[str]:
    """The first line of each License field; a paragraph with nothing else only writes a licence's text down."""
    for number, paragraph in enumerate(re.split(r"\n\s*\n", copyright_file.strip())):
        if number == 0 or re.search(r"^Files:", paragraph, re.MULTILINE):
            match = re.search(r"^License:[ \t]*(.*)$", paragraph, re.MULTILINE)
            yield " ".join(match[1].split()) if match else ""


def _debian(text: str) -> str | None:
    """`GPL-2+ or Expat` as `GPL-2.0-or-later OR MIT`; None where a part of it is none of SPDX's."""
    parts = re.split(r"\s+(and/or|and|or)\s+", text)
    names = [_term(part) for part in parts[::2]]
    if None in names:
        return None
    between = {"and": " AND ", "or": " OR ", "and/or": " OR "}
    return "".join(f"{name}{between.get(word, '')}" for name, word in zip(names, [*parts[1::2], ""], strict=True))


def _term(text: str) -> str | None:
    name, _, rest = text.partition(" with ")
    found = _gnu(name) or DEBIAN.get(name.lower()) or fixup_id(name)
    if found is None or not rest:
        return found
    exception = EXCEPTIONS.get(rest.removesuffix(" exception").lower())
    if exception == EXCEPTIONS["autoconf"] and found.startswith("GPL-2"):
        exception = "Autoconf-exception-2.0"
    return f"{found} WITH {exception}" if exception else None


def _gnu(text: str) -> str | None:
    match = GNU.fullmatch(text)
    if not match:
        return None
    version = match["version"] if "." in match["version"] else f"{match['version']}.0"
    end = "or-later" if match["later"] else "only"
    if match["name"] == "GFDL-NIV":
        return fixup_id(f"GFDL-{version}-no-invariants-{end}")
    return fixup_id(f"{match['name']}-{version}-{end}")


def _python(text: str) -> str:
    return PYTHON.get(text.lower()) or _spdx(text) or _line(text)


def _spdx(text: str) -> str | None:
    text = " ".join(text.split())
    return fixup_id(text) or (text if is_compound(text) else None)


def _line(text: str) -> str:
    return " ".join(text.strip().splitlines()[0].split())[:LONG]
