"""Queries in which equal instants of several zones would count as different: refused, not answered wrongly.

Trino compares timestamps with time zone by their instants; the structs that stand for them here (zones.py)
are equal only with equal zones where DuckDB itself compares: in groups, sets and joins by name. In a query
that names a single zone that is the same.
"""

from __future__ import annotations

from sqlglot import exp

from localaws.services.athena import zones
from localaws.services.athena.errors import not_supported

_SETS = (exp.Union, exp.Intersect, exp.Except)
_COMPARES = (exp.Any, exp.All)
# What groups equal values, besides GROUP BY, DISTINCT and the operations on sets.
_GROUPING = {"approx_distinct", "array_distinct", "contains", "histogram", "map_agg", "multimap_agg"}
_CHOOSING = {"coalesce", "greatest", "if", "least"}


def refuse_mixtures(tree: exp.Expr) -> None:
    """Raise `QueryError` when the query names several zones and compares what may be of different ones."""
    if len(zones.all_named_in(tree)) < 2:
        return
    nodes = list(tree.walk())
    mixed = any(_mixes(node) for node in nodes)
    for node in nodes:
        if _compares(node) or (mixed and _groups(node)):
            raise not_supported("equality of timestamps of several time zones here", node.meta.get("at"))


def _compares(node: exp.Expr) -> bool:
    if isinstance(node, exp.Join):
        return bool(node.args.get("using") or str(node.args.get("method")).upper() == "NATURAL")
    if isinstance(node, exp.In):
        return bool(node.args.get("query"))
    if isinstance(node, exp.Anonymous):
        return node.name.lower() == "nullif"
    return isinstance(node, _COMPARES) or (isinstance(node, exp.Case) and node.this is not None)


def _groups(node: exp.Expr) -> bool:
    if isinstance(node, _SETS):
        return bool(node.args.get("distinct", True))
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in _GROUPING
    return isinstance(node, (exp.Group, exp.Distinct))


def _mixes(node: exp.Expr) -> bool:
    if isinstance(node, exp.Values):
        return bool(zones.all_named_in(node))
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in _CHOOSING
    return isinstance(node, (*_SETS, exp.Case, exp.If))
