"""Give every function and operator of a parsed query its DuckDB meaning, asking DuckDB for operand types.

Operators and typed functions are resolved from the inside out: in each round the types of the operands of all
nodes that have nothing unresolved below them (or in the queries they select from) are asked for at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.services.athena import operators, rules, typed_rules, zones
from localaws.services.athena.bind_errors import bind_error
from localaws.services.athena.duckdb_types import Type
from localaws.services.athena.errors import not_supported
from localaws.services.athena.mixed_zones import refuse_mixtures
from localaws.services.athena.naming import name_functions
from localaws.services.athena.nodes import call, cast, mismatch
from localaws.services.athena.probe import BindError, generate, probe

if TYPE_CHECKING:
    import duckdb

# Aggregates of keys and values, by the macro that makes a map of all pairs.
_OF_PAIRS = {"map_agg": "trino_map_from_pairs", "multimap_agg": "trino_multimap_from_pairs"}
_ALWAYS_TYPED = {*typed_rules.TYPED, *typed_rules.TYPED_AGGREGATES, *_OF_PAIRS}
_TYPED_NAMES = {*_ALWAYS_TYPED, *zones.READERS}
_TYPED = typed_rules.TYPED | zones.READERS


def resolve(tree: exp.Expr, sql: str, original: exp.Expr, connection: duckdb.DuckDBPyConnection) -> exp.Expr:
    """`tree` (tables already bound) with all functions and operators in DuckDB's terms.

    `original` is what `sql` was parsed to, for positions. Raises `QueryError` as Athena would.
    """
    root = exp.Paren(this=tree)  # so that the outermost node has a parent and can be replaced
    zoned = bool(zones.all_named_in(root))
    refuse_mixtures(root)
    for sum_or_difference in root.find_all(exp.Add, exp.Sub) if zoned else ():
        sum_or_difference.meta["zones"] = True
    name_functions(root, sql, _TYPED_NAMES if zoned else _ALWAYS_TYPED)
    rounds = 0
    while waiting := [node for node in root.walk() if _pending(node)]:
        ready = [node for node in waiting if not _blocked(node, waiting)]
        rounds += 1
        if not ready or rounds > 500:
            raise not_supported("a query nested this deeply")
        types = _ask(root, ready, sql, original, connection)
        for node in ready:
            _apply(node, [types[id(part)] for part in _operands(node)])
    result: exp.Expr = root.this
    result.pop()
    try:
        probe(connection, generate(result))
    except BindError as error:
        raise bind_error(error.details, sql, original) from error
    return result


def _pending(node: exp.Expr) -> bool:
    if node.meta.get("typed"):
        return False
    if isinstance(node, exp.Anonymous):
        return not node.meta.get("duckdb") and node.name.lower() in _TYPED_NAMES
    if isinstance(node, (exp.Bracket, exp.Unnest)):
        return True
    if type(node) not in operators.RULES:
        return False
    return not isinstance(node.args.get("expression"), (exp.Any, exp.All))


def _operands(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, (exp.Anonymous, exp.Unnest)):
        return [_argument(part) for part in node.expressions]
    if isinstance(node, exp.Bracket):
        return [node.this, *node.expressions]
    return operators.operands(node)


def _argument(part: exp.Expr) -> exp.Expr:
    """The value inside ``DISTINCT x`` of an aggregate."""
    return part.expressions[0] if isinstance(part, exp.Distinct) and len(part.expressions) == 1 else part


def _blocked(node: exp.Expr, waiting: list[exp.Expr]) -> bool:
    """Whether something unresolved lies below the node, or in what its query selects from."""
    others = [other for other in waiting if other is not node]
    if any(_inside(other, node) for other in others):
        return True
    below, above = node, node.parent
    while above is not None:
        for source in _sources(above, below):
            if any(_inside(other, source) or other is source for other in others):
                return True
        below, above = above, above.parent
    return False


def _inside(node: exp.Expr, ancestor: exp.Expr) -> bool:
    parent = node.parent
    while parent is not None:
        if parent is ancestor:
            return True
        parent = parent.parent
    return False


def _sources(query: exp.Expr, branch: exp.Expr) -> list[exp.Expr]:
    """Derived tables, arrays and CTEs that feed `query`, leaving out the branch we are in."""
    found: list[exp.Expr] = []
    with_clause = query.args.get("with_")
    if isinstance(with_clause, exp.With) and branch is not with_clause:
        found += with_clause.expressions
    if isinstance(query, exp.With):
        found += query.expressions[: query.expressions.index(branch)]
    if isinstance(query, exp.Select):
        tables = [query.args["from_"].this] if query.args.get("from_") else []
        tables += [join.this for join in query.args.get("joins") or []]
        if isinstance(branch, (exp.From, exp.Join)):  # a source sees those before it
            tables = tables[: next(i for i, table in enumerate(tables) if table is branch.this)]
        found += tables
    if isinstance(query, exp.Join) and branch is not query.this:
        found.append(query.this)
    return found


def _ask(
    root: exp.Expr,
    nodes: list[exp.Expr],
    sql: str,
    original: exp.Expr,
    connection: duckdb.DuckDBPyConnection,
) -> dict[int, Type]:
    """Types of all operands of `nodes`, by the operand's identity."""
    names: dict[tuple[int, str], str] = {}
    marked: list[exp.Expr] = []
    result: dict[int, Type] = {}
    for node in nodes:
        for part in _operands(node):
            if isinstance(part, (exp.Lambda, exp.Star)):
                result[id(part)] = Type("LAMBDA")
                continue
            # The same text in one query gets the same name: GROUP BY must still recognise it.
            scope = part.find_ancestor(exp.Select)
            key = (id(scope), part.sql(dialect="duckdb", identify=True))
            part.meta["probe"] = names.setdefault(key, f"probe_{len(names)}")
            marked.append(part)
    try:
        found = _probe(connection, root, marked)
    except BindError as error:
        raise bind_error(error.details, sql, original) from error
    finally:
        asked = {id(part): part.meta.pop("probe") for part in marked if "probe" in part.meta}
        for part in marked:
            part.meta.pop("correlated", None)
    if missing := set(asked.values()) - set(found):
        raise not_supported(f"this query: {len(missing)} types in it could not be found out")
    return result | {key: found[name] for key, name in asked.items()}


