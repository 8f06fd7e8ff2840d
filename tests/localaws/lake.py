"""A bucket with a database, and queries over both."""

from __future__ import annotations

import io
import uuid
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from athena_queries import Queries

if TYPE_CHECKING:
    from collections.abc import Callable


class Lake:
    """A bucket, a database in it, and queries over both."""

    def __init__(self, aws: Callable[[str], Any], bucket: str) -> None:
        self.s3 = aws("s3")
        self.glue = aws("glue")
        self.bucket = bucket
        self.database = f"db_{uuid.uuid4().hex[:8]}"
        self.queries = Queries(aws("athena"), f"s3://{bucket}/results/", self.database)
        self.rows, self.failure, self.run = self.queries.rows, self.queries.failure, self.queries.run
        self.rows(f"create database {self.database}")

    def put(self, key: str, body: str | bytes) -> None:
        """Write an object."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode() if isinstance(body, str) else body)

    def put_parquet(self, key: str, **columns: Any) -> int:
        """Write a Parquet object; return its size."""
        buffer = io.BytesIO()
        pq.write_table(pa.table(columns), buffer)
        self.put(key, buffer.getvalue())
        return len(buffer.getvalue())

    def keys(self, prefix: str) -> list[str]:
        """Keys of the objects below a prefix."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for item in listed.get("Contents", [])]

    def external(self, name: str, columns: str, clauses: str = "stored as parquet") -> None:
        """CREATE EXTERNAL TABLE at ``s3://bucket/<name>/``."""
        self.rows(f"create external table {name} ({columns}) {clauses.replace('LOCATION', f's3://{self.bucket}/{name}/')}"
                  + ("" if "LOCATION" in clauses else f" location 's3://{self.bucket}/{name}/'"))  # fmt: skip
