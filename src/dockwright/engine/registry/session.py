"""HTTP with a registry: answers of bounded size and time, few redirects, no credentials but a registry's own."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.util import Retry

from dockwright import __version__
from dockwright.engine.certificates import certificates
from dockwright.engine.registry import place
from dockwright.engine.registry.documents import LIMIT
from dockwright.errors import DockwrightError

CONNECT, READ = 10.0, 60.0
WHOLE = 120.0  # seconds for an answer that is read as a whole
REDIRECTS = 5


class TooMuch(DockwrightError):
    """A registry's answer has no end."""


class Bounded(HTTPAdapter):
    """Reads every answer that is not asked for as a stream, up to a limit; tries again where nothing was done yet."""

    def __init__(self, again: int) -> None:
        super().__init__(max_retries=Retry(again, redirect=False, backoff_factor=0.3, allowed_methods=("GET", "HEAD")))

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        response = super().send(request, True, timeout or (CONNECT, READ), verify, cert, proxies)
        if not stream or not response.ok or response.is_redirect:
            response.raw = io.BytesIO(_whole(response))
        return response


def _whole(response: requests.Response) -> bytes:
    deadline, data = time.monotonic() + WHOLE, bytearray()
    with response:
        for chunk in response.raw.stream(2**16, decode_content=True):
            data += chunk
            if len(data) > LIMIT or time.monotonic() > deadline:
                raise TooMuch(f"an answer of {response.url.split('/')[2]} has no end", "is it a registry?")
    return bytes(data)


def session(url: str, again: int = 2) -> requests.Session:
    """A session for one registry. The host's own settings are read here: of a .netrc nothing is ever sent.

    `again`: how often a request that changes nothing is repeated where no connection comes about.
    """
    made = requests.Session()
    made.trust_env = False
    made.proxies.update(get_environ_proxies(url))
    made.max_redirects = REDIRECTS
    made.headers.update({"User-Agent": f"dockwright/{__version__}", "Accept-Encoding": "identity"})
    for scheme in ("https://", "http://"):
        made.mount(scheme, Bounded(again))
    return made


def trusted(host: str) -> str | bool:
    """The certificates to hold a registry against: those that Docker has for it, else this host's."""
    own = place.CERTIFICATES / host / "ca.crt"
    found = own if own.is_file() else certificates()
    return str(found) if found else True
