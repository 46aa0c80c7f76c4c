"""The client of registries, on a real one: artifacts, what refers to what, names, and what is refused."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dockwright.engine.registry import artifact, documents
from dockwright.engine.registry.artifact import File
from dockwright.engine.registry.repository import Repository
from dockwright.errors import DockwrightError, Unreachable
from engines.registry import Registry

pytestmark = pytest.mark.engines
KIND = "application/vnd.dockwright.test.v1+json"


@pytest.fixture
def repository(registry: Registry) -> Repository:
    return Repository(registry.place.below("things"))


def test_an_artifact_comes_back_as_it_was(repository: Repository, registry: Registry, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(range(256)) * 40_000)
    moved: list[int] = []
    files = [File("record.json", b'{"a":1}', "application/json"), File("large.bin", large)]
    digest = artifact.push(repository, KIND, files, annotations={"who": "tests"}, tag="one", moved=moved.append)

    assert sum(moved) == large.stat().st_size + len(b'{"a":1}') + len(b"{}")
    assert repository.digest("one") == digest == repository.digest(digest)
    found = artifact.look(repository, "one")
    assert found is not None
    assert (found.kind, found.digest, found.annotations["who"]) == (KIND, digest, "tests")
    assert artifact.read(repository, found, "record.json") == b'{"a":1}'
    (got,) = artifact.fetch(repository, found, ["large.bin"], tmp_path / "into")
    assert got.read_bytes() == large.read_bytes()
    # The same content has the same digest, and nothing is sent twice.
    moved.clear()
    assert artifact.push(repository, KIND, files, annotations={"who": "tests"}, moved=moved.append) == digest
    assert moved == []


def test_names_are_listed_given_and_taken(repository: Repository) -> None:
    assert repository.tags() == []
    assert repository.digest("none") is None
    assert artifact.look(repository, "none") is None
    digest = artifact.push(repository, KIND, [File("x", b"1")], tag="a")
    assert repository.tag("a", "b") == digest
    assert repository.tags() == ["a", "b"]
    assert repository.delete(digest)
    assert not repository.delete(digest)
    assert repository.digest("b") is None


def test_what_refers_to_a_manifest_is_found_without_the_registrys_help(repository: Repository) -> None:
    subject = artifact.push(repository, KIND, [File("x", b"1")], tag="subject")
    assert artifact.referrers(repository, subject) == []
    first = artifact.push(repository, "application/vnd.a", [File("a", b"a")], subject=subject, annotations={"n": "1"})
    second = artifact.push(repository, "application/vnd.b", [File("b", b"b")], subject=subject)
    again = artifact.push(repository, "application/vnd.a", [File("a", b"a")], subject=subject, annotations={"n": "1"})
    assert again == first
    assert [each.digest for each in artifact.referrers(repository, subject)] == [first, second]
    (only,) = artifact.referrers(repository, subject, "application/vnd.a")
    assert (only.digest, only.notes) == (first, {"n": "1"})
    about = artifact.look(repository, first)
    assert about is not None
    assert about.subject == subject
    with pytest.raises(DockwrightError, match="nothing can be attached"):
        artifact.push(repository, KIND, [File("x", b"1")], subject=documents.digest_of(b"nothing"))


def test_two_who_refer_at_once_are_both_found(registry: Registry, repository: Repository) -> None:
    subject = artifact.push(repository, KIND, [File("x", b"1")])
    made: list[str] = []

    def attach(number: int) -> None:
        mine = Repository(registry.place.below("things"))
        made.append(artifact.push(mine, f"application/vnd.n{number}", [File("n", b"%d" % number)], subject=subject))

    threads = [threading.Thread(target=attach, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.digest for each in artifact.referrers(repository, subject)} == set(made)


def test_spoiled_content_never_gets_a_name(repository: Repository, registry: Registry, tmp_path: Path) -> None:
    digest = artifact.push(repository, KIND, [File("x", b"good content")])
    found = artifact.look(repository, digest)
    assert found is not None
    registry.blob(found.files["x"].digest).write_bytes(b"evil content")
    with pytest.raises(DockwrightError, match="other content than its digest says"):
        artifact.fetch(repository, found, ["x"], tmp_path / "into")
    assert list((tmp_path / "into").iterdir()) == []


def test_a_registry_that_went_away_is_unreachable(repository: Repository, registry: Registry) -> None:
    registry.kill()
    with pytest.raises(Unreachable, match=f"the registry {registry.host} does not answer: Connection refused"):
        repository.digest("x")
    registry.start()
    assert repository.digest("x") is None
