"""Programs that code runs and libraries that it opens, where it writes their names out."""

from __future__ import annotations

import pytest

from dockwright.audit.calls import calls


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ('subprocess.run(["ffmpeg", "-i", path])', "program", "ffmpeg"),
        ('subprocess.check_output("nvidia-smi --query", shell=True)', "program", "nvidia-smi"),
        ('subprocess.Popen(("sox",) + more)', "program", "sox"),
        ('subprocess.run(["git"] + words)', "program", "git"),
        ('command = ["ffmpeg", "-i", x]\nsubprocess.Popen(command)', "program", "ffmpeg"),
        ('subprocess.run(f"ldconfig -p {x}", shell=True)', "program", "ldconfig"),
        ('os.system("LC_ALL=C uname -a")', "program", "uname"),
        ('os.execvp("sh", words)  # subprocess', "program", "sh"),
        ('asyncio.create_subprocess_exec("espeak", text)', "program", "espeak"),
        ('from shutil import which\nwhich("ffmpeg")', "sought", "ffmpeg"),
        ('shutil.which("/usr/bin/ffmpeg")', "sought", "/usr/bin/ffmpeg"),
        ('ctypes.CDLL("libsndfile.so.1")', "library", "libsndfile.so.1"),
        ('ctypes.cdll.LoadLibrary("libcuda.so")', "library", "libcuda.so"),
        ('ctypes.util.find_library("portaudio")', "library", "libportaudio.so"),
    ],
)
def test_names_that_are_written_out_are_found(text: str, kind: str, name: str) -> None:
    line = text.count("\n") + 1
    assert list(calls(text.encode())) == [(kind, name, line)]


@pytest.mark.parametrize(
    "text",
    [
        'subprocess.run([sys.executable, "-m", "x"])',
        "subprocess.run(words)",
        'subprocess.run(f"{program} x", shell=True)',
        'app.run("127.0.0.1")  # subprocess',
        'loop.run("x")  # Popen',
        "ctypes.CDLL(None)",
        'ctypes.CDLL("kernel32.dll")',
        'print("which(ffmpeg)")',
        "def broken(:  # subprocess",
        "\x00 subprocess",
    ],
)
def test_what_is_not_written_out_or_is_no_program_is_not(text: str) -> None:
    assert list(calls(text.encode())) == []
