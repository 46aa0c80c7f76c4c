"""fleet/build/slim_wheels.py as a build runs it, on small made wheels."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

FOLDER = Path(__file__).parents[2] / "fleet" / "build"
INFO = "thing-1.0.dist-info"
PLAIN = {"thing/__init__.py": "import os\n", f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n"}


def row(name: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}"


def wheel(folder: Path, files: dict[str, str | bytes]) -> Path:
    """A wheel called thing, with a RECORD that is true."""
    path = folder / "thing-1.0-py3-none-any.whl"
    contents = {name: text.encode() if isinstance(text, str) else text for name, text in {**PLAIN, **files}.items()}
    lines = [*(row(name, data) for name, data in contents.items()), f"{INFO}/RECORD,,"]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in {**contents, f"{INFO}/RECORD": "\n".join(lines).encode()}.items():
            target.writestr(zipfile.ZipInfo(name), data)
    return path


def slim(path: Path) -> Path:
    """The wheel as it is installed, after it was held against the list of what is to be installed."""
    folder, target = path.parent, path.parent / "slim"
    (folder / "wheels.lock").write_text(f"Thing==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n")
    words = (sys.executable, "-B", FOLDER / "slim_wheels.py", folder, FOLDER / "unused.txt", target)
    subprocess.run(words, check=True)
    made = target / path.name
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    assert (target / "wheels.lock").read_text() == f"Thing==1.0 --hash=sha256:{digest}\n"
    return made


def names(path: Path) -> set[str]:
    """What a wheel holds, after its RECORD was held against it."""
    with zipfile.ZipFile(path) as found:
        held = {name: found.read(name) for name in found.namelist()}
    recorded = set(held[f"{INFO}/RECORD"].decode().splitlines())
    assert recorded == {
        *(row(name, data) for name, data in held.items() if not name.endswith("RECORD")),
        f"{INFO}/RECORD,,",
    }
    return set(held)


def left(tmp_path: Path, files: dict[str, str | bytes]) -> set[str]:
    """Which of these files stay."""
    return names(slim(wheel(tmp_path, files))) & files.keys()


def test_tests_stubs_and_what_only_compilers_read_go(tmp_path: Path) -> None:
    going: dict[str, str | bytes] = dict.fromkeys(
        ("thing/tests/__init__.py", "thing/sub/test/data/a.bin", "thing/a.pyi", "thing/a.pyx", "thing/lib/liba.a"),
        "x=1\n",
    )
    staying: dict[str, str | bytes] = dict.fromkeys(
        (
            "thing/testing.py",
            "thing/latest/a.py",
            "thing/a.h",
            "thing/py.typed",
            "tests/top.py",
            f"{INFO}/licenses/a/tests/LICENSE",
        ),
        "x=1\n",
    )
    assert left(tmp_path, going | staying) == staying.keys()


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("thing/a.py", "from thing.tests import helper\n"),
        ("thing/a.py", "import thing.tests.helper as h\n"),
        ("thing/a.py", "def late():\n    from thing import tests\n"),
        ("thing/a.py", "from . import tests\n"),
        ("thing/sub/a.py", "from ..tests.helper import x\n"),
        ("thing/__init__.py", "from .tests import helper\n"),
    ],
)
def test_tests_that_a_module_imports_stay(tmp_path: Path, module: str, text: str) -> None:
    files: dict[str, str | bytes] = {"thing/tests/__init__.py": "", "thing/tests/helper.py": "x=1\n", module: text}
    assert left(tmp_path, files) == files.keys()


def test_tests_that_only_tests_import_go_and_tests_that_staying_tests_import_stay(tmp_path: Path) -> None:
    used: dict[str, str | bytes] = {
        "thing/a.py": "from thing.tests import one\n",
        "thing/tests/one.py": "from thing.sub.tests import two\n",
        "thing/sub/tests/two.py": "x=1\n",
    }
    other: dict[str, str | bytes] = {
        "thing/other/tests/three.py": "from thing.last.tests import four\n",
        "thing/last/tests/four.py": "x=1\n",
        "thing/broken.py": "from thing.last import tests\nprint 'Python 2'\n",
    }
    assert left(tmp_path, used | other) == {*used, "thing/broken.py"}


def test_stubs_that_are_read_at_run_time_stay(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "thing/__init__.py": "import lazy_loader\nlazy_loader.attach_stub(__name__, __file__)\n",
        "thing/__init__.pyi": "from .a import b\n",
    }
    assert left(tmp_path, files) == files.keys()


def test_a_script_goes_with_its_module(tmp_path: Path) -> None:
    path = wheel(
        tmp_path,
        {
            "thing/tests/__main__.py": "",
            "thing/tests/run.py": "",
            f"{INFO}/entry_points.txt": "[console_scripts]\nthing = thing:main\ncheck = thing.tests.run:main\n",
        },
    )
    made = slim(path)
    names(made)
    with zipfile.ZipFile(made) as found:
        assert found.read(f"{INFO}/entry_points.txt") == b"[console_scripts]\nthing = thing:main\n"


def test_a_wheel_of_which_everything_is_used_is_left_alone(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"thing/a.py": "x=1\n"})
    assert slim(path).readlink() == path


def test_what_others_check_stays_as_it_was(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"thing/tests/a.py": "x=1\n"})
    before = path.read_bytes()
    assert len(slim(path).read_bytes()) < len(before)
    assert path.read_bytes() == before


def test_equal_wheels_become_equal_wheels(tmp_path: Path) -> None:
    made = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        made.append(slim(wheel(tmp_path / name, {"thing/tests/a.py": "x=1\n"})).read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("data", [b"\x7fELF\x01\x01" + bytes(200), b"GROUP ( a.so )", b""])
def test_other_files_stay_as_they_are(tmp_path: Path, data: bytes) -> None:
    path = wheel(tmp_path, {"thing/a.so": data})
    assert slim(path).readlink() == path


# test_contents.py on an engine looks at real ones: this package's tests need nothing of the machine.
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_a_library_loses_what_only_debuggers_read_and_is_found_as_before(tmp_path: Path) -> None:
    name, library = "thing/a.cpython-311-x86_64-linux-gnu.so", tmp_path / "a.so"
    (tmp_path / "a.c").write_text("int answer(void) { return 42; }\n")
    subprocess.run(("cc", "-g", "-shared", "-fPIC", "-o", library, tmp_path / "a.c"), check=True)
    before = described(library)
    with zipfile.ZipFile(slim(wheel(tmp_path, {name: library.read_bytes()}))) as found:
        cut = found.read(name)
    assert len(cut) < library.stat().st_size
    library.write_bytes(cut)
    after = described(library)
    assert {".symtab", ".debug_info"} <= before.keys()
    assert after == {name: section for name, section in before.items() if section["sh_flags"] & 2}
    script = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).answer())"
    done = subprocess.run((sys.executable, "-c", script, library), check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "42"


def described(path: Path) -> dict[str, dict[str, int]]:
    """What an ELF file says of its sections, but for where names stand and links go."""
    with path.open("rb") as file:
        sections = list(ELFFile(file).iter_sections())
    keys = ("sh_flags", "sh_addr", "sh_offset", "sh_size", "sh_entsize")
    return {each.name: {key: int(each[key]) for key in keys} for each in sections if each.name not in ("", ".shstrtab")}
