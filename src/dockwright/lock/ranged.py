"""A file behind HTTP that is read in parts, so that a wheel's table of contents costs kilobytes, not gigabytes."""

from __future__ import annotations

import io
import urllib.request


class Ranged(io.RawIOBase):
    """A readable, seekable view of a URL. Raises OSError where the server sends whole files only."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url, self._timeout, self._at = url, timeout, 0
        _, self._size = self._get("bytes=0-0")

    def _get(self, part: str) -> tuple[bytes, int]:
        """A part of the file, and the size of the whole."""
        request = urllib.request.Request(self._url, headers={"Range": part})  # noqa: S310 - callers pass http(s) only
        with urllib.request.urlopen(request, timeout=self._timeout) as reply:  # noqa: S310
            if reply.status != 206:
                raise OSError("the index sends whole files only")
            return reply.read(), int(reply.headers["Content-Range"].rpartition("/")[2])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # typeshed's Buffer
        last = min(self._at + len(buffer), self._size) - 1
        if last < self._at:
            return 0
        data, _ = self._get(f"bytes={self._at}-{last}")
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
