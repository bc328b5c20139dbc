"""CEL: what expressions give, what is wrong with them before they run, and what goes wrong when they do."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.machinery.cel import CompileError, Environment, EvaluationError, Struct
from k8snb.machinery.cel.types import DYN, INT, STRING, list_of, map_of

SPEC = Struct("spec", {"size": INT, "name": STRING, "items": list_of(STRING), "m": map_of(STRING, INT), "any": DYN})
ENVIRONMENT = Environment({"self": SPEC.type}, [SPEC])
SELF = {"size": 3, "name": "abc", "items": ["a", "b"], "m": {"x": 1}, "any": {"k": [1]}}


def value_of(source: str) -> Any:
    return ENVIRONMENT.compile(source)({"self": SELF})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("self.size % 2 == 1", True),
        ("self.items.all(i, i.size() > 0) && has(self.name)", True),
        ("self.items.exists_one(i, i == 'b')", True),
        ("self.items.map(i, i != 'a', i + 'x')", ["bx"]),
        ("self.m.all(key, value, value > 0)", True),
        ("self.m.transformMap(k, v, v + 1)", {"x": 2}),
        ("self.?name.orValue('q') + self.m[?'y'].optMap(n, string(n)).orValue('none')", "abcnone"),
        ("'z' in self.m || 3 in [1, 2, 3]", True),
        ("1u + 2u", 3),
        ("-7 / 2 == -3 && -7 % 2 == -1", True),
        ("dyn(1) == 1.0 && dyn(1) != dyn(true)", True),
        ("b'abc' == bytes('abc')", True),
        ("string(1500000.0) + string(0.5) + string(duration('90s'))", "1.5e+060.590s"),
        ("timestamp('2024-02-29T12:00:00+02:00').getDayOfYear()", 59),
        ("timestamp('2024-01-01T00:00:00Z').getHours('Europe/Berlin')", 1),
        ("timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z') == duration('24h')", True),
        ("'%s is %d, %.2f, %x'.format(['a', 2, 1.5, 255])", "a is 2, 1.50, ff"),
        ("'a-b-c'.split('-', 2)", ["a", "b-c"]),
        ("'k8s 123 x45'.findAll('[0-9]+')", ["8", "123", "45"]),
        ("[3, 1, 2].sort().isSorted() && [1, 2, 3].sum() == 6 && [1, 2].max() == 2", True),
        ("sets.equivalent([1, 2], [2, 1]) && math.greatest(1, 5, 3) == 5", True),
        ("quantity('1Gi').isGreaterThan(quantity('999Mi')) && quantity('1.5').add(1) == quantity('2500m')", True),
        ("cidr('10.0.0.0/8').containsIP('10.1.2.3') && ip('::1').isLoopback() && !isIP('1.2.3')", True),
        ("url('https://a.example:8443/x?q=1').getHostname()", "a.example"),
        ("semver('1.2.3-alpha').isLessThan(semver('1.2.3')) && isSemver('v1.0', true)", True),
        ("format.dns1123Label().validate('A_').hasValue()", True),
        ("cel.bind(n, self.size, n * n)", 9),
        ("self.any.k[0] + 1 == 2", True),
        ("(1 / 0 == 1) || true", True),
        ("[0, 1].exists(x, 1 / x == 1)", True),
        ("type(self.size) == int && type('a') != int", True),
        (r"'\u00fc\n\x41' + r'\n'", "ü\nA\\n"),
        ("self.size > 2 ? 'big' : 'small'", "big"),
    ],
)
def test_expressions_have_the_value_that_the_language_gives_them(source: str, expected: Any) -> None:
    assert value_of(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("self.x == 1", "1:5: undefined field 'x'"),
        ("self.size == 'a'", "1:11: found no matching overload for '_==_' applied to '(int, string)'"),
        ("self.size.startsWith('a')", "1:21: found no matching overload for 'startsWith' applied to 'int.(string)'"),
        ("nope", "1:1: undeclared reference to 'nope' (in container '')"),
        ("nope(1)", "1:5: undeclared reference to 'nope' (in container '')"),
        ("self.size.x", "1:10: type 'int' does not support field selection"),
        ("[1, 'a']", "1:5: expected type 'int' but found 'string'"),
        ("self.name.matches('(')", "1:19: invalid matches argument"),
        ("self.items.all(i, i)", "1:15: found no matching overload for '_&&_' applied to '(bool, string)'"),
        (
            "self.size.all(i, true)",
            "1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
        ),
        ("has(self)", "1:5: invalid argument to has() macro"),
        ("a b", "1:3: Syntax error: mismatched input 'b' expecting <EOF>"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(source: str, expected: str) -> None:
    with pytest.raises(CompileError) as refused:
        ENVIRONMENT.compile(source)
    assert str(refused.value).split("\n")[0] == f"ERROR: <input>:{expected}"


def test_every_finding_has_an_excerpt_with_a_caret() -> None:
    with pytest.raises(CompileError) as refused:
        ENVIRONMENT.compile("self.x == 1 &&\n  self.y == 2")
    assert str(refused.value) == (
        "ERROR: <input>:1:5: undefined field 'x'\n | self.x == 1 &&\n | ....^\n"
        "ERROR: <input>:2:7: undefined field 'y'\n |   self.y == 2\n | ......^"
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("self.m['y'] == 1", "no such key: y"),
        ("self.items[5]", "index out of bounds: 5"),
        ("1 / (self.size - 3)", "division by zero"),
        ("9223372036854775807 + self.size", "integer overflow"),
        ("self.any + 1", "no such overload"),
        ("int(self.name)", 'strconv.ParseInt: parsing "abc": invalid syntax'),
        ("optional.none().value()", "optional.none() dereference"),
    ],
)
def test_what_goes_wrong_at_run_time_has_cel_gos_words(source: str, expected: str) -> None:
    with pytest.raises(EvaluationError) as failed:
        value_of(source)
    assert str(failed.value) == expected
