"""The writers of the kill drill, and the record of what was acknowledged to them."""

from __future__ import annotations

import hashlib
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from drill_jobs import BUCKET, job_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers import Server

LOG_GROUP = "/drill"
OBJECT_WRITERS = 6
KEYS_A_WRITER = 400
PART_BYTES = 5 * 1024 * 1024
GONE = ""


@dataclass
class Acknowledged:
    """What the server has confirmed, and what was under way at the kill. Each key has one writer."""

    objects: dict[str, str] = field(default_factory=dict)  # key -> SHA-256, or GONE
    under_way: dict[str, str] = field(default_factory=dict)
    tables: set[str] = field(default_factory=set)
    partitions: set[tuple[str, str]] = field(default_factory=set)
    lines: dict[str, list[str]] = field(default_factory=dict)  # log stream -> messages
    jobs: set[str] = field(default_factory=set)  # Completed
    jobs_under_way: dict[str, bool] = field(default_factory=dict)  # name -> whether Create was answered
    jobs_failed: list[dict[str, Any]] = field(default_factory=list)  # their descriptions: none should fail
    touched: set[str] = field(default_factory=set)  # keys of this round
    requests: int = 0
    refusals: list[str] = field(default_factory=list)  # a kill refuses nothing
    job_ended: threading.Event = field(default_factory=threading.Event)  # one of this round is Completed


class Load:
    """Threads that write until they are told to stop or the server is gone."""

    def __init__(self, server: Server, known: Acknowledged, seed: int) -> None:
        # Made before the clock starts: it takes longer than many a round.
        self._s3, self._glue = server.client("s3", connections=20), server.client("glue")
        self._log_client, self._sagemaker = server.client("logs"), server.client("sagemaker")
        self._known = known
        self._seed = seed
        self._stopped = threading.Event()
        writers: list[Callable[[random.Random], None]] = [self._catalog, self._logs, self._jobs]
        objects = [lambda chance, n=number: self._objects(chance, n) for number in range(OBJECT_WRITERS)]
        self._threads = [
            threading.Thread(target=self._guarded, args=(writer, number), daemon=True)
            for number, writer in enumerate([*objects, *writers])
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the requests under way."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)

    def _guarded(self, writer: Callable[[random.Random], None], number: int) -> None:
        chance = random.Random(self._seed * 1000 + number)  # noqa: S311
        try:
            writer(chance)
        except ClientError as error:
            self._known.refusals.append(str(error))
        except BotoCoreError:  # the kill
            pass

    def _objects(self, chance: random.Random, number: int) -> None:
        s3, known = self._s3, self._known
        while not self._stopped.is_set():
            key = f"w{number}/{chance.randrange(KEYS_A_WRITER):04d}"
            known.touched.add(key)
            if chance.random() < 0.1:
                known.under_way[key] = GONE
                s3.delete_object(Bucket=BUCKET, Key=key)
                known.objects[key] = GONE
            else:
                parts = [chance.randbytes(PART_BYTES)] if chance.random() < 0.01 else []
                parts.append(chance.randbytes(int(10 ** chance.uniform(1, 5))))
                digest = hashlib.sha256(b"".join(parts)).hexdigest()
                known.under_way[key] = digest
                put(s3, key, parts)
                known.objects[key] = digest
            del known.under_way[key]
            known.requests += 1

    def _catalog(self, chance: random.Random) -> None:
        glue, known = self._glue, self._known
        keys = [{"Name": "dt", "Type": "string"}]
        while not self._stopped.is_set():
            name = f"t{uuid.UUID(int=chance.getrandbits(128)).hex[:12]}"
            storage = {"Columns": [{"Name": "a", "Type": "int"}], "Location": f"s3://{BUCKET}/{name}/"}
            table = {"Name": name, "StorageDescriptor": storage, "PartitionKeys": keys}
            glue.create_table(DatabaseName="drill", TableInput=table)
            known.tables.add(name)
            for value in ("2026-01-01", "2026-01-02"):
                part = {"Values": [value], "StorageDescriptor": storage}
                glue.create_partition(DatabaseName="drill", TableName=name, PartitionInput=part)
                known.partitions.add((name, value))
            known.requests += 3

    def _logs(self, chance: random.Random) -> None:
        logs, known = self._log_client, self._known
        stream = f"s{chance.getrandbits(64):016x}"
        logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)
        number = 0
        while not self._stopped.is_set():
            number += 1
            message = f"line {number}"
            event = {"timestamp": int(time.time() * 1000), "message": message}
            logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=stream, logEvents=[event])
            known.lines.setdefault(stream, []).append(message)
            known.requests += 1
            time.sleep(0.02)

    def _jobs(self, chance: random.Random) -> None:
        sagemaker = self._sagemaker
        while not self._stopped.is_set():
            name = f"drill-{chance.getrandbits(64):016x}"
            self._known.jobs_under_way[name] = False
            sagemaker.create_processing_job(**job_request(name))
            self._known.jobs_under_way[name] = True
            self._known.requests += 1
            while not self._stopped.is_set():
                job = sagemaker.describe_processing_job(ProcessingJobName=name)
                if job["ProcessingJobStatus"] != "InProgress":
                    self._job_ended(name, job)
                    break
                time.sleep(0.1)

    def _job_ended(self, name: str, job: dict[str, Any]) -> None:
        known = self._known
        if job["ProcessingJobStatus"] == "Completed":
            known.jobs.add(name)
            known.job_ended.set()
        else:
            known.jobs_failed.append(job)
        del known.jobs_under_way[name]


def put(s3: Any, key: str, parts: list[bytes]) -> None:
    """One object, by multipart upload when there are parts."""
    if len(parts) == 1:
        s3.put_object(Bucket=BUCKET, Key=key, Body=parts[0])
        return
    upload = {"Bucket": BUCKET, "Key": key}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    etags = [
        {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=part)["ETag"]}
        for number, part in enumerate(parts, start=1)
    ]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": etags})
