"""Text to tree: precedence climbing, with types checked as the tree grows.

What binds tightest: `^`, signs, `* / % atan2`, `+ -`, comparisons, `and unless`, `or`. All group to the left but `^`.
Source: `promql/parser/generated_parser.y` and `parse.go`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from k8snb.machinery.goregexp import GoRegexpError
from k8snb.metrics.labels import MATCHES, NAME, VALID_NAME, Matcher
from k8snb.metrics.numbers import read
from k8snb.metrics.promql import nodes
from k8snb.metrics.promql.durations import milliseconds
from k8snb.metrics.promql.lexer import AGGREGATORS, PromQLError, Token, unquoted
from k8snb.metrics.promql.nodes import COMPARISONS, SETS, Cardinality, Matching, Node, When
from k8snb.metrics.promql.signatures import SIGNATURES
from k8snb.metrics.promql.words import Words

PRECEDENCE = {"or": 1, "and": 2, "unless": 2, **dict.fromkeys(COMPARISONS, 3), "+": 4, "-": 4}
PRECEDENCE |= {**dict.fromkeys(("*", "/", "%", "atan2"), 5), "^": 6}
_SIGN = 6
"""What follows a sign reaches as far as `^` does."""

_BEFORE = "must be preceded by an instant vector selector or range vector selector or a subquery"
_WITH_PARAMETER = frozenset({"topk", "bottomk", "quantile", "count_values"})
_WORDS = {"scalar": "scalar", "vector": "instant vector", "matrix": "range vector", "string": "string"}


def parse(text: str) -> Node:
    """The tree of an expression. Raises PromQLError with Prometheus' words and the place."""
    return _Parser(text).whole()


def parse_selector(text: str) -> tuple[Matcher, ...]:
    """The matchers of a selector, as `match[]` parameters carry them. Raises PromQLError."""
    node = parse(text)
    if not isinstance(node, nodes.Selector):
        raise PromQLError("expected only vector selectors")
    return node.matchers


