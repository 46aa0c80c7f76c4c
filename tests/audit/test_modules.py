"""Which modules a distribution brings, and where that is known from."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockwright.audit import learn
from dockwright.audit.modules import Modules, brought
from dockwright.errors import UnreadableInput
from dockwright.lock.files import File
from dockwright.lock.pins import Pin


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["cv2/__init__.py", "cv2/cv2.abi3.so", "opencv_python-4.dist-info/RECORD"], ("cv2",)),
        (["six.py", "six-1.dist-info/METADATA"], ("six",)),
        (["_cffi_backend.cpython-311-x86_64-linux-gnu.so", "cffi/__init__.py"], ("_cffi_backend", "cffi")),
        (["google/cloud/storage/__init__.py", "google/cloud/storage/blob.py"], ("google.cloud.storage",)),
        (["nvidia/cudnn/__init__.py", "nvidia/cudnn/lib/libcudnn.so.9"], ("nvidia.cudnn",)),
        (["name/space/one.py", "name/space/two.so"], ("name.space.one", "name.space.two")),
        (["numpy.libs/libopenblas.so", "../../../bin/f2py", "x-stubs/a.pyi", "3x/a.py", "a.pth"], ()),
    ],
)
def test_modules_are_what_can_be_imported(files: list[str], names: tuple[str, ...]) -> None:
    assert brought(files) == names


PARTS = st.lists(st.sampled_from(["a", "b", "__init__"]), min_size=1, max_size=3)


@given(st.lists(PARTS.map(lambda parts: "/".join(parts) + ".py"), max_size=8))
def test_no_name_lies_below_another_and_every_module_is_covered(files: list[str]) -> None:
    names = brought(files)
    assert not any(one != other and one.startswith(f"{other}.") for one in names for other in names)
    for file in files:
        dotted = file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        if dotted != "__init__":
            assert any(dotted == name or dotted.startswith(f"{name}.") for name in names)


def test_a_namespace_belongs_to_whoever_brings_what_is_taken_from_it() -> None:
    modules = Modules({"storage": ("google.cloud.storage",), "pubsub": ("google.cloud.pubsub",), "yaml": ("yaml",)})
    assert modules.bringing("google.cloud", "storage") == {"storage"}
    assert modules.bringing("google.cloud.pubsub.client") == {"pubsub"}
    assert modules.bringing("google") == modules.bringing("google.cloud", "other") == {"storage", "pubsub"}
    assert modules.bringing("yaml", "safe_load") == {"yaml"}
    assert modules.bringing("yam") == modules.bringing("yamls") == frozenset()


def pin(name: str, version: str = "1.0") -> Pin:
    return Pin(name, version, ("sha256:0",))


def test_what_is_known_of_no_release_stays_unknown() -> None:
    modules = learn.modules({"a": pin("a"), "b": pin("b", "2.0")}, {"a==1.0": ("x",), "b==1.0": ("y",)})
    assert modules == Modules({"a": ("x",)}, frozenset({"b"}))


def test_what_was_learned_is_noted_beside_what_was_known(tmp_path: Path) -> None:
    notes = tmp_path / "audit" / "modules.json"
    assert learn.noted(notes) == {}
    learn.note(notes, {"a==1": ("a",)})
    learn.note(notes, {"b==1": ("b", "c")})
    assert learn.noted(notes) == {"a==1": ("a",), "b==1": ("b", "c")}
    before = notes.stat().st_mtime_ns
    learn.note(notes, {"a==1": ("a",)})
    assert notes.stat().st_mtime_ns == before
    notes.write_text(json.dumps({"a==1": ["a"], "b==1": "b", "c==1": [1]}))
    assert learn.noted(notes) == {"a==1": ("a",)}
    notes.write_text("[")
    with pytest.raises(UnreadableInput):
        learn.noted(notes)


def test_of_a_wheel_its_table_of_contents_is_read(tmp_path: Path) -> None:
    path = tmp_path / "opencv_python-4-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name in (
            "cv2/__init__.py",
            "opencv_python-4.data/platlib/native.abi3.so",
            "opencv_python-4.dist-info/RECORD",
        ):
            wheel.writestr(name, "")
    assert brought(learn.contents(File(path.name, str(path), "", 0)) or ()) == ("cv2", "native")
    path.write_bytes(b"PK nonsense")
    assert learn.contents(File(path.name, str(path), "", 0)) is None
    assert learn.contents(File("gone.whl", str(tmp_path / "gone.whl"), "", 0)) is None
