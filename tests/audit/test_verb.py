"""`dockwright audit --code` as its user types it, on a small locked repository with an index of its own."""

from __future__ import annotations

import json

import pytest
from lock.index import Index
from lock.repo import Repo

SERVICE = "fleet/services/Alpha"


@pytest.fixture
def alpha(repo: Repo) -> Repo:
    """Alpha with code that imports what its own requirements name, and a kit that does the same."""
    write(repo, f"{SERVICE}/alpha/app.py", "import os\nimport three\nfrom alpha import other\n")
    write(repo, f"{SERVICE}/alpha/other.py", "import one\n")
    write(repo, "servicekit/src/servicekit/run.py", "import kit\n")
    return repo


def write(repo: Repo, file: str, text: str) -> None:
    path = repo.root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def findings(repo: Repo, *words: str, code: int = 0) -> list[str]:
    done = repo.run("audit", "--code", "--json", *words)
    assert (done.code, done.err) == (code, ""), done.said
    told = [finding for image in json.loads(done.out)["images"] for finding in image["findings"]]
    return [f"{one['severity']} {one['rule']} {one['file']}:{one['line']} {one['path']}" for one in told]


def test_code_that_imports_what_it_names_is_in_order(alpha: Repo) -> None:
    assert [one for one in findings(alpha, "Alpha") if not one.startswith("info")] == []
    done = alpha.run("audit", "--code", "Alpha")
    assert done.code == 0
    assert "no errors, no warnings" in done.out


def test_what_is_wrong_is_told_with_file_and_line(alpha: Repo) -> None:
    write(
        alpha,
        f"{SERVICE}/alpha/other.py",
        "import one\n\nimport two, cv2\ntry:\n    import ujson\nexcept ImportError:\n    pass\n",
    )
    write(alpha, f"{SERVICE}/alpha/app.py", "import one\n")
    assert findings(alpha, "Alpha", code=1) == [
        f"error missing {SERVICE}/alpha/other.py:3 cv2",
        f"warning transitive {SERVICE}/alpha/other.py:3 two",
        f"warning unused {SERVICE}/requirements.in:1 three",
        f"info optional {SERVICE}/alpha/other.py:5 ujson",
    ]
    done = alpha.run("audit", "--code", "Alpha")
    assert done.code == 1
    assert f"{SERVICE}/alpha/other.py:3: cv2: no locked package brings it" in done.out
    assert "ujson" not in done.out
    assert "ujson" in alpha.run("audit", "--code", "--all", "Alpha").out


def test_the_kit_is_told_of_once_and_beside_services_only(alpha: Repo) -> None:
    write(alpha, "servicekit/src/servicekit/run.py", "import kit, gone\n")
    assert findings(alpha, code=1)[-1] == "error missing servicekit/src/servicekit/run.py:1 gone"
    assert findings(alpha, "web") == [one for one in findings(alpha, "web") if "servicekit" not in one]


def test_what_was_learned_once_is_known_offline(alpha: Repo, pypi: Index) -> None:
    unknown = findings(alpha, "--offline", "Alpha")
    assert f"warning unknown {SERVICE}/alpha/app.py:2 three" in unknown
    assert pypi.paths == []
    assert not any("unknown" in one for one in findings(alpha, "Alpha"))
    asked = len(pypi.paths)
    assert asked
    assert not any("unknown" in one for one in findings(alpha, "--offline", "Alpha"))
    assert len(pypi.paths) == asked


def test_an_index_that_does_not_answer_leaves_things_unknown(alpha: Repo) -> None:
    silent = Repo(alpha.root, "http://127.0.0.1:9/simple")
    assert f"warning unknown {SERVICE}/alpha/app.py:2 three" in findings(silent, "Alpha")


def test_a_reason_beside_a_requirement_keeps_it(alpha: Repo) -> None:
    write(alpha, f"{SERVICE}/alpha/app.py", "import one\n")
    alpha.edit(f"{SERVICE}/requirements.in", "three[more]", "three[more]  # runs: its own thread")
    assert not any(" unused " in one for one in findings(alpha, "Alpha") if "Alpha" in one)


def test_names_are_families_and_services(alpha: Repo) -> None:
    assert alpha.run("audit", "--code", "also-web").code == 0
    wrong = alpha.run("audit", "--code", "Alhpa")
    assert (wrong.code, wrong.out) == (2, "")
    assert "did you mean 'Alpha'" in wrong.err