class _Parser(Words):
    # -- expressions --

    def whole(self) -> Node:
        if len(self.words) == 1:
            raise PromQLError("no expression found in input", 0, self.text)
        node = self.expression(1)
        if self.next.sort != "end":
            if self.sees(")"):
                self.fail("unexpected right parenthesis ')'", self.next.position + 1)
            self.unexpected()
        return node

    def expression(self, least: int) -> Node:
        start = self.next.position
        left = self.signed()
        while self.next.sort == "op" and (operator := self.next.text.lower()) in PRECEDENCE:
            strength = PRECEDENCE[operator]
            if strength < least:
                break
            self.place += 1
            at = self.words[self.place - 1].position
            boolean = self.boolean(operator, at)
            matching = self.matching(operator, start, at)
            right_start = self.next.position
            right = self.expression(strength if operator == "^" else strength + 1)
            left = self.binary(left, operator, right, matching, boolean, (start, at, right_start))
        return left

    def signed(self) -> Node:
        if not self.sees("+", "-"):
            began = self.next.position
            return self.postfix(self.primary(), began)
        sign = self.take()
        node = self.expression(_SIGN)
        if node.type not in ("scalar", "vector"):
            kind = f'"{_WORDS[node.type]}"'
            message = f"unary expression only allowed on expressions of type scalar or instant vector, got {kind}"
            self.fail(message, sign.position)
        if isinstance(node, nodes.Number):
            return nodes.Number(-node.value if sign.text == "-" else node.value)
        return nodes.Unary("-" if sign.text == "-" else "+", node)

    def boolean(self, operator: str, at: int) -> bool:
        if not self.skip("bool"):
            return False
        if operator not in COMPARISONS:
            self.fail("bool modifier can only be used on comparison operators", at)
        return True

    def matching(self, operator: str, start: int, at: int) -> Matching:
        cardinality: Cardinality = "many-to-many" if operator in SETS else "one-to-one"
        if not self.sees("on", "ignoring"):
            if self.sees("group_left", "group_right"):
                self.unexpected()
            return Matching(cardinality)
        on = self.take().text.lower() == "on"
        found = Matching(cardinality, on, self.names())
        if not self.sees("group_left", "group_right"):
            return found
        side = self.take()
        if operator in SETS:
            self.fail(f'no grouping allowed for "{operator}" operation', start)
        include = self.names() if self.sees("(") else ()
        if on and (both := next((name for name in include if name in found.labels), None)):
            self.fail(f'label "{both}" must not occur in ON and GROUP clause at once', at)
        many: Cardinality = "many-to-one" if side.text.lower() == "group_left" else "one-to-many"
        return replace(found, cardinality=many, include=include)

    def binary(
        self, left: Node, operator: str, right: Node, matching: Matching, boolean: bool, at: tuple[int, int, int]
    ) -> Node:
        for side, position in ((left, at[0]), (right, at[2])):
            if side.type not in ("scalar", "vector"):
                self.fail("binary expression must contain only scalar and instant vector types", position)
        scalars = [side.type for side in (left, right)].count("scalar")
        if operator in COMPARISONS and scalars == 2 and not boolean:
            self.fail("comparisons between scalars must use BOOL modifier", at[1])
        if scalars and operator in SETS:
            self.fail(f'set operator "{operator}" not allowed in binary scalar expression', at[0])
        if scalars and (matching.labels or matching.on):
            self.fail("vector matching only allowed between instant vectors", at[0])
        return nodes.Binary(operator, left, right, None if scalars else matching, boolean)

    # -- what stands alone --

    def primary(self) -> Node:
        word = self.next
        match word.sort:
            case "number":
                self.place += 1
                return nodes.Number(read(word.text))
            case "duration":
                self.place += 1
                return nodes.Number(milliseconds(word.text) / 1000)
            case "string":
                self.place += 1
                return nodes.Text(unquoted(word.text))
            case "identifier":
                return self.named()
        if self.skip("("):
            node = self.expression(1)
            self.expect(")")
            return nodes.Parenthesis(node)
        if not self.sees("{"):
            self.unexpected()
        return self.selector("", word)

    def named(self) -> Node:
        word = self.take()
        name = word.text.lower()
        if name in AGGREGATORS and (self.sees("(") or self.sees("by", "without")):
            return self.aggregation(name, word)
        if self.sees("("):
            return self.call(word)
        return self.selector(word.text, word)

    def selector(self, name: str, word: Token) -> Node:
        matchers = [Matcher(NAME, "=", name)] if name else []
        if self.skip("{"):
            self.listed("}", "label matching", lambda: matchers.append(self.matcher(name, word)))
        if all(matcher.accepts("") for matcher in matchers):
            self.fail("vector selector must contain at least one non-empty matcher", word.position)
        return nodes.Selector(name, tuple(matchers))

    def matcher(self, name: str, start: Token) -> Matcher:
        word = self.take()
        label = unquoted(word.text) if word.sort == "string" else word.text
        if word.sort == "string" and self.sees(",", "}"):
            return Matcher(NAME, "=", label)
        if word.sort not in ("identifier", "keyword", "op", "number", "string") or not VALID_NAME.fullmatch(label):
            self.place -= 1
            self.unexpected("label matching", 'identifier or "}"')
        if not self.sees("=", "!=", "=~", "!~"):
            self.unexpected("label matching", "label matching operator")
        operator = self.take().text
        text = self.take()
        if text.sort != "string":
            self.place -= 1
            self.unexpected("label matching", "string")
        if name and label == NAME:
            self.fail(f'metric name must not be set twice: "{name}" or "{unquoted(text.text)}"', start.position)
        try:
            return Matcher(label, MATCHES[operator], unquoted(text.text))
        except GoRegexpError as error:
            raise PromQLError(str(error), word.position, self.text) from None

    def names(self) -> tuple[str, ...]:
        if not self.skip("("):
            self.unexpected("grouping opts", '"("')
        found: list[str] = []
        self.listed(")", "grouping opts", lambda: found.append(self.label()))
        return tuple(found)

    def label(self) -> str:
        word = self.take()
        name = unquoted(word.text) if word.sort == "string" else word.text
        if word.sort in ("end", "punctuation") or not VALID_NAME.fullmatch(name):
            self.place -= 1
            self.unexpected("grouping opts", "label")
        return name

    # -- calls --

    def arguments(self) -> list[tuple[Node, int]]:
        found: list[tuple[Node, int]] = []
        self.expect("(")
        while not self.skip(")"):
            start = self.next.position
            found.append((self.expression(1), start))
            if not self.skip(","):
                self.expect(")")
                break
            if self.sees(")"):
                self.fail("trailing commas not allowed in function call args", self.next.position)
        return found

    def call(self, word: Token) -> Node:
        signature = SIGNATURES.get(word.text)
        if signature is None:
            self.fail(f'unknown function with name "{word.text}"', word.position)
        given = self.arguments()
        if not signature.fits(len(given)):
            self.fail(_count(word.text, len(signature.arguments), signature.optional, len(given)), word.position)
        for place, (node, position) in enumerate(given):
            self.typed(node, signature.expected(place), f'call to function "{word.text}"', position)
        return nodes.Call(word.text, tuple(node for node, _ in given), signature.result)

    def typed(self, node: Node, wanted: nodes.ValueType, where: str, position: int) -> None:
        if node.type != wanted:
            self.fail(f"expected type {_WORDS[wanted]} in {where}, got {_WORDS[node.type]}", position)

    def aggregation(self, operator: str, word: Token) -> Node:
        grouping, without = self.grouping() if self.sees("by", "without") else ((), False)
        given = self.arguments()
        if self.sees("by", "without"):
            grouping, without = self.grouping()
        wanted = 2 if operator in _WITH_PARAMETER else 1
        if not given:
            self.fail("no arguments for aggregate expression provided", word.position)
        if len(given) != wanted:
            message = "wrong number of arguments for aggregate expression provided"
            self.fail(f"{message}, expected {wanted}, got {len(given)}", word.position)
        node, position = given[-1]
        self.typed(node, "vector", "aggregation expression", position)
        parameter = given[0][0] if wanted == 2 else None
        if parameter is not None:
            kind: nodes.ValueType = "string" if operator == "count_values" else "scalar"
            self.typed(parameter, kind, "aggregation parameter", given[0][1])
        return nodes.Aggregation(operator, node, parameter, grouping, without)

    def grouping(self) -> tuple[tuple[str, ...], bool]:
        without = self.take().text.lower() == "without"
        return self.names(), without

    # -- what follows --

    def postfix(self, node: Node, began: int) -> Node:
        while True:
            start = self.next.position
            if self.skip("["):
                node = self.ranged(node, start)
            elif self.skip("offset"):
                node = self.offset(node, began, start)
            elif self.skip("@"):
                node = self.at(node, began, start)
            else:
                return node

    def ranged(self, node: Node, start: int) -> Node:
        length = self.duration()
        if self.skip(":"):
            step = 0 if self.sees("]") else self.duration()
            self.expect("]", "subquery selector")
            if node.type not in ("scalar", "vector"):
                self.fail(f"subquery is only allowed on instant vector, got {node.type} instead", start)
            return nodes.Subquery(node, length, step)
        self.expect("]", "subquery or range")
        if not isinstance(node, nodes.Selector):
            self.fail("ranges only allowed for vector selectors", start)
        if node.when.offset:
            self.fail("no offset modifiers allowed before range", start)
        if node.when.at is not None:
            self.fail("no @ modifiers allowed before range", start)
        return nodes.Range(node, length)

    def duration(self, context: str = "subquery or range", *, positive: bool = True) -> int:
        word = self.take()
        if word.sort not in ("duration", "number"):
            self.place -= 1
            self.unexpected(context, "duration")
        length = milliseconds(word.text) if word.sort == "duration" else round(read(word.text) * 1000)
        if positive and not length:
            self.fail("duration must be greater than 0", word.position)
        return length

    def offset(self, node: Node, began: int, start: int) -> Node:
        sign = -1 if self.skip("-") else 1
        when = _when(node)
        if when is None:
            self.fail(f"offset modifier {_BEFORE}", start)
        if when.offset:
            self.fail("offset may not be set multiple times", began)
        return nodes.moved(node, replace(when, offset=sign * self.duration("offset", positive=False)))

    def at(self, node: Node, began: int, start: int) -> Node:
        when = _when(node)
        if when is None:
            self.fail(f"@ modifier {_BEFORE}", start)
        if when.at is not None:
            self.fail("@ <timestamp> may not be set multiple times", began)
        return nodes.moved(node, replace(when, at=self.moment()))

    def moment(self) -> int | Literal["start", "end"]:
        word = self.take()
        if word.text in ("start", "end") and self.skip("("):
            self.expect(")")
            return "start" if word.text == "start" else "end"
        sign = -1 if word.text == "-" else 1
        if word.sort == "op" and word.text in "+-":
            word = self.take()
        if word.sort != "number":
            self.place -= 1
            self.unexpected("@", "timestamp")
        return round(sign * read(word.text) * 1000)


def _when(node: Node) -> When | None:
    match node:
        case nodes.Range():
            return node.selector.when
        case nodes.Selector() | nodes.Subquery():
            return node.when
    return None


def _count(name: str, most: int, optional: int, given: int) -> str:
    if optional < 0:
        return f'expected at least {most - 1} argument(s) in call to "{name}", got {given}'
    if not optional:
        return f'expected {most} argument(s) in call to "{name}", got {given}'
    if given > most:
        return f'expected at most {most} argument(s) in call to "{name}", got {given}'
    return f'expected at least {most - optional} argument(s) in call to "{name}", got {given}'
