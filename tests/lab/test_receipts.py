"""A receipt is checked by living through it again, and no change of it goes unnoticed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from k8snb import Cluster
from k8snb.__main__ import main
from k8snb.lab import nodes, production
from k8snb.lab.receipts import BadReceipt, Receipt, secret_of, signed, signer_of
from k8snb.lab.solved import Solved, noted
from k8snb.machinery import ed25519
from k8snb.verifying import verify


@pytest.fixture(scope="module")
def solved() -> list[Solved]:
    """Two exercises of one cluster, one after the other, and one that cannot be told."""
    cluster = Cluster(nodes=3, seed=1)
    cluster.kubectl("create deployment web --image=nginx --replicas=4")
    cluster.settle()
    cluster.kubectl("drain node-1")
    cluster.settle()
    assert nodes.check_maintenance(cluster)
    first = noted("node/maintenance", cluster.past)
    away = "[{operator: Exists, effect: NoExecute, tolerationSeconds: 30}]"
    pods = f"{{containers: [{{name: c, image: nginx}}], tolerations: {away}}}"
    template = f"{{metadata: {{labels: {{app: i}}}}, spec: {pods}}}"
    spec = f"{{replicas: 2, selector: {{matchLabels: {{app: i}}}}, template: {template}}}"
    cluster.kubectl(
        "apply -f -", f"{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: impatient}}, spec: {spec}}}"
    )
    cluster.settle()
    return [first, noted("node/impatient", cluster.past), Solved("control-loop/dog", 9, reason="Dog is no data")]


@pytest.fixture(scope="module")
def receipt(solved: list[Solved]) -> Receipt:
    return signed("Ada", solved, "swan")


def changed(receipt: Receipt, change: Callable[[dict[str, Any]], Any], *, anew: bool = False) -> str:
    """The receipt after a change; `anew` signs it again, with no word."""
    whole = json.loads(receipt.text)
    change(whole)
    if not anew:
        return json.dumps(whole)
    from k8snb.lab.solved import unpacked

    return signed(whole["name"], unpacked(whole)).text


def changed_hands(receipt: Receipt, name: str, key: str) -> str:
    """The receipt signed with the key that follows from somebody else's name and word."""
    secret = secret_of(name, key)
    whole = json.loads(receipt.text) | {"signer": ed25519.public_key(secret).hex()}
    del whole["signature"]
    content = json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()
    return json.dumps(whole | {"signature": ed25519.sign(secret, content).hex()})


def test_each_exercise_is_lived_through_again(receipt: Receipt) -> None:
    found = verify(receipt.text, key="swan")
    assert repr(found).splitlines() == [
        "receipt for Ada",
        f"signed by {signer_of('Ada', 'swan')}",
        "✓ node/maintenance: solved, after 7 entries",
        "✓ node/impatient: solved, after 9 entries",
        "? control-loop/dog: on trust, because its past cannot be told: Dog is no data",
        "2 proven, 1 on trust, 0 refuted",
    ]
    assert repr(receipt).splitlines() == [
        "receipt for Ada: 3 exercises",
        "✓ node/maintenance",
        "✓ node/impatient",
        "? control-loop/dog: on trust, because its past cannot be told: Dog is no data",
        f"signed by {signer_of('Ada', 'swan')}",
    ]


def test_the_same_deeds_make_the_same_receipt(solved: list[Solved], receipt: Receipt) -> None:
    assert signed("Ada", solved, "swan").text == receipt.text


CHANGES: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda whole: whole.update(name="Bob"), "changed after it was signed"),
    (lambda whole: whole["solved"].append({"exercise": "node/reserved", "revision": 1, "reason": ""}), "changed after"),
    (lambda whole: whole["solved"][0].update(exercise="node/reserved"), "changed after"),
    (lambda whole: whole["pasts"][0]["made"].update(seed=2), "changed after"),
    (lambda whole: whole.update(signer=signer_of("Bob", "swan")), "changed after"),
    (lambda whole: whole.update(signer="me"), "not what it should be"),
    (lambda whole: whole.pop("signature"), "changed after"),
    (lambda whole: whole.pop("name"), "something is missing"),
    (lambda whole: whole.update(format="k8snb receipt 2"), "this is a k8snb receipt 2"),
    (lambda whole: whole.update(format="k8snb progress 1"), "no receipt of k8snb"),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_a_change_is_noticed(receipt: Receipt, change: Callable[[dict[str, Any]], Any], words: str) -> None:
    with pytest.raises(BadReceipt, match=words):
        verify(changed(receipt, change))


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"k8snb"', "[" * 100_000, "{}"])
def test_what_is_no_receipt_is_called_so(text: str) -> None:
    with pytest.raises(BadReceipt, match="this is no"):
        verify(text)


def test_a_receipt_that_was_cut_off_is_called_so(receipt: Receipt) -> None:
    with pytest.raises(BadReceipt, match="cut off"):
        verify(receipt.text[:-40])


