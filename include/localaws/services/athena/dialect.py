"""Athena's SQL read as sqlglot's Trino dialect: functions left as written, what Trino lacks refused.

sqlglot maps functions of all dialects onto common nodes, which hides what the author wrote
(``element_at(a, 1)`` and ``a[1]`` differ in Trino). Here a function stays its name and arguments;
functions.py and rules.py say what each means in DuckDB.
"""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]

from localaws.services.athena.errors import QueryError, at

_SPECIAL_SYNTAX = {"CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "SUBSTRING", "LISTAGG"}
_WITHOUT_PARENTHESES = {TokenType.CURRENT_DATE, TokenType.CURRENT_TIMESTAMP, TokenType.LOCALTIMESTAMP}
_KEYWORD_FUNCTIONS = {"CASE", "IF", "ANY"}


class AthenaSql(Trino):
    """Trino's grammar with 1-based subscripts and function names kept."""

    INDEX_OFFSET = 0

    class Parser(Trino.Parser):  # type: ignore[valid-type, misc]
        FUNCTIONS: dict = {}  # type: ignore[type-arg]
        FUNCTION_PARSERS = {k: v for k, v in Trino.Parser.FUNCTION_PARSERS.items() if k in _SPECIAL_SYNTAX}
        NO_PAREN_FUNCTIONS = {
            k: v for k, v in Trino.Parser.NO_PAREN_FUNCTIONS.items() if k in _WITHOUT_PARENTHESES
        }
        NO_PAREN_FUNCTION_PARSERS = {
            k: v for k, v in Trino.Parser.NO_PAREN_FUNCTION_PARSERS.items() if k in _KEYWORD_FUNCTIONS
        }


# Every kind of node a translated query may consist of; whatever else sqlglot reads is not Trino or not ours.
_ALLOWED = (
    exp.Select,
    exp.From,
    exp.Join,
    exp.Where,
    exp.Group,
    exp.Having,
    exp.Order,
    exp.Ordered,
    exp.Limit,
    exp.Offset,
    exp.Distinct,
    exp.With,
    exp.CTE,
    exp.Subquery,
    exp.Union,
    exp.Intersect,
    exp.Except,
    exp.Table,
    exp.TableAlias,
    exp.TableSample,
    exp.Values,
    exp.Tuple,
    exp.Unnest,
    exp.Lateral,
    exp.Alias,
    exp.Column,
    exp.Identifier,
    exp.Star,
    exp.Literal,
    exp.Boolean,
    exp.Null,
    exp.Var,
    exp.Interval,
    exp.Placeholder,
    exp.Paren,
    exp.And,
    exp.Or,
    exp.Not,
    exp.Neg,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.Mod,
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.Is,
    exp.In,
    exp.Between,
    exp.Like,
    exp.Escape,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
    exp.DPipe,
    exp.Case,
    exp.If,
    exp.Exists,
    exp.Any,
    exp.All,
    exp.Cast,
    exp.TryCast,
    exp.DataType,
    exp.DataTypeParam,
    exp.ColumnDef,
    exp.Extract,
    exp.Trim,
    exp.StrPosition,
    exp.Substring,
    exp.GroupConcat,
    exp.Anonymous,
    exp.Array,
    exp.Bracket,
    exp.Dot,
    exp.Lambda,
    exp.Filter,
    exp.Window,
    exp.WindowSpec,
    exp.IgnoreNulls,
    exp.RespectNulls,
    exp.GroupingSets,
    exp.Cube,
    exp.Rollup,
    exp.CurrentDate,
    exp.CurrentTimestamp,
    exp.Localtimestamp,
    exp.AtTimeZone,
    exp.WithinGroup,
    exp.ParseJSON,
    exp.HexString,
    exp.Struct,
    exp.Fetch,
)


def malformed(message: str) -> QueryError:
    """What StartQueryExecution answers to SQL that does not parse."""
    return QueryError("MALFORMED_QUERY", message)


def line_and_column(sql: str, offset: int) -> tuple[int, int]:
    """Trino's 1-based position of a character offset."""
    return sql.count("\n", 0, offset) + 1, offset - (sql.rfind("\n", 0, offset) + 1) + 1


def tokenize(sql: str) -> list[Token]:
    """Tokens of `sql`; raise `QueryError` MALFORMED_QUERY on an unclosed quote or the like."""
    try:
        return list(sqlglot.tokenize(sql, read=AthenaSql))
    except TokenError as error:
        raise malformed(f"line 1:1: {str(error).splitlines()[0]}") from error


def parse_query(sql: str) -> exp.Expr:
    """The syntax tree of one query; raise `QueryError` MALFORMED_QUERY with Trino's position and wording."""
    tokens = tokenize(sql)
    _refuse_foreign_tokens(sql, tokens)
    try:
        trees = [tree for tree in sqlglot.parse(sql, read=AthenaSql) if tree is not None]
    except ParseError as error:
        raise malformed(_parse_message(sql, tokens, error)) from error
    if len(trees) != 1:
        raise malformed("Only one sql statement is allowed. Got: " + sql)
    tree = trees[0]
    _refuse_foreign_nodes(sql, tree)
    return tree


def _parse_message(sql: str, tokens: list[Token], error: ParseError) -> str:
    details = error.errors[0]
    found = str(details.get("highlight") or "<EOF>")
    offset = len(str(details.get("start_context") or ""))
    matching = [token for token in tokens if token.text == found]
    if details.get("line") and matching:
        column = int(details.get("col") or 1)
        same = [t for t in matching if t.line == details["line"] and t.col == column]
        offset = (same or matching)[0].start
    line, column = line_and_column(sql, offset)
    return f"line {line}:{column}: mismatched input '{found}'. {details.get('description') or ''}".rstrip()


def _refuse_foreign_tokens(sql: str, tokens: list[Token]) -> None:
    """Refuse spellings that sqlglot reads into ordinary nodes: ``a::int``, ``FROM t`` first, ``==``."""
    previous = None
    for token in tokens:
        line, column = line_and_column(sql, token.start)
        starts_query = previous is None or previous.token_type == TokenType.L_PAREN
        foreign = token.token_type in (TokenType.DCOLON, TokenType.QUALIFY) or token.text == "=="
        if foreign or (token.token_type == TokenType.FROM and starts_query):
            raise malformed(f"line {line}:{column}: mismatched input '{token.text}'")
        if token.text == "`":
            raise malformed(
                f"line {line}:{column}: backquoted identifiers are not supported; "
                "use double quotes to quote identifiers"
            )
        dangling = previous is not None and previous.token_type == TokenType.COMMA
        if dangling and token.token_type in (TokenType.FROM, TokenType.R_PAREN):
            raise malformed(f"line {line}:{column}: mismatched input '{token.text}'. Expecting: <expression>")
        previous = token


_FOREIGN_ARGUMENTS: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Star: ("except_", "except", "replace", "rename"),
    exp.Select: (
        "kind",
        "hint",
        "operation_modifiers",
        "into",
        "match",
        "pivots",
        "laterals",
        "prewhere",
        "qualify",
    ),
    exp.Distinct: ("on",),
}


def _refuse_foreign_nodes(sql: str, tree: exp.Expr) -> None:
    for node in tree.walk():
        used = [name for name in _FOREIGN_ARGUMENTS.get(type(node), ()) if node.args.get(name)]
        empty = isinstance(node, exp.Select) and not node.expressions
        if used or empty or not isinstance(node, _ALLOWED):
            found = used[0].strip("_").upper() if used else type(node).__name__
            raise malformed(
                at(position(sql, node), f"mismatched input: {found} is not part of Athena's SQL here")
            )


def offset(node: exp.Expr) -> int | None:
    """Where the node's first named part starts in the text it was parsed from, if sqlglot kept that."""
    starts = [n.meta["start"] for n in node.walk() if "start" in n.meta]
    return min(starts) if starts else None


def position(sql: str, node: exp.Expr) -> tuple[int, int] | None:
    """Trino's (line, column) of the node, or None when unknown."""
    start = offset(node)
    return None if start is None else line_and_column(sql, start)
