"""A table's objects as a DuckDB view with exactly the catalog's columns and types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from localaws.services.athena import objects, orc, text_formats
from localaws.services.athena.errors import QueryError, not_supported
from localaws.services.athena.hive_types import hive_to_duckdb, literal, quoted

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from localaws.services.athena.catalog import Partition, Table
    from localaws.services.athena.objects import S3Object

_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


@dataclass
class Scan:
    """What reading a table cost: bytes as Athena bills them, rows, and the local files in use."""

    bytes_scanned: int = 0
    rows: int = 0
    files: set[Path] = field(default_factory=set)


@dataclass
class _Source:
    item: S3Object
    values: list[str]
    path: Path | None = None


def is_parquet(table: Table) -> bool:
    """Whether the table's files are Parquet."""
    return "parquet" in table.serde.lower() or "parquet" in table.input_format.lower()


def create_view(
    connection: duckdb.DuckDBPyConnection,
    internal: str,
    table: Table,
    partitions: list[Partition],
    used: set[str] | None,
    region: str,
) -> Scan:
    """Replace the empty table `internal` by a view over the objects of `partitions`.

    `used` holds the columns the query mentions (None: all); other columns' bytes are not billed.
    """
    listed = objects.list_locations([partition.location for partition in partitions], region)
    sources = [
        _Source(item, partition.values) for partition in partitions for item in listed[partition.location]
    ]
    if not sources:
        return Scan()
    for source, path in zip(sources, objects.fetch_all([s.item for s in sources], region), strict=True):
        source.path = path
    scan = Scan(files={source.path for source in sources if source.path})
    if is_parquet(table):
        body = _parquet(table, sources, used, scan)
    elif orc.is_orc(table):
        body = _orc(table, sources, scan)
    else:
        scan.bytes_scanned = sum(source.item.size for source in sources)
        body = _text(table, sources, scan)
    connection.execute(f'DROP TABLE "{internal}"')
    rows = ", ".join(
        f"({literal(path)}, " + ", ".join(_partition_value(value) for value in source.values) + ")"
        if source.values
        else f"({literal(path)})"
        for source, path in body.paths
    )
    keys = "".join(f", {quoted(name)}" for name, _ in table.partition_keys)
    typed_keys = "".join(
        f", CAST(files.{quoted(n)} AS {hive_to_duckdb(t)}) AS {quoted(n)}" for n, t in table.partition_keys
    )
    if table.partition_keys:
        named = f'(VALUES {rows}) AS files("filename"{keys})'
        connection.execute(f'CREATE TEMP TABLE "{internal}_files" AS SELECT * FROM {named}')  # noqa: S608
        joined = f'JOIN "{internal}_files" AS files ON data."filename" = files."filename"'
    else:
        joined = ""
    query = f"SELECT {body.columns}{typed_keys} FROM {body.source} AS data {joined}"  # noqa: S608
    connection.execute(f'CREATE TEMP VIEW "{internal}" AS {query}')
    return scan


def _orc(table: Table, sources: list[_Source], scan: Scan) -> _Body:
    """As Parquet, but all of each object is billed: sizes of columns are not in reach."""
    for source in sources:
        source.path = orc.to_parquet(source.path, source.item.uri, table)  # type: ignore[arg-type]
        scan.files.add(source.path)
    body = _parquet(table, sources, set(), scan)
    scan.bytes_scanned = sum(source.item.size for source in sources)
    return body


@dataclass
class _Body:
    columns: str
    source: str
    paths: list[tuple[_Source, str]]


def _partition_value(value: str) -> str:
    return "NULL" if value == _HIVE_NULL else literal(value)


def _file_list(paths: list[tuple[_Source, str]]) -> str:
    return "[" + ", ".join(literal(path) for path in dict.fromkeys(path for _, path in paths)) + "]"


def _parquet(table: Table, sources: list[_Source], used: set[str] | None, scan: Scan) -> _Body:
    present: set[str] = set()
    for source in sources:
        present |= _check_parquet(table, source, used, scan)
    if any(
        source.item.key == other.item.key for source in sources for other in sources if source is not other
    ):
        raise not_supported("two partitions with the same location")
    paths = [(source, str(source.path)) for source in sources]
    columns = ", ".join(
        f"CAST(data.{quoted(name)} AS {hive_to_duckdb(kind)}) AS {quoted(name)}"
        if name in present
        else f"CAST(NULL AS {hive_to_duckdb(kind)}) AS {quoted(name)}"
        for name, kind in table.columns
    )
    # Every file is read by itself so that columns are matched by name and partitions by file.
    reader = (
        f"read_parquet({_file_list(paths)}, union_by_name = true, filename = true, hive_partitioning = false)"
    )
    return _Body(columns or "1", reader, paths)


_COMPATIBLE = {
    "integer": {"integer", "decimal", "floating"},
    "decimal": {"integer", "decimal"},
    "floating": {"integer", "floating", "decimal"},
    "text": {"text"},
    "boolean": {"boolean"},
    "date": {"date"},
    "timestamp": {"timestamp", "integer"},
    "binary": {"binary", "text"},
    "nested": {"nested"},
}


