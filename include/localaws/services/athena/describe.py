"""DESCRIBE and DESCRIBE FORMATTED: the text that Hive prints, one row a line."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from localaws.services.athena.errors import not_supported
from localaws.services.athena.hive_types import string_column
from localaws.services.athena.session import Outcome
from localaws.services.athena.show import after, existing_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from localaws.services.athena.catalog import Table
    from localaws.services.athena.session import Session
    from localaws.services.athena.statements import Statement

_WIDTH = 20
_BLANK = "\t \t "


def describe(statement: Statement, session: Session) -> Outcome:
    """DESCRIBE [FORMATTED] table; raises `QueryError` for the other forms."""
    cursor = after(statement, "(?:DESCRIBE|DESC)")
    if cursor.take("EXTENDED"):
        raise not_supported("DESCRIBE EXTENDED; DESCRIBE FORMATTED says the same")
    formatted = cursor.take("FORMATTED")
    table = existing_table(session, *cursor.qualified_name(session.database))
    if cursor.token:
        raise not_supported("DESCRIBE of a partition or a column")
    lines = _formatted(table) if formatted else _plain(table)
    columns = [string_column(name) for name in ("col_name", "data_type", "comment")]
    return Outcome(columns=columns, rows=[[line] for line in lines])


def _padded(*parts: str) -> str:
    return "\t".join(part.ljust(_WIDTH) for part in parts)


def _column_lines(table: Table, columns: Iterable[tuple[str, str]]) -> list[str]:
    document = table.document
    described = [*document["StorageDescriptor"].get("Columns", []), *document.get("PartitionKeys", [])]
    comments = {column["Name"].lower(): column.get("Comment", "") for column in described}
    return [_padded(name, kind, comments.get(name, "")) for name, kind in columns]


def _plain(table: Table) -> list[str]:
    """Columns, and the partition keys a second time."""
    lines = _column_lines(table, table.all_columns)
    if table.partition_keys:
        lines += [_BLANK, "# Partition Information\t \t ", _padded("# col_name", "data_type", "comment")]
        lines += _column_lines(table, table.partition_keys)
    return lines


def _formatted(table: Table) -> list[str]:
    """Columns under headers, then what is known of the table and of its storage."""
    header = [_padded("# col_name", "data_type", "comment"), _BLANK]
    lines = header + _column_lines(table, table.columns)
    if table.partition_keys:
        lines += [
            _BLANK,
            "# Partition Information\t \t ",
            *header,
            *_column_lines(table, table.partition_keys),
        ]
    document = table.document
    created = document.get("CreateTime")
    lines += [_BLANK, "# Detailed Table Information\t \t "]
    facts = {
        "Database:": table.database,
        "Owner:": document.get("Owner", "hadoop"),
        "CreateTime:": f"{created.astimezone(UTC):%a %b %d %H:%M:%S UTC %Y}" if created else "UNKNOWN",
        "LastAccessTime:": "UNKNOWN",
        "Protect Mode:": "None",
        "Retention:": str(document.get("Retention", 0)),
    }
    if table.location:
        facts["Location:"] = table.location
    facts["Table Type:"] = document.get("TableType", "EXTERNAL_TABLE")
    lines += _facts(facts)
    lines += ["Table Parameters:\t \t ", *_properties(table.parameters)]
    return lines + _storage(table) + _view(table)


def _storage(table: Table) -> list[str]:
    storage = table.document["StorageDescriptor"]
    lines = [_BLANK, "# Storage Information\t \t "]
    lines += _facts(
        {
            "SerDe Library:": table.serde or "null",
            "InputFormat:": table.input_format or "null",
            "OutputFormat:": storage.get("OutputFormat") or "null",
            "Compressed:": "Yes" if storage.get("Compressed") else "No",
            "Num Buckets:": str(storage.get("NumberOfBuckets", -1)),
            "Bucket Columns:": _listed(storage.get("BucketColumns", [])),
            "Sort Columns:": _listed(column["Column"] for column in storage.get("SortColumns", [])),
        }
    )
    if table.serde_parameters:
        lines += ["Storage Desc Params:\t \t ", *_properties(table.serde_parameters)]
    return lines


def _view(table: Table) -> list[str]:
    if table.view is None:
        return []
    texts = {
        "View Original Text:": table.document.get("ViewOriginalText", ""),
        "View Expanded Text:": table.document.get("ViewExpandedText", ""),
    }
    return [_BLANK, "# View Information\t \t ", *_facts(texts)]


def _facts(facts: Mapping[str, str]) -> list[str]:
    return [f"{_padded(name, value)}\t " for name, value in facts.items()]


def _properties(properties: Mapping[str, str]) -> list[str]:
    return ["\t" + _padded(name, value) for name, value in sorted(properties.items())]


def _listed(names: Iterable[str]) -> str:
    return f"[{', '.join(names)}]"
