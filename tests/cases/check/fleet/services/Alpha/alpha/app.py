"""The smallest service."""


def create(service):
    return service.peers.url("Beta")
