"""The certificates that this host trusts, a private CA included: builds and registries are held against the same."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
NAMED = ("DOCKWRIGHT_CA", "SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")


def certificates(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The bundle of this host; None where none is found."""
    named = [environ.get(key, "") for key in NAMED]
    return next((Path(path) for path in (*named, *BUNDLES) if path and Path(path).is_file()), None)
