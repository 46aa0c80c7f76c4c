"""Every image of the fleet, whatever it stands on: who it runs as, below what, and what it was made of."""

import os
import pwd
import ssl
import subprocess
from pathlib import Path

# What builds use and no image keeps.
LEFT_OUT = ("uv", "pip", "pip3", "apt-get", "gcc", "cc", "c++", "make", "cmake", "nvcc")
EMPTY = ("/var/lib/apt/lists", "/var/cache/apt", "/var/log", "/run/secrets", "/root")


def test_runs_as_appuser() -> None:
    user = pwd.getpwuid(os.getuid())
    found = (os.getuid(), os.getgid(), user.pw_name, os.getgroups())
    assert found == (10001, 10001, "appuser", [10001]), found
    assert Path.cwd() == Path(user.pw_dir) == Path("/app"), (Path.cwd(), user.pw_dir)


def test_tini_is_the_init() -> None:
    init = Path("/proc/1/comm").read_text().strip()
    assert init == "tini", init


def test_there_is_a_shell() -> None:
    wrote = subprocess.check_output(["/bin/sh", "-c", "echo $((6 * 7))"], text=True)
    assert wrote == "42\n", wrote


def test_nothing_can_be_written_and_no_privilege_gained() -> None:
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    found = (status["CapEff"], status["CapBnd"], status["NoNewPrivs"])
    assert found == ("0" * 16, "0" * 16, "1"), found
    for folder in ("/app", "/usr/local", "/etc", "/var"):
        assert not os.access(folder, os.W_OK), f"{folder} can be written"


def test_there_is_no_network_to_reach() -> None:
    up = [link.name for link in Path("/sys/class/net").iterdir() if int((link / "flags").read_text(), 16) & 1]
    assert up == ["lo"], up


def test_authorities_are_trusted() -> None:
    """OpenSSL reads them from one file, or looks each up in a folder by the hash of its name."""
    in_file = ssl.create_default_context().cert_store_stats()["x509_ca"]
    folder = Path(ssl.get_default_verify_paths().capath or "/nonexistent")
    in_folder = sum(path.exists() for path in folder.glob("*.[0-9]"))
    assert max(in_file, in_folder) > 50, (in_file, in_folder)


def test_tools_of_builds_are_gone() -> None:
    folders = os.environ["PATH"].split(":")
    found = [f"{folder}/{name}" for folder in folders for name in LEFT_OUT if os.path.lexists(f"{folder}/{name}")]
    assert found == [], found


def test_caches_lists_and_logs_are_gone() -> None:
    found = [f"{here}/{name}" for top in EMPTY for here, _, names in os.walk(top) for name in names]
    assert found == [], found


def test_no_address_of_where_it_was_built_is_in_the_environment() -> None:
    found = {key: value for key, value in os.environ.items() if "://" in value or "proxy" in key.lower()}
    assert found == {}, found
