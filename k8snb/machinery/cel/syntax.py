"""The reader of CEL: from a text to its syntax tree, token by token.

Upstream: `cel-go/parser/gen/CEL.g4`.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from k8snb.machinery.cel.nodes import Call, CompileError, Ident, ListNode, Literal, MapNode, Node, Select
from k8snb.machinery.cel.values import MAX_INT, MAX_UINT, UInt

MAX_DEPTH = 250


class Token(NamedTuple):
    kind: str
    text: str
    at: int


_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n\f]+|//[^\n]*)
  | (?P<bytes>[bB][rR]?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''
        |"(?:\\.|[^"\\\n\r])*"|'(?:\\.|[^'\\\n\r])*'))
  | (?P<string>[rR]?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n\r])*"|'(?:\\.|[^'\\\n\r])*'))
  | (?P<float>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
  | (?P<uint>(?:0x[0-9a-fA-F]+|[0-9]+)[uU])
  | (?P<int>0x[0-9a-fA-F]+|[0-9]+)
  | (?P<ident>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<escaped>`[A-Za-z0-9_.\-/ ]+`)
  | (?P<op>==|!=|<=|>=|&&|\|\||[-+*/%!<>?:.,()\[\]{}])
""",
    re.VERBOSE | re.DOTALL,
)
_RAW = re.compile(r"^[bB]?[rR]")
RESERVED = frozenset({
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
    "namespace", "return", "var", "void", "while",
})  # fmt: skip
_EXPECTED = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)
_RELATIONS = frozenset({"<", "<=", ">", ">=", "==", "!=", "in"})


def tokens(source: str) -> list[Token]:
    """The tokens of an expression. Raises CompileError."""
    found: list[Token] = []
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise CompileError(source, [(at, f"Syntax error: token recognition error at: '{source[at]}'")])
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup or "", match[0], at))
        at = match.end()
    found.append(Token("end", "<EOF>", len(source)))
    return found


