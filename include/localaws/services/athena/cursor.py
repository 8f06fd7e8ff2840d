"""Reading statements that are not queries, token by token."""

from __future__ import annotations

from typing import NoReturn

import sqlglot
from sqlglot.errors import TokenError
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]

from localaws.services.athena.dialect import AthenaSql, line_and_column, malformed


class Cursor:
    """A position in a statement's tokens. Words are matched in any case; names lose their quotes."""

    def __init__(self, sql: str, hive: bool = False) -> None:
        """Tokens of `sql`: Hive's (back-ticks) or Trino's (double quotes) rules for names."""
        self.sql = sql
        try:
            tokens = sqlglot.tokenize(sql, read="hive" if hive else AthenaSql)
        except TokenError as error:
            raise malformed(f"line 1:1: {str(error).splitlines()[0]}") from error
        self.tokens: list[Token] = [token for token in tokens if token.token_type != TokenType.SEMICOLON]
        self.index = 0

    @property
    def token(self) -> Token | None:
        """The token at the position, None at the end."""
        return self.tokens[self.index] if self.index < len(self.tokens) else None

    @property
    def offset(self) -> int:
        """Where the current token starts in the text."""
        return self.token.start if self.token else len(self.sql)

    def fail(self, expecting: str = "") -> NoReturn:
        """Raise Athena's error for an unexpected token."""
        line, column = line_and_column(self.sql, self.offset)
        found = self.token.text if self.token else "<EOF>"
        wanted = f" Expecting: {expecting}" if expecting else ""
        raise malformed(f"line {line}:{column}: mismatched input '{found}'.{wanted}")

    def sees(self, *words: str) -> bool:
        """Whether the next tokens are these words (sqlglot reads some pairs as one token)."""
        return self._match(words) is not None

    def _match(self, words: tuple[str, ...]) -> int | None:
        wanted = " ".join(words).upper().split()
        index = self.index
        while wanted and index < len(self.tokens):
            token = self.tokens[index]
            if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
                return None
            parts = token.text.upper().split()
            if wanted[: len(parts)] != parts:
                return None
            wanted = wanted[len(parts) :]
            index += 1
        return None if wanted else index

    def take(self, *words: str) -> bool:
        """Go past these words if they come next."""
        index = self._match(words)
        if index is None:
            return False
        self.index = index
        return True

    def expect(self, *words: str) -> None:
        """Go past these words or fail."""
        if not self.take(*words):
            self.fail(f"'{' '.join(words)}'")

    def end(self) -> None:
        """Fail unless everything was read."""
        if self.token:
            self.fail("<EOF>")

    def string(self) -> str:
        """A string literal, concatenation of neighbours not needed."""
        token = self.token
        if token is None or token.token_type != TokenType.STRING:
            self.fail("a string")
        self.index += 1
        return str(token.text)

    def name(self) -> str:
        """An identifier, lower-cased as the catalog keeps it."""
        token = self.token
        plain = token is not None and (
            token.token_type == TokenType.IDENTIFIER or token.text.replace("_", "a").isalnum()
        )
        if token is None or token.token_type == TokenType.STRING or not plain:
            self.fail("an identifier")
        self.index += 1
        return str(token.text).lower()

    def qualified_name(self, database: str) -> tuple[str, str]:
        """``[catalog.][database.]name``."""
        parts = [self.name()]
        while self.take("."):
            parts.append(self.name())
        return (parts[-2], parts[-1]) if len(parts) > 1 else (database, parts[0])

    def text_until(self, *stops: str) -> str:
        """The raw text up to a stop word or a comma or closing parenthesis on this level."""
        start, end, depth = self.offset, self.offset, 0
        while self.token:
            text = self.token.text
            literal = self.token.token_type in (TokenType.STRING, TokenType.IDENTIFIER)
            if depth == 0 and not literal and (text in (",", ")") or text.upper() in stops):
                break
            if not literal:
                depth += sum(text.count(c) for c in "<([") - sum(text.count(c) for c in ">)]")
            end = self.token.end + 1
            self.index += 1
        return self.sql[start:end].strip()

    def parenthesised(self) -> tuple[int, int]:
        """Go past a parenthesised part; return the offsets of what is inside."""
        self.expect("(")
        start, depth = self.offset, 1
        while self.token:
            if self.token.token_type == TokenType.L_PAREN:
                depth += 1
            elif self.token.token_type == TokenType.R_PAREN:
                depth -= 1
            self.index += 1
            if depth == 0:
                break
        else:
            self.fail("')'")
        return start, self.tokens[self.index - 1].start

    def properties(self) -> dict[str, str | list[str]]:
        """``(key = 'value', other = ARRAY['a', 'b'])``; Hive's quoted keys too."""
        found: dict[str, str | list[str]] = {}
        self.expect("(")
        while not self.take(")"):
            is_text = self.token is not None and self.token.token_type == TokenType.STRING
            key = self.string() if is_text else self.name()
            self.expect("=")
            found[key] = self._value()
            if not self.take(",") and not self.sees(")"):
                self.fail("','")
        return found

    def _value(self) -> str | list[str]:
        if self.take("ARRAY"):
            self.expect("[")
            items = []
            while not self.take("]"):
                items.append(self.string())
                self.take(",")
            return items
        token = self.token
        if token is None:
            self.fail("a value")
        self.index += 1
        return str(token.text)


def blank(sql: str, start: int, end: int) -> str:
    """`sql` with everything outside the offsets replaced by spaces, so that positions stay what they are."""

    def spaces(text: str) -> str:
        return "".join("\n" if character == "\n" else " " for character in text)

    return spaces(sql[:start]) + sql[start:end] + spaces(sql[end:])
