"""Functions that need more than another name, but not their operands' types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.services.athena.errors import QueryError, at, not_supported, unexpected
from localaws.services.athena.nodes import call, cast

if TYPE_CHECKING:
    from collections.abc import Callable


# MySQL's date format, as Trino takes it, to strftime's as DuckDB takes it.
_DATE_FORMAT = {
    "a": "%a",
    "b": "%b",
    "c": "%-m",
    "d": "%d",
    "e": "%-d",
    "f": "%f",
    "H": "%H",
    "h": "%I",
    "I": "%I",
    "i": "%M",
    "j": "%j",
    "k": "%-H",
    "l": "%-I",
    "M": "%B",
    "m": "%m",
    "p": "%p",
    "r": "%I:%M:%S %p",
    "S": "%S",
    "s": "%S",
    "T": "%H:%M:%S",
    "v": "%V",
    "W": "%A",
    "x": "%G",
    "Y": "%Y",
    "y": "%y",
    "%": "%%",
}


def arguments(node: exp.Anonymous, *counts: int) -> list[exp.Expr]:
    """The call's arguments, when there are as many as one of `counts`."""
    if len(node.expressions) not in counts:
        raise unexpected(node, node.name.lower(), ["?"] * len(node.expressions))
    return list(node.expressions)


def text_literal(node: exp.Anonymous, argument: exp.Expr, what: str) -> str:
    """The text of an argument that must be a literal."""
    if not (isinstance(argument, exp.Literal) and argument.is_string):
        raise not_supported(f"{node.name.lower()} with a {what} that is not a literal", node.meta.get("at"))
    return str(argument.this)


def date_format(node: exp.Anonymous, text: str) -> exp.Literal:
    """Trino's format string as DuckDB's; raise `QueryError` on what Trino does not take either."""
    out, characters = [], iter(text)
    for character in characters:
        if character != "%":
            out.append(character)
            continue
        letter = next(characters, "%")
        if letter not in _DATE_FORMAT:
            message = f"%{letter} not supported in date format string"
            raise QueryError("INVALID_FUNCTION_ARGUMENT", at(node.meta.get("at"), message))
        out.append(_DATE_FORMAT[letter])
    return exp.Literal.string("".join(out))


def _format(node: exp.Anonymous) -> exp.Expr:
    value, pattern = arguments(node, 2)
    return call("strftime", value, date_format(node, text_literal(node, pattern, "format")))


def _parse(node: exp.Anonymous) -> exp.Expr:
    value, pattern = arguments(node, 2)
    return call("strptime", value, date_format(node, text_literal(node, pattern, "format")))


def _extreme(node: exp.Anonymous) -> exp.Expr:
    """greatest and least: NULL when any argument is, unlike DuckDB's."""
    nulls = [exp.Is(this=exp.Paren(this=item.copy()), expression=exp.Null()) for item in node.expressions]
    name = node.name.lower()
    return exp.Case(
        ifs=[exp.If(this=exp.or_(*nulls), true=exp.Null())], default=call(name, *node.expressions)
    )


def _by(node: exp.Anonymous) -> exp.Expr:
    """max_by and min_by keep a NULL value that goes with the extreme."""
    given = arguments(node, 2, 3)
    name = "arg_max" if node.name.lower() == "max_by" else "arg_min"
    return call(name if len(given) == 3 else f"{name}_null", *given)


def _match(node: exp.Anonymous) -> exp.Expr:
    array, predicate = arguments(node, 2)
    found = call("len", call("list_filter", array, predicate))
    name = node.name.lower()
    if name == "any_match":
        return exp.Paren(this=exp.GT(this=found, expression=exp.Literal.number(0)))
    total = call("len", array.copy()) if name == "all_match" else exp.Literal.number(0)
    return exp.Paren(this=exp.EQ(this=found, expression=total))


def _reduce(node: exp.Anonymous) -> exp.Expr:
    array, start, step, finish = arguments(node, 4)
    if not isinstance(step, exp.Lambda) or not isinstance(finish, exp.Lambda):
        raise unexpected(node, "reduce", ["?"] * 4)
    reduced = call("list_reduce", array, step, start)
    parameter = finish.expressions[0].name
    body = finish.this
    if isinstance(body, exp.Identifier) and body.name == parameter:
        return reduced
    return body.transform(  # type: ignore[no-any-return]
        lambda part: (
            reduced.copy()
            if isinstance(part, (exp.Identifier, exp.Column)) and part.name == parameter
            else part
        )
    )


def _random(node: exp.Anonymous) -> exp.Expr:
    given = arguments(node, 0, 1, 2)
    if not given:
        return call("random")
    low = given[0] if len(given) == 2 else exp.Literal.number(0)
    span = exp.Paren(this=exp.Sub(this=given[-1], expression=low.copy()))
    scaled = call("floor", exp.Mul(this=call("random"), expression=span))
    return cast(exp.Paren(this=exp.Add(this=low.copy(), expression=scaled)), "BIGINT")


def _approx_distinct(node: exp.Anonymous) -> exp.Expr:
    """Counted exactly, which is within the error that approx_distinct allows itself."""
    given = arguments(node, 1, 2)
    return call("count", exp.Distinct(expressions=[given[0]]))


def _percentile(node: exp.Anonymous) -> exp.Expr:
    given = node.expressions
    if len(given) != 2:
        raise not_supported("approx_percentile with weights or accuracy", node.meta.get("at"))
    return call("quantile_disc", *given)


def _modulo(node: exp.Anonymous) -> exp.Expr:
    left, right = arguments(node, 2)
    return exp.Mod(this=exp.Paren(this=left), expression=exp.Paren(this=right))


def outermost(node: exp.Expr) -> exp.Expr:
    """The aggregate with its FILTER, OVER and null treatment."""
    while (
        isinstance(node.parent, (exp.Filter, exp.Window, exp.IgnoreNulls, exp.RespectNulls))
        and node.parent.this is node
    ):
        node = node.parent
    return node


def _json(node: exp.Anonymous) -> exp.Expr:
    """JSON functions with a path: ``$["a b"]`` is ``$."a b"`` for DuckDB."""
    value, path = arguments(node, 2)
    if isinstance(path, exp.Literal) and path.is_string:
        path = exp.Literal.string(re.sub(r"""\[(["'])(.*?)\1\]""", r'."\2"', path.this))
    return call(f"trino_{node.name.lower()}", value, path)


UNTYPED: dict[str, Callable[[exp.Anonymous], exp.Expr]] = {
    "date_format": _format,
    "date_parse": _parse,
    "greatest": _extreme,
    "least": _extreme,
    "max_by": _by,
    "min_by": _by,
    "any_match": _match,
    "all_match": _match,
    "none_match": _match,
    "reduce": _reduce,
    "rand": _random,
    "random": _random,
    "approx_distinct": _approx_distinct,
    "approx_percentile": _percentile,
    "mod": _modulo,
    "json_extract": _json,
    "json_extract_scalar": _json,
    "json_size": _json,
}