def _probe(connection: duckdb.DuckDBPyConnection, root: exp.Expr, marked: list[exp.Expr]) -> dict[str, Type]:
    """Types by probe name; correlated queries need the other mark, constants in them their own query."""
    try:
        return probe(connection, generate(root.this))
    except BindError as error:
        if "Need named argument for struct pack" not in str(error):
            raise
    for part in marked:
        part.meta["correlated"] = True
    found = probe(connection, generate(root.this))
    for part in marked:
        if part.meta["probe"] not in found and not part.find(exp.Column, exp.Query):
            part.meta.pop("correlated")
            found |= probe(connection, f"SELECT {generate(part)}")  # noqa: S608
    return found


def _apply(node: exp.Expr, types: list[Type]) -> None:
    """Replace the node by its DuckDB meaning and mark all of it as resolved."""
    if isinstance(node, exp.Anonymous) and node.name.lower() not in _TYPED:
        _aggregate(node, types)
        return
    # The node is taken out first: a rule may put it inside its replacement.
    hole = exp.Null()
    node.replace(hole)
    if isinstance(node, exp.Unnest):
        replacement = _unnest(node, types)
    elif isinstance(node, exp.Bracket):
        replacement = _subscript(node, types)
    elif isinstance(node, exp.Anonymous):
        replacement = _TYPED[node.name.lower()](node, types)
    else:
        replacement = operators.RULES[type(node)](node, types)
    hole.replace(replacement)
    _settle(replacement)


def _settle(node: exp.Expr) -> None:
    for part in node.walk():
        part.meta["typed"] = True
        if isinstance(part, exp.Anonymous):
            part.meta["duckdb"] = True


def _aggregate(node: exp.Anonymous, types: list[Type]) -> None:
    name = node.name.lower()
    _settle(node)
    whole = rules.outermost(node)
    if name in _OF_PAIRS:
        keys, values = rules.arguments(node, 2)
        pairs = exp.Struct(
            expressions=[
                exp.PropertyEQ(this=exp.to_identifier("key"), expression=keys.copy()),
                exp.PropertyEQ(this=exp.to_identifier("value"), expression=values.copy()),
            ]
        )
        node.set("this", "array_agg")
        node.set("expressions", [pairs])
        wrapped: exp.Expr = call(_OF_PAIRS[name], whole.copy())
    else:
        target = typed_rules.TYPED_AGGREGATES[name](node, types)
        if target is None:
            return
        wrapped = cast(whole.copy(), target)
    whole.replace(wrapped)
    _settle(wrapped)


def _subscript(node: exp.Bracket, types: list[Type]) -> exp.Expr:
    if len(types) == 2 and types[0].id == "MAP":
        return call("trino_map_subscript", node.this, node.expressions[0])
    if len(types) == 2 and types[0].id == "LIST" and types[1].is_integer:
        return call("trino_array_subscript", node.this, node.expressions[0])
    if types[0].id == "STRUCT":
        raise not_supported("subscripts of rows", node.meta.get("at"))
    raise mismatch(node, f"Cannot apply operator: {'['.join(kind.trino for kind in types)}]")


def _unnest(node: exp.Unnest, types: list[Type]) -> exp.Expr:
    """``UNNEST(a, b) WITH ORDINALITY AS u (x, y, n)`` as a lateral subquery; a map gives two columns."""
    alias = node.args.get("alias")
    names = [identifier.copy() for identifier in (alias.args.get("columns") or [])] if alias else []
    columns, lengths = [], []
    for part, kind in zip(node.expressions, types, strict=True):
        if kind.id == "MAP":
            columns += [call("map_keys", part.copy()), call("map_values", part.copy())]
        elif kind.id == "LIST" and (kind.child is None or kind.child.id != "STRUCT"):
            columns.append(part.copy())
        elif kind.id == "LIST":
            raise not_supported("UNNEST of an array of rows", node.meta.get("at"))
        else:
            raise mismatch(node, f"Cannot unnest type: {kind.trino}")
        lengths.append(call("coalesce", call("len", columns[-1].copy()), exp.Literal.number(0)))
    ordinality = node.args.get("offset")
    selected = [exp.Anonymous(this="unnest", expressions=[column]) for column in columns]
    if ordinality:
        longest = call("greatest", *lengths) if len(lengths) > 1 else lengths[0]
        selected.append(call("unnest", call("generate_series", exp.Literal.number(1), longest)))
        names += (
            [ordinality.copy()]
            if isinstance(ordinality, exp.Identifier)
            else [exp.to_identifier("ordinality")]
        )
    if names and len(names) != len(selected):
        raise mismatch(
            node, f"Column alias list has {len(names)} entries but 'u' has {len(selected)} columns available"
        )
    aliased = [
        exp.alias_(column, names[index] if names else f"_col{index}", quoted=True)
        for index, column in enumerate(selected)
    ]
    query = exp.Subquery(this=exp.Select(expressions=aliased))
    if alias is not None and alias.this is not None:
        query.set("alias", exp.TableAlias(this=alias.this.copy()))
    return query
