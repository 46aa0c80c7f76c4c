"""What a build is given of the host's own configuration: the nearest wins, nothing that a build cannot reach."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from dockwright.build import secrets


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host without any configuration but what a test writes into its home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(secrets, "PIP_FILES", [str(tmp_path / "etc-pip.conf"), "~/.config/pip/pip.conf"])
    return tmp_path


def pip(folder: Path, name: str, **settings: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[global]\n" + "".join(f"{key.replace('_', '-')} = {value}\n" for key, value in settings.items()))
    return path


def read(text: str) -> dict[str, str]:
    reader = configparser.RawConfigParser()
    reader.read_string(text)
    return dict(reader["global"])


def test_a_host_with_pips_defaults_gives_nothing() -> None:
    assert secrets.pip_configuration({}) == ""


def test_the_users_file_wins_over_the_systems_and_the_environment_over_both(home: Path) -> None:
    pip(home, "etc-pip.conf", index_url="https://system.test/simple", trusted_host="system.test", timeout="9")
    assert read(secrets.pip_configuration({})) == {
        "index-url": "https://system.test/simple",
        "trusted-host": "system.test",
    }
    pip(home, ".config/pip/pip.conf", index_url="https://user.test/simple")
    assert read(secrets.pip_configuration({}))["index-url"] == "https://user.test/simple"
    named = pip(home, "named.conf", index_url="https://named.test/simple")
    assert read(secrets.pip_configuration({"PIP_CONFIG_FILE": str(named)}))["index-url"] == "https://named.test/simple"
    environ = {"PIP_CONFIG_FILE": str(named), "PIP_INDEX_URL": "https://env.test/simple"}
    assert read(secrets.pip_configuration(environ))["index-url"] == "https://env.test/simple"


def test_indexes_on_this_hosts_disk_are_left_out(home: Path) -> None:
    pip(home, "etc-pip.conf", index_url="file:///opt/simple", extra_index_url="/opt/a https://b.test/simple file:///c")
    assert read(secrets.pip_configuration({})) == {"extra-index-url": "https://b.test/simple"}


def test_a_password_with_a_percent_sign_stays_as_it_is(home: Path) -> None:
    pip(home, "etc-pip.conf", index_url="https://me:p%40ss@index.test/simple")
    assert read(secrets.pip_configuration({}))["index-url"] == "https://me:p%40ss@index.test/simple"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"no section", b"[global\n", b"[install]\nindex-url = x\n", b""])
def test_a_file_that_pip_would_refuse_decides_nothing(home: Path, content: bytes) -> None:
    (home / "etc-pip.conf").write_bytes(content)
    assert secrets.pip_configuration({}) == ""


def test_proxies_are_passed_on_as_they_are_named() -> None:
    environ = {"HTTPS_PROXY": "http://proxy.test:3128", "no_proxy": "localhost", "HTTP_PROXY": "", "OTHER": "x"}
    assert secrets.proxies(environ) == {"HTTPS_PROXY": "http://proxy.test:3128", "no_proxy": "localhost"}
