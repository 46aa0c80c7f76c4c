"""What can go wrong, in the words that services use."""

from __future__ import annotations


class Misconfigured(Exception):
    """A file, variable or secret that the service needs is missing or wrong. str() names it and says what is wrong."""


class Unhealthy(Exception):
    """Raised by a check: the service cannot do its work. str() is the reason, shown by /health."""


class UndeclaredPeer(LookupError):
    """A call to a service that this service's declaration does not name (service.toml: depends, calls)."""


class Unanswered(Exception):
    """A peer gave no usable answer: refused, timed out, cut off, too large, redirected. str() says which."""
