"""family-web: gunicorn's workers, uvloop, httptools and websockets, all at once as a web service uses them."""

import asyncio
import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import httptools
import starlette
import uvloop
import websockets

APP = """
import asyncio, os
from fastapi import FastAPI, WebSocket
app = FastAPI()

@app.get("/who")
async def who():
    return {"loop": type(asyncio.get_running_loop()).__module__, "pid": str(os.getpid())}

@app.websocket("/echo")
async def echo(socket: WebSocket):
    await socket.accept()
    await socket.send_text((await socket.receive_text()).upper())
    await socket.close()
"""


def test_gunicorn_serves_pages_and_sockets_on_uvloop() -> None:
    folder = Path("/tmp/web")
    folder.mkdir()
    (folder / "app_of_smoke.py").write_text(APP)
    words = ["--bind=127.0.0.1:8124", "--workers=2", "--worker-class=uvicorn.workers.UvicornWorker", "app_of_smoke:app"]
    server = subprocess.Popen([sys.executable, "-m", "gunicorn", *words], cwd=folder)
    try:
        found = asked("http://127.0.0.1:8124/who")
        assert found["loop"].startswith("uvloop"), found
        assert found["pid"] != str(server.pid), found
        assert asyncio.run(echoed("ws://127.0.0.1:8124/echo", "fleet")) == "FLEET"
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(20)
    assert code == 0, code


def asked(url: str) -> dict[str, str]:
    """The answer, as soon as there is one."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url) as answer:
                found: dict[str, str] = json.load(answer)
                return found
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


async def echoed(url: str, text: str) -> str:
    async with websockets.connect(url) as socket:
        await socket.send(text)
        return str(await socket.recv())


def test_each_package_is_there() -> None:
    assert starlette.__version__
    assert httptools.HttpRequestParser(object()).get_method is not None
    assert uvloop.new_event_loop().__class__.__module__.startswith("uvloop")
