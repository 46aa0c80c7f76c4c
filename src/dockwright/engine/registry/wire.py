"""The registry protocol, spoken by python-dxf; here is what it leaves open.

Credentials go to the registry's own host (and, by the protocol, to the token service that it names), answers are
bounded, every failure has words. `oras` was looked at first: it reads whole blobs into memory, waits more than two
minutes for a registry that is not there, sends its token to whatever host an answer names, and checks no digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from dxf import DXF, DXFBase
from dxf.exceptions import DXFDigestMismatchError, DXFError, DXFUnauthorizedError
from urllib3.exceptions import HTTPError

from dockwright.engine.registry import login
from dockwright.engine.registry.place import Place
from dockwright.engine.registry.session import session, trusted
from dockwright.errors import DockwrightError, Unreachable

SPOILED = "do not use it; push again from where it was made"


class NotThere(DockwrightError):
    """A registry does not have what it was asked for."""


class Wire(DXF):
    """One repository of one registry."""

    def __init__(self, place: Place) -> None:
        self.place = place
        verify = trusted(place.host)
        plain = place.loopback and _without_tls(place.host, verify)
        super().__init__(place.host, place.path, _log_in, insecure=plain, tlsverify=verify)
        self._sessions.insert(0, session(self._base_url))

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """A request below this repository. Raises requests' exceptions."""
        return self._base_request(method, urljoin(f"{self.place.path}/", path), **options)

    def _base_request(self, method: str, path: str, **options: Any) -> requests.Response:
        url = urljoin(self._base_url, path)
        own = urlsplit(url)[:2] == urlsplit(self._base_url)[:2]
        said = options.pop("headers", {})
        response = self._send(method, url, {**said, **self._headers} if own else said, options)
        if response.status_code == requests.codes.unauthorized and own:
            _log_in(self, response)
            response = self._send(method, url, {**said, **self._headers}, options)
        if response.status_code == requests.codes.unauthorized:
            raise DXFUnauthorizedError
        response.raise_for_status()
        if "Location" in response.headers:  # python-dxf takes absolute addresses only; registries send both.
            response.headers["Location"] = urljoin(url, response.headers["Location"])
        return response

    def _send(self, method: str, url: str, headers: dict[str, str], options: dict[str, Any]) -> requests.Response:
        found: requests.Response = self._sessions[0].request(
            method, url, headers=headers, verify=self._tlsverify, **options
        )
        return found

    def log_in(self, response: requests.Response) -> None:
        """Answer a registry that asks who we are; without credentials, as anybody."""
        known = login.credentials(self.place.host)
        if self._insecure and known:
            # python-dxf sends no password without TLS. To this host itself Docker does, and nothing is on that wire.
            request = requests.Request("GET", self._base_url, auth=(known.user, known.password)).prepare()
            self._headers = {"Authorization": request.headers["Authorization"]}
        elif not self._insecure:
            user, password = (known.user, known.password) if known else (None, None)
            self.authenticate(user, password, response=response)


def _log_in(wire: DXFBase, response: requests.Response) -> None:
    assert isinstance(wire, Wire)  # noqa: S101 - made above
    wire.log_in(response)


def _without_tls(host: str, verify: str | bool) -> bool:
    """Whether a registry on this host speaks plain HTTP, as Docker finds it out. A wrong certificate is no reason."""
    try:
        with told(host):
            session(f"https://{host}", again=0).get(f"https://{host}/v2/", verify=verify, allow_redirects=False)
    except Unreachable as error:
        if not isinstance(error.__cause__, requests.exceptions.SSLError) or _untrusted(error.__cause__):
            raise
        return True
    return False


def _untrusted(error: BaseException) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


@contextmanager
def told(host: str) -> Iterator[None]:
    """What goes wrong with a registry, in words and with what to do; NotThere for what it does not have."""
    try:
        yield
    except DXFUnauthorizedError as error:
        raise _refused(host) from error
    except requests.HTTPError as error:
        raise _answered(host, error) from error
    except requests.exceptions.SSLError as error:
        why = "its certificate is not one that this host trusts" if _untrusted(error) else "it does not speak TLS"
        remedy = f"put its CA's certificate at /etc/docker/certs.d/{host}/ca.crt" if _untrusted(error) else ""
        raise Unreachable(f"no safe connection to the registry {host}: {why}", remedy) from error
    except (requests.RequestException, HTTPError) as error:
        raise Unreachable(
            f"the registry {host} does not answer{_cause(error)}", f"is it running, and is {host} its address?"
        ) from error
    except DXFDigestMismatchError as error:
        raise DockwrightError(f"the registry {host} gave other content than its digest says", SPOILED) from error
    except (DXFError, KeyError, ValueError) as error:
        raise DockwrightError(f"{host} does not answer as a registry does", "is it one?") from error


def _refused(host: str) -> DockwrightError:
    return DockwrightError(f"the registry {host} lets only those in who are logged in", login.again(host))


def _answered(host: str, error: requests.HTTPError) -> DockwrightError:
    response = error.response
    if response.status_code == requests.codes.not_found:
        return NotThere(f"the registry {host} has no {urlsplit(str(response.url)).path.removeprefix('/v2/')}")
    if response.status_code == requests.codes.forbidden:
        return DockwrightError(f"the registry {host} does not allow this to who is logged in", login.again(host))
    said = f"the registry {host} answers {response.status_code}{_reason(response)}"
    if response.status_code >= 500 or response.status_code == requests.codes.too_many_requests:
        return Unreachable(said, "run the same command again in a while")
    return DockwrightError(said)


def _reason(response: requests.Response) -> str:
    """A registry's own words, short and printable."""
    try:
        message = str(response.json()["errors"][0]["message"])
    except (ValueError, LookupError, TypeError):
        return ""
    return ": " + "".join(letter for letter in message[:200] if letter.isprintable())


def _cause(error: BaseException | None) -> str:
    """The system's own words for a connection that failed."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.strerror and not isinstance(error, requests.RequestException):
            return f": {error.strerror}"
        inner = [part for part in error.args if isinstance(part, BaseException)]
        reason = getattr(error, "reason", None)
        error = error.__cause__ or (reason if isinstance(reason, BaseException) else None) or next(iter(inner), None)
    return ""
