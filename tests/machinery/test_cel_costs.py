"""What expressions cost: estimated from a schema, and when they run. The numbers are those of upstream's own tests."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.machinery.cel import Environment, EvaluationError, Struct
from k8snb.machinery.cel.meter import Budget, OutOfBudget
from k8snb.machinery.cel.types import INT, STRING, list_of
from k8snb.machinery.structural import Structural
from k8snb.machinery.structural.celtypes import Types
from k8snb.machinery.structural.sizes import Sizes

NUMBER, TEXT, EITHER = {"type": "number"}, {"type": "string"}, {"x-kubernetes-int-or-string": True}
SPEC = Struct("spec", {"name": STRING, "numbers": list_of(INT)})
SELF = {"name": "abc", "numbers": list(range(1000))}


def listed(items: Any, **more: Any) -> Any:
    return {"type": "array", "items": items, **more}


def mapped(values: Any, **more: Any) -> Any:
    return {"type": "object", "additionalProperties": values, **more}


def text(**more: Any) -> Any:
    return {"type": "string", **more}


REPLACED = {"type": "object", "properties": {"text": TEXT, "old": text(maxLength=2), "new": text(maxLength=4)}}


@pytest.mark.parametrize(
    ("schema", "rule", "cost"),
    [
        (listed(NUMBER), "self.all(x, true)", 4718591),
        (listed(NUMBER, maxItems=10), "self.all(x, true)", 32),
        (listed(NUMBER, maxItems=10), "self.all(x, self.all(y, self.all(z, true)))", 3552),
        (listed(TEXT), "self.all(x, true)", 3145727),
        (listed(TEXT), "self[1] == self[1]", 314577),
        (listed(TEXT), "self.isSorted() == true", 329854432052),
        (listed(text(maxLength=10), maxItems=10), "self.join(' ') == 'aa bb'", 43),
        (listed(EITHER), "self[0] == 5", 3),
        (listed(mapped(NUMBER)), "self.all(x, x.y == 25.2)", 6291452),
        (listed(text(format="date-time")), "self.all(x, true)", 428963),
        (mapped(text(format="duration")), "self.all(x, true)", 1048577),
        (mapped({"type": "integer"}), "oldSelf.size() == self.size()", 5),
        (text(maxLength=4), 'size(self + "hello") > size("hello")', 7),
        (text(maxLength=50), 'self.matches("x")', 22),
        (text(maxLength=1000, enum=["A", "LongValue"]), "self.contains('A')", 401),
        (text(enum=["A", "LongValue"]), "self.contains('A')", 2),
        (text(format="byte"), 'self == b"x"', 2),
        (TEXT, "self.find('[0-9]+') == ''", 629147),
        (REPLACED, "self.text.replace(self.old, self.new) == 'does not matter'", 629154),
    ],
)
def test_what_a_rule_can_cost_follows_from_its_schema(schema: Any, rule: str, cost: int) -> None:
    structural, types = Structural(schema), Types()
    type = types.of(structural, "selfType")
    assert type is not None
    program = Environment({"self": type, "oldSelf": type}, types.structs).compile(rule)
    assert program.highest_cost(Sizes(structural).of) == cost


@pytest.mark.parametrize(
    ("source", "cost"),
    [
        ("self.name == 'abc'", 3),
        ("[1, 2, 3, 4, 5].sum()", 15),
        ("url('https:://kubernetes.io/').getHost()", 4),
        ("'abc 123 def 123'.findAll('123', 1)", 2),
        ("sets.contains([1, 2, 3, 4], [2, 3])", 29),
        ("quantity('200M') == quantity('0.2G') && quantity('0.2G') == quantity('200M')", 6),
        ("cidr('192.168.0.0/16').containsIP('192.169.0.1')", 5),
        ("self.numbers.all(a, a >= 0)", 5003),
    ],
)
def test_what_an_evaluation_costs(source: str, cost: int) -> None:
    budget = Budget(10_000)
    Environment({"self": SPEC.type}, [SPEC]).compile(source)({"self": SELF}, budget)
    assert 10_000 - budget.left == cost


def test_one_evaluation_may_cost_a_million_and_several_what_their_budget_holds() -> None:
    environment = Environment({"self": SPEC.type}, [SPEC])
    with pytest.raises(EvaluationError, match="actual cost limit exceeded"):
        environment.compile("self.numbers.all(a, self.numbers.all(b, true))")({"self": SELF})
    short, budget = environment.compile("self.numbers.all(a, a >= 0)"), Budget(9_000)
    assert short({"self": SELF}, budget) is True
    with pytest.raises(OutOfBudget):
        short({"self": SELF}, budget)
