"""What images share, what a saved image says of its layers, and whose a file is."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockwright.build import contents, layers
from dockwright.build.contents import Part
from dockwright.build.layers import Layer
from dockwright.build.sharing import Measured, Size, Sized, Totals
from dockwright.cli.sized import Told
from dockwright.cli.verbs import sizes
from dockwright.errors import UnreadableInput, UsageError
from dockwright.spec.load import load_fleet

ROOT = Path(__file__).parents[2]
ABOVE = {"root": Layer(100, 40, stored=False), "python": Layer(30, 10, stored=True), "app": Layer(5, 2, stored=True)}
FLEET = Measured({"base": ["root"], "web": ["root", "python"], "one": ["root", "python", "app"]}, ABOVE)


def test_what_one_image_has_alone_is_unique_and_the_rest_shared() -> None:
    assert FLEET.sized() == {
        "base": Sized(Size(0, 0), Size(100, 40)),
        "web": Sized(Size(0, 0), Size(130, 50)),
        "one": Sized(Size(5, 2), Size(130, 50)),
    }
    assert FLEET.totals(FLEET.images) == Totals(Size(365, 142), Size(135, 52))
    assert FLEET.totals(["web"]) == Totals(Size(130, 50), Size(130, 50))


@st.composite
def fleets(draw: st.DrawFn) -> Measured:
    digests = draw(st.lists(st.text("abcdef", min_size=1, max_size=3), min_size=1, max_size=8, unique=True))
    number = st.integers(0, 10**12)
    known = {digest: Layer(draw(number), draw(number), draw(st.booleans())) for digest in digests}
    names = st.sampled_from(["a", "b", "c", "d", "e"])
    return Measured(draw(st.dictionaries(names, st.lists(st.sampled_from(digests), max_size=10))), known)


@given(fleets())
def test_unique_and_shared_make_up_each_image_and_the_whole_store(fleet: Measured) -> None:
    found, total = fleet.sized(), fleet.totals(fleet.images)
    for name, digests in fleet.images.items():
        assert found[name].whole.unpacked == sum(fleet.layers[digest].unpacked for digest in set(digests))
        elsewhere = {digest for other in fleet.images if other != name for digest in fleet.images[other]}
        assert found[name].shared.compressed == sum(fleet.layers[each].compressed for each in {*digests} & elsewhere)
    assert total.images.unpacked == sum(size.whole.unpacked for size in found.values())
    unique = sum(size.unique.unpacked for size in found.values())
    shared = {each for name, digests in fleet.images.items() for each in digests if _holders(fleet, each) > 1}
    assert total.stored.unpacked == unique + sum(fleet.layers[each].unpacked for each in shared)
    assert total.stored.compressed <= total.images.compressed


def _holders(fleet: Measured, digest: str) -> int:
    return sum(digest in digests for digests in fleet.images.values())


@given(fleets())
def test_one_more_image_makes_nothing_unique_that_was_not(fleet: Measured) -> None:
    more = Measured({**fleet.images, "more": list(fleet.layers)}, fleet.layers)
    assert all(more.sized()[name].unique == Size(0, 0) for name in fleet.images)
    assert more.totals(["more"]).stored == more.totals(more.images).stored


def tar(files: dict[str, bytes], links: dict[str, str] | None = None) -> io.BytesIO:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = (tarfile.LNKTYPE if target in files else tarfile.SYMTYPE), target
            archive.addfile(entry)
    return io.BytesIO(made.getvalue())


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_layers_are_measured_as_they_are_stored_or_compressed_on_the_way() -> None:
    plain, other, unpacked = b"root" * 9000, b"known" * 9000, b"packages" * 9000
    packed = gzip.compress(unpacked)
    saved = tar({f"blobs/sha256/{sha256(blob)}": blob for blob in (b'{"config": 1}', plain, other, packed)})
    wanted = {f"sha256:{sha256(plain)}", f"sha256:{sha256(unpacked)}"}
    found = dict(layers.saved(saved, wanted))
    assert found.keys() == wanted
    assert found[f"sha256:{sha256(unpacked)}"] == Layer(len(unpacked), len(packed), stored=True)
    made = found[f"sha256:{sha256(plain)}"]
    assert (made.unpacked, made.stored) == (len(plain), False)
    # The same deflate stream; gzip's own head may hold a time, never another length.
    assert made.compressed == len(gzip.compress(plain, layers.LEVEL))


def test_measured_layers_are_noted_and_other_shapes_are_measured_again(tmp_path: Path) -> None:
    notes = tmp_path / "state" / "layers.json"
    assert layers.noted(notes) == {}
    layers.note(notes, ABOVE)
    assert layers.noted(notes) == ABOVE
    notes.write_text('{"a": [1, 2, true], "b": [1, 2], "c": [1, "2", true], "d": null}')
    assert layers.noted(notes) == {"a": Layer(1, 2, stored=True)}
    notes.write_text("[")
    with pytest.raises(UnreadableInput):
        layers.noted(notes)


def test_each_file_belongs_to_the_package_that_brought_it() -> None:
    packages = "usr/local/lib/python3.11/dist-packages"
    record = "numpy/core.py,sha256=x,7\n../../../bin/f2py,,3\nnumpy-2.0.dist-info/RECORD,,\n"
    files = {
        "usr/bin/bash": b"12345",
        "usr/lib/python3.11/os.py": b"123",
        "usr/lib/python3.11/__pycache__/os.cpython-311.pyc": b"1234",
        "var/lib/dpkg/info/bash.list": b"/.\n/bin\n/bin/bash\n",
        "var/lib/dpkg/info/libpython3.11-minimal:amd64.list": b"/usr/lib/python3.11/os.py\n",
        f"{packages}/numpy/core.py": b"1234567",
        f"{packages}/numpy/__pycache__/core.cpython-311.opt-1.pyc": b"12",
        f"{packages}/numpy-2.0.dist-info/RECORD": record.encode(),
        "usr/local/bin/f2py": b"123",
        f"{packages}/servicekit/web.py": b"123456789",
        "app/service.toml": b"12",
        "etc/hostname": b"1",
    }
    read = contents.read(tar(files, {"bin": "usr/bin", "usr/bin/rbash": "usr/bin/bash"}))
    found = contents.parts(read)
    lists = len(files["var/lib/dpkg/info/bash.list"]) + 26
    assert found == sorted(
        [
            Part("debian", "bash", 5, 1),
            Part("debian", "libpython3.11-minimal", 7, 2),
            Part("python", "numpy", 12 + len(record), 4),
            Part("kit", "servicekit", 9, 1),
            Part("application", "app", 2, 1),
            Part("other", "/etc", 1, 1),
            Part("other", "/var/lib/dpkg", lists, 2),
        ],
        key=lambda part: -part.size,
    )
    assert sum(part.size for part in found) == sum(map(len, files.values()))


def told(budgets: dict[str, int], *names: str) -> Told:
    absent = {"later": "not built", "last": "not built"}
    return Told(FLEET, names or ("base", "web", "one", "later"), budgets, {"base": 7, "one": 9_000_000}, absent)


def test_families_over_their_budget_are_named() -> None:
    assert told({"base": 40, "web": 50}).over == []
    over = told({"base": 40, "web": 49})
    assert over.over == ["web"]
    assert [row[-1].split(" ")[-1] for row in over.rows()] == ["under", "over", ""]
    assert told({"base": 40, "web": 49}, "base").over == []


def test_beside_each_image_stands_what_its_packages_weigh() -> None:
    assert [row[3] for row in told({}).rows()] == ["0 kB", "-", "9.0 MB"]
    images = told({}).as_json()["images"]
    assert isinstance(images, list)
    assert [image["packages"] for image in images] == [7, None, 9_000_000]
    service = Told(Measured({"mainpc/One": ["root"]}, FLEET.layers), ["mainpc/One"], {}, {"One": 2_000_000}, {})
    assert [row[3] for row in service.rows()] == ["2.0 MB"]


def test_what_is_absent_is_told_when_it_was_asked_for() -> None:
    assert told({}).as_json()["absent"] == {"later": "not built"}
    assert "not built: later" in told({}).closing()
    assert "not built" not in told({}, "base").closing()


def test_names_are_families_services_and_instances() -> None:
    fleet = load_fleet(ROOT / "fleet")
    assert sizes.asked(fleet, ["family-cpu-pydeps"]) == ["base-cpu-pydeps"]
    assert sizes.asked(fleet, ["SelfHealingSupervisor", "base-python"]) == [
        "base-python",
        "mainpc/SelfHealingSupervisor",
        "pc2/SelfHealingSupervisor",
    ]
    assert sizes.asked(fleet, ["pc2/SelfHealingSupervisor"]) == ["pc2/SelfHealingSupervisor"]
    assert len(sizes.asked(fleet, [])) == len(fleet.by_generation()) + len(fleet.instances())
    with pytest.raises(UsageError, match="family-web"):
        sizes.asked(fleet, ["family-wep"])
