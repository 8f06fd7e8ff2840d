"""Which source objects a run is about: those of its day and of the window before it, each once.

An object whose key carries ``dt=YYYY-MM-DD`` belongs to that day, whoever lands it and whenever. One without
belongs to the day of the run that lands it first.
"""

from __future__ import annotations

import collections
import datetime as dt
import re
from typing import TYPE_CHECKING, Any, ClassVar

from sentiment_retrain import errors, naming
from sentiment_retrain.aws.objects import split_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.aws.objects import S3Object

_DATED = re.compile(r"(?:^|[/_.-])dt=(?P<day>\d{4}-\d{2}-\d{2})(?=[/_.-]|$)")
#: Intervals of a backfill are planned at the same time, each knowing other days.
_PLANS = 3
_MANIFEST = re.compile(r"/dt=(?P<partition>\d{4}-\d{2}-\d{2})/(?P<digest>[0-9a-f]{16})/_manifest\.json$")


def day_of(uri: str) -> str | None:
    """The day, ``YYYY-MM-DD``, that a source object's key carries, None when it carries none.

    :raises SourceUnreadable: when there is no such day
    """
    found = _DATED.search(split_uri(uri)[1])
    if found is None:
        return None
    try:
        return dt.date.fromisoformat(found["day"]).isoformat()
    except ValueError as error:
        raise errors.SourceUnreadable(
            f"{uri}: dt={found['day']} is no day of the calendar",
            "dt=YYYY-MM-DD",
            "Deliver the object under the day that it belongs to.",
        ) from error


def find_sources(aws: Aws, run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """``uri, etag, size_bytes, sha256, partition, landed_partition`` of each source object, oldest day first.

    :param run: ``bucket, source_uri, partition, window_days, run_type`` of docs/contracts.md section 2
    :raises SourceNotFound: when there is none for this run
    """
    landed = _landed(aws, run["bucket"])
    digests = _Digests(aws, run["bucket"])
    last = run["partition"]
    first = (dt.date.fromisoformat(last) - dt.timedelta(days=run["window_days"])).isoformat()
    found: dict[str, dict[str, Any]] = {}
    left_out: collections.Counter[str] = collections.Counter()
    for entry in _listing(aws, run["source_uri"]):
        day = day_of(entry.uri)
        if day and not first <= day <= last:
            left_out[f"of days outside {first} to {last}"] += 1
            continue
        digest = digests.of(entry)
        places = landed[digest[: naming.PATH_FINGERPRINT_LENGTH]]
        within = sorted(place for place in places if first <= place <= last)
        if not (day or within) and places:
            left_out[f"landed on days outside {first} to {last}"] += 1
            continue
        if not (day or within) and run["run_type"] == "backfill":
            left_out["without dt=YYYY-MM-DD in the key and not landed yet, which no backfill lands"] += 1
            continue
        landed_partition = day if day in within else next(iter(within), None)
        source = {
            "uri": entry.uri,
            "etag": entry.etag,
            "size_bytes": entry.size_bytes,
            "sha256": digest,
            "partition": landed_partition or day or last,
            "landed_partition": landed_partition,
        }
        known = found.setdefault(digest, source)
        if source["partition"] < known["partition"]:
            found[digest] = source
    if not found:
        why = "; ".join(f"{count} {words}" for words, count in left_out.items())
        raise errors.SourceNotFound(
            f"no object under {run['source_uri']} for this run" + (f" ({why})" if why else ""),
            "at least one CSV object",
        )
    return sorted(
        found.values(),
        key=lambda source: (source["landed_partition"] is None, source["partition"], source["uri"]),
    )


class _Digests:
    """sha256 of source objects, read once for as long as an object stays what it is.

    S3 changes an object's ETag with its content, so that URI, ETag and size of an earlier plan vouch for the
    sha256 in it: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html. What is landed for the
    first time is read and compared with the plan again by ``land_reviews``.
    """

    #: Of this process: a dry run plans many days one after the other.
    _seen: ClassVar[dict[tuple[str, str, int], str]] = {}

    def __init__(self, aws: Aws, bucket: str) -> None:
        self._aws = aws
        self._bucket = bucket
        self._has_read_plans = False

    def of(self, entry: S3Object) -> str:
        """64 hex digits."""
        key = (entry.uri, entry.etag, entry.size_bytes)
        if key not in self._seen and not self._has_read_plans:
            self._read_plans()
        if key not in self._seen:
            self._seen[key] = self._aws.sha256(entry.uri)
        return self._seen[key]

    def _read_plans(self) -> None:
        self._has_read_plans = True
        for entry in newest_plans(self._aws, self._bucket, _PLANS):
            for source in self._aws.get_json(entry.uri).get("sources", []):
                self._seen[source["uri"], source["etag"], source["size_bytes"]] = source["sha256"]


def newest_plans(aws: Aws, bucket: str, count: int) -> list[S3Object]:
    """The last plans that were written, newest first."""
    plans = [entry for entry in aws.list_objects(f"s3://{bucket}/runs/") if entry.uri.endswith("/plan.json")]
    return sorted(plans, key=lambda entry: (entry.modified, entry.uri), reverse=True)[:count]


def _listing(aws: Aws, source_uri: str) -> list[S3Object]:
    try:
        split_uri(source_uri)
    except ValueError as error:
        raise errors.SourceNotFound(str(error), "an S3 URI such as s3://bucket/inbox/") from error
    try:
        objects = list(aws.list_objects(source_uri))
    except errors.AwsError as error:
        if "NoSuchBucket" in error.observed:
            raise errors.SourceNotFound(error.observed, "a bucket that exists") from error
        raise
    # s3://bucket/reviews.csv must not mean reviews.csv.bak as well.
    exact = [entry for entry in objects if entry.uri == source_uri]
    inside = [
        entry for entry in objects if source_uri.endswith("/") or entry.uri.startswith(f"{source_uri}/")
    ]
    return exact or inside


def _landed(aws: Aws, bucket: str) -> collections.defaultdict[str, set[str]]:
    """Partitions by the first 16 hex digits of each object that has been landed."""
    found: collections.defaultdict[str, set[str]] = collections.defaultdict(set)
    for entry in aws.list_objects(f"s3://{bucket}/raw/reviews/"):
        match = _MANIFEST.search(entry.uri)
        if match:
            found[match["digest"]].add(match["partition"])
    return found
