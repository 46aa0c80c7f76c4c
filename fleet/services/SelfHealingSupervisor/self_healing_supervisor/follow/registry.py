"""What a follower reads of a registry: the releases' names, a record, the digest of a tag. Blocking; reads only.

Answers are bounded, what has a digest is held against it, and a token goes to the registry itself and to nobody that it
sends us on to. Without TLS a registry is spoken to on loopback only, and there only where no certificate is given.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Final

from self_healing_supervisor import login
from self_healing_supervisor.follow import releases
from self_healing_supervisor.follow.releases import Release

SECONDS: Final = 20.0
BYTES: Final = 16 * 1024 * 1024
PAGES: Final = 20
ACCEPT: Final = ", ".join(
    (
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)
CHALLENGE: Final = re.compile(r'(\w+)="([^"]*)"')


class Silent(Exception):
    """The registry does not answer, or not as a registry does; str() says why."""


class Registry:
    """`place` is HOST[:PORT]/PATH; `ca` certificates to trust besides the system's; `login_file` the operator's login.

    Raises ValueError for what is no certificate.
    """

    def __init__(self, place: str, ca: str = "", login_file: Path | None = None) -> None:
        self._host, _, self._path = place.partition("/")
        self._base = f"{'http' if _loopback(self._host) and not ca else 'https'}://{self._host}/v2/"
        context = ssl.create_default_context()
        if ca:
            context.load_verify_locations(cadata=ca)
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
        self._login_file = login_file
        self._said: dict[str, str] = {}  # repository -> what opened it last

    def names(self) -> list[str]:
        """All releases that are tagged there; none before the first one was pushed. Raises Silent."""
        repository, found = self._repository("releases"), []
        target = f"{repository}/tags/list?n=1000"
        for _ in range(PAGES):
            try:
                raw, headers = self._get(repository, target)
            except _Missing:
                break
            content = _json(raw)
            found += [tag for tag in content.get("tags") or [] if releases.NAME.fullmatch(str(tag))]
            after = re.match(r"<([^>]+)>", headers.get("Link") or "")
            if not after:
                break
            target = f"{repository}/tags/list?{urllib.parse.urlsplit(after[1]).query}"
        return found

    def release(self, name: str) -> Release:
        """The record of a release. Raises Silent; ValueError for one that cannot be trusted."""
        repository = self._repository("releases")
        manifest, _ = self._get(repository, f"{repository}/manifests/{name}")
        digest = releases.file_of(manifest, name)
        raw, _ = self._get(repository, f"{repository}/blobs/{digest}")
        if f"sha256:{hashlib.sha256(raw).hexdigest()}" != digest:
            raise ValueError(f"{name}: the registry gave other bytes than its digest says")
        return releases.read(raw, name)

    def digest(self, image: str, tag: str) -> str | None:
        """The digest that a tag of an image means, hexadecimal; None where there is no such tag. Raises Silent."""
        repository = self._repository(image)
        try:
            manifest, _ = self._get(repository, f"{repository}/manifests/{tag}")
        except _Missing:
            return None
        return hashlib.sha256(manifest).hexdigest()

    def _repository(self, name: str) -> str:
        return f"{self._path}/{name}" if self._path else name

    def _get(self, repository: str, target: str) -> tuple[bytes, Any]:
        try:
            return self._ask(repository, target)
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 401 or not self._log_in(repository, error.headers.get("WWW-Authenticate") or ""):
                    raise _told(self._host, error) from error
        except (OSError, ValueError) as error:
            raise Silent(f"{self._host} does not answer: {_cause(error)}") from error
        try:
            return self._ask(repository, target)
        except urllib.error.HTTPError as error:
            with error:
                raise _told(self._host, error) from error
        except (OSError, ValueError) as error:
            raise Silent(f"{self._host} does not answer: {_cause(error)}") from error

    def _ask(self, repository: str, target: str) -> tuple[bytes, Any]:
        request = urllib.request.Request(self._base + target, headers={"Accept": ACCEPT})  # noqa: S310 - http or https
        if repository in self._said:
            request.add_unredirected_header("Authorization", self._said[repository])
        return self._read(request)

    def _read(self, request: urllib.request.Request) -> tuple[bytes, Any]:
        with self._opener.open(request, timeout=SECONDS) as answer:
            raw = answer.read(BYTES + 1)
            if len(raw) > BYTES:
                raise ValueError("the answer has no end")
            return raw, answer.headers

    def _log_in(self, repository: str, challenge: str) -> bool:
        """With the operator's login, or as anybody. False where the registry asks for more."""
        known = login.read(self._login_file) if self._login_file else None
        if challenge.lower().startswith("basic") and known is not None:
            self._said[repository] = known.basic()
            return True
        asked = dict(CHALLENGE.findall(challenge))
        realm = asked.get("realm", "")
        if not challenge.lower().startswith("bearer ") or not realm.startswith("https://"):
            return False
        query = {key: asked[key] for key in ("service", "scope") if key in asked}
        request = urllib.request.Request(f"{realm}?{urllib.parse.urlencode(query)}")  # noqa: S310 - https
        if known is not None:
            request.add_unredirected_header("Authorization", known.basic())
        try:
            found = _json(self._read(request)[0])
        except (OSError, ValueError, Silent):
            return False
        token = found.get("token") or found.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            return False
        self._said[repository] = f"Bearer {token}"
        return True


class _Missing(Silent):
    pass


def _told(host: str, error: urllib.error.HTTPError) -> Silent:
    if error.code == 404:
        return _Missing(f"{host} has no {urllib.parse.urlsplit(error.url).path.removeprefix('/v2/')}"[:300])
    if error.code in (401, 403):
        return Silent(f"{host} lets only those in who are logged in")
    return Silent(f"{host} answers {error.code}")


def _json(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Silent("the answer is not JSON") from error
    if not isinstance(found, dict):
        raise Silent("the answer is not what a registry says")
    return found


def _cause(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason)[:200]


def _loopback(host: str) -> bool:
    name = host.rpartition(":")[0] or host
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost"
