"""What an object of S3 is, and how its address is read."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit


class S3Object(NamedTuple):
    """One object of a listing; ``etag`` without quotes, ``modified`` in ISO 8601."""

    uri: str
    size_bytes: int
    etag: str
    modified: str


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an ``s3://bucket/key`` URI; raises ``ValueError`` for anything else."""
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(f"not an S3 URI: {uri!r}")
    # A key may hold `?` and `#`, which urlsplit would cut off.
    return parts.netloc, uri[len("s3://") + len(parts.netloc) :].lstrip("/")
