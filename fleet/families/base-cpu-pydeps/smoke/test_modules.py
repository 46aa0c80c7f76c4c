"""base-cpu-pydeps and what stands on it: nothing that was left out of a package keeps another one from its work."""

import importlib
import struct
from importlib import metadata
from pathlib import Path


def test_every_package_can_be_imported() -> None:
    broken = {}
    for distribution in metadata.distributions():
        files = [path.parts[0] for path in distribution.files or () if path.suffix == ".py" and ".." not in path.parts]
        for name in {part.removesuffix(".py") for part in files}:
            try:
                importlib.import_module(name)
            except ImportError as error:
                broken[name] = str(error)
    assert broken == {}, broken


def test_what_numpy_has_for_others_tests_works() -> None:
    testing = importlib.import_module("numpy.testing")
    testing.assert_allclose([1.0], [1.0 + 1e-12])


def section_names(path: Path) -> bytes:
    """The names of an ELF file's sections, each between two zero bytes."""
    data = path.read_bytes()
    (start,) = struct.unpack_from("<Q", data, 40)
    size, count, index = struct.unpack_from("<HHH", data, 58)
    if not count:
        return b""
    position, length = struct.unpack_from("<QQ", data, start + size * index + 24)
    return data[position : position + length]


def test_compiled_modules_say_nothing_to_debuggers() -> None:
    files = [Path(str(path.locate())) for one in metadata.distributions() for path in one.files or ()]
    libraries = [path for path in files if ".so" in path.name]
    found = [str(path) for path in libraries if b"\0.debug_info\0" in section_names(path)]
    assert len(libraries) > 10, libraries
    assert found == [], found
