"""From tokens to nodes. Upstream: `text/template/parse/parse.go`."""

from __future__ import annotations

import re
from collections.abc import Container

from k8snb.machinery.gotemplate.errors import ParseError
from k8snb.machinery.gotemplate.lexer import Lexer, Token, quoted
from k8snb.machinery.gotemplate.nodes import (
    Action,
    Call,
    Chain,
    Command,
    Constant,
    Control,
    Dot,
    Ending,
    Field,
    Identifier,
    Jump,
    Nil,
    Node,
    Pipeline,
    Text,
    Variable,
)

Body = tuple[Node, ...]
_OPERANDS = frozenset(("bool", "char-constant", "dot", "field", "identifier", "number", "string", "variable", "("))
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)")
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def parse(name: str, text: str, functions: Container[str]) -> dict[str, Body]:
    """The templates that a text defines: the one of that name, and those of `define` and `block`."""
    return _Parser(name, text, functions).parse()


class _Parser:
    def __init__(self, name: str, text: str, functions: Container[str]) -> None:
        self.name = name
        self.functions = functions
        self.tokens = list(Lexer(text).tokens())
        self.at = 0
        self.variables = ["$"]
        self.ranges = 0
        self.action_line = 0
        self.found: dict[str, Body] = {}

    # -- tokens ------------------------------------------------------------------------------------

    def peek(self) -> Token:
        return self.tokens[min(self.at, len(self.tokens) - 1)]

    def next(self) -> Token:
        token = self.peek()
        self.at += 1
        return token

    def peek_word(self) -> Token:
        while self.peek().kind == "space":
            self.at += 1
        return self.peek()

    def next_word(self) -> Token:
        self.peek_word()
        return self.next()

    def failure(self, message: str) -> ParseError:
        line = self.tokens[max(0, min(self.at, len(self.tokens)) - 1)].line
        return ParseError(f"template: {self.name}:{line}: {message}")

    def unexpected(self, token: Token, context: str) -> ParseError:
        if token.kind != "error":
            return self.failure(f"unexpected {token} in {context}")
        extra = ""
        if self.action_line and self.action_line != token.line:
            extra = f" in action started at {self.name}:{self.action_line}"
            if token.text.endswith(" action"):
                extra = extra.removeprefix(" in action")
        return self.failure(f"{token}{extra}")

    def expect(self, kind: str, context: str) -> Token:
        token = self.next_word()
        if token.kind != kind:
            raise self.unexpected(token, context)
        return token

    # -- bodies ------------------------------------------------------------------------------------

    def parse(self) -> dict[str, Body]:
        nodes: list[Node] = []
        while self.peek().kind != "eof":
            if self.peek().kind == "left" and self.defines():
                self.definition()
                continue
            node = self.text_or_action()
            if isinstance(node, Ending):
                raise self.failure(f"unexpected {node}")
            nodes.append(node)
        self.found[self.name] = tuple(nodes)
        return self.found

    def defines(self) -> bool:
        """Whether a `define` begins here; if so, it has been read."""
        start = self.at
        self.next()
        if self.next_word()[:2] == ("keyword", "define"):
            return True
        self.at = start
        return False

    def definition(self) -> None:
        context = "define clause"
        name = self.template_name(self.next_word(), context)
        self.expect("right", context)
        outer, self.variables = self.variables, ["$"]
        body, ending = self.body()
        self.variables = outer
        if ending.word != "end":
            raise self.failure(f"unexpected {ending} in {context}")
        self.define(name, body)

    def define(self, name: str, body: Body) -> None:
        if self.found.get(name) and body:
            raise self.failure(f"template: multiple definition of template {quoted(name)}")
        if body or name not in self.found:
            self.found[name] = body

    def body(self) -> tuple[Body, Ending]:
        nodes: list[Node] = []
        while self.peek_word().kind != "eof":
            node = self.text_or_action()
            if isinstance(node, Ending):
                return tuple(nodes), node
            nodes.append(node)
        self.next()
        raise self.failure("unexpected EOF")

    def text_or_action(self) -> Node:
        token = self.next_word()
        if token.kind == "text":
            return Text(token.at, token.text)
        if token.kind == "left":
            self.action_line = token.line
            node = self.action()
            self.action_line = 0
            return node
        raise self.unexpected(token, "input")

    def action(self) -> Node:
        token = self.peek_word()
        if token.kind == "keyword" and token.text not in ("nil", "define"):
            self.next()
            return self.keyword(token)
        return Action(token.at, self.pipeline("command", "right"))

    def keyword(self, token: Token) -> Node:
        match token.text:
            case "if" | "with" | "range":
                return self.control(token)
            case "end":
                self.expect("right", "end")
                return Ending(token.at, "end")
            case "else":
                return self.otherwise(token)
            case "template":
                return self.call()
            case "block":
                return self.block(token)
        if not self.ranges:
            raise self.failure(f"{{{{{token.text}}}}} outside {{{{range}}}}")
        following = self.next_word()
        if following.kind != "right":
            raise self.unexpected(following, f"{{{{{token.text}}}}}")
        return Jump(token.at, token.text)

    # -- control -----------------------------------------------------------------------------------

    def otherwise(self, token: Token) -> Ending:
        following = self.peek_word()
        if following.kind == "keyword" and following.text in ("if", "with"):
            return Ending(token.at, "else", following.text)
        self.expect("right", "else")
        return Ending(token.at, "else")

    def control(self, token: Token) -> Control:
        word, known = token.text, len(self.variables)
        pipeline = self.pipeline(word, "right")
        self.ranges += word == "range"
        body, ending = self.body()
        self.ranges -= word == "range"
        rest: Body = ()
        if ending.word == "else":
            if ending.inline == word:
                rest = (self.control(self.next_word()),)
            elif ending.inline:
                self.expect("right", "else")
            else:
                rest, last = self.body()
                if last.word != "end":
                    raise self.failure(f"expected end; found {last}")
        del self.variables[known:]
        return Control(token.at, word, pipeline, body, rest)

    def template_name(self, token: Token, context: str) -> str:
        if token.kind != "string":
            raise self.unexpected(token, context)
        return self.unquoted(token)

    def call(self) -> Call:
        context = "template clause"
        token = self.next_word()
        name = self.template_name(token, context)
        if self.peek_word().kind == "right":
            self.next()
            return Call(token.at, name, None)
        return Call(token.at, name, self.pipeline(context, "right"))

    def block(self, token: Token) -> Call:
        context = "block clause"
        name = self.template_name(self.next_word(), context)
        pipeline = self.pipeline(context, "right")
        outer, self.variables = self.variables, ["$"]
        body, ending = self.body()
        self.variables = outer
        if ending.word != "end":
            raise self.failure(f"unexpected {ending} in {context}")
        self.define(name, body)
        return Call(token.at, name, pipeline)

    # -- pipelines ---------------------------------------------------------------------------------

    def pipeline(self, context: str, end: str) -> Pipeline:
        start = self.peek_word().at
        names, assigns = self.declarations(context)
        commands: list[Command] = []
        while True:
            token = self.next_word()
            if token.kind == end:
                return self.checked(Pipeline(start, tuple(names), assigns, tuple(commands)), context)
            if token.kind not in _OPERANDS and token[:2] != ("keyword", "nil"):
                raise self.unexpected(token, context)
            self.at -= 1
            commands.append(self.command())

    def declarations(self, context: str) -> tuple[list[str], bool]:
        """The variables that a pipeline sets, and whether they are old ones."""
        names: list[str] = []
        while self.peek_word().kind == "variable":
            start = self.at
            name = self.next().text
            following = self.peek_word()
            if following.kind in ("=", ":="):
                self.next()
                return self.declared(names, name), following.kind == "="
            if following[:2] != ("char", ","):
                self.at = start
                return names, False
            self.next()
            names = self.declared(names, name)
            if context != "range" or len(names) > 1:
                raise self.failure(f"too many declarations in {context}")
            if self.peek_word().kind not in ("variable", "right", ")"):
                raise self.failure("range can only initialize variables")
        return names, False

    def declared(self, names: list[str], name: str) -> list[str]:
        self.variables.append(name)
        return [*names, name]

    def checked(self, pipeline: Pipeline, context: str) -> Pipeline:
        if not pipeline.commands:
            raise self.failure(f"missing value for {context}")
        for stage, command in enumerate(pipeline.commands[1:], 2):
            if isinstance(command.words[0], (Constant, Dot, Nil)):
                raise self.failure(f"non executable command in pipeline stage {stage}")
        return pipeline

    def command(self) -> Command:
        start = self.peek_word().at
        words: list[Node] = []
        while True:
            self.peek_word()
            operand = self.operand()
            if operand is not None:
                words.append(operand)
            token = self.next()
            if token.kind == "space":
                continue
            if token.kind in ("right", ")"):
                self.at -= 1
            elif token.kind != "|":
                raise self.unexpected(token, "operand")
            break
        if not words:
            raise self.failure("empty command")
        return Command(start, tuple(words))

    def operand(self) -> Node | None:
        node = self.term()
        if node is None or self.peek().kind != "field":
            return node
        start = self.peek().at
        names: list[str] = []
        while self.peek().kind == "field":
            names.append(self.next().text[1:])
        if isinstance(node, Field):
            return Field(start, (*node.names, *names))
        if isinstance(node, Variable):
            return Variable(start, (*node.names, *names))
        if isinstance(node, (Constant, Nil, Dot)):
            raise self.failure(f"unexpected . after term {quoted(str(node))}")
        return Chain(start, node, tuple(names))

    def term(self) -> Node | None:
        token = self.next_word()
        match token.kind:
            case "identifier":
                if token.text not in self.functions:
                    raise self.failure(f"function {quoted(token.text)} not defined")
                return Identifier(token.at, token.text)
            case "dot":
                return Dot(token.at)
            case "field":
                return Field(token.at, (token.text[1:],))
            case "variable":
                if token.text not in self.variables:
                    raise self.failure(f"undefined variable {quoted(token.text)}")
                return Variable(token.at, (token.text,))
            case "bool":
                return Constant(token.at, token.text == "true", token.text)
            case "string":
                return Constant(token.at, self.unquoted(token), token.text)
            case "number" | "char-constant":
                return Constant(token.at, self.number(token), token.text)
            case "(":
                return self.pipeline("parenthesized pipeline", ")")
        if token[:2] == ("keyword", "nil"):
            return Nil(token.at)
        self.at -= 1
        return None

    # -- constants ---------------------------------------------------------------------------------

    def unquoted(self, token: Token) -> str:
        inside = token.text[1:-1]
        return inside.replace("\r", "") if token.text[0] == "`" else _ESCAPE.sub(_unescaped, inside)

    def number(self, token: Token) -> int | float:
        text = token.text
        if token.kind == "char-constant":
            return ord(_ESCAPE.sub(_unescaped, text[1:-1])[0])
        plain = text.replace("_", "")
        sign, digits = (-1, plain[1:]) if plain[0] == "-" else (1, plain.lstrip("+"))
        try:
            if re.fullmatch(r"0[0-7]+", digits):
                return sign * int(digits, 8)
            if re.fullmatch(r"0[xXbBoO][0-9a-fA-F]+|[0-9]+", digits):
                return sign * int(digits, 0)
            return sign * (float.fromhex(digits) if digits[:2] in ("0x", "0X") else float(digits))
        except ValueError:
            raise self.failure(f"bad number syntax: {quoted(text)}") from None


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xuU" and len(code) > 1:
        return chr(int(code[1:], 16))
    if len(code) == 3:
        return chr(int(code, 8))
    return _PLAIN.get(code, code)
