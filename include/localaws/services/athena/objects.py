"""S3 objects on local disk: fetched once per ETag; the least recently used go when space runs out."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from localaws import state
from localaws.artifacts import split_uri
from localaws.clients import client
from localaws.services.athena.errors import QueryError

if TYPE_CHECKING:
    from pathlib import Path

CACHE_BYTES = int(os.environ.get("LOCALAWS_ATHENA_CACHE_BYTES", 4 * 1024**3))
_FEW_LOCATIONS = 8
_lock = threading.Lock()


@dataclass(frozen=True)
class S3Object:
    """An object as listed: where, which version of the content, how many bytes."""

    bucket: str
    key: str
    etag: str
    size: int

    @property
    def uri(self) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"


def _failed(uri: str, error: ClientError) -> QueryError:
    code = error.response["Error"]["Code"]
    return QueryError(
        "HIVE_CANNOT_OPEN_SPLIT" if code == "NoSuchKey" else "HIVE_UNKNOWN_ERROR",
        f"Failed to read {uri}: {error.response['Error']['Message']}",
    )


def list_objects(location: str, region: str) -> list[S3Object]:
    """Objects below a location that hold rows: no markers, no names that begin with _ or a dot."""
    bucket, prefix = split_uri(location)
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    found = []
    try:
        pages = client("s3", region).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for item in page.get("Contents", []):
                name = item["Key"].rsplit("/", 1)[-1]
                if item["Size"] and name and name[0] not in "_.":
                    found.append(S3Object(bucket, item["Key"], item["ETag"].strip('"'), item["Size"]))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            raise QueryError("", f"The specified bucket does not exist (Bucket: {bucket})") from error
        raise _failed(location, error) from error
    return found


def list_locations(locations: list[str], region: str) -> dict[str, list[S3Object]]:
    """`list_objects` of many locations; of very many with one listing of what is above all of them."""
    above = os.path.commonprefix(locations).rpartition("/")[0]
    if len(locations) <= _FEW_LOCATIONS or above.count("/") < 3:  # less than s3://bucket/directory
        return {location: list_objects(location, region) for location in locations}
    directories = {location.rstrip("/") + "/": location for location in locations}
    found: dict[str, list[S3Object]] = {location: [] for location in locations}
    for item in list_objects(above, region):
        uri = item.uri
        ends = (index + 1 for index, character in enumerate(uri) if character == "/")
        for location in {directories[uri[:end]] for end in ends if uri[:end] in directories}:
            found[location].append(item)
    return found


def directory() -> Path:
    """Where the cache lies."""
    path = state.state_directory() / "athena" / "cache"
    path.mkdir(parents=True, exist_ok=True)
    return path


def cached(name: str, suffix: str) -> Path:
    """The path of a cache entry called `name`; marks it as just used."""
    path = directory() / (hashlib.sha256(name.encode()).hexdigest()[:40] + suffix)
    if path.exists():
        os.utime(path)
    return path


def fetch(item: S3Object, region: str) -> Path:
    """The object's content as a local file, gunzipped when its name ends in .gz."""
    suffix = ".parquet" if item.key.endswith(".parquet") else ".data"
    path = cached(f"{item.bucket}/{item.key}@{item.etag}", suffix)
    if path.exists():
        return path
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        body: Any = client("s3", region).get_object(Bucket=item.bucket, Key=item.key)["Body"]
        with temporary.open("wb") as file:
            source = gzip.GzipFile(fileobj=body) if item.key.endswith(".gz") else body
            shutil.copyfileobj(source, file, 1024 * 1024)
        temporary.replace(path)
    except ClientError as error:
        raise _failed(item.uri, error) from error
    except (OSError, EOFError) as error:
        raise QueryError("HIVE_CURSOR_ERROR", f"Failed to read {item.uri}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def fetch_all(items: list[S3Object], region: str) -> list[Path]:
    """Local files of all objects, in order."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(lambda item: fetch(item, region), items))


def trim(keep: set[Path]) -> None:
    """Delete the entries used longest ago until the cache is within its bound, never those in `keep`."""
    with _lock:
        entries = [(path.stat().st_mtime, path.stat().st_size, path) for path in directory().iterdir()]
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= CACHE_BYTES:
                break
            if path not in keep:
                path.unlink(missing_ok=True)
                total -= size


def partition_directories(location: str, keys: list[str], region: str) -> dict[tuple[str, ...], str]:
    """Values and location of every ``key=value/…`` directory below `location` that holds objects."""
    found: dict[tuple[str, ...], str] = {}
    root = location.rstrip("/") + "/"
    for item in list_objects(location, region):
        parts = item.uri[len(root) :].split("/")[: len(keys)]
        named = [part.partition("=") for part in parts]
        if [name.lower() for name, _, _ in named] == keys and len(parts) == len(keys):
            found.setdefault(tuple(unquote(value) for _, _, value in named), root + "/".join(parts) + "/")
    return found
