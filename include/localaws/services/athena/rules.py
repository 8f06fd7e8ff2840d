"""Functions that need more than another name: those without operand types first, then those with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from localaws.services.athena.errors import QueryError, at, not_supported
from localaws.services.athena.operators import call, cast, mismatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.services.athena.probe import Type

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
_UNITS = {
    "millisecond": "milliseconds",
    "second": "seconds",
    "minute": "minutes",
    "hour": "hours",
    "day": "days",
    "week": "weeks",
    "month": "months",
    "quarter": "quarters",
    "year": "years",
}
_DATE_UNITS = {"day", "week", "month", "quarter", "year"}


def unexpected(node: exp.Expr, name: str, types: list[str]) -> QueryError:
    """Trino's error for arguments that a function does not take."""
    message = f"Unexpected parameters ({', '.join(types)}) for function {name}"
    return QueryError("FUNCTION_NOT_FOUND", at(node.meta.get("at"), message))


def _arguments(node: exp.Anonymous, *counts: int) -> list[exp.Expr]:
    if len(node.expressions) not in counts:
        raise unexpected(node, node.name.lower(), ["?"] * len(node.expressions))
    return list(node.expressions)


def _text(node: exp.Anonymous, argument: exp.Expr, what: str) -> str:
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
    value, pattern = _arguments(node, 2)
    return call("strftime", value, date_format(node, _text(node, pattern, "format")))


def _parse(node: exp.Anonymous) -> exp.Expr:
    value, pattern = _arguments(node, 2)
    return call("strptime", value, date_format(node, _text(node, pattern, "format")))


def _extreme(node: exp.Anonymous) -> exp.Expr:
    """greatest and least: NULL when any argument is, unlike DuckDB's."""
    nulls = [exp.Is(this=exp.Paren(this=item.copy()), expression=exp.Null()) for item in node.expressions]
    name = node.name.lower()
    return exp.Case(
        ifs=[exp.If(this=exp.or_(*nulls), true=exp.Null())], default=call(name, *node.expressions)
    )


def _by(node: exp.Anonymous) -> exp.Expr:
    """max_by and min_by keep a NULL value that goes with the extreme."""
    arguments = _arguments(node, 2, 3)
    name = "arg_max" if node.name.lower() == "max_by" else "arg_min"
    return call(name if len(arguments) == 3 else f"{name}_null", *arguments)


def _match(node: exp.Anonymous) -> exp.Expr:
    array, predicate = _arguments(node, 2)
    found = call("len", call("list_filter", array, predicate))
    name = node.name.lower()
    if name == "any_match":
        return exp.Paren(this=exp.GT(this=found, expression=exp.Literal.number(0)))
    total = call("len", array.copy()) if name == "all_match" else exp.Literal.number(0)
    return exp.Paren(this=exp.EQ(this=found, expression=total))


def _reduce(node: exp.Anonymous) -> exp.Expr:
    array, start, step, finish = _arguments(node, 4)
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
    arguments = _arguments(node, 0, 1, 2)
    if not arguments:
        return call("random")
    low = arguments[0] if len(arguments) == 2 else exp.Literal.number(0)
    span = exp.Paren(this=exp.Sub(this=arguments[-1], expression=low.copy()))
    scaled = call("floor", exp.Mul(this=call("random"), expression=span))
    return cast(exp.Paren(this=exp.Add(this=low.copy(), expression=scaled)), "BIGINT")


def _approx_distinct(node: exp.Anonymous) -> exp.Expr:
    """Counted exactly, which is within the error that approx_distinct allows itself."""
    arguments = _arguments(node, 1, 2)
    return call("count", exp.Distinct(expressions=[arguments[0]]))


def _percentile(node: exp.Anonymous) -> exp.Expr:
    arguments = node.expressions
    if len(arguments) != 2:
        raise not_supported("approx_percentile with weights or accuracy", node.meta.get("at"))
    return call("quantile_disc", *arguments)


def _modulo(node: exp.Anonymous) -> exp.Expr:
    left, right = _arguments(node, 2)
    return exp.Mod(this=exp.Paren(this=left), expression=exp.Paren(this=right))


def outermost(node: exp.Expr) -> exp.Expr:
    """The aggregate with its FILTER, OVER and null treatment."""
    while (
        isinstance(node.parent, (exp.Filter, exp.Window, exp.IgnoreNulls, exp.RespectNulls))
        and node.parent.this is node
    ):
        node = node.parent
    return node


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
}


def _sum(node: exp.Anonymous, types: list[Type]) -> str | None:
    """The type that Trino's sum has and DuckDB's has not."""
    if types[0].is_integer:
        return "BIGINT"
    return "FLOAT" if types[0].id == "FLOAT" else _only_numbers(node, types)


def _avg(node: exp.Anonymous, types: list[Type]) -> str | None:
    if types[0].id == "DECIMAL":
        return f"DECIMAL({types[0].width},{types[0].scale})"
    return "FLOAT" if types[0].id == "FLOAT" else _only_numbers(node, types)


def _only_numbers(node: exp.Anonymous, types: list[Type]) -> str | None:
    if types[0].category not in ("number", "unknown", "interval"):
        raise unexpected(node, node.name.lower(), [types[0].trino])
    return None


