"""What is missing in an image, what only seems to be, and which packages nothing uses."""

from __future__ import annotations

from typing import Any

from audit.systems import elf, made, package

from dockwright.audit.idle import Use
from dockwright.audit.native import Natives
from dockwright.audit.system import Call, Deb, System

SITE = "/usr/local/lib/python3.11/dist-packages"
LIB = "/usr/lib/x86_64-linux-gnu"


def release(*files: str, requires: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"site": SITE, "files": list(files), "requires": list(requires)}


def lacks(system: System) -> list[tuple[str, str, str, str]]:
    """(who, library, version, beside)."""
    return [(str(lack.owner), lack.library, lack.version, lack.beside) for lack in Natives(system).lacks()]


def test_a_library_that_nobody_finds_is_missing_once_for_all_files_of_a_package() -> None:
    files = {f"{SITE}/ort/{name}.so": elf("libnvinfer.so.10") for name in "ab"}
    system = made(files, releases={"ORT_gpu==1": release("ort/a.so", "ort/b.so")})
    (lack,) = Natives(system).lacks()
    assert (str(lack.owner), lack.library) == ("ort-gpu", "libnvinfer.so.10")
    assert lack.files == (f"{SITE}/ort/a.so", f"{SITE}/ort/b.so")


def test_what_the_driver_brings_is_not_missing() -> None:
    natives = Natives(made({"/a.so": elf("libcuda.so.1", "libnvidia-ml.so.1", "libcudart.so.12")}))
    assert natives.from_driver == {"libcuda.so.1", "libnvidia-ml.so.1"}
    assert [lack.library for lack in natives.lacks()] == ["libcudart.so.12"]


def test_what_a_loader_with_an_rpath_finds_is_found() -> None:
    files = {"/p/main.so": elf("libone.so", rpath=["/p/libs"]), "/p/libs/libone.so": elf("libtwo.so")}
    assert lacks(made({**files, "/p/libs/libtwo.so": elf()})) == []
    assert [lack[1] for lack in lacks(made(files))] == ["libtwo.so"]


def test_what_a_required_package_brings_is_loaded_before() -> None:
    files = {
        f"{SITE}/torchvision/_C.so": elf("libtorch.so"),
        f"{SITE}/torch/lib/libtorch-1.so": elf(soname="libtorch.so"),
    }
    releases = {
        "torch==1": release("torch/lib/libtorch-1.so"),
        "torchvision==1": release("torchvision/_C.so", requires=("middle (>=1)", "odd requirement!")),
        "middle==1": release(requires=("Torch[x]; extra == 'y'",)),
    }
    beside = f"{SITE}/torch/lib/libtorch-1.so"
    assert lacks(made(files, releases=releases)) == [("torchvision", "libtorch.so", "", beside)]
    releases["middle==1"] = release()
    assert lacks(made(files, releases=releases)) == [("torchvision", "libtorch.so", "", "")]


def test_a_version_that_a_library_has_not_got_is_missing() -> None:
    asking = elf("libc.so.6", wants={"libc.so.6": ["GLIBC_2.34", "GLIBC_2.38"]})
    files = {"/a.so": asking, f"{LIB}/libc.so.6": elf(gives=["GLIBC_2.34"])}
    assert [lack[1:3] for lack in lacks(made(files))] == [("libc.so.6", "GLIBC_2.38")]
    # A library without versions is taken as it is.
    assert lacks(made({**files, f"{LIB}/libc.so.6": elf()})) == []


DEBIAN = {
    "status": package("python3.11", "libz", "libold", Depends="libold | libnew (>= 2), libz:any", Installed_Size="7")
    + package("tool", "helper", Essential="yes")
    + package("data", Priority="required")
    + "Package: gone\nStatus: deinstall ok config-files\n",
    "lists": {
        "python3.11": ["/.", "/bin", "/bin/python3", "/usr/lib/python3.11/lib-dynload/zlib.so"],
        "libz:amd64": ["/lib/x86_64-linux-gnu/libz.so.1"],
        "libold": ["/lib/x86_64-linux-gnu/libold.so"],
        "tool": ["/bin/tool"],
        "helper": ["/bin/helper", "/bin/script"],
        "data": ["/usr/share/zoneinfo/UTC"],
    },
    "links": {"/bin": "usr/bin", "/lib": "usr/lib"},
}
FILES = {
    "/usr/bin/python3": elf(),
    "/usr/lib/python3.11/lib-dynload/zlib.so": elf("libz.so.1"),
    f"{LIB}/libz.so.1": elf(),
    f"{LIB}/libold.so": elf(),
    "/usr/bin/tool": elf("libold.so"),
    "/usr/bin/helper": elf(),
}


def idle(*run: str, **more: Any) -> list[str]:
    system = made({**FILES, **more.pop("files", {})}, **{**DEBIAN, **more})
    return [one.deb.name for one in Use(system, Natives(system), run).idle()]


def test_dpkgs_status_is_read() -> None:
    debs = made({}, **DEBIAN).debs
    assert debs["libz"] == Deb("libz", (("libold", "libnew"), ("libz",)), (), essential=False, size=7168)
    assert debs["tool"].essential
    assert debs["data"].essential
    assert "gone" not in debs


def test_a_package_that_nothing_links_to_or_runs_is_idle() -> None:
    assert idle("python3") == ["helper", "libold", "tool"]
    assert idle("python3", "tool") == ["helper"]
    assert idle("python3", "/bin/helper") == ["libold", "tool"]


def test_who_depends_on_an_idle_package_is_told() -> None:
    system = made(FILES, **DEBIAN)
    wanted = {one.deb.name: one.wanted_by for one in Use(system, Natives(system), ("python3",)).idle()}
    assert wanted == {"helper": (), "libold": ("libz", "python3.11"), "tool": ()}


def test_python_packages_use_what_they_link_to_and_what_they_name() -> None:
    assert idle("python3", files={f"{SITE}/x.so": elf("libold.so")}, releases={"x==1": release("x.so")}) == [
        "helper",
        "tool",
    ]
    called = [["program", "tool", f"{SITE}/x.py", 3], ["library", "libold.so.2", f"{SITE}/x.py", 4]]
    assert idle("python3", calls=called, releases={"x==1": release("x.py")}) == ["helper"]
    # Debian's own Python names browsers and compilers: that is no sign of use.
    lists = {**DEBIAN["lists"], "libstdlib": ["/usr/lib/python3.11/webbrowser.py"]}  # type: ignore[dict-item]
    stdlib = [["program", "tool", "/usr/lib/python3.11/webbrowser.py", 1]]
    assert idle("python3", calls=stdlib, lists=lists) == ["helper", "libold", "tool"]


def test_scripts_use_their_interpreters() -> None:
    assert idle("python3", scripts={"/usr/local/bin/x": "/usr/bin/env tool"}) == ["helper"]
    assert idle("python3", scripts={"/usr/bin/script": "/bin/tool -e"}) == ["helper", "libold", "tool"]
    assert idle("script", "python3", scripts={"/usr/bin/script": "/bin/tool -e"}) == []


def test_programs_are_looked_for_where_a_shell_looks() -> None:
    system = made(FILES, **{**DEBIAN, "scripts": {"/usr/local/bin/own": ""}})
    assert [system.program(name) for name in ("tool", "/bin/tool", "own", "no", "/no")] == [
        "/usr/bin/tool",
        "/usr/bin/tool",
        "/usr/local/bin/own",
        "",
        "",
    ]
    assert system.calls == ()
    assert made({}, calls=[["program", "x", "/app/a.py", 1]]).calls == (Call("program", "x", "/app/a.py", 1),)
