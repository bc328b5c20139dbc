"""The grammar: a parser by recursive descent over the tokens of a script."""

from __future__ import annotations

import re
from functools import lru_cache

from k8snb.kubelet.images.shell.syntax import (
    AndOr,
    Case,
    For,
    Function,
    Group,
    If,
    Lexer,
    Loop,
    Node,
    Part,
    Pipeline,
    Redirect,
    Several,
    ShellSyntaxError,
    Simple,
    Token,
    Word,
)

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_REDIRECTIONS = {"<", ">", ">>", "<<", "<<-", ">&", "<&", ">|", "<>"}
_ENDERS = frozenset({"then", "do", "done", "fi", "elif", "else", "esac", "}"})


@lru_cache(maxsize=512)
def parse(script: str) -> Node:
    """The tree of a script; raises ShellSyntaxError."""
    parser = _Parser(Lexer(script).tokens())
    tree = parser.sequence(frozenset())
    if parser.token.kind != "end":
        parser.unexpected()
    return tree


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    def take(self) -> Token:
        token = self.token
        self._at += 1
        return token

    def unexpected(self) -> None:
        token = self.token
        name = "end of file" if token.kind == "end" else ("newline" if token.kind == "newline" else f'"{token.text}"')
        raise ShellSyntaxError(f"syntax error: unexpected {name}")

    def is_word(self, *texts: str) -> bool:
        return self.token.kind == "word" and self.token.plain and self.token.text in texts

    def is_operator(self, *texts: str) -> bool:
        return self.token.kind == "operator" and self.token.text in texts

    def expect(self, text: str) -> None:
        if not (self.is_word(text) or self.is_operator(text)):
            self.unexpected()
        self.take()

    def newlines(self) -> None:
        while self.token.kind == "newline":
            self.take()

    # -- lists -------------------------------------------------------------------------------------

    def sequence(self, enders: frozenset[str]) -> Node:
        """Commands up to a reserved word of `enders`, a closing parenthesis, `;;` or the end."""
        items: list[tuple[Node, bool]] = []
        while True:
            while self.token.kind == "newline" or (items and self.is_operator(";")):
                self.take()
            if self.token.kind == "end" or self.is_word(*enders) or self.is_operator(")", ";;"):
                break
            node = self.and_or()
            background = self.is_operator("&")
            if background:
                self.take()
            elif not (self.is_operator(";", ")", ";;") or self.token.kind in {"newline", "end"}):
                self.unexpected()
            items.append((node, background))
        return items[0][0] if len(items) == 1 and not items[0][1] else Several(tuple(items))

    def and_or(self) -> Node:
        left = self.pipeline()
        while self.is_operator("&&", "||"):
            operator = self.take().text
            self.newlines()
            left = AndOr(left, operator, self.pipeline())
        return left

    def pipeline(self) -> Node:
        negated = self.is_word("!")
        if negated:
            self.take()
        commands = [self.command()]
        while self.is_operator("|"):
            self.take()
            self.newlines()
            commands.append(self.command())
        return commands[0] if len(commands) == 1 and not negated else Pipeline(tuple(commands), negated)

    # -- commands ----------------------------------------------------------------------------------

    def command(self) -> Node:
        node = self._compound()
        if node is None:
            return self._simple()
        redirects: list[Redirect] = []
        while self.is_operator(*_REDIRECTIONS):
            redirects.append(self._redirect())
        return Group(node, False, tuple(redirects)) if redirects else node

    def _compound(self) -> Node | None:
        if self.is_operator("("):
            self.take()
            body = self.sequence(frozenset())
            self.expect(")")
            return Group(body, True)
        if self.token.kind != "word" or not self.token.plain:
            return None
        readers = {
            "if": self._if, "while": self._loop, "until": self._loop,
            "for": self._for, "case": self._case, "{": self._group,
        }  # fmt: skip
        reader = readers.get(self.token.text)
        if reader is not None:
            return reader()
        if self.token.text in _ENDERS:
            self.unexpected()
        following = self._tokens[self._at + 1]
        if following.kind == "operator" and following.text == "(" and self._tokens[self._at + 2].text == ")":
            return self._function()
        return None

    def _if(self) -> Node:
        branches: list[tuple[Node, Node]] = []
        otherwise: Node | None = None
        while self.is_word("if", "elif"):
            self.take()
            condition = self.sequence(frozenset({"then"}))
            self.expect("then")
            branches.append((condition, self.sequence(frozenset({"elif", "else", "fi"}))))
        if self.is_word("else"):
            self.take()
            otherwise = self.sequence(frozenset({"fi"}))
        self.expect("fi")
        return If(tuple(branches), otherwise)

    def _loop(self) -> Node:
        until = self.take().text == "until"
        condition = self.sequence(frozenset({"do"}))
        return Loop(until, condition, self._do())

    def _do(self) -> Node:
        self.expect("do")
        body = self.sequence(frozenset({"done"}))
        self.expect("done")
        return body

    def _for(self) -> Node:
        self.take()
        name = self.take().text
        words: tuple[Word, ...] | None = None
        self.newlines()
        if self.is_word("in"):
            self.take()
            found: list[Word] = []
            while self.token.kind == "word":
                found.append(self.take().word)
            words = tuple(found)
        if self.is_operator(";"):
            self.take()
        self.newlines()
        return For(name, words, self._do())

    def _case(self) -> Node:
        self.take()
        word = self.take().word
        self.newlines()
        self.expect("in")
        self.newlines()
        branches: list[tuple[tuple[Word, ...], Node]] = []
        while not self.is_word("esac"):
            if self.is_operator("("):
                self.take()
            patterns = [self.take().word]
            while self.is_operator("|"):
                self.take()
                patterns.append(self.take().word)
            self.expect(")")
            branches.append((tuple(patterns), self.sequence(frozenset({"esac"}))))
            if self.is_operator(";;"):
                self.take()
            self.newlines()
            if self.token.kind == "end":
                self.unexpected()
        self.take()
        return Case(word, tuple(branches))

    def _group(self) -> Node:
        self.take()
        body = self.sequence(frozenset({"}"}))
        self.expect("}")
        return Group(body, False)

    def _function(self) -> Node:
        name = self.take().text
        self.take()
        self.take()
        self.newlines()
        return Function(name, self.command())

    def _simple(self) -> Node:
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        redirects: list[Redirect] = []
        while True:
            token = self.token
            if self.is_operator(*_REDIRECTIONS):
                redirects.append(self._redirect())
            elif token.kind == "word":
                self.take()
                match = None if words else _ASSIGNMENT.match(token.text)
                if match:
                    assignments.append((match.group()[:-1], _after(token.word, match.end())))
                else:
                    words.append(token.word)
            else:
                break
        if not (assignments or words or redirects):
            self.unexpected()
        return Simple(tuple(assignments), tuple(words), tuple(redirects))

    def _redirect(self) -> Redirect:
        token = self.take()
        if self.token.kind != "word":
            self.unexpected()
        default = 0 if token.text.startswith("<") else 1
        return Redirect(token.fd if token.fd >= 0 else default, token.text, self.take().word)


def _after(word: Word, count: int) -> Word:
    """The word without its first `count` characters, which are plain text."""
    first = word[0]
    return (Part("text", first.text[count:], first.quoted), *word[1:])
