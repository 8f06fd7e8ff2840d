"""From a query as Athena takes it to SQL that DuckDB runs with the same result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.services.athena import information_schema, operators
from localaws.services.athena.dialect import line_and_column, offset, parse_query, position, tokenize
from localaws.services.athena.errors import QueryError, at, not_supported
from localaws.services.athena.names import refuse_alias_references
from localaws.services.athena.probe import generate
from localaws.services.athena.resolve import resolve

if TYPE_CHECKING:
    import duckdb

    from localaws.services.athena.catalog import Catalog, Table

UNNAMED = "_col_without_name"
_MAXIMUM_VIEW_DEPTH = 20


@dataclass
class Reference:
    """One mention of a table in a query: the name DuckDB knows it by, and the table."""

    internal: str
    table: Table


@dataclass
class Translation:
    """`sql` for DuckDB, the tables it reads by internal name, and what it uses of them."""

    sql: str
    tree: exp.Expr
    references: list[Reference]
    columns: set[str] | None = field(default=None)


def translate(
    sql: str,
    catalog: Catalog,
    database: str,
    connection: duckdb.DuckDBPyConnection,
    parameters: list[str] | None = None,
) -> Translation:
    """Translate one query; its tables are created, empty, in `connection` to find out types.

    `database` is what unqualified tables are looked up in. Raises `QueryError` in Athena's words.
    """
    tree = parse_query(sql)
    _place_nodes(sql, tree)
    _bind_parameters(tree, parameters or [])
    original = tree.copy()
    binder = _Binder(sql, catalog, connection)
    binder.bind(tree, database)
    refuse_alias_references(sql, tree, binder.columns_of)
    _name_outputs(tree)
    used = used_columns(tree)
    resolved = resolve(tree, sql, original, connection)
    return Translation(generate(resolved), resolved, binder.references, used)


def _place_nodes(sql: str, tree: exp.Expr) -> None:
    """Remember where operators and functions stand in the text, before anything is replaced."""
    tokens = tokenize(sql)
    for node in tree.walk():
        if isinstance(node, exp.Binary) and type(node) in operators.RULES:
            left = [n.meta["end"] for n in node.left.walk() if "end" in n.meta]
            after = max(left, default=offset(node))
            if after is not None:
                later = [
                    t
                    for t in tokens
                    if t.start > after and t.text in ("=", "<>", "!=", "<", ">", "<=", ">=", *"+-*/%", "||")
                ]
                if left and later:
                    node.meta["at"] = line_and_column(sql, later[0].start)
                    continue
        if place := position(sql, node):
            node.meta["at"] = place


def _bind_parameters(tree: exp.Expr, parameters: list[str]) -> None:
    """Put the values of ExecutionParameters where the question marks are, in the text's order."""
    holes = [node for node in tree.walk(bfs=False) if isinstance(node, exp.Placeholder)]
    if len(holes) != len(parameters):
        raise wrong_count(len(holes), len(parameters))
    for hole, text in zip(holes, parameters, strict=True):
        value = parse_query(f"SELECT {text}").expressions[0]  # noqa: S608  parsed, never run as text
        if value.find(exp.Column, exp.Subquery, exp.Select, exp.Placeholder):
            raise QueryError("INVALID_PARAMETER_USAGE", at((1, 1), f"Parameter {text} is not a constant"))
        for part in value.walk():
            part.meta.clear()
        hole.replace(value)


def wrong_count(expected: int, found: int) -> QueryError:
    """Trino's error for parameters that do not fit the question marks."""
    message = f"Incorrect number of parameters: expected {expected} but found {found}"
    return QueryError("INVALID_PARAMETER_USAGE", at((1, 1), message))


def used_columns(tree: exp.Expr) -> set[str] | None:
    """Names of columns that a query mentions; None when a ``*`` may mean any column."""
    for star in tree.find_all(exp.Star):
        if not isinstance(star.parent, exp.Anonymous):
            return None
    if any(isinstance(column.this, exp.Star) for column in tree.find_all(exp.Column)):
        return None
    names = {column.name.lower() for column in tree.find_all(exp.Column)}
    names |= {column.table.lower() for column in tree.find_all(exp.Column)}
    joins = (identifier for join in tree.find_all(exp.Join) for identifier in join.args.get("using") or [])
    return names | {identifier.name.lower() for identifier in joins}


def _name_outputs(tree: exp.Expr) -> None:
    """Name the result's columns as Athena does: as written, and ``_col0`` and so on for the unnamed."""
    query = tree
    while not isinstance(query, exp.Select):
        query = query.this
        if not isinstance(query, (exp.Select, exp.SetOperation, exp.Subquery)):
            return
    for node in list(query.expressions):
        if isinstance(node, (exp.Alias, exp.Star)) or (
            isinstance(node, exp.Column) and isinstance(node.this, exp.Star)
        ):
            continue
        name = node.name if isinstance(node, (exp.Column, exp.Dot)) else UNNAMED
        node.replace(exp.alias_(node.copy(), name, quoted=True))


