"""Libraries are found where ld.so finds them, in its order."""

from __future__ import annotations

from typing import Any

import pytest
from audit.systems import elf, made

from dockwright.audit.loader import Loader

SITE = "/usr/local/lib/python3.11/dist-packages"
DEFAULT = "/usr/lib/x86_64-linux-gnu"


def found(system_files: dict[str, dict[str, Any]], path: str = "/a.so", **more: Any) -> dict[str, str]:
    """Name -> file, for everything that loading a file brings."""
    loaded = Loader(made(system_files, **more)).load(path)
    return {name: target for (_, name), target in loaded.found.items()} | {name: "" for _, name in loaded.missing}


def test_what_is_needed_is_loaded_with_what_that_needs() -> None:
    files = {"/a.so": elf("libb.so"), f"{DEFAULT}/libb.so": elf("libc.so.6"), f"{DEFAULT}/libc.so.6": elf()}
    assert found(files) == {"libb.so": f"{DEFAULT}/libb.so", "libc.so.6": f"{DEFAULT}/libc.so.6"}
    assert found({"/a.so": elf("libb.so")}) == {"libb.so": ""}


@pytest.mark.parametrize("word", ["$ORIGIN", "${ORIGIN}"])
def test_paths_count_from_where_the_file_lies(word: str) -> None:
    files = {
        f"{SITE}/numpy/core/x.so": elf("libblas.so", runpath=[f"{word}/../../numpy.libs"]),
        f"{SITE}/numpy.libs/libblas.so": elf(),
    }
    assert found(files, f"{SITE}/numpy/core/x.so") == {"libblas.so": f"{SITE}/numpy.libs/libblas.so"}


def test_folders_are_asked_in_the_loaders_order() -> None:
    places = ["/rpath/l.so", "/env/l.so", "/runpath/l.so", "/cached/l.so", "/lib/x86_64-linux-gnu/l.so", "/lib/l.so"]
    more: dict[str, Any] = {"library_path": ["/env"], "cache": [["l.so", "libc6,x86-64", "/cached/l.so"]]}
    files = {place: elf() for place in places}
    for place in places:
        asking = {"rpath": ["/rpath"]} if place == "/rpath/l.so" else {"runpath": ["/runpath"]}
        assert found({"/a.so": elf("l.so", **asking), **files}, **more) == {"l.so": place}
        del files[place]
    assert found({"/a.so": elf("l.so"), **files}, **more) == {"l.so": ""}


def test_rpath_is_inherited_and_runpath_is_not() -> None:
    files = {"/opt/libb.so": elf("libc.so"), "/opt/libc.so": elf()}
    assert found({"/a.so": elf("libb.so", rpath=["/opt"]), **files})["libc.so"] == "/opt/libc.so"
    assert found({"/a.so": elf("libb.so", runpath=["/opt"]), **files})["libc.so"] == ""
    # A RUNPATH of its own, and an object's RPATH counts for nothing any more.
    files["/opt/libb.so"] = elf("libc.so", runpath=["/nowhere"])
    assert found({"/a.so": elf("libb.so", rpath=["/opt"]), **files})["libc.so"] == ""


def test_what_is_loaded_already_answers_to_its_names() -> None:
    files = {
        "/a.so": elf("libb.so", "libuser.so", runpath=["/opt"]),
        "/opt/libb.so": elf(soname="libreal.so.1"),
        "/opt/libuser.so": elf("libreal.so.1", "libb.so"),
    }
    assert found(files) == {
        "libb.so": "/opt/libb.so",
        "libuser.so": "/opt/libuser.so",
        "libreal.so.1": "/opt/libb.so",
    }


def test_libraries_of_another_machine_are_passed_over() -> None:
    files = {
        "/a.so": elf("l.so", runpath=["/32", "/64"]),
        "/32/l.so": elf(kind="EM_386 32"),
        "/64/l.so": elf(),
    }
    assert found(files) == {"l.so": "/64/l.so"}
    assert found({"/a.so": elf("l.so")}, cache=[["l.so", "libc6", "/32/l.so"]]) == {"l.so": ""}


def test_links_are_followed_to_the_file() -> None:
    files = {"/a.so": elf("libz.so.1"), "/usr/lib/x86_64-linux-gnu/libz.so.1.2": elf(soname="libz.so.1")}
    links = {"/lib": "usr/lib", "/usr/lib/x86_64-linux-gnu/libz.so.1": "libz.so.1.2"}
    cache = [["libz.so.1", "libc6,x86-64", "/lib/x86_64-linux-gnu/libz.so.1"]]
    for said in (cache, []):
        assert found(files, links=links, cache=said) == {"libz.so.1": "/usr/lib/x86_64-linux-gnu/libz.so.1.2"}


def test_a_name_with_a_slash_is_a_path() -> None:
    files = {"/opt/a.so": elf("$ORIGIN/sub/l.so", "/x/m.so"), "/opt/sub/l.so": elf(), "/x/m.so": elf()}
    assert found(files, "/opt/a.so") == {"$ORIGIN/sub/l.so": "/opt/sub/l.so", "/x/m.so": "/x/m.so"}


def test_links_in_a_circle_lead_nowhere() -> None:
    system = made({}, links={"/a": "b", "/b": "a", "/up": "../../x", "/abs": "/up/y"})
    assert system.real("/a/x") == "/a/x"
    assert system.real("/abs") == "/x/y"
    assert system.real("/c/./d/../e") == "/c/e"


def test_libraries_that_need_each_other_are_loaded_once() -> None:
    files = {"/a.so": elf("b.so", runpath=["/"]), "/b.so": elf("a.so")}
    assert set(Loader(made(files)).load("/a.so").objects) == {"/a.so", "/b.so"}