def _date_add(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    unit, amount, value = _arguments(node, 3)
    name = _unit(node, unit, types[2])
    many = exp.Mul(
        this=exp.Interval(this=exp.Literal.string("1"), unit=exp.var(_UNITS[name][:-1])),
        expression=exp.Paren(this=amount),
    )
    if name == "quarter":
        three = exp.Interval(this=exp.Literal.string("3"), unit=exp.var("month"))
        many = exp.Mul(this=three, expression=exp.Paren(this=amount))
    added = exp.Paren(this=exp.Add(this=exp.Paren(this=value), expression=many))
    return cast(added, "DATE") if types[2].id == "DATE" else added


def _date_trunc(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    unit, value = _arguments(node, 2)
    name = _unit(node, unit, types[1])
    truncated = call("date_trunc", exp.Literal.string(name), value)
    return cast(truncated, "DATE") if types[1].id == "DATE" else truncated


def _date_diff(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    unit, start, end = _arguments(node, 3)
    name = _unit(node, unit, types[1])
    _unit(node, unit, types[2])
    wide = "TIMESTAMP" if {types[1].id, types[2].id} == {"DATE", "TIMESTAMP"} else None
    first, second = (cast(part, wide) if wide else part for part in (start, end))
    return call("date_sub", exp.Literal.string(name), first, second)


def _unit(node: exp.Anonymous, unit: exp.Expr, value: Type) -> str:
    name = _text(node, unit, "unit").lower()
    if value.category not in ("time", "unknown"):
        raise unexpected(node, node.name.lower(), [f"varchar({len(name)})", value.trino])
    if name not in _UNITS or (value.id == "DATE" and name not in _DATE_UNITS):
        kind = "DATE" if value.id == "DATE" else "Timestamp"
        message = f"'{name}' is not a valid {kind} field"
        raise QueryError("INVALID_FUNCTION_ARGUMENT", at(node.meta.get("at"), message))
    return name


def _concat(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    if any(kind.id == "LIST" for kind in types):
        joined: exp.Expr = node.expressions[0]
        for part in node.expressions[1:]:
            joined = call("list_concat", joined, part)
        return joined
    if any(kind.category not in ("varchar", "unknown", "blob") for kind in types):
        raise unexpected(node, "concat", [kind.trino for kind in types])
    joined = exp.Paren(this=node.expressions[0])
    for part in node.expressions[1:]:
        joined = exp.DPipe(this=joined, expression=exp.Paren(this=part))
    return exp.Paren(this=joined)


def _element_at(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    container, key = _arguments(node, 2)
    if types[0].id == "MAP":
        return call("map_extract_value", container, key)
    if types[0].id == "LIST" and types[1].is_integer:
        return call("trino_array_element", container, key)
    raise unexpected(node, "element_at", [kind.trino for kind in types])


def _cardinality(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    (container,) = _arguments(node, 1)
    if types[0].id not in ("LIST", "MAP"):
        raise unexpected(node, "cardinality", [types[0].trino])
    return cast(call("cardinality" if types[0].id == "MAP" else "len", container), "BIGINT")


def _round(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    arguments = _arguments(node, 1, 2)
    if types[0].id == "DECIMAL" and len(arguments) == 2:
        return cast(call("round", *arguments), f"DECIMAL({min(38, types[0].width + 1)},{types[0].scale})")
    return call("round", *arguments)


def _whole(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    """ceil, floor and sign give integers for integers."""
    (value,) = _arguments(node, 1)
    name = {"ceiling": "ceil"}.get(node.name.lower(), node.name.lower())
    if types[0].is_integer and name != "sign":
        return value
    kinds = {"FLOAT": "FLOAT", "DOUBLE": "DOUBLE"}
    calculated = call(name, value)
    if types[0].is_integer or types[0].id in kinds:
        return cast(calculated, kinds.get(types[0].id, types[0].id))
    return calculated


def _iso8601(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    (value,) = _arguments(node, 1)
    patterns = {
        "DATE": "%Y-%m-%d",
        "TIMESTAMP": "%Y-%m-%dT%H:%M:%S.%g",
        "TIMESTAMP WITH TIME ZONE": "%Y-%m-%dT%H:%M:%S.%gZ",
    }
    if types[0].id not in patterns:
        raise unexpected(node, "to_iso8601", [types[0].trino])
    return call("strftime", value, exp.Literal.string(patterns[types[0].id]))


def _coalesce(node: exp.Anonymous, types: list[Type]) -> exp.Expr:
    known = [kind for kind in types if kind.category != "unknown"]
    if any(kind.category != known[0].category for kind in known[1:]):
        raise mismatch(node, f"All {node.name.upper()} operands must be the same type: {known[0].trino}")
    return call(node.name.lower(), *node.expressions)


TYPED: dict[str, Callable[[exp.Anonymous, list[Type]], exp.Expr]] = {
    "date_add": _date_add,
    "date_trunc": _date_trunc,
    "date_diff": _date_diff,
    "concat": _concat,
    "element_at": _element_at,
    "cardinality": _cardinality,
    "round": _round,
    "ceil": _whole,
    "ceiling": _whole,
    "floor": _whole,
    "sign": _whole,
    "to_iso8601": _iso8601,
    "coalesce": _coalesce,
    "nullif": _coalesce,
}
# Aggregates whose result is cast to the type Trino gives it.
TYPED_AGGREGATES: dict[str, Callable[[exp.Anonymous, list[Type]], str | None]] = {"sum": _sum, "avg": _avg}
