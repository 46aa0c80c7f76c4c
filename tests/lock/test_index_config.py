"""Which index is asked: the host's own, whichever of its tools was told."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockwright.lock import index


@pytest.fixture(autouse=True)
def no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "PIP_FILES", ())
    monkeypatch.setattr(index, "UV_FILES", ())


def test_a_host_without_settings_asks_the_default() -> None:
    assert index.environment({}) == {}


def test_what_pip_was_told_goes_for_uv_too(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://one.test/simple\nextra-index-url =\n  file:///opt/x https://two.test/s\n"
    )
    told = {"UV_DEFAULT_INDEX": "https://one.test/simple", "UV_INDEX": "https://two.test/s"}
    assert index.environment({"PIP_CONFIG_FILE": str(file)}) == told
    assert index.environment({"PIP_CONFIG_FILE": str(file), "PIP_INDEX_URL": "https://three.test/s"}) == told | {
        "UV_DEFAULT_INDEX": "https://three.test/s"
    }


def test_an_index_on_this_hosts_disk_is_left_out() -> None:
    assert index.environment({"PIP_INDEX_URL": "file:///opt/pypi/simple", "PIP_EXTRA_INDEX_URL": "/opt/more"}) == {}


def test_what_uv_itself_was_told_wins(tmp_path: Path) -> None:
    pip = {"PIP_INDEX_URL": "https://one.test/simple"}
    assert index.environment(pip | {"UV_DEFAULT_INDEX": "https://two.test/simple"}) == {}
    for text in ('index-url = "https://x.test"\n', "[pip]\nno-index = true\n", '[[index]]\nurl = "https://x.test"\n'):
        (tmp_path / "uv.toml").write_text(text)
        assert index.environment(pip | {"UV_CONFIG_FILE": str(tmp_path / "uv.toml")}) == {}
    (tmp_path / "uv.toml").write_text("offline = true\n")
    assert index.environment(pip | {"UV_CONFIG_FILE": str(tmp_path / "uv.toml")}) != {}


def test_a_broken_file_decides_nothing(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"[global\n\xff")
    assert (
        index.environment({"PIP_CONFIG_FILE": str(tmp_path / "broken"), "UV_CONFIG_FILE": str(tmp_path / "broken")})
        == {}
    )
