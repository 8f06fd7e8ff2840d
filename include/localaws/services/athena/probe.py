"""What type DuckDB gives to expressions anywhere inside a query, without running it.

An expression is marked by wrapping it as ``struct_extract(struct_pack(probe_7 := e), 'probe_7')`` and the
query's bound, not optimised, plan is asked for as JSON (`json_serialize_plan`): the struct's type names the
probe and holds the type of e. DuckDB cannot copy a struct_pack inside a correlated query; there the mark is
``list_extract([e], strlen('probe_7'))``, which in turn is folded away around constants.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB

from localaws.services.athena.duckdb_types import Type, described_type
from localaws.services.athena.errors import unexpected
from localaws.services.athena.hive_types import quoted

if TYPE_CHECKING:
    import duckdb


_PROBE = re.compile(r"probe_\d+")


class BindError(Exception):
    """DuckDB could not bind the query; `details` is its structured error."""

    def __init__(self, details: dict[str, Any]) -> None:
        super().__init__(details.get("error_message", ""))
        self.details = details


class DuckDbSql(DuckDB):
    """DuckDB's generator; wraps nodes marked with ``meta['probe']``, prints stand-ins for what is pending."""

    class Generator(DuckDB.Generator):  # type: ignore[valid-type, misc]
        def sql(self, expression: Any, key: str | None = None, comment: bool = True) -> str:
            """As DuckDB's, but see the class."""
            pending = key is None and isinstance(expression, exp.Expr) and not expression.meta.get("typed")
            text = self._stub(expression) if pending else None
            text = super().sql(expression, key, comment) if text is None else text
            if key is None and isinstance(expression, exp.Expr) and expression.meta.get("probe"):
                name = expression.meta["probe"]
                if expression.meta.get("correlated"):
                    return f"list_extract([{text}], strlen('{name}'))"
                return f"struct_extract(struct_pack({name} := {text}), '{name}')"
            return text

        def binary(self, expression: exp.Binary, op: str) -> str:
            """As DuckDB's, which prints ``a + b + c`` at once: marks on ``a + b`` would be lost."""
            if not isinstance(expression, _CHAINS):
                return str(super().binary(expression, op))
            return f"{self.sql(expression.left)} {op} {self.sql(expression.right)}"

        def _stub(self, node: exp.Expr) -> str | None:
            """What stands for a node whose meaning waits for its operands' types: right type, any value."""
            if isinstance(node, exp.Anonymous) and not node.meta.get("duckdb"):
                template = STUBS.get(node.name.lower())
                return self._filled(template, node) if template else None
            if isinstance(node, (exp.Add, exp.Sub)) and node.meta.get("zones"):
                name = "trino_plus_type" if isinstance(node, exp.Add) else "trino_minus_type"
                return f"{name}({self.sql(node.left)}, {self.sql(node.right)})"
            if isinstance(node, exp.Bracket):
                return f"({self.sql(node.this)})[{self.sql(node.expressions[0])}]"
            escaped = isinstance(node, exp.Like) and isinstance(node.parent, exp.Escape)
            if (
                isinstance(node, _BOOLEAN)
                and not escaped
                and not isinstance(node.args.get("expression"), (exp.Any, exp.All))
            ):
                parts = [node.this, node.args.get("expression"), node.args.get("low"), node.args.get("high")]
                if isinstance(node, exp.In) and (node.args.get("query") or node.args.get("unnest")):
                    return None
                operands = [self.sql(part) for part in [*parts, *node.expressions] if part is not None]
                return f"(row({', '.join(operands)}) IS NOT NULL)"
            return self._unnest_stub(node) if isinstance(node, exp.Unnest) else None

        def _filled(self, template: str, node: exp.Anonymous) -> str:
            try:
                return template.format(*map(self.sql, node.expressions))
            except IndexError:
                raise unexpected(node, node.name.lower(), ["?"] * len(node.expressions)) from None

        def _unnest_stub(self, node: exp.Unnest) -> str:
            alias = node.args.get("alias")
            names = [identifier.name for identifier in alias.args.get("columns") or []] if alias else []
            values = [f"unnest(trino_unnestable({self.sql(part)}))" for part in node.expressions]
            ordinality = node.args.get("offset")
            names += [ordinality.name] if isinstance(ordinality, exp.Identifier) else []
            values += ["NULL"] * (len(names) - len(values))
            names += [f"_col{index}" for index in range(len(names), len(values))]
            columns = ", ".join(
                f"{value} AS {quoted(name)}" for value, name in zip(values, names, strict=True)
            )
            name = f" AS {quoted(alias.name)}" if alias and alias.name else ""
            return f"(SELECT {columns}){name}"