def _family(hive: str) -> str:
    base = hive.split("(")[0].split("<")[0].strip().lower()
    families = {
        "text": ("string", "varchar", "char"),
        "integer": ("tinyint", "smallint", "int", "integer", "bigint"),
        "floating": ("float", "real", "double"),
        "nested": ("array", "map", "struct"),
    }
    return next((family for family, names in families.items() if base in names), base)


def _arrow_family(kind: pa.DataType) -> str:
    checks = (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "integer"),
        (pa.types.is_floating, "floating"),
        (pa.types.is_decimal, "decimal"),
        (pa.types.is_date, "date"),
        (pa.types.is_timestamp, "timestamp"),
        (pa.types.is_string, "text"),
        (pa.types.is_large_string, "text"),
        (pa.types.is_dictionary, "text"),
        (pa.types.is_binary, "binary"),
        (pa.types.is_large_binary, "binary"),
        (pa.types.is_nested, "nested"),
        (pa.types.is_null, "null"),
    )
    return next((family for check, family in checks if check(kind)), "other")


def _check_parquet(table: Table, source: _Source, used: set[str] | None, scan: Scan) -> set[str]:
    """Columns in the file, after checking their types and adding up the bytes of those used."""
    try:
        file = pq.ParquetFile(source.path)
    except pa.ArrowInvalid as error:
        raise QueryError("HIVE_BAD_DATA", f"Not valid Parquet file: {source.item.uri}") from error
    kind = "orc" if orc.is_orc(table) else "parquet"
    with file:
        declared = dict(table.columns)
        for column in file.schema_arrow:
            hive = declared.get(column.name.lower())
            family = _arrow_family(column.type)
            if hive and family != "null" and family not in _COMPATIBLE.get(_family(hive), {family}):
                raise QueryError(
                    "HIVE_BAD_DATA",
                    f"Field {column.name}'s type {str(column.type).upper()} in {kind} file "
                    f"{source.item.uri} "
                    f"is incompatible with type {hive} defined in table schema",
                )
        metadata = file.metadata
        scan.rows += metadata.num_rows
        for group in range(metadata.num_row_groups):
            for index in range(metadata.num_columns):
                chunk = metadata.row_group(group).column(index)
                if used is None or chunk.path_in_schema.split(".")[0].lower() in used:
                    scan.bytes_scanned += chunk.total_compressed_size
        return {name.lower() for name in file.schema_arrow.names}


def _text(table: Table, sources: list[_Source], scan: Scan) -> _Body:
    names = [name for name, _ in table.columns]
    parameters = table.parameters | table.serde_parameters
    skip = int(parameters.get("skip.header.line.count", 0))
    paths = []
    for source in sources:
        parse = text_formats.parser(table.serde, table.serde_parameters, names, source.item.uri)
        settings = f"{table.serde} {sorted(table.serde_parameters.items())} {source.item.uri}"
        converted = text_formats.to_parquet(source.path, parse, names, skip, settings)  # type: ignore[arg-type]
        scan.files.add(converted)
        scan.rows += pq.read_metadata(converted).num_rows
        paths.append((source, str(converted)))
    columns = ", ".join(
        f"{_typed(f'data.c{index}', kind, table, index)} AS {quoted(name)}"
        for index, (name, kind) in enumerate(table.columns)
    )
    return _Body(
        columns, f"read_parquet({_file_list(paths)}, filename = true, hive_partitioning = false)", paths
    )


def _typed(column: str, hive: str, table: Table, index: int) -> str:
    """The SQL that gives a text column its declared type the way the SerDe does."""
    target = hive_to_duckdb(hive)
    if table.serde in text_formats.JSON_SERDES:
        nested = _family(hive) == "nested"
        return f"CAST(CAST({column} AS JSON) AS {target})" if nested else f"CAST({column} AS {target})"
    if _family(hive) == "nested":
        raise not_supported(f"columns of type {hive} in text files")
    if target == "VARCHAR":
        return column
    if table.serde == text_formats.OPEN_CSV:
        refusal = (
            f"'INVALID_CAST_ARGUMENT: Error parsing field value ''' || {column} || ''' for field {index}'"
        )
        checked = f"CASE WHEN TRY_CAST({column} AS {target}) IS NULL THEN {refusal} ELSE {column} END"
        return f"CAST({checked} AS {target})"
    # LazySimpleSerDe: what does not parse is NULL; numbers are whole or not at all.
    if _family(hive) == "integer":
        return f"CASE WHEN regexp_full_match({column}, '[+-]?[0-9]+') THEN TRY_CAST({column} AS {target}) END"
    if target == "BOOLEAN":
        return f"CASE lower({column}) WHEN 'true' THEN true WHEN 'false' THEN false END"
    return f"TRY_CAST({column} AS {target})"
