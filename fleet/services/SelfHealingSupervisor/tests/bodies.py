"""A create request in the fleet's shape, as the operator's tool writes it."""

from __future__ import annotations

from typing import Any, Final

from engine_double import LABELS

BODY: Final[dict[str, Any]] = {
    "Image": f"ghcr.io/dockwright/alpha:20261124-59b51f84018b-mainpc@sha256:{'1' * 64}",
    "User": "10001:10001",
    "Env": ['DOCKWRIGHT_PEERS={"Beta": {}}'],
    "ExposedPorts": {"7200/tcp": {}, "8200/tcp": {}},
    "Labels": {**LABELS, "com.docker.compose.project": "dockwright"},
    "StopTimeout": 12,
    "HostConfig": {
        "Memory": 134217728,
        "MemorySwap": 134217728,
        "PidsLimit": 64,
        "NanoCpus": 1_000_000_000,
        "NetworkMode": "dockwright",
        "PortBindings": {"7200/tcp": [{"HostIp": "127.0.0.1", "HostPort": "7200"}]},
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "5m", "max-file": "2"}},
        "Tmpfs": {"/tmp": "size=16m,mode=1777,noexec,nosuid,nodev"},
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "Mounts": [
            {"Type": "volume", "Source": "dockwright_alpha-state", "Target": "/state", "ReadOnly": False},
            {
                "Type": "bind",
                "Source": "/var/lib/dockwright/rollout/secrets/fleet-token",
                "Target": "/run/secrets/fleet-token",
                "ReadOnly": True,
            },
        ],
        "DeviceRequests": [{"Driver": "nvidia", "DeviceIDs": ["0"], "Capabilities": [["gpu"]]}],
    },
    "NetworkingConfig": {"EndpointsConfig": {"dockwright": {"Aliases": ["alpha", "dockwright-alpha"]}}},
}
