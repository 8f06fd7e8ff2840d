"""Leave out partitions that the WHERE clause excludes; their objects are neither fetched nor billed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
from sqlglot import exp

from localaws.services.athena.hive_types import hive_to_duckdb, literal, quoted
from localaws.services.athena.probe import generate

if TYPE_CHECKING:
    from localaws.services.athena.catalog import Partition, Table


def prune(
    tree: exp.Expr,
    internal: str,
    table: Table,
    partitions: list[Partition],
    connection: duckdb.DuckDBPyConnection,
) -> list[Partition]:
    """The partitions of `table`, known as `internal` in the translated `tree`, that rows can come from."""
    node = next((item for item in tree.find_all(exp.Table) if item.name == internal), None)
    if node is None or not table.partition_keys or not partitions:
        return partitions
    conditions = _conditions(node, {name for name, _ in table.partition_keys})
    if not conditions:
        return partitions
    keys = ", ".join(
        f"CAST(v.{quoted(name)} AS {hive_to_duckdb(kind)}) AS {quoted(name)}"
        for name, kind in table.partition_keys
    )
    names = ", ".join(quoted(name) for name, _ in table.partition_keys)
    rows = ", ".join(
        f"({index}, " + ", ".join(literal(value) for value in partition.values) + ")"
        for index, partition in enumerate(partitions)
    )
    sql = (
        f'SELECT "#" FROM (SELECT "#", {keys} FROM (VALUES {rows}) AS v("#", {names})) '  # noqa: S608
        f"AS {quoted(node.alias_or_name)} "
        f"WHERE {' AND '.join('(' + generate(condition) + ')' for condition in conditions)}"
    )
    try:
        kept = {row[0] for row in connection.execute(sql).fetchall()}
    except duckdb.Error:
        # The condition needs more than the keys after all, or fails on a value: the query itself will tell.
        return partitions
    return [partition for index, partition in enumerate(partitions) if index in kept]


def equalities(tree: exp.Expr, internal: str, table: Table) -> dict[str, set[str]]:
    """Texts that the WHERE clause allows partition keys by ``key = 'text'`` or ``key IN (…)``, by key."""
    node = next((item for item in tree.find_all(exp.Table) if item.name == internal), None)
    allowed: dict[str, set[str]] = {}
    for condition in _conditions(node, {name for name, _ in table.partition_keys}) if node else []:
        bare = condition.unnest()
        sides = [bare.this, *bare.expressions] if isinstance(bare, exp.In) else []
        if isinstance(bare, exp.EQ):
            sides = sorted([bare.left, bare.right], key=lambda side: not isinstance(side, exp.Column))
        if sides and isinstance(sides[0], exp.Column) and all(isinstance(s, exp.Literal) for s in sides[1:]):
            texts = {str(side.this) for side in sides[1:]}
            key = sides[0].name.lower()
            allowed[key] = allowed[key] & texts if key in allowed else texts
    return allowed


def _conditions(node: exp.Table, keys: set[str]) -> list[exp.Expr]:
    """Conjuncts of the WHERE clause over nothing but the table's partition keys."""
    select = node.find_ancestor(exp.Select)
    clause = node.parent
    if select is None or not isinstance(clause, (exp.From, exp.Join)) or clause.parent is not select:
        return []
    joins = select.args.get("joins") or []
    where = select.args.get("where")
    if where is None or any(join.args.get("side") for join in joins):
        return []
    alias = node.alias_or_name.lower()
    conjuncts = list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]
    return [item for item in conjuncts if _over(item, alias, keys, alone=not joins)]


def _over(condition: exp.Expr, alias: str, keys: set[str], alone: bool) -> bool:
    columns = list(condition.find_all(exp.Column))
    if not columns or condition.find(exp.Select, exp.Lambda):
        return False
    return all(
        column.name.lower() in keys and (column.table.lower() == alias or (alone and not column.table))
        for column in columns
    )
