"""The status page: one document that needs nothing else, lets nothing else in, and shows what others wrote as text."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import time
from itertools import product
from pathlib import Path

import pytest
from instance_double import SHA, Instance, desired
from running import Running, start_service
from unified_observability_center.page_file import FOLDER, load

NAME = "UnifiedObservabilityCenter"
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
MARKUP = "</script><img src=x onerror=\"document.title='taken'\">"


def inside(tag: str) -> str:
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", load().body.decode(), re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def test_the_policy_lets_in_what_the_page_holds_and_nothing_else() -> None:
    policy = dict(part.split(" ", 1) for part in load().policy.split("; "))
    for kind, tag in (("script-src", "script"), ("style-src", "style")):
        digest = base64.b64encode(hashlib.sha256(inside(tag).encode()).digest()).decode()
        assert policy[kind] == f"'sha256-{digest}'"
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in load().policy


def test_the_page_needs_nothing_from_elsewhere() -> None:
    body = load().body.decode()
    outside = set(re.findall(r"""(?:https?:)?//[\w.-]+""", body)) - {"http://www.w3.org"}  # the name of SVG's namespace
    assert {one for one in outside if "." in one} == set()
    assert not re.search(r"<(?:script|link|img|iframe)[^>]*\b(?:src|href)=\"(?!data:)", body)
    assert "@import" not in body and "url(" not in body


def test_no_text_becomes_markup() -> None:
    script = inside("script")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "Function("):
        assert word not in script
    for path in FOLDER.glob("*.js"):
        assert not re.search(r"[\"']on[a-z]+[\"']?\s*:", path.read_text()), "no attribute is a listener"


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def schemes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\}", (FOLDER / "1-colours.css").read_text(), re.DOTALL)
    return {
        name: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", text)) for name, text in (("light", light), ("dark", dark))
    }


def test_black_on_white_is_21() -> None:
    assert round(contrast("#000000", "#ffffff"), 3) == 21.0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_on_every_ground(scheme: str) -> None:
    colours = schemes()[scheme]
    texts = ("text", "soft", "link", "good", "bad", "warn", "begin", "dim")
    for text, ground in product(texts, ("sheet", "ground", "raised")):
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for name in ("good", "bad", "warn", "begin", "dim"):
        assert contrast(colours["text"], colours[f"{name}-ground"]) >= 4.5, name
    assert contrast(colours["warn"], colours["warn-ground"]) >= 4.5, "the banner"
    for name in ("good", "bad", "warn", "begin"):
        assert contrast(colours[f"{name}-fill"], colours["sheet"]) >= 3, f"the shape of {name}"
    assert contrast(colours["focus"], colours["sheet"]) >= 3


def test_it_is_served_with_its_policy_and_known_again(tmp_path: Path) -> None:
    with start_service(NAME, tmp_path) as running:
        found = running.ask("GET", "/", token=False)
        assert found.status == 200
        assert found.body == load().body
        assert found.headers["Content-Security-Policy"] == load().policy
        assert found.headers["X-Content-Type-Options"] == "nosniff"
        assert found.headers["Content-Type"] == "text/html; charset=utf-8"
        again = running.ask("GET", "/", token=False, headers={"If-None-Match": found.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")


def drawn(running: Running, folder: Path, verdict: str) -> str:
    """The document after the page has drawn itself, once this is the verdict; without its own script and style."""
    end = time.monotonic() + 30
    while running.ask("GET", "/v1/overview", token=False).json()["verdict"]["text"] != verdict:
        assert time.monotonic() < end, running.log
        time.sleep(0.1)
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom"]
    more = [f"--user-data-dir={folder}", "--disable-background-networking", "--virtual-time-budget=8000"]
    done = subprocess.run([*command, *more, f"{running.url}/"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    own = [f"<{tag}>{inside(tag)}</{tag}>" for tag in ("style", "script")]
    assert all(done.stdout.count(one) == 1 for one in own)
    rest = done.stdout.replace(own[0], "").replace(own[1], "")
    assert "<script" not in rest and "<style" not in rest
    return rest


@pytest.mark.skipif(not CHROMIUM, reason="needs a browser: apt-get install chromium")
def test_a_browser_draws_the_fleet_and_hostile_texts_stay_texts(tmp_path: Path) -> None:
    alpha, beta = Instance("Alpha"), Instance("Beta")
    alpha.answer = (503, {"reasons": [{"check": "disk", "reason": MARKUP}]})
    beta.info |= {"git_sha": MARKUP}
    rows = [alpha.row(phase=MARKUP), beta.row()]
    left_out = [{"service": "Gamma", "machine": "pc2", "why": MARKUP}]
    try:
        with start_service(NAME, tmp_path, run_files={"desired.json": desired(*rows, left_out=left_out)}) as running:
            crash = {"kind": "crashed", "machine": "mainpc", "service": "Alpha", "at": "2026-11-24T18:00:00Z"}
            act = crash | {"kind": "restarted", "detail": {"why": MARKUP}}
            assert running.ask("POST", "/v1/events", [crash, act]).status == 202
            alpha.started_at -= 60
            dom = drawn(running, tmp_path / "browser", "1 of 2 healthy")
    finally:
        alpha.end()
        beta.end()
    assert dom.count("&lt;img src=x") >= 5
    assert "<img" not in dom
    assert "<title>taken" not in dom
    assert re.search(r"<title>.*1 of 2 healthy", dom)
    assert "Needs attention" in dom and "differs: commit" in dom


@pytest.mark.skipif(not CHROMIUM, reason="needs a browser: apt-get install chromium")
def test_a_browser_shows_a_calm_fleet(tmp_path: Path) -> None:
    alpha = Instance("Alpha")
    try:
        with start_service(NAME, tmp_path, run_files={"desired.json": desired(alpha.row())}) as running:
            dom = drawn(running, tmp_path / "browser", "1 of 1 healthy")
    finally:
        alpha.end()
    assert ">1 of 1 healthy</h1>" in dom
    assert "each runs what was released" in dom
    assert SHA[:8] in dom
    assert "Needs attention" not in dom
