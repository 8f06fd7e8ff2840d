"""DuckDB's types as query plans describe them, and what Trino calls them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from localaws.services.athena.hive_types import trino_name

# A struct of an instant and its zone (zones.py).
ZONED = "ZONED TIMESTAMP"
_ZONED_FIELDS = ["trino_instant", "trino_zone"]


@dataclass(frozen=True)
class Type:
    """A DuckDB type: its id (``DECIMAL``, ``LIST``), and width and scale of a decimal."""

    id: str
    width: int = 0
    scale: int = 0
    child: Type | None = None

    @property
    def category(self) -> str:
        """Types of one category compare with each other in Trino."""
        return _CATEGORIES.get(self.id, self.id.lower())

    @property
    def is_integer(self) -> bool:
        """Whether division truncates."""
        return self.id in _INTEGERS

    @property
    def trino(self) -> str:
        """The type's name in Trino's messages."""
        if self.id == "DECIMAL":
            return f"decimal({self.width}, {self.scale})"
        if self.id == "LIST" and self.child:
            return f"array({self.child.trino})"
        if self.id == ZONED:
            return "timestamp with time zone"
        return "json" if self.id == "JSON" else trino_name(self.id)


_INTEGERS = {
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
    "INTEGER_LITERAL",
}
_CATEGORIES = dict.fromkeys([*_INTEGERS, "DECIMAL", "FLOAT", "DOUBLE"], "number") | {
    "DATE": "time",
    "TIMESTAMP": "time",
    "TIMESTAMP WITH TIME ZONE": "time",
    ZONED: "time",
    "VARCHAR": "varchar",
    "STRING_LITERAL": "varchar",
    "NULL": "unknown",
    "SQLNULL": "unknown",
}


def described_type(described: dict[str, Any]) -> Type:
    """The type that a serialised plan describes as ``{"id": …, "type_info": …}``."""
    info = described.get("type_info") or {}
    child = described_type(info["child_type"]) if info.get("child_type") else None
    if info.get("alias") == "JSON":
        return Type("JSON")
    if [field["first"] for field in info.get("child_types") or []] == _ZONED_FIELDS:
        return Type(ZONED)
    return Type(described["id"], info.get("width", 0), info.get("scale", 0), child)