_CHAINS = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.DPipe)
_BOOLEAN = (
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
    exp.Between,
    exp.In,
    exp.Like,
)
_OF_TIMES = (
    *("year", "quarter", "month", "week", "week_of_year", "day", "day_of_month", "day_of_week", "dow"),
    *("day_of_year", "doy", "year_of_week", "yow", "hour", "minute", "second", "millisecond"),
)
# Functions whose arguments' types are being asked for: the right type, any value.
STUBS = {
    "date_add": "list_extract([{2}], CAST(length(CAST(row({0}, {1}) AS VARCHAR)) AS BIGINT))",
    "date_trunc": "list_extract([{1}], CAST(length({0}) AS BIGINT))",
    "date_diff": "length(CAST(row({0}, {1}, {2}) AS VARCHAR))",
    "element_at": "({0})[{1}]",
    "cardinality": "length(CAST({0} AS VARCHAR))",
    "typeof": "CAST(length(CAST({0} AS VARCHAR)) AS VARCHAR)",
    "to_iso8601": "CAST({0} AS VARCHAR)",
    "at_timezone": "CASE WHEN row({0}) IS NOT NULL THEN trino_zoned(now(), {1}) END",
    "with_timezone": "CASE WHEN row({0}) IS NOT NULL THEN trino_zoned(now(), {1}) END",
    **dict.fromkeys(("timezone_hour", "timezone_minute", *_OF_TIMES), "length(CAST({0} AS VARCHAR))"),
    **dict.fromkeys(("date", "last_day_of_month"), "CASE WHEN row({0}) IS NOT NULL THEN current_date END"),
    "date_format": "CAST(length(CAST(row({0}, {1}) AS VARCHAR)) AS VARCHAR)",
    "to_unixtime": "CAST(length(CAST({0} AS VARCHAR)) AS DOUBLE)",
    **dict.fromkeys(("map_agg", "multimap_agg"), "histogram(CASE WHEN {1} IS NULL THEN {0} ELSE {0} END)"),
}


def generate(tree: exp.Expr) -> str:
    """DuckDB SQL of a tree, all identifiers quoted."""
    return tree.sql(dialect=DuckDbSql, identify=True, comments=False)


def probe(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Type]:
    """Types by probe name of a query with marked expressions; raise `BindError` when it does not bind."""
    row = connection.execute("SELECT json_serialize_plan(?, optimize := false)", [sql]).fetchone()
    plan = json.loads(row[0]) if row else {}
    if plan.get("error"):
        raise BindError(plan)
    found: dict[str, Type] = {}
    _collect(plan, found)
    return found


def _collect(value: Any, found: dict[str, Type]) -> None:
    if isinstance(value, list):
        for item in value:
            _collect(item, found)
    elif isinstance(value, dict):
        if value.get("name") == "list_extract" and len(value.get("children", [])) == 2:
            marked, index = value["children"]
            if name := _PROBE.search(json.dumps(index)):
                found[name.group()] = described_type(_list_type(marked)).child or Type("NULL")
        info = value.get("type_info")
        if value.get("id") == "STRUCT" and info:
            for child in info.get("child_types", []):
                # An untyped NULL appears first as NULL, then as INTEGER by default.
                if _PROBE.fullmatch(child["first"]) and child["first"] not in found:
                    found[child["first"]] = described_type(child["second"])
        for item in value.values():
            _collect(item, found)


def _list_type(expression: dict[str, Any]) -> dict[str, Any]:
    """The type of a list, before casts that binding put around it."""
    while expression.get("expression_class") == "BOUND_CAST":
        expression = expression["child"]
    described: dict[str, Any] = expression["return_type"]
    return described
