"""What is installed on which distribution, and the words where nothing may or can be."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine.programs import program

from dockwright.engine import install
from dockwright.engine.install import Host, Plan
from dockwright.errors import CommandFailed, EngineUnavailable

BOOKWORM = Host("debian", "12", "bookworm", root=True, apt=True)


def os_release(folder: Path, text: str) -> Path:
    path = folder / "os-release"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "name", "supported"),
    [
        ('ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n', "debian 12", True),
        ('ID=debian\nVERSION_ID="13"\n', "debian 13", True),
        ('ID=debian\nVERSION_ID="11"\n', "debian 11", False),
        ("ID=debian\nVERSION_CODENAME=forky\n", "debian 0", False),
        ('ID=ubuntu\nVERSION_ID="22.04"\n', "ubuntu 22.04", True),
        ('ID=ubuntu\nVERSION_ID="20.04"\n', "ubuntu 20.04", False),
        ('ID="fedora"\nVERSION_ID=41\n', "fedora 41", False),
        ("garbage without a sign\n=\n", "0", False),
    ],
)
def test_hosts_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str, supported: bool
) -> None:
    program(tmp_path / "bin", "apt-get", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    host = install.read_host(os_release(tmp_path, text))
    assert (host.name, host.supported) == (name, supported)


def test_a_host_without_apt_is_not_supported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    host = install.read_host(os_release(tmp_path, 'ID=debian\nVERSION_ID="12"\n'))
    assert (host.apt, host.supported) == (False, False)


def test_a_host_that_does_not_say_what_it_is(tmp_path: Path) -> None:
    assert not install.read_host(tmp_path / "nothing").supported


def test_only_debian_12_lets_the_next_release_in() -> None:
    plan = install.docker_plan(BOOKWORM)
    assert plan.from_trixie
    assert "Debian 13" in str(plan)
    later = install.docker_plan(Host("debian", "13", "trixie", root=True, apt=True))
    assert (later.packages, later.from_trixie) == (plan.packages, False)
    ubuntu = install.docker_plan(Host("ubuntu", "22.04", "jammy", root=True, apt=True))
    assert (ubuntu.packages, ubuntu.from_trixie) == (install.UBUNTU_DOCKER, False)


def test_the_words_when_packages_are_missing() -> None:
    cases = [
        (Host("fedora", "41", "", root=True, apt=False), True, "fedora 41 is not Debian 12 or newer, nor Ubuntu 22.04"),
        (Host("debian", "12", "", root=False, apt=True), True, "thing is missing and only root can install it"),
        (BOOKWORM, False, "thing is missing and --no-install forbids installing it"),
    ]
    for host, allowed, words in cases:
        said: list[str] = []
        with pytest.raises(EngineUnavailable, match=words) as caught:
            install.ensure("thing", Plan(("one", "two")), host, allowed=allowed, say=said.append)
        assert caught.value.exit_code == 3
        assert "apt-get install one two" in caught.value.remedy or not host.apt
        assert said == []


def test_debian_13_is_let_in_for_dockers_packages_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source stands on this host's own mirror; a pin keeps out all but what is named."""
    source, pins = _etc(tmp_path, monkeypatch)
    targets = (
        "printf '%s\\n' 'ftp://mirror.test/other/|sid|main' 'ftp://mirror.test/debian/|bookworm|main' 'x|y|contrib'"
    )
    _apt(tmp_path, monkeypatch, indextargets=targets)
    install.ensure("Docker", install.docker_plan(BOOKWORM), BOOKWORM, allowed=True, say=lambda _: None)
    assert "URIs: ftp://mirror.test/debian/\nSuites: trixie\n" in source.read_text()
    everything, docker = pins.read_text().split("\n\n")
    assert everything.endswith("Package: *\nPin: release n=trixie\nPin-Priority: -1")
    assert "Package: docker.io docker-cli docker-buildx docker-compose containerd\n" in docker
    assert "runc" not in docker
    called = (tmp_path / "called").read_text().splitlines()
    assert called[-2:] == [
        "update -qq",
        "install -y -q --no-install-recommends docker.io docker-cli docker-buildx docker-compose",
    ]


def test_a_failed_update_leaves_apt_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, pins = _etc(tmp_path, monkeypatch)
    _apt(
        tmp_path,
        monkeypatch,
        indextargets="echo 'http://mirror.test/debian|bookworm|main'",
        update="echo no >&2; exit 100",
    )
    with pytest.raises(CommandFailed, match="apt-get update -qq"):
        install.ensure("Docker", install.docker_plan(BOOKWORM), BOOKWORM, allowed=True, say=lambda _: None)
    assert not source.exists()
    assert not pins.exists()


def test_an_apt_without_debians_archive_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, _ = _etc(tmp_path, monkeypatch)
    _apt(tmp_path, monkeypatch, indextargets="true")
    with pytest.raises(EngineUnavailable, match="apt on this host has no Debian archive configured"):
        install.ensure("Docker", install.docker_plan(BOOKWORM), BOOKWORM, allowed=True, say=lambda _: None)
    assert not source.exists()


@pytest.mark.parametrize("fails", [False, True])
def test_package_scripts_start_nothing_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    """policy-rc.d says no while packages are set up, and is gone afterwards, also when that failed."""
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(install, "POLICY", policy)
    monkeypatch.setattr(install, "service_manager", lambda: False)
    look = f"{policy}; echo Setting up, policy $?; exit {int(fails)}"
    _apt(tmp_path, monkeypatch, install=look)
    said: list[str] = []
    try:
        install.ensure("it", Plan(("it",)), BOOKWORM, allowed=True, say=said.append)
    except CommandFailed:
        assert fails
    assert said == ["it is missing: installing it", "  Setting up, policy 101"]
    assert not policy.exists()


@pytest.mark.parametrize("managed", [False, True])
def test_a_policy_of_the_hosts_own_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, managed: bool
) -> None:
    policy = tmp_path / "policy-rc.d"
    if not managed:
        policy.write_text("the host's own")
    monkeypatch.setattr(install, "POLICY", policy)
    monkeypatch.setattr(install, "service_manager", lambda: managed)
    _apt(tmp_path, monkeypatch)
    install.ensure("it", Plan(("it",)), BOOKWORM, allowed=True, say=lambda _: None)
    assert policy.exists() is not managed


def _etc(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    source, pins = folder / "dockwright.sources", folder / "dockwright-pins"
    monkeypatch.setattr(install, "SOURCE", source)
    monkeypatch.setattr(install, "PINS", pins)
    monkeypatch.setattr(install, "POLICY", folder / "policy-rc.d")
    return source, pins


def _apt(folder: Path, monkeypatch: pytest.MonkeyPatch, **answers: str) -> None:
    """An apt-get that notes how it is called, and answers to each of its verbs as told."""
    branches = "\n".join(f"    {verb}) {answer} ;;" for verb, answer in answers.items())
    script = f'echo "$@" >> {folder}/called\ncase "$1" in\n{branches}\n    *) ;;\nesac'
    program(folder / "bin", "apt-get", script)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")
