"""What goes out of roots: files that no service reads, and programs that only installing needs.

Packages are purged by dpkg itself, this machine's own, so that the root's status says what is there. Their scripts are
not run: each would undo what goes anyway, with programs that may be gone already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

# What a service never reads. dpkg remembers these, so packages of later layers leave them out too.
EXCLUDED = (
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/bash-completion/*",
    "/usr/share/doc/*",
    "/usr/share/lintian/*",
    "/usr/lib/*/gconv/*",
    # Leap seconds, and a second name for every zone.
    "/usr/share/zoneinfo/posix/*",
    "/usr/share/zoneinfo/right/*",
    # Python's tests of itself, and what only dbm.ndbm and nis load: Berkeley DB, Sun RPC.
    "/usr/lib/python3*/lib-dynload/_test*",
    "/usr/lib/python3*/lib-dynload/_ctypes_test.*",
    "/usr/lib/python3*/lib-dynload/_xxtestfuzz.*",
    "/usr/lib/python3*/lib-dynload/xxlimited*",
    "/usr/lib/python3*/lib-dynload/_dbm.*",
    "/usr/lib/python3*/lib-dynload/nis.*",
    # tini is there with the C library that every image has.
    "/usr/bin/tini-static",
    "/usr/bin/localedef",
)
KEPT = ("/usr/share/doc/*/copyright",)
# What package scripts want to be there while they run, and nothing wants afterwards; and the archive of this making.
REMOVED = (
    "usr/lib/python3*/pydoc_data",
    "usr/lib/python3*/test",
    "var/lib/dpkg/info/*.symbols",
    "var/cache/debconf/*-old",
    "var/lib/dpkg/*-old",
    "etc/apt/sources.list",
    "etc/apt/sources.list.d/*",
    # mmdebstrap copies them from this machine.
    "etc/hostname",
    "etc/resolv.conf",
)
# What the scripts of packages made, and what only they run: dpkg does not know it. Two folders stay, for packages of
# later layers; of openssl its configuration, and where it looks for authorities.
LEFT = (
    "etc/alternatives/*",
    "etc/init.d",
    "etc/pam.d",
    "etc/rc?.d",
    "etc/security",
    "etc/systemd",
    "usr/bin/awk",
    "usr/bin/c_rehash",
    "usr/bin/nawk",
    "usr/bin/openssl",
    "usr/bin/pager",
    "usr/bin/which",
    "usr/sbin/rmt",
    "usr/sbin/start-stop-daemon*",
    "var/cache/debconf",
    "var/lib/apt/extended_states",
    "var/lib/dpkg/alternatives/*",
    "var/lib/dpkg/info/*.templates",
    "var/lib/pam",
    "var/lib/shells.state",
    "var/lib/systemd",
)
# What a person who looks into a container types. busybox does it where no package of the root does.
PROGRAMS = """
    [ awk base64 basename cat chmod chown clear cmp cp cut date dd df diff dirname du echo egrep env expr false fgrep
    find free fold grep gunzip gzip head hexdump hostname id kill killall less ln ls md5sum mkdir mkfifo mktemp more mv
    netstat nl nproc nslookup od paste pidof printf ps pwd readlink realpath renice rev rm rmdir sed seq
    sha256sum sha512sum sleep sort stat strings stty sync tac tail tar tee test time timeout top touch tr true
    truncate tty uname uniq unzip uptime vi watch wc which whoami xargs xxd yes zcat
"""
# Python's own modules that services load while they start, with all that these load. Only their byte code stays; any
# other module is compiled when something imports it. tests/engines/test_contents.py asks a service that started.
STARTED = """
    _strptime argparse asyncio colorsys concurrent.futures.process concurrent.futures.thread configparser csv ctypes
    dataclasses decimal email.parser encodings.idna encodings.latin_1 fractions glob gzip html http.client http.cookies
    http.server importlib.metadata importlib.resources inspect ipaddress json logging.config logging.handlers mimetypes
    multiprocessing.queues multiprocessing.resource_tracker multiprocessing.shared_memory multiprocessing.spawn pathlib
    pickle platform secrets shlex shutil sqlite3 ssl statistics subprocess sysconfig tarfile tempfile timeit
    tomllib urllib.request uuid wsgiref.simple_server xml.etree.ElementTree zipfile zoneinfo
"""
PURGE = """\
for name in {names}; do
    rm -f "$1/var/lib/dpkg/info/$name".p*rm "$1/var/lib/dpkg/info/$name":*.p*rm
done
dpkg --root="$1" --purge --force-remove-essential --force-remove-protected --force-depends {names}
"""
LINK = """\
for name in $(chroot "$1" busybox --list); do
    case " {names} " in
        *" $name "*) [ -e "$1/usr/bin/$name" ] || [ -e "$1/usr/sbin/$name" ] || ln -s busybox "$1/usr/bin/$name" ;;
    esac
done
"""
FORGET = """\
for python in "$1"/usr/bin/python3.*; do
    [ -x "$python" ] || continue
    chroot "$1" "/usr/bin/${{python##*/}}" -B -I -c '{code}' {names}
done
"""
# Debian's own byte code is held against its source by every start.
CODE = """
import importlib, importlib.util, pathlib, py_compile, sys
for name in filter(importlib.util.find_spec, sys.argv[1:]):
    importlib.import_module(name)
loaded = {getattr(module, "__cached__", None) for module in list(sys.modules.values())}
unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
for path in map(str, pathlib.Path(pathlib.__file__).parent.rglob("*.pyc")):
    if path in loaded:
        source = importlib.util.source_from_cache(path)
        py_compile.compile(source, path, doraise=True, invalidation_mode=unchecked)
    else:
        pathlib.Path(path).unlink()
"""


def options(variant: str, purged: Sequence[str]) -> list[str]:
    """mmdebstrap's words for a root without all that."""
    words = [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED]
    words += [f"--dpkgopt=path-include={pattern}" for pattern in KEPT]
    words += [f"--customize-hook={script}" for script in _scripts(purged)]
    # Where packages are extracted only, mmdebstrap is done with apt before it would customize, and does not.
    hook = "extract" if variant == "extract" else "customize"
    return [*words, *(f'--{hook}-hook=rm -rf "$1"/{pattern}' for pattern in REMOVED)]


def _scripts(purged: Sequence[str]) -> Iterator[str]:
    """What takes packages out of a root that is done; nothing where all stay."""
    if purged:
        yield PURGE.format(names=" ".join(purged))
        yield " && ".join(f'rm -rf "$1"/{pattern}' for pattern in LEFT)
        yield LINK.format(names=" ".join(PROGRAMS.split()))
        yield FORGET.format(code=CODE, names=" ".join(STARTED.split()))
