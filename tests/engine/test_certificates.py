"""Which certificates count: those that the user names, then those of the system."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockwright.engine import certificates


def test_certificates_are_those_that_the_user_names_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["own.pem", "ssl.pem", "pip.pem", "bundle.pem", "system.pem"]
    paths = {name: tmp_path / name for name in names}
    for path in paths.values():
        path.touch()
    monkeypatch.setattr(certificates, "BUNDLES", [str(tmp_path / "not-there.pem"), str(paths["system.pem"])])
    keys = ["DOCKWRIGHT_CA", "SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"]
    environ = {key: str(paths[name]) for key, name in zip(keys, names, strict=False)}
    for key, name in zip(keys, names, strict=False):
        assert certificates.certificates(environ) == paths[name]
        environ[key] = str(tmp_path / "gone.pem")
    assert certificates.certificates(environ) == paths["system.pem"]
    paths["system.pem"].unlink()
    assert certificates.certificates({}) is None
