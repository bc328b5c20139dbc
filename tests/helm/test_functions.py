"""What template functions make of what they are given. Most are facts out of sprig's and helm's own tests."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from k8snb.helm.functions import table
from k8snb.machinery.gotemplate import ExecutionError, Templates
from k8snb.machinery.names import Lottery
from tests.helm.conftest import DATA


def rendered(text: str, data: Any = None) -> str:
    templates = Templates(table(lambda: 1136239445.0, Lottery(1)), missing="zero")
    templates.add("t", text)
    return templates.render("t", data or {})


FACTS = {each["template"]: each["renders"] for each in yaml.safe_load((DATA / "functions.yaml").read_text())}


@pytest.mark.parametrize("text", FACTS)
def test_a_function_makes_what_sprig_makes(text: str) -> None:
    assert rendered(text) == FACTS[text]


COMPLAINTS = {
    "{{ .n | trunc 3 }}": "at <3>: wrong type for value; expected string; got float64",
    "{{ .n | b64enc }}": "at <b64enc>: wrong type for value; expected string; got float64",
    "{{ until .n }}": "at <.n>: wrong type for value; expected int; got float64",
    "{{ upper .none }}": "at <.none>: wrong type for value; expected string; got interface {}",
    "{{ trunc 3 4 }}": "at <4>: expected string; found 4",
    '{{ hasKey .n "a" }}': "at <.n>: wrong type for value; expected map[string]interface {}; got float64",
    '{{ append "a" 1 }}': 'at <append "a" 1>: error calling append: Cannot push on type string',
    '{{ semverCompare "badConstraint" "1.2.3" }}': "error calling semverCompare: improper constraint: badConstraint",
    '{{ semverCompare "1.2.0" "badVersion" }}': "error calling semverCompare: Invalid Semantic Version",
    "{{ div 1 0 }}": "error calling div: runtime error: integer divide by zero",
    '{{ mustRegexMatch "a(" "a" }}': "error calling mustRegexMatch: error parsing regexp: missing closing ): `a(`",
    '{{ dig "a" "b" 1 (dict "a" 3) }}': (
        "error calling dig: interface conversion: interface {} is int, not map[string]interface {}"
    ),
}


@pytest.mark.parametrize("text", COMPLAINTS)
def test_a_function_refuses_what_it_cannot_take_in_gos_words(text: str) -> None:
    with pytest.raises(ExecutionError) as error:
        rendered(text, {"n": 4.0})
    assert str(error.value).endswith(COMPLAINTS[text])


def test_merges_change_the_first_map_and_none_of_the_others() -> None:
    text = '{{ $a := dict "n" dict }}{{ $b := dict "n" (dict "x" 1) }}{{ $_ := merge $a $b }}{{ $_ := set $a.n "x" 2 }}'
    assert rendered(text + "{{ $a }} {{ $b }}") == "map[n:map[x:2]] map[n:map[x:1]]"


def test_what_is_drawn_is_drawn_the_same_way_every_time() -> None:
    text = "{{ randAlphaNum 8 }} {{ randNumeric 4 }} {{ uuidv4 }} {{ shuffle `abc` }}"
    assert rendered(text) == rendered(text)
    assert len(rendered("{{ randAlphaNum 20 }}")) == 20


def test_a_certificate_is_signed_by_its_authority() -> None:
    from cryptography import x509

    text = '{{ $ca := genCA "ca" 365 }}{{ $c := genSignedCert "svc" (list "10.0.0.1") (list "a.b") 30 $ca }}'
    ca, cert = rendered(text + "{{ $ca.Cert }}###{{ $c.Cert }}").split("###")
    signed = x509.load_pem_x509_certificate(cert.encode())
    signed.verify_directly_issued_by(x509.load_pem_x509_certificate(ca.encode()))
    names = signed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.b"]


def test_a_password_hash_is_one_that_bcrypt_knows() -> None:
    crypt = pytest.importorskip("crypt")
    user, _, hashed = rendered('{{ htpasswd "me" "secret" }}').partition(":")
    assert (user, crypt.crypt("secret", hashed)) == ("me", hashed)
