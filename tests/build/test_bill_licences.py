"""Licences are SPDX's identifiers where a package leaves no doubt, and its own words otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from bill import licences
from build.file_systems import bill, components, deb, made
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st

FORMAT = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
FORMAL = f"""{FORMAT}Upstream-Name: x
License: GPL-2+

Files: *
Copyright: somebody
License: GPL-2+ or Artistic
 Its text, with a line that says
 License: nothing

Files: debian/*
License: Expat

License: unused-one
 Text
"""
INFORMAL = """This is x.
On Debian, see /usr/share/common-licenses/GPL-2, or `/usr/share/common-licenses/LGPL-2.1'.
It lies in /usr/share/common-licenses/GPL.
"""


def one(text: str) -> str:
    """A single License field of Debian's format, as it is told."""
    (found,) = licences.debian(f"{FORMAT}\nFiles: *\nLicense: {text}\n")
    return found


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-3", "GPL-3.0-only"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("LGPL-2.0+", "LGPL-2.0-or-later"),
        ("AGPL-3", "AGPL-3.0-only"),
        ("GFDL-1.3+", "GFDL-1.3-or-later"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("Expat", "MIT"),
        ("zlib", "Zlib"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("curl", "curl"),
        ("Apache-2", "Apache-2.0"),
        ("LGPL-3+ or GPL-2+", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
        ("ISC  and/or   Expat", "ISC OR MIT"),
        ("GPL-3+ and ISC", "GPL-3.0-or-later AND ISC"),
        ("GPL-3+ with Bison exception", "GPL-3.0-or-later WITH Bison-exception-2.2"),
        ("GPL-2+ with Autoconf exception", "GPL-2.0-or-later WITH Autoconf-exception-2.0"),
        ("GPL-3+ with autoconf exception", "GPL-3.0-or-later WITH Autoconf-exception-3.0"),
        ("GPL-2 with Linux-syscall-note exception", "GPL-2.0-only WITH Linux-syscall-note"),
        # What is none of SPDX's stays as it is, and so does what it stands with.
        ("public-domain", "public-domain"),
        ("GPL-2+ with Autoconf-data exception", "GPL-2+ with Autoconf-data exception"),
        ("Artistic or GPL-1+", "Artistic or GPL-1+"),
        ("GPL-1+ or Artistic, and Expat", "GPL-1+ or Artistic, and Expat"),
        ("GPL", "GPL"),
        ("GPL-9", "GPL-9"),
    ],
)
def test_debians_names(said: str, told: str) -> None:
    assert one(said) == told


def test_a_formal_copyright_file_is_read_by_its_paragraphs() -> None:
    assert licences.debian(FORMAL) == ("GPL-2+ or Artistic", "GPL-2.0-or-later", "MIT")


def test_an_informal_one_by_the_texts_that_it_refers_to() -> None:
    assert licences.debian(INFORMAL) == ("GPL", "GPL-2.0-only", "LGPL-2.1-only")
    assert licences.debian("Do what you like.") == ()


@pytest.mark.parametrize(
    ("expression", "field", "classifiers", "told"),
    [
        ("MIT", "BSD", [], ("MIT",)),
        ("MIT OR Apache-2.0", "", [], ("MIT OR Apache-2.0",)),
        ("", "mit", [], ("MIT",)),
        ("", "MIT License", [], ("MIT",)),
        ("", "Apache License, Version 2.0", [], ("Apache-2.0",)),
        ("", "BSD-3", [], ("BSD-3-Clause",)),
        ("", "BSD", ["License :: OSI Approved :: BSD License"], ("BSD",)),
        ("", "NVIDIA Proprietary Software", [], ("NVIDIA Proprietary Software",)),
        ("", "", ["License :: OSI Approved :: MIT License", "Topic :: x"], ("MIT",)),
        ("", "UNKNOWN", ["License :: OSI Approved :: BSD License"], ("BSD License",)),
        ("", "Copyright\n and three pages", ["License :: OSI Approved :: MIT License"], ("MIT",)),
        ("", "Copyright  2020\n and three pages", [], ("Copyright 2020",)),
        ("", "x" * 1000, [], ("x" * 100,)),
        ("", "", [], ()),
        ("\n", " \n", [], ()),
    ],
)
def test_what_python_packages_say(expression: str, field: str, classifiers: list[str], told: tuple[str, ...]) -> None:
    assert licences.python(expression, field, classifiers) == told


def test_a_single_expression_several_licences_and_none_at_all(tmp_path: Path) -> None:
    doc = "usr/share/doc/{}/copyright"
    files = {
        doc.format("one"): f"{FORMAT}\nFiles: *\nLicense: LGPL-3+ or GPL-2+\n",
        doc.format("some"): FORMAL,
        doc.format("text"): f"{FORMAT}\nFiles: *\nLicense: public-domain\n",
    }
    debian = [deb(name, "1") for name in ("none", "one", "some", "text", "linked")]
    image = made(tmp_path / "image", debian, [], files)
    (image / "usr/share/doc/linked").symlink_to("one")
    text = bill(image, tmp_path)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    expression = [{"expression": "LGPL-3.0-or-later OR GPL-2.0-or-later"}]
    assert {name: component.get("licenses") for name, component in components(text).items()} == {
        "none": None,
        "one": expression,
        "linked": expression,
        "text": [{"license": {"name": "public-domain"}}],
        "some": [
            {"license": {"id": "GPL-2.0-or-later"}},
            {"license": {"id": "MIT"}},
            {"license": {"name": "GPL-2+ or Artistic"}},
        ],
    }


WORDS = st.sampled_from(
    ["GPL-2+", "MIT", "and", "or", "with", "exception", ",", "(", ")", "and/or", "WITH", "AND", "x"]
)


@given(st.lists(WORDS | st.text(max_size=5), max_size=8).map(" ".join))
def test_any_text_is_a_licence_that_the_schema_takes(text: str) -> None:
    for found in (licences.debian(f"{FORMAT}\nFiles: *\nLicense: {text}\n"), licences.python(text, text, [text])):
        for name in found:
            assert name.strip() and not (licences.is_id(name) and licences.is_compound(name))
