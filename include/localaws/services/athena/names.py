"""Names that DuckDB resolves and Trino does not: SELECT aliases used in WHERE, GROUP BY or HAVING."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.services.athena.dialect import position
from localaws.services.athena.errors import QueryError, at

if TYPE_CHECKING:
    from collections.abc import Callable

    ColumnsOf = Callable[[str], list[str]]


def refuse_alias_references(sql: str, tree: exp.Expr, columns_of: ColumnsOf) -> None:
    """Raise COLUMN_NOT_FOUND where a query uses its own alias as if it were a column."""
    for select in tree.find_all(exp.Select):
        aliases = {node.alias.lower() for node in select.expressions if isinstance(node, exp.Alias)}
        suspects = [
            column for column in _columns(select) if not column.table and column.name.lower() in aliases
        ]
        if not suspects:
            continue
        known = _source_columns(select, columns_of)
        for column in suspects:
            if known is not None and column.name.lower() not in known:
                message = (
                    f"Column '{column.name.lower()}' cannot be resolved or requester is not authorized "
                    "to access requested resources"
                )
                raise QueryError("COLUMN_NOT_FOUND", at(position(sql, column), message))


def _columns(select: exp.Select) -> list[exp.Column]:
    """Columns of the clauses in which Trino does not see aliases, those of inner queries left out."""
    clauses = [select.args.get(name) for name in ("where", "group", "having")]
    parts = [clause for clause in clauses if clause is not None] + list(select.expressions)
    return [column for part in parts for column in part.find_all(exp.Column) if _owner(column) is select]


def _owner(column: exp.Column) -> exp.Expr | None:
    return column.find_ancestor(exp.Select)


def _source_columns(select: exp.Select, columns_of: ColumnsOf) -> set[str] | None:
    """All column names the query's sources have, outer queries' included; None when not known."""
    names: set[str] = set()
    scope: exp.Expr | None = select
    while isinstance(scope, exp.Select):
        sources = [scope.args["from_"].this] if scope.args.get("from_") else []
        sources += [join.this for join in scope.args.get("joins") or []]
        for source in sources:
            found = _outputs(source, columns_of)
            if found is None:
                return None
            names |= set(found)
        scope = scope.find_ancestor(exp.Select)
    for lambda_ in select.find_all(exp.Lambda):
        names |= {parameter.name.lower() for parameter in lambda_.expressions}
    return names


def _outputs(source: exp.Expr, columns_of: ColumnsOf) -> list[str] | None:
    alias = source.args.get("alias")
    if isinstance(alias, exp.TableAlias) and alias.args.get("columns"):
        named = [identifier.name.lower() for identifier in alias.args["columns"]]
        ordinality = source.args.get("offset")
        return named + ([ordinality.name.lower()] if isinstance(ordinality, exp.Identifier) else [])
    if isinstance(source, exp.Table):
        if source.name.startswith("table_"):
            return [name.lower() for name in columns_of(source.name)]
        cte = _find_cte(source)
        return _outputs(cte, columns_of) if cte is not None else None
    if isinstance(source, (exp.CTE, exp.Subquery)):
        return _query_outputs(source.this)
    return None


def _find_cte(node: exp.Table) -> exp.CTE | None:
    above = node.parent
    while above is not None:
        with_clause = above if isinstance(above, exp.With) else above.args.get("with_")
        for cte in with_clause.expressions if isinstance(with_clause, exp.With) else []:
            if cte.alias.lower() == node.name.lower() and cte.find(exp.Table) is not node:
                return cte  # type: ignore[no-any-return]
        above = above.parent
    return None


def _query_outputs(query: exp.Expr) -> list[str] | None:
    while isinstance(query, (exp.SetOperation, exp.Subquery)):
        query = query.this
    if not isinstance(query, exp.Select):
        return None
    names: list[str] = []
    for node in query.expressions:
        if node.is_star:
            return None
        names.append(node.alias_or_name.lower())
    return names
