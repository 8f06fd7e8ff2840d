"""The reviews a run is to learn from: looked at before anything starts, then put into the inbox."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from launcher import airflow, first_data, localaws
from launcher.failures import RefusedError

if TYPE_CHECKING:
    from rich.console import Console

    from launcher.places import Places
    from sentiment_retrain.data.reviews import SourceSummary


def is_s3_uri(data: str) -> bool:
    """Whether `DATA=` names an object rather than a file."""
    return data.startswith("s3://")


def local_file(places: Places, data: str, console: Console) -> Path:
    """The file that `DATA=` names, or the first data where it names none, found usable; says how it is read.

    :raises SourceError: missing, empty, a column missing, no usable row, …
    :raises TooFewRows: too small for a run
    """
    from sentiment_retrain.data.reviews import inspect_source, require_enough
    from sentiment_retrain.settings import load_settings

    # The preflight judges by the same configuration as the run's tasks.
    os.environ["SENTIMENT_RETRAIN_CONFIG"] = airflow.overlay()
    path = Path(data).expanduser() if data else first_data.ensure(places)
    settings = load_settings()
    seen = inspect_source(path, settings)
    console.print("\n".join(reading(seen)), markup=False, soft_wrap=True)
    require_enough(seen, settings.datasets)
    return path


def reading(seen: SourceSummary) -> list[str]:
    """Two lines: how many of a file's rows can be used, and which column is taken for which field."""
    of_what = "rows" if seen.whole_file else "rows at its beginning"
    reasons = ", ".join(f"{reason} {count}" for reason, count in seen.refused_by_reason.items())
    taken = ", ".join(f"{field} from {name!r}" for field, name in seen.header.mapping().items())
    return [
        f"reviews   {seen.path.name}: {seen.rows_usable} of {seen.rows_inspected} {of_what} can be used"
        + (f" (not: {reasons})" if reasons else ""),
        f"columns   {taken}",
    ]


def deliver(path: Path, aws_url: str, *, to_plan: bool = False) -> str:
    """Put the file into the inbox, under its content's hash: the same file again is the same object.

    :param to_plan: beside the inbox, where no run without a source finds it; in it where it is there already
    """
    content = path.read_bytes()
    name = f"{hashlib.sha256(content).hexdigest()[:12]}/{path.name}"
    key = f"inbox/{name}"
    s3 = localaws.client("s3", aws_url)
    try:
        s3.head_object(Bucket=localaws.BUCKET, Key=key)
    except ClientError:
        key = f"planned/{name}" if to_plan else key
        s3.put_object(Bucket=localaws.BUCKET, Key=key, Body=content, ContentType="text/csv")
    return f"s3://{localaws.BUCKET}/{key}"


def require_object(uri: str, aws_url: str) -> str:
    """`uri`, when it is an object or the prefix of one.

    :raises RefusedError: nothing is there
    """
    parts = urlsplit(uri)
    s3 = localaws.client("s3", aws_url)
    try:
        found = s3.list_objects_v2(Bucket=parts.netloc, Prefix=parts.path.lstrip("/"), MaxKeys=1)
    except ClientError as error:
        found = {"error": error.response["Error"].get("Message", "")}
    if not found.get("KeyCount"):
        raise RefusedError(
            "LOCAL_SOURCE",
            f"{uri} is not on the stand-in for AWS{': ' + found['error'] if 'error' in found else ''}.",
            "Name a CSV file of this machine, or upload the object first "
            f"(any AWS client with AWS_ENDPOINT_URL={aws_url}).",
        )
    return uri