class _Binder:
    """Looks tables up in the catalog, puts views in place of their names, gives tables internal names."""

    def __init__(self, sql: str, catalog: Catalog, connection: duckdb.DuckDBPyConnection) -> None:
        self._sql = sql
        self._catalog = catalog
        self._connection = connection
        self.references: list[Reference] = []

    def columns_of(self, internal: str) -> list[str]:
        """Column names of a bound table."""
        table = next(reference.table for reference in self.references if reference.internal == internal)
        return [name for name, _ in table.all_columns]

    def bind(self, tree: exp.Expr, database: str, depth: int = 0) -> None:
        """Bind every table below `tree`; `depth` counts views inside views."""
        if depth > _MAXIMUM_VIEW_DEPTH:
            raise QueryError("STACK_OVERFLOW", "Views are nested too deeply; does a view select from itself?")
        for node in list(tree.find_all(exp.Table)):
            if not isinstance(node.this, exp.Identifier):
                name = node.this.name or type(node.this).__name__
                raise QueryError(
                    "FUNCTION_NOT_FOUND",
                    at(node.this.meta.get("at"), f"Table function '{name.lower()}' not registered"),
                )
            if not node.args.get("db") and _names_cte(node):
                continue
            self._bind(node, database, depth)
        for column in tree.find_all(exp.Column):
            if column.args.get("db") and any(r.table.name == column.table.lower() for r in self.references):
                column.set("db", None)
                column.set("catalog", None)

    def _bind(self, node: exp.Table, database: str, depth: int) -> None:
        place = node.meta.get("at") if depth == 0 else None
        if node.catalog and node.catalog.lower() != "awsdatacatalog":
            raise QueryError("CATALOG_NOT_FOUND", at(place, f"Catalog '{node.catalog}' does not exist"))
        if (node.db or database).lower() == information_schema.NAME:
            self._bind_information(node, place)
            return
        table = self._catalog.find(node.db or database, node.name, place)
        alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.name, quoted=True))
        if alias.this is None:
            alias.set("this", exp.to_identifier(node.name, quoted=True))
        if table.view is not None:
            inner = parse_query(table.view.sql)
            _place_nodes(table.view.sql, inner)
            self.bind(inner, table.view.database, depth + 1)
            view = exp.Subquery(this=inner, alias=_with_columns(alias, [name for name, _ in table.columns]))
            for part in inner.walk():
                part.meta.pop("at", None)
                for key in ("start", "end", "line", "col"):
                    part.meta.pop(key, None)
            if node.args.get("sample"):
                raise not_supported("TABLESAMPLE of a view", place)
            node.replace(view)
            return
        internal = f"table_{len(self.references)}"
        self._connection.execute(f'CREATE TEMP TABLE "{internal}" ({table.duckdb_columns})')
        self.references.append(Reference(internal, table))
        node.set("this", exp.to_identifier(internal, quoted=True))
        node.set("db", None)
        node.set("catalog", None)
        node.set("alias", alias)

    def _bind_information(self, node: exp.Table, place: tuple[int, int] | None) -> None:
        columns, rows = information_schema.read(self._catalog, node.name.lower(), place)
        internal = f"information_{node.name.lower()}"
        self._connection.execute(f'CREATE TEMP TABLE IF NOT EXISTS "{internal}" ({columns})')
        self._connection.execute(f'DELETE FROM "{internal}"')  # noqa: S608
        if rows:
            holes = ", ".join("?" for _ in rows[0])
            self._connection.executemany(f'INSERT INTO "{internal}" VALUES ({holes})', rows)  # noqa: S608
        alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.name, quoted=True))
        node.set("this", exp.to_identifier(internal, quoted=True))
        node.set("db", None)
        node.set("catalog", None)
        node.set("alias", alias)


def _with_columns(alias: exp.TableAlias, names: list[str]) -> exp.TableAlias:
    if not alias.args.get("columns"):
        alias.set("columns", [exp.to_identifier(name, quoted=True) for name in names])
    return alias


def _names_cte(node: exp.Table) -> bool:
    """Whether the table's name is that of a WITH query in sight."""
    below: exp.Expr = node
    above = node.parent
    while above is not None:
        with_clause = above if isinstance(above, exp.With) else above.args.get("with_")
        if isinstance(with_clause, exp.With):
            entries = with_clause.expressions
            if above is with_clause and not with_clause.args.get("recursive"):
                entries = entries[: entries.index(below)]
            if any(cte.alias.lower() == node.name.lower() for cte in entries):
                return True
        below, above = above, above.parent
    return False
