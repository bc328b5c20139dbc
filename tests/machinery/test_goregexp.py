"""Go's regular expressions: what they match, and what is said of those that are none."""

from __future__ import annotations

import pytest

from k8snb.machinery.goregexp import GoRegexpError, compiled


@pytest.mark.parametrize(
    ("pattern", "matches", "fails"),
    [
        ("^a$", "a", "a\n"),
        ("a(?i)b", "aB", "AB"),
        ("^a(?i)b|c$", "xC", "Ab"),
        ("^(a(?i)b)c$", "aBc", "aBC"),
        ("(?i-s)a.", "Ab", "A\n"),
        ("(?i)a(?-i)b", "Ab", "AB"),
        ("(?m)^b$", "a\nb\nc", "ab"),
        ("^(?U)a+$", "aa", "b"),
        ("(?<first>x)", "x", "y"),
        ("^(?P<1n>a)(?P<n>b)(?P<n>c)$", "abc", "ab"),
        ("^a{,3}$", "a{,3}", "aa"),
        ("^a{2,3}?$", "aa", "a"),
        (r"^\x{41}\x42$", "AB", "ab"),
        (r"^[\x00-\x1f\w-.]+$", "\ta-.", "~"),
        ("^[]a-]+$", "]-a", "b"),
        ("^[^[:alpha:]]$", "1", "b"),
        ("^[[~&|]$", "[", "a"),
        (r"^\Qa.b\E+$", "a.bb", "axb"),
        (r"^\d\s$", "1 ", "١ "),
        (r"^\p{Lu}\pL$", "Éa", "éa"),
        (r"^a\z", "a", "a\n"),
    ],
)
def test_what_matches_in_go_matches(pattern: str, matches: str, fails: str) -> None:
    assert compiled(pattern).search(matches)
    assert not compiled(pattern).search(fails)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("x*+", "invalid nested repetition operator: `*+`"),
        ("x{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
        ("a|*", "missing argument to repetition operator: `*`"),
        ("a{2,1}", "invalid repeat count: `{2,1}`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("(a", "missing closing ): `(a`"),
        ("a)", "unexpected ): `a)`"),
        ("[a", "missing closing ]: `[a`"),
        ("[b-a]", "invalid character class range: `b-a`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?<!a)", "invalid or unsupported Perl syntax: `(?<!`"),
        ("(?>a)", "invalid or unsupported Perl syntax: `(?>`"),
        ("(?x)a", "invalid or unsupported Perl syntax: `(?x`"),
        ("(?P<a b>x)", "invalid named capture: `(?P<a b>`"),
        (r"\1", r"invalid escape sequence: `\1`"),
        (r"\Z", r"invalid escape sequence: `\Z`"),
        ("a\\", "trailing backslash at end of expression: ``"),
    ],
)
def test_what_go_does_not_know_is_refused_in_its_words(pattern: str, why: str) -> None:
    with pytest.raises(GoRegexpError) as refused:
        compiled(pattern)
    assert str(refused.value) == f"error parsing regexp: {why}"
