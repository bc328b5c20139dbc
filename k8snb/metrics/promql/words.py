"""Reading words one by one: what a parser asks of the words that are left, and how it says what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from k8snb.metrics.promql.lexer import PromQLError, Token, tokens

_OPEN = {
    ")": "unclosed left parenthesis",
    "]": "unclosed left bracket",
    "}": "unexpected end of input inside braces",
}
"""What is said where an expression ends before it closes what is open."""


class Words:
    """The words of an expression, and which of them is next."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = tokens(text)
        self.place = 0

    @property
    def next(self) -> Token:
        return self.words[self.place]

    def take(self) -> Token:
        word = self.words[self.place]
        self.place += 1
        return word

    def sees(self, *texts: str) -> bool:
        """Whether the next word is one of these operators, keywords or marks."""
        return self.next.sort in ("op", "keyword", "punctuation") and self.next.text.lower() in texts

    def skip(self, text: str) -> bool:
        if self.sees(text):
            self.place += 1
            return True
        return False

    def expect(self, text: str, context: str = "") -> None:
        if not self.skip(text):
            self.closed(text)
            self.unexpected(context, f'"{text}"' if context else "")

    def closed(self, text: str) -> None:
        """Say so if the expression ends before `text` closes what is open."""
        if self.next.sort == "end" and text in _OPEN:
            self.fail(_OPEN[text], self.next.position)

    def unexpected(self, context: str = "", expected: str = "") -> NoReturn:
        marks = [word.text for word in self.words if word.sort == "punctuation"]
        if marks.count("(") > marks.count(")"):
            self.closed(")")
        message = f"unexpected {self.next.described()}"
        message += f" in {context}" if context else ""
        self.fail(message + (f", expected {expected}" if expected else ""), self.next.position)

    def fail(self, message: str, position: int) -> NoReturn:
        raise PromQLError(message, position, self.text)

    def listed(self, close: str, context: str, item: Callable[[], object]) -> None:
        """Items between commas up to `close`; the last may be followed by a comma."""
        while not self.skip(close):
            item()
            if not self.skip(","):
                if not self.skip(close):
                    if close == "}":
                        self.closed(close)
                    self.unexpected(context, f'"," or "{close}"')
                return
