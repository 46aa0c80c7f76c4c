"""legacy-py310-cpu: Python 3.10 with pydantic 1 and the FastAPI of its time, served by uvicorn."""

import json
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import fastapi
import pydantic
import uvicorn


class Intent(pydantic.BaseModel):
    """As agents of that time write their models."""

    name: str
    confidence: float

    @pydantic.validator("confidence")
    def is_a_share(cls, value: float) -> float:  # noqa: N805 - pydantic 1 hands over the class
        if not 0 <= value <= 1:
            raise ValueError("is no share")
        return value


def test_python_is_3_10() -> None:
    assert sys.version_info[:2] == (3, 10), sys.version


def test_versions_are_those_of_the_blueprint() -> None:
    found = (pydantic.VERSION, fastapi.__version__)
    assert found == ("1.10.15", "0.110.0"), found


def test_curl_and_time_zones_are_there() -> None:
    assert subprocess.check_output(["curl", "--version"], text=True).startswith("curl ")
    assert datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Manila")).utcoffset() == timedelta(hours=8)
    assert ssl.OPENSSL_VERSION_INFO >= (3, 0), ssl.OPENSSL_VERSION


def test_an_application_answers_and_refuses_what_its_model_does() -> None:
    app = fastapi.FastAPI()

    @app.post("/intents")
    def keep(intent: Intent) -> Intent:
        return intent

    server = uvicorn.Server(uvicorn.Config(app, port=8125, log_level="warning"))
    threading.Thread(target=server.run, daemon=True).start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    found = [sent({"name": "greet", "confidence": share}) for share in (0.5, 1.5)]
    server.should_exit = True
    assert found[0] == (200, {"name": "greet", "confidence": 0.5}), found
    assert found[1][0] == 422, found


def sent(body: object) -> "tuple[int, object]":
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request("http://127.0.0.1:8125/intents", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None