class Parser:
    """Reads one expression. `expand` is asked about every call and may give something in its place (a macro)."""

    def __init__(self, source: str, expand: Any) -> None:
        self.source = source
        self.tokens = tokens(source)
        self.next = 0
        self.depth = 0
        self.expand = expand

    def parse(self) -> Node:
        """The whole expression."""
        node = self.ternary()
        if self.token.kind != "end":
            raise self.error(self.token, f"mismatched input '{self.token.text}' expecting <EOF>")
        return node

    @property
    def token(self) -> Token:
        return self.tokens[self.next]

    def error(self, token: Token, what: str) -> CompileError:
        return CompileError(self.source, [(token.at, f"Syntax error: {what}")])

    def refuse(self, at: int, message: str) -> CompileError:
        return CompileError(self.source, [(at, message)])

    def take(self) -> Token:
        token = self.token
        self.next += 1
        return token

    def accept(self, text: str) -> Token | None:
        if self.token.text == text and self.token.kind in ("op", "ident"):
            return self.take()
        return None

    def expect(self, text: str) -> Token:
        token = self.accept(text)
        if token is None:
            raise self.error(self.token, f"mismatched input '{self.token.text}' expecting '{text}'")
        return token

    # -- operators ---------------------------------------------------------------------------------

    def ternary(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refuse(-1, f"expression recursion limit exceeded: {MAX_DEPTH}")
        condition = self.either()
        token = self.accept("?")
        if token is not None:
            then = self.either()
            self.expect(":")
            condition = Call(token.at, "_?_:_", None, [condition, then, self.ternary()])
        self.depth -= 1
        return condition

    def either(self) -> Node:
        return self.logic("||", "_||_", self.both)

    def both(self) -> Node:
        return self.logic("&&", "_&&_", self.relation)

    def logic(self, text: str, function: str, operand: Any) -> Node:
        terms, places = [operand()], []
        while (token := self.accept(text)) is not None:
            places.append(token.at)
            terms.append(operand())
        return _balanced(function, terms, places)

    def relation(self) -> Node:
        left = self.sum()
        while self.token.text in _RELATIONS and self.token.kind in ("op", "ident"):
            token = self.take()
            function = "@in" if token.text == "in" else f"_{token.text}_"
            left = Call(token.at, function, None, [left, self.sum()])
        return left

    def sum(self) -> Node:
        left = self.product()
        while self.token.kind == "op" and self.token.text in "+-":
            token = self.take()
            left = Call(token.at, f"_{token.text}_", None, [left, self.product()])
        return left

    def product(self) -> Node:
        left = self.unary()
        while self.token.kind == "op" and self.token.text in "*/%":
            token = self.take()
            left = Call(token.at, f"_{token.text}_", None, [left, self.unary()])
        return left

    def unary(self) -> Node:
        token = self.token
        if token.kind != "op" or token.text not in "!-":
            return self.member()
        count = 0
        while self.accept(token.text) is not None:
            count += 1
        if token.text == "-" and count == 1 and self.token.kind in ("int", "float"):
            return self.member_of(self.number(self.take(), token.at))
        operand = self.member()
        return Call(token.at, "!_" if token.text == "!" else "-_", None, [operand]) if count % 2 else operand

    # -- members -----------------------------------------------------------------------------------

    def member(self) -> Node:
        return self.member_of(self.primary())

    def member_of(self, node: Node) -> Node:
        while True:
            if (token := self.accept(".")) is not None:
                node = self.field(node, token)
            elif (token := self.accept("[")) is not None:
                optional = self.accept("?")
                index = self.ternary()
                self.expect("]")
                node = Call(token.at, "_[?_]" if optional else "_[_]", None, [node, index])
            else:
                return node

    def field(self, node: Node, dot: Token) -> Node:
        optional = self.accept("?") is not None
        token = self.take()
        if token.kind not in ("ident", "escaped") or token.text in ("true", "false", "null", "in"):
            raise self.error(token, f"no viable alternative at input '.{token.text}'")
        name = token.text.strip("`")
        if token.kind == "ident" and not optional and (opened := self.accept("(")) is not None:
            return self.called(opened, name, node)
        return Select(dot.at, node, name, optional=optional)

    def called(self, opened: Token, name: str, target: Node | None) -> Node:
        args = self.arguments(")")
        call = Call(opened.at, name, target, args)
        expanded = self.expand(self, call)
        return call if expanded is None else expanded

    def arguments(self, end: str) -> list[Node]:
        args: list[Node] = []
        if self.accept(end) is not None:
            return args
        while True:
            args.append(self.ternary())
            if self.accept(",") is None:
                break
        self.expect(end)
        return args

    def primary(self) -> Node:
        token = self.take()
        if token.kind in ("int", "uint", "float"):
            return self.number(token)
        if token.kind in ("string", "bytes"):
            return Literal(token.at, self.text(token))
        if token.kind == "ident":
            return self.name(token)
        if token.text == "(" and token.kind == "op":
            inner = self.ternary()
            self.expect(")")
            return inner
        if token.text == "[" and token.kind == "op":
            return self.listed(token)
        if token.text == "{" and token.kind == "op":
            return MapNode(token.at, self.entries())
        if token.text == "." and self.token.kind == "ident":
            return self.name(self.take())
        raise self.error(token, f"mismatched input '{token.text}' expecting {_EXPECTED}")

    def name(self, token: Token) -> Node:
        if token.text in ("true", "false", "null"):
            return Literal(token.at, {"true": True, "false": False, "null": None}[token.text])
        if token.text == "in":
            raise self.error(token, f"mismatched input 'in' expecting {_EXPECTED}")
        if token.text in RESERVED:
            raise self.refuse(token.at, f"reserved identifier: {token.text}")
        if (opened := self.accept("(")) is not None:
            return self.called(opened, token.text, None)
        start, name = self.next, token.text
        while self.token.text == "." and self.tokens[self.next + 1].kind == "ident":
            self.next += 1
            name += f".{self.take().text}"
        if self.token.text == "{" and self.token.kind == "op":
            opened = self.take()
            return MapNode(opened.at, self.entries(fields=True), name)
        self.next = start
        return Ident(token.at, token.text)

    def listed(self, opened: Token) -> Node:
        items: list[Node] = []
        optional: set[int] = set()
        while self.accept("]") is None:
            if self.accept("?") is not None:
                optional.add(len(items))
            items.append(self.ternary())
            if self.accept(",") is None:
                self.expect("]")
                break
        return ListNode(opened.at, items, frozenset(optional))

    def entries(self, *, fields: bool = False) -> list[tuple[Node, Node, bool]]:
        found: list[tuple[Node, Node, bool]] = []
        while self.accept("}") is None:
            optional = self.accept("?") is not None
            if fields:
                token = self.take()
                if token.kind not in ("ident", "escaped"):
                    raise self.error(token, f"mismatched input '{token.text}' expecting {{'}}', ',', IDENTIFIER}}")
                key: Node = Literal(token.at, token.text.strip("`"))
            else:
                key = self.ternary()
            self.expect(":")
            found.append((key, self.ternary(), optional))
            if self.accept(",") is None:
                self.expect("}")
                break
        return found

    # -- literals ----------------------------------------------------------------------------------

    def number(self, token: Token, minus: int | None = None) -> Node:
        at, sign = (token.at, 1) if minus is None else (minus, -1)
        if token.kind == "float":
            return Literal(at, sign * float(token.text))
        digits = token.text.rstrip("uU")
        value = int(digits, 16) if digits.startswith("0x") else int(digits)
        if token.kind == "uint":
            if value > MAX_UINT:
                raise self.refuse(at, "invalid uint literal")
            return Literal(at, UInt(value))
        if value > MAX_INT + (sign < 0):
            raise self.refuse(at, "invalid int literal")
        return Literal(at, sign * value)

    def text(self, token: Token) -> str | bytes:
        raw = _RAW.match(token.text) is not None
        body = token.text.lstrip("bBrR")
        quote = body[:3] if body[:3] in ('"""', "'''") else body[:1]
        body = body[len(quote) : -len(quote)]
        if token.kind == "bytes":
            return body.encode() if raw else _unescaped_bytes(body)
        return body if raw else _unescaped(body)


def _balanced(function: str, terms: list[Any], places: list[int]) -> Node:
    """A chain of the same operator as a balanced tree, so that a long one is not deep."""
    if len(terms) == 1:
        only: Node = terms[0]
        return only
    middle = (len(terms) - 1) // 2
    left = _balanced(function, terms[: middle + 1], places[:middle])
    right = _balanced(function, terms[middle + 1 :], places[middle + 1 :])
    return Call(places[middle], function, None, [left, right])


_HEX = "[0-9a-fA-F]"
_ESCAPE = re.compile(rf"\\(?:([abfnrtv\\'\"`?])|[xX]({_HEX}{{2}})|u({_HEX}{{4}})|U({_HEX}{{8}})|([0-3][0-7]{{2}}))")
_SHORT = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _character(match: re.Match[str]) -> str:
    if match[1]:
        return _SHORT.get(match[1], match[1])
    code = match[2] or match[3] or match[4]
    return chr(int(code, 16)) if code else chr(int(match[5], 8))


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text)


def _unescaped_bytes(text: str) -> bytes:
    parts, at = [], 0
    for match in _ESCAPE.finditer(text):
        parts.append(text[at : match.start()].encode())
        character = _character(match)
        parts.append(bytes([ord(character)]) if match[2] or match[5] else character.encode())
        at = match.end()
    parts.append(text[at:].encode())
    return b"".join(parts)
