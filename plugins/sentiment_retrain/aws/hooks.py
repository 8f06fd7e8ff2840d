"""Every AWS call of the project, and the only place that makes clients.

Clients are plain boto3: credentials come from the standard chain (environment, profile, the worker's role)
and the endpoint from ``AWS_ENDPOINT_URL`` where it is set, which awswrangler and the trigger then share. An
Airflow connection would reach only part of the calls.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import re
import threading
import time
from typing import TYPE_CHECKING, Any

from sentiment_retrain import errors
from sentiment_retrain.aws import failures
from sentiment_retrain.aws.error_translation import error_code, translate, translated
from sentiment_retrain.aws.objects import S3Object, split_uri

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import boto3

    from sentiment_retrain.aws.jobs import JobKind

log = logging.getLogger(__name__)

#: SageMaker's Describe* answers ValidationException, not its declared ResourceNotFound, for a missing thing.
_MISSING = frozenset({"ValidationException", "ResourceNotFound", "ResourceNotFoundException"})
_MISSING_OBJECT = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchBucket"})
#: A conditional write that came too late, or beside another.
_LOST_RACE = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
#: Pauses before a request is repeated whose configuration or model AWS does not see yet: what was made a
#: moment ago is read with eventual consistency, and AWS advises to repeat (documentation of CreateEndpoint).
SEEN_LATE_SECONDS = (0.5, 1.0, 2.0, 4.0)
#: Threads that may work with one client at once without waiting for a connection, or opening one each time.
MAX_CONNECTIONS = 16
_NOT_SEEN = re.compile(r'Could not find (?:model|endpoint|endpoint configuration) "')


class Aws:
    """AWS as the project uses it. Safe to share between threads.

    :param region: region of every client; None lets boto3 decide
    """

    def __init__(self, region: str | None = None) -> None:
        self.region = region
        # Re-entrant: a kill may arrive, and stop a job, while the same thread makes a client.
        self._lock = threading.RLock()
        self._session: boto3.Session | None = None
        self._clients: dict[str, Any] = {}

    @property
    def session(self) -> boto3.Session:
        """The session that awswrangler shares with our own clients."""
        import boto3

        if self._session is None:
            self._session = boto3.Session(region_name=self.region)
        return self._session

    def client(self, service: str) -> Any:
        """The client of ``service``: standard retries (exponential, with jitter), bounded waits."""
        from botocore.config import Config

        with self._lock:
            if service not in self._clients:
                config = Config(
                    retries={"mode": "standard", "total_max_attempts": 5},
                    connect_timeout=10,
                    read_timeout=70,
                    max_pool_connections=MAX_CONNECTIONS,
                    user_agent_extra="sentiment-retrain",
                )
                self._clients[service] = self.session.client(service, config=config)
            return self._clients[service]

    # --- S3 -----------------------------------------------------------------------------------------------

    def get_bytes(self, uri: str) -> bytes:
        """The content of one object."""
        bucket, key = split_uri(uri)
        with translated(f"s3:GetObject {uri}"):
            return bytes(self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())

    def get_json(self, uri: str) -> Any:
        """The content of one JSON object; raises ``ResultMalformed`` when it is not JSON."""
        content = self.get_bytes(uri)
        try:
            return json.loads(content)
        except ValueError as error:
            raise errors.ResultMalformed(f"{uri}: {error}", "a JSON document") from error

    def find_json(self, uri: str) -> Any | None:
        """Like :meth:`get_json`, None when the object does not exist."""
        return self.get_json(uri) if self.exists(uri) else None

    def put_bytes(self, uri: str, content: bytes, content_type: str = "application/octet-stream") -> str:
        """Write one object in one request, so that nobody sees half of it; gives its URI back."""
        bucket, key = split_uri(uri)
        with translated(f"s3:PutObject {uri}"):
            self.client("s3").put_object(Bucket=bucket, Key=key, Body=content, ContentType=content_type)
        return uri

    def put_json(self, uri: str, document: Any) -> str:
        """Write ``document`` as indented JSON."""
        content = json.dumps(document, indent=1, ensure_ascii=False, default=str).encode()
        return self.put_bytes(uri, content, "application/json")

    def put_if_absent(self, uri: str, document: Any) -> bool:
        """Write JSON unless the object exists; of several writers one gets True, whoever came first."""
        return self._put_if(uri, document, _LOST_RACE, IfNoneMatch="*")

    def put_if_unchanged(self, uri: str, document: Any, etag: str) -> bool:
        """Write JSON over an object that still has this ETag; of several writers one gets True."""
        return self._put_if(uri, document, _LOST_RACE | _MISSING_OBJECT, IfMatch=etag)

    def _put_if(self, uri: str, document: Any, refusals: frozenset[str], **condition: str) -> bool:
        """Write JSON on S3's condition; False when S3 answers with one of ``refusals``."""
        from botocore.exceptions import ClientError

        bucket, key = split_uri(uri)
        content = json.dumps(document, default=str).encode()
        with translated(f"s3:PutObject {uri}"):
            try:
                self.client("s3").put_object(Bucket=bucket, Key=key, Body=content, **condition)
            except ClientError as error:
                if error_code(error) in refusals:
                    return False
                raise
        return True

    def exists(self, uri: str) -> bool:
        """Whether the object ``uri`` exists."""
        from botocore.exceptions import ClientError

        bucket, key = split_uri(uri)
        with translated(f"s3:HeadObject {uri}"):
            try:
                self.client("s3").head_object(Bucket=bucket, Key=key)
            except ClientError as error:
                if error_code(error) in _MISSING_OBJECT:
                    return False
                raise
        return True

    def delete(self, uri: str) -> None:
        """Delete one object; one that is not there is no error."""
        bucket, key = split_uri(uri)
        with translated(f"s3:DeleteObject {uri}"):
            self.client("s3").delete_object(Bucket=bucket, Key=key)

    def list_objects(self, prefix: str) -> Iterator[S3Object]:
        """Every object whose URI starts with ``prefix``, in key order; folder markers are left out."""
        bucket, key = split_uri(prefix)
        with translated(f"s3:ListBucket {prefix}"):
            for page in (
                self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
            ):
                for entry in page.get("Contents", []):
                    if not entry["Key"].endswith("/"):
                        uri = f"s3://{bucket}/{entry['Key']}"
                        modified = entry["LastModified"].isoformat()
                        yield S3Object(uri, entry["Size"], entry["ETag"].strip('"'), modified)

    def has_objects(self, prefix: str) -> bool:
        """Whether anything lies in the folder ``prefix`` (or is the object ``prefix`` itself)."""
        folder = prefix if prefix.endswith("/") else f"{prefix}/"
        # The prefix alone would also find what lies beside it, such as the folder of a job's next attempt.
        return next(self.list_objects(folder), None) is not None or self.exists(prefix)

    def sha256(self, uri: str) -> str:
        """sha256 of an object's content, read in pieces, as 64 hex digits."""
        bucket, key = split_uri(uri)
        digest = hashlib.sha256()
        with translated(f"s3:GetObject {uri}"):
            for chunk in self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1 << 20):
                digest.update(chunk)
        return digest.hexdigest()

    # --- any service --------------------------------------------------------------------------------------

    def call(self, service: str, operation: str, **request: Any) -> Any:
        """Call one operation of a service by its boto3 names."""
        with translated(f"{service}:{operation}"):
            return getattr(self.client(service), operation)(**request)

    def link(self, uri: str, seconds: int) -> str:
        """Address under which anybody may read one object for so long (AWS: seven days at most)."""
        bucket, key = split_uri(uri)
        with translated(f"s3:GetObject {uri}"):
            address = self.client("s3").generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=min(seconds, 604800)
            )
        return str(address)

    # --- SageMaker ----------------------------------------------------------------------------------------

    def sagemaker(self, operation: str, **request: Any) -> Any:
        """Call one SageMaker operation by its boto3 name."""
        with translated(f"sagemaker:{operation}"):
            return self._once_seen(operation, request)

    def _once_seen(self, operation: str, request: Mapping[str, Any]) -> Any:
        """The answer; repeated while AWS does not see what a creation or an update names."""
        from botocore.exceptions import ClientError

        call = getattr(self.client("sagemaker"), operation)
        pauses = SEEN_LATE_SECONDS if operation.startswith(("create_", "update_")) else ()
        for seconds in pauses:
            try:
                return call(**request)
            except ClientError as error:
                if error_code(error) != "ValidationException" or not _NOT_SEEN.search(str(error)):
                    raise
                log.info("%s again in %.1f s: %s", operation, seconds, error)
            time.sleep(seconds)
        return call(**request)

    def find(self, operation: str, **request: Any) -> dict[str, Any] | None:
        """The answer of a describe operation, None when there is no such resource."""
        from botocore.exceptions import ClientError

        with translated(f"sagemaker:{operation}"):
            try:
                return dict(getattr(self.client("sagemaker"), operation)(**request))
            except ClientError as error:
                if error_code(error) in _MISSING:
                    return None
                raise

    def create(self, operation: str, request: Mapping[str, Any]) -> bool:
        """Create a resource; False when its name is taken already, which the caller must look into.

        SageMaker says so by ResourceInUse for jobs, by ValidationException for models and configurations.
        """
        from botocore.exceptions import ClientError

        with translated(f"sagemaker:{operation}"):
            try:
                self._once_seen(operation, request)
            except ClientError as error:
                text = str(error).lower()
                if error_code(error) in {"ResourceInUse", "ResourceAlreadyExists"} or "already exist" in text:
                    return False
                raise
        return True

    def describe_job(self, kind: JobKind, name: str) -> dict[str, Any] | None:
        """Describe a job of any kind, None when there is none of this name."""
        return self.find(kind.describe, **{kind.name_key: name})

    def stop_job(self, kind: JobKind, name: str, patience_seconds: float = 20.0) -> bool:
        """Ask a job to stop; False when it cannot be stopped any more (it ended, or never was).

        :param patience_seconds: for how long an AWS that throttles or does not answer is asked again
        :raises RetrainError: when AWS did not take the request, so that the job may run on
        """
        from botocore.exceptions import BotoCoreError, ClientError

        if kind.stop is None:
            return False
        deadline = time.monotonic() + patience_seconds
        for attempt in itertools.count():
            try:
                getattr(self.client("sagemaker"), kind.stop)(**{kind.name_key: name})
            except (BotoCoreError, ClientError) as error:
                if error_code(error) in _MISSING:
                    log.info("%s %s was not stopped: %s", kind.name, name, error)
                    return False
                sorted_error = translate(error, f"sagemaker:{kind.stop}")
                if not sorted_error.retryable or time.monotonic() > deadline:
                    raise sorted_error from error
                time.sleep(failures.backoff_seconds(attempt, base=0.2, cap=3))
            else:
                return True
        return False

    def tags(self, arn: str) -> dict[str, str]:
        """Tags of a SageMaker resource."""
        answer = self.sagemaker("list_tags", ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])}

    def add_tag(self, arn: str, key: str, value: str) -> None:
        """Add or replace one tag of a SageMaker resource."""
        self.sagemaker("add_tags", ResourceArn=arn, Tags=[{"Key": key, "Value": value}])

    def running_jobs(self, kind: JobKind) -> Iterator[tuple[str, str]]:
        """Name and ARN of every job of this kind in the account that is in progress, not stopping."""
        return self._list_jobs(kind, StatusEquals="InProgress")

    def jobs_named(self, kind: JobKind, part: str) -> Iterator[tuple[str, str]]:
        """Name and ARN of every job of this kind in the account with ``part`` in its name."""
        return self._list_jobs(kind, NameContains=part)

    def _list_jobs(self, kind: JobKind, **filters: str) -> Iterator[tuple[str, str]]:
        if kind.listing is None:
            return
        with translated(f"sagemaker:{kind.listing}"):
            for page in self.client("sagemaker").get_paginator(kind.listing).paginate(**filters):
                for summary in page[f"{kind.name}Summaries"]:
                    yield summary[kind.name_key], summary[kind.arn_key]
