"""Functions that take a lambda of several parameters: DuckDB's take one, of which these are parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.services.athena.errors import unexpected
from localaws.services.athena.nodes import call
from localaws.services.athena.rules import arguments

if TYPE_CHECKING:
    from collections.abc import Callable


def _over_parts(
    node: exp.Anonymous, function: exp.Expr, part: Callable[[str, int], exp.Expr], count: int = 2
) -> exp.Lambda:
    """The lambda with its `count` parameters replaced by `part` of a single one (name, position)."""
    if not isinstance(function, exp.Lambda) or len(function.expressions) != count:
        raise unexpected(node, node.name.lower(), ["?"] * len(node.expressions))
    names = [parameter.name for parameter in function.expressions]
    pair = "pair_" + "_".join(names)  # nested lambdas keep apart unless they shadow each other anyway

    def replaced(inner: exp.Expr) -> exp.Expr:
        if isinstance(inner, (exp.Identifier, exp.Column)) and inner.name in names:
            return part(pair, names.index(inner.name))
        return inner

    return exp.Lambda(this=function.this.transform(replaced), expressions=[exp.to_identifier(pair)])


def _entry(pair: str, index: int) -> exp.Expr:
    return call("struct_extract", exp.to_identifier(pair), exp.Literal.string(("key", "value")[index]))


def _zipped(pair: str, index: int) -> exp.Expr:
    return call("struct_extract_at", exp.to_identifier(pair), exp.Literal.number(index + 1))


def _map_filter(node: exp.Anonymous) -> exp.Expr:
    container, function = arguments(node, 2)
    kept = call("list_filter", call("map_entries", container), _over_parts(node, function, _entry))
    return call("map_from_entries", kept)


def _transform(node: exp.Anonymous) -> exp.Expr:
    """transform_keys and transform_values."""
    container, function = arguments(node, 2)
    made = _over_parts(node, function, _entry)
    pair = made.expressions[0].name
    key, value = _entry(pair, 0), _entry(pair, 1)
    if node.name.lower() == "transform_keys":
        key = made.this
    else:
        value = made.this
    made.set("this", call("row", key, value))
    return call("map_from_entries", call("list_transform", call("map_entries", container), made))


def _zip_with(node: exp.Anonymous) -> exp.Expr:
    left, right, function = arguments(node, 3)
    return call("list_transform", call("list_zip", left, right), _over_parts(node, function, _zipped))


def _map_zip_with(node: exp.Anonymous) -> exp.Expr:
    left, right, function = arguments(node, 3)
    made = _over_parts(node, function, _zipped, 3)
    made.set("this", call("row", _zipped(made.expressions[0].name, 0), made.this))
    return call("map_from_entries", call("list_transform", call("trino_map_triples", left, right), made))


UNTYPED: dict[str, Callable[[exp.Anonymous], exp.Expr]] = {
    "map_filter": _map_filter,
    "map_zip_with": _map_zip_with,
    "transform_keys": _transform,
    "transform_values": _transform,
    "zip_with": _zip_with,
}
