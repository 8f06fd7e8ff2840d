"""Data between S3 and directories, and tar.gz archives."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from localaws.clients import client

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


class ArtifactError(Exception):
    """An S3 location that cannot be read or written; the message suits a job's FailureReason."""


def split_uri(uri: str) -> tuple[str, str]:
    """``s3://bucket/some/key`` -> ``("bucket", "some/key")``; raise `ArtifactError` for anything else."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise ArtifactError(f"Expected a location like s3://bucket/key, got {uri!r}.")
    return bucket, key


def list_keys(uri: str) -> list[str]:
    """Keys of all objects whose key starts with the URI's, folder markers left out, in S3's order."""
    bucket, prefix = split_uri(uri)
    keys = []
    try:
        for page in client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            keys += [item["Key"] for item in page.get("Contents", []) if not item["Key"].endswith("/")]
    except ClientError as error:
        raise ArtifactError(f"Cannot list {uri}: {error.response['Error']['Message']}") from error
    return keys


def relative_path(prefix: str, key: str) -> str:
    """Where SageMaker puts the object `key` of the S3 prefix `prefix`, relative to the channel directory."""
    if key == prefix:
        return key.rpartition("/")[2]
    if prefix == "" or prefix.endswith("/"):
        return key[len(prefix) :]
    if key.startswith(prefix + "/"):
        return key[len(prefix) + 1 :]
    return key[len(prefix.rpartition("/")[0]) :].lstrip("/")


def _inside(directory: Path, relative: str) -> Path:
    path = (directory / relative).resolve()
    if not path.is_relative_to(directory.resolve()):
        raise ArtifactError(f"The path {relative!r} leads out of its directory; rename the object.")
    return path


class S3Object(NamedTuple):
    """An object of a data source, and where it lies below the directory that the data are copied to."""

    uri: str
    path: str


def listed(uri: str) -> list[S3Object]:
    """The object or all objects below the S3 prefix `uri`; raise `ArtifactError` when nothing is there."""
    bucket, prefix = split_uri(uri)
    keys = list_keys(uri)
    if not keys:
        raise ArtifactError(
            f"No S3 objects found under S3 URL {uri!r} given in input data source. Please ensure that the "
            "bucket exists in the selected region and that objects exist under that S3 prefix."
        )
    return [S3Object(f"s3://{bucket}/{key}", relative_path(prefix, key)) for key in keys]


def in_manifest(uri: str) -> list[S3Object]:
    """The objects that a ManifestFile names: ``[{"prefix": "s3://bucket/some/"}, "a.csv", ...]``.

    Raises `ArtifactError` when it cannot be read or has another form.
    """
    try:
        first, *names = json.loads(read(uri))
        prefix = first["prefix"]
    except (ValueError, KeyError, TypeError) as error:
        expected = '[{"prefix": "s3://bucket/some/"}, "relative/path", ...]'
        raise ArtifactError(f"The manifest {uri} is not of the form {expected}: {error}") from error
    if not names or not all(isinstance(name, str) for name in names):
        raise ArtifactError(f"The manifest {uri} must name at least one object, each as a string.")
    return [S3Object(f"{prefix}{name}", name) for name in names]


def objects(source: Mapping[str, Any]) -> list[S3Object]:
    """The objects of an S3DataSource (or S3Input) of type S3Prefix or ManifestFile."""
    if source.get("S3DataType") == "ManifestFile":
        return in_manifest(source["S3Uri"])
    return listed(source["S3Uri"])


def fetch(wanted: Iterable[S3Object], directory: Path) -> list[Path]:
    """Copy objects into `directory`; return the files written. Raises `ArtifactError`."""
    files = []
    for item in wanted:
        path = _inside(directory, item.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        bucket, key = split_uri(item.uri)
        try:
            client("s3").download_file(bucket, key, str(path))
        except ClientError as error:
            raise ArtifactError(f"Cannot read {item.uri}: {error.response['Error']['Message']}") from error
        files.append(path)
    return files


def download(uri: str, directory: Path) -> list[Path]:
    """Copy the object or all objects below the S3 prefix `uri` into `directory`; return the files written.

    Raises `ArtifactError` when nothing is there.
    """
    return fetch(listed(uri), directory)


def read(uri: str) -> bytes:
    """The content of one object; raise `ArtifactError` when it cannot be read."""
    bucket, key = split_uri(uri)
    try:
        content: bytes = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        raise ArtifactError(f"Cannot read {uri}: {error.response['Error']['Message']}") from error
    return content


def write(uri: str, content: bytes) -> None:
    """Write one object; raise `ArtifactError` when it cannot be written."""
    bucket, key = split_uri(uri)
    try:
        client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    except ClientError as error:
        raise ArtifactError(f"Cannot write {uri}: {error.response['Error']['Message']}") from error


def upload(directory: Path, uri: str) -> list[str]:
    """Write every file below `directory` to `uri`/<relative path>; return the URIs. No symbolic links."""
    uris = []
    for path in sorted(directory.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        target = f"{uri.rstrip('/')}/{path.relative_to(directory).as_posix()}"
        bucket, key = split_uri(target)
        try:
            client("s3").upload_file(str(path), bucket, key)
        except Exception as error:  # boto3 wraps errors in its own S3UploadFailedError
            raise ArtifactError(f"Cannot write {target}: {error}") from error
        uris.append(target)
    return uris


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def pack(directory: Path) -> bytes:
    """A tar.gz of the directory's content, the same bytes for the same files."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, compresslevel=6) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for path in sorted(directory.rglob("*")):
            archive.add(path, arcname=path.relative_to(directory).as_posix(), recursive=False, filter=_plain)
    return buffer.getvalue()


def unpack(archive: Path | bytes, directory: Path) -> None:
    """Extract a tar or tar.gz (path or bytes) into `directory`; members that lead out of it are refused.

    Raises `ArtifactError` when it is no archive or is unsafe.
    """
    directory.mkdir(parents=True, exist_ok=True)
    source: IO[bytes] = io.BytesIO(archive) if isinstance(archive, bytes) else archive.open("rb")
    try:
        with source, tarfile.open(fileobj=source, mode="r:*") as opened:
            opened.extractall(directory, filter="data")
    except tarfile.TarError as error:
        name = "the archive" if isinstance(archive, bytes) else archive.name
        raise ArtifactError(f"Cannot unpack {name} as tar.gz: {error}") from error
