"""machines.toml: every machine's engine and address, the user's own file over the repository's."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockwright.spec.address import load_addresses, user_file
from dockwright.spec.finding import SpecError

MACHINES = {"mainpc": None, "pc2": None}


def addresses(tmp_path: Path, repository: str, own: str = "") -> dict[str, tuple[str, str | None]]:
    folder = tmp_path / "fleet"
    folder.mkdir()
    (folder / "machines.toml").write_text(repository)
    mine = tmp_path / "mine.toml"
    if own:
        mine.write_text(own)
    found = load_addresses(folder, MACHINES, mine)
    return {name: (one.engine, one.host) for name, one in found.items()}


def test_a_users_own_file_replaces_machine_by_machine(tmp_path: Path) -> None:
    repository = '[mainpc]\nengine = "local"\n[pc2]\nengine = "ssh://me@pc2"\nhost = "pc2"\n'
    own = '[pc2]\nengine = "ssh://you@10.0.0.2:2222"\nhost = "10.0.0.2"\n'
    assert addresses(tmp_path, repository, own) == {
        "mainpc": ("local", None),
        "pc2": ("ssh://you@10.0.0.2:2222", "10.0.0.2"),
    }


def test_no_file_is_no_address(tmp_path: Path) -> None:
    assert load_addresses(tmp_path, MACHINES, tmp_path / "none.toml") == {}


@pytest.mark.parametrize(
    ("text", "line", "path", "says"),
    [
        ('[pc3]\nengine = "local"\n', 1, "pc3", "there is no machine 'pc3'; did you mean 'pc2'?"),
        ('pc2 = "local"\n', 1, "pc2", "expected a table"),
        ('[pc2]\nengine = "http://x"\n', 2, "pc2.engine", '"local", unix:///path, ssh://user@host or tcp://host:port'),
        ('[pc2]\nengine = "ssh://-oProxyCommand=x"\nhost = "h"\n', 2, "pc2.engine", "ssh://user@host"),
        ('[pc2]\nengine = "ssh://me@pc2"\n', 1, "pc2.host", "is missing"),
        ('[pc2]\nengine = "tcp://10.0.0.2:2376"\nhost = "h"\n', 2, "pc2.engine", "needs `certificates`"),
        ('[pc2]\nengine = "local"\ncertificates = "/c"\n', 3, "pc2.certificates", "tcp:// only"),
        ('[pc2]\nengine = "local"\nhosts = "x"\n', 3, "pc2.hosts", "did you mean 'host'"),
        ("[pc2]\nhost = 'x'\n", 1, "pc2.engine", "engine"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, line: int, path: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        addresses(tmp_path, text)
    found = caught.value.findings[0]
    assert (found.file, found.line, found.path) == ("fleet/machines.toml", line, path)
    assert says in found.message


def test_everything_wrong_in_both_files_comes_at_once(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        addresses(tmp_path, "[pc3]\n", "[pc2]\nengine = 7\n")
    assert len(caught.value.findings) == 2


def test_the_users_file_is_where_they_say() -> None:
    assert user_file({"DOCKWRIGHT_MACHINES": "/m.toml"}) == Path("/m.toml")
    assert user_file({"XDG_CONFIG_HOME": "/c"}) == Path("/c/dockwright/machines.toml")


@pytest.mark.parametrize("follow", ["release", "20261124-59b51f84018b", "20261124-59b51f84018b-2", ""])
def test_a_machine_may_follow_releases(tmp_path: Path, follow: str) -> None:
    (tmp_path / "machines.toml").write_text(f'[pc2]\nengine = "local"\nfollow = "{follow}"\nregistry = "r.test/x"\n')
    found = load_addresses(tmp_path, MACHINES, tmp_path / "none.toml")["pc2"]
    assert (found.follow, found.registry) == (follow, "r.test/x")


@pytest.mark.parametrize("follow", ["latest", "main", "20261124", "release "])
def test_what_is_no_release_cannot_be_followed(tmp_path: Path, follow: str) -> None:
    (tmp_path / "machines.toml").write_text(f'[pc2]\nengine = "local"\nfollow = "{follow}"\n')
    with pytest.raises(SpecError, match="follow"):
        load_addresses(tmp_path, MACHINES, tmp_path / "none.toml")
