"""Rows of a query as Parquet, text or JSON objects, one a partition."""

from __future__ import annotations

import gzip
import json
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from localaws import artifacts
from localaws.clients import client
from localaws.services.athena.errors import QueryError, not_supported
from localaws.services.athena.hive_types import literal, quoted
from localaws.services.athena.results import value_text

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from localaws.services.athena.session import Session
    from localaws.services.athena.statements import Statement

MAXIMUM_PARTITIONS = 100
COMPRESSION = {
    "GZIP": "gzip",
    "SNAPPY": "snappy",
    "ZSTD": "zstd",
    "NONE": "uncompressed",
    "UNCOMPRESSED": "uncompressed",
}


@dataclass
class Written:
    """Objects of one write: URIs, rows, and partition values by their directory."""

    uris: list[str] = field(default_factory=list)
    rows: int = 0
    partitions: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Format:
    name: str
    compression: str
    delimiter: str


def write(
    connection: duckdb.DuckDBPyConnection,
    session: Session,
    sql: str,
    statement: Statement,
    chosen: Format,
    location: str,
    names: list[str],
    keys: list[str],
) -> Written:
    """Run `sql` into files below `location`, one a partition."""
    session.run(f'CREATE TEMP TABLE "written" AS {sql}', connection, statement.query)
    written = Written(rows=_count(connection, 'SELECT count(*) FROM "written"'))
    if not written.rows:
        return written
    keyed = ", ".join(quoted(key) for key in keys)
    if keys:
        partitions = _count(connection, f'SELECT count(*) FROM (SELECT DISTINCT {keyed} FROM "written")')  # noqa: S608
        if partitions > MAXIMUM_PARTITIONS:
            raise QueryError(
                "HIVE_TOO_MANY_OPEN_PARTITIONS",
                f"Exceeded limit of {MAXIMUM_PARTITIONS} open writers for partitions/buckets",
            )
    directory = session.scratch / "out"
    directory.mkdir(exist_ok=True)
    if chosen.name == "PARQUET":
        _copy_parquet(connection, directory, COMPRESSION.get(chosen.compression, "gzip"), keyed)
    else:
        _copy_text(connection, directory, chosen, names, keys)
    session.check()
    _upload(directory, location, session, chosen, written)
    return written


def _count(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0


def _copy_parquet(
    connection: duckdb.DuckDBPyConnection, directory: Path, compression: str, keyed: str
) -> None:
    by = f", PARTITION_BY ({keyed}), OVERWRITE_OR_IGNORE" if keyed else ""
    target = directory if keyed else directory / "data_0.parquet"
    connection.execute(
        f'COPY "written" TO {literal(str(target))} (FORMAT parquet, COMPRESSION {compression}{by})'
    )


def _copy_text(
    connection: duckdb.DuckDBPyConnection, directory: Path, chosen: Format, names: list[str], keys: list[str]
) -> None:
    """Delimited text as LazySimpleSerDe reads it (``\\N`` for NULL), or JSON, a row a line."""
    groups: dict[str, list[str]] = {}
    plain = len(names) - len(keys)
    for row in connection.execute('SELECT * FROM "written"').fetchall():
        folder = "/".join(
            f"{key}={'__HIVE_DEFAULT_PARTITION__' if value is None else value_text(value)}"
            for key, value in zip(keys, row[plain:], strict=True)
        )
        groups.setdefault(folder, []).append(_line(row[:plain], names[:plain], chosen))
    for folder, lines in groups.items():
        path = directory / folder / "data_0"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = ("\n".join(lines) + "\n").encode()
        path.write_bytes(gzip.compress(content) if chosen.compression == "GZIP" else content)


def _line(values: tuple[Any, ...], names: list[str], chosen: Format) -> str:
    if chosen.name == "JSON":
        document = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        return json.dumps(document, default=value_text, ensure_ascii=False, separators=(",", ":"))
    if any(isinstance(value, (list, dict)) for value in values):
        raise not_supported("arrays, maps and rows in text files")
    return chosen.delimiter.join("\\N" if value is None else value_text(value) or "" for value in values)


def _upload(directory: Path, location: str, session: Session, chosen: Format, written: Written) -> None:
    s3 = client("s3", session.region)
    moment = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
    suffix = ".gz" if chosen.name != "PARQUET" and chosen.compression == "GZIP" else ""
    for number, path in enumerate(sorted(item for item in directory.rglob("*") if item.is_file())):
        folder = path.parent.relative_to(directory).as_posix()
        folder = "" if folder == "." else folder + "/"
        name = f"{moment}_{number:05d}_{secrets.token_hex(3)[:5]}_{uuid.uuid4()}{suffix}"
        bucket, key = artifacts.split_uri(f"{location}{folder}{name}")
        s3.upload_file(str(path), bucket, key)
        written.uris.append(f"s3://{bucket}/{key}")
        if folder:
            values = [unquote(part.split("=", 1)[1]) for part in folder.strip("/").split("/")]
            written.partitions[f"{location}{folder}"] = values
