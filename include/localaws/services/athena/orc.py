"""ORC objects: turned into Parquet once, beside the cached object; DuckDB reads no ORC."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from localaws.services.athena.errors import QueryError
from localaws.services.athena.objects import cached

if TYPE_CHECKING:
    from pathlib import Path

    from localaws.services.athena.catalog import Table


def is_orc(table: Table) -> bool:
    """Whether the table's files are ORC."""
    return "orc" in table.serde.lower() or "orc" in table.input_format.lower()


def to_parquet(path: Path, uri: str, table: Table) -> Path:
    """The rows of an ORC file as Parquet, with the table's column names; raise HIVE_BAD_DATA when it is none.

    Athena reads ORC by position (Parquet by name), unless the SerDe says ``orc.column.index.access`` = false:
    its user guide, "Handle schema updates".
    """
    from pyarrow import orc

    by_name = table.serde_parameters.get("orc.column.index.access", "true").lower() == "false"
    names = [] if by_name else [name for name, _ in table.columns]
    target = cached(f"orc {path.name} {names}", ".parquet")
    if target.exists():
        return target
    temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex}")
    try:
        file = orc.ORCFile(path)
        columns = [names[i] if i < len(names) else field.name for i, field in enumerate(file.schema)]
        schema = pa.schema([field.with_name(name) for field, name in zip(file.schema, columns, strict=True)])
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for stripe in range(file.nstripes):
                writer.write_batch(file.read_stripe(stripe).rename_columns(columns))
        temporary.replace(target)
    except (pa.ArrowInvalid, OSError) as error:
        raise QueryError("HIVE_BAD_DATA", f"Not valid ORC file: {uri}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return target
