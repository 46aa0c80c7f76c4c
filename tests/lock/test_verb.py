"""Each case of tests/cases/lock: a locked repository, something that happens to it, and what `dockwright lock` says.

A case is a TOML file:
  arguments    of `dockwright lock`
  [[edit]]     file, old (must be there exactly as written) and new, before the command
  remove       files
  index        `gone` names packages that vanished from the index; `silent = true`: nothing answers there
  code         the exit code
  says         texts that it must say
  changes      lock files that must change; every other one must be as it was, and none half written
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from lock.index import Index
from lock.repo import CASES, Repo

FILES = sorted(CASES.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.stem))
def test_case(path: Path, repo: Repo, pypi: Index) -> None:
    case = tomllib.loads(path.read_text())
    for edit in case.get("edit", []):
        repo.edit(edit["file"], edit["old"], edit["new"])
    for name in case.get("remove", []):
        (repo.root / name).unlink()
    index = case.get("index", {})
    pypi.removed |= set(index.get("gone", []))
    used = Repo(repo.root, "http://127.0.0.1:9/simple") if index.get("silent") else repo
    before = repo.locks()
    done = used.lock(*case.get("arguments", []))
    after = repo.locks()
    for text in case["says"]:
        assert text in done.said
    assert done.code == case["code"], done.said
    assert sorted(name for name in {*before, *after} if before.get(name) != after.get(name)) == case.get("changes", [])
    assert "Traceback" not in done.said


def test_programs_get_the_same_as_people(repo: Repo) -> None:
    repo.edit("fleet/families/web/requirements.in", "one<2\n", "one<2\nfour\n")
    done = repo.lock("--json")
    told = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert set(told) == {"locks", "changed", "findings", "failures"}
    assert told["changed"] == ["fleet/families/web/requirements.lock", "fleet/services/Alpha/requirements.lock"]
    sizes = {lock["name"]: lock for lock in told["locks"]}
    assert sizes["Alpha"]["whole"] == sizes["web"]["whole"] + sizes["Alpha"]["own"]
    assert sizes["base"]["files"] == ["fleet/families/base/apt.lock"]
    (chain,) = json.loads(repo.lock("--explain", "kit", "--json").out)
    assert chain["chains"] == [[{"source": "servicekit/requirements.in", "requirement": "kit"}]]