def test_another_version_of_k8snb_is_named(
    solved: list[Solved], receipt: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("k8snb.lab.receipts.VERSION", "9.9")
    with pytest.raises(BadReceipt, match=r"k8snb 0\.1\.0 made it; this is 9\.9"):
        verify(receipt.text)


def test_who_signs_anew_shows_another_key(receipt: Receipt) -> None:
    stolen = changed(receipt, lambda whole: whole.update(name="Bob"), anew=True)
    assert "with no word: anybody could have signed it" in repr(verify(stolen))
    for asked in ({"key": "swan"}, {"signer": receipt.signer}):
        with pytest.raises(BadReceipt, match="another key signed it"):
            verify(stolen, **asked)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda whole: whole["solved"][0].update(exercise="node/reserved"), "not solved: the taint: none"),
        (lambda whole: whole["solved"][0].update(exercise="node/nothing"), "the book has no such exercise"),
        (lambda whole: whole["solved"][0].update(entries=3), "leads to revision"),
        (lambda whole: whole["pasts"][0]["made"].update(seed=2), "leads to revision|not solved"),
        (lambda whole: whole["pasts"][0]["entries"].insert(0, ["close"]), "cannot be lived through"),
    ],
)
def test_what_was_made_up_is_refuted_even_if_it_is_signed(
    receipt: Receipt, change: Callable[[dict[str, Any]], Any], words: str
) -> None:
    found = verify(changed(receipt, change, anew=True))
    assert not found.holds
    assert any(word in repr(found.found[0]) for word in words.split("|")), found.found[0]


def test_a_check_that_lets_time_pass_is_asked_in_a_cluster_of_its_own() -> None:
    """Each finds the cluster as the reader's check found it."""
    cluster = Cluster(nodes=1, seed=1)
    past = noted("capstone/tls", cluster.past)
    production.check_tls.judge(cluster)
    found = verify(signed("Ada", [past, past._replace(name="capstone/config")]).text)
    assert [each.words.partition(":")[0] for each in found.found] == ["not solved", "not solved"]


def test_what_a_class_handed_in_is_a_table(
    solved: list[Solved], receipt: Receipt, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "a.json").write_text(receipt.text)
    (folder / "b.json").write_text(signed("Bob Ray", [solved[0]._replace(entries=solved[0].entries[:3])], "goose").text)
    (folder / "c.json").write_text(signed("Cy", [], "").text)
    (folder / "d.json").write_text(receipt.text[:-40])
    (folder / "notes.txt").write_text("no receipt")
    keys = tmp_path / "words"
    keys.write_text("Ada swan\nBob Ray goose\nCy \n")
    assert main(["verify-receipt", str(folder), "--keys", str(keys)]) == 2
    found, end = verify(receipt.text).found, solved[0].revision
    *said, cut_off, _empty, sums = capsys.readouterr().out.splitlines()
    assert said == [
        "WHO       PAGE                     EXERCISE           VERDICT",
        "Ada       first-app/node           Maintenance        ✓ solved, after 7 entries",
        "Ada       first-app/node           Impatience         ✓ solved, after 9 entries",
        f"Ada       workloads/control-loop   A shepherd's dog   {found[2].mark} {found[2].words}",
        f"Bob Ray   first-app/node           Maintenance        ✗ its past leads to revision 114, not {end}",
        "c.json    –                        –                  ✗ nobody called Cy was given a word",
    ]
    assert cut_off.startswith(
        "d.json    –                        –                  ✗ this is no JSON, or it was cut off:"
    )
    assert sums == "4 files, 2 receipts: 2 proven, 1 on trust, 1 refuted"
    assert main(["verify-receipt", str(folder / "a.json"), str(folder / "c.json")]) == 0
    assert "signed with no word, so by anybody: Cy" in capsys.readouterr().out
    assert main(["verify-receipt", str(folder), "--key", "swan"]) == 2


def test_signatures_that_do_not_go_together_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever has a program that signs can put another name above their own key, and another key below a name."""
    handed_in = {
        "a": signed("Ada", [], "swan").text,
        "ada again": signed("Ada", [], "swan").text,
        "b": changed_hands(signed("Bob", [], "goose"), "Ada", "swan"),
        "c": signed("Cy", [], "crane").text,
        "c with another word": signed("Cy", [], "heron").text,
        "dee": signed("Dee", [], "").text,
    }
    for name, text in handed_in.items():
        (tmp_path / f"{name}.json").write_text(text)
    assert main(["verify-receipt", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[-4:] == [
        "6 files, 6 receipts: 0 proven, 0 on trust, 0 refuted",
        "signed with no word, so by anybody: Dee",
        "one key signed for several names: Ada (a.json, ada again.json), Bob (b.json)",
        "several keys signed for one name: Cy (c with another word.json, c.json)",
    ]
    words = tmp_path / "words"
    words.write_text("Ada swan\nBob goose\nCy crane\nDee duck\n")
    assert main(["verify-receipt", str(tmp_path), "--keys", str(words)]) == 2
    assert capsys.readouterr().out.splitlines()[-1] == "6 files, 3 receipts: 0 proven, 0 on trust, 0 refuted"


def test_the_command_says_by_its_status_whether_a_receipt_holds(
    receipt: Receipt, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, forged, bad = (tmp_path / name for name in ("good", "forged", "bad"))
    good.write_text(receipt.text)
    forged.write_text(changed(receipt, lambda whole: whole["solved"][0].update(entries=3), anew=True))
    bad.write_bytes(b"\xff\xfe")
    statuses = [main(["verify-receipt", str(file)]) for file in (good, forged, bad, tmp_path / "none")]
    assert statuses == [0, 1, 2, 2]
    assert "2 proven" in capsys.readouterr().out
    assert main(["verify-receipt", str(good), "--key", "swam"]) == 2
    assert capsys.readouterr().err.startswith("k8snb: another key signed it")
