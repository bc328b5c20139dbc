"""A story that is asked about a claim shows the way of its volume, and others do not."""

from __future__ import annotations

from tests.csi.shop import Shop, claim, pod


def kinds(shop: Shop, since: int, about: str) -> list[str]:
    frames = shop.cluster.stepper("x", since=since, about=about).frames
    return list(dict.fromkeys(act.object.split()[0] for frame in frames for act in frame.acts if not act.note))


def test_a_story_of_a_claim_tells_of_its_volume_and_where_that_is_attached() -> None:
    shop = Shop(1)
    since = shop.cluster.revision
    shop.create(claim(), pod("user", "data"))
    assert {"PersistentVolume", "VolumeAttachment"} <= set(kinds(shop, since, "pvc/data"))
    assert kinds(shop, since, "pod/user") == ["Pod", "PersistentVolumeClaim", "Node"]
    last = shop.cluster.stepper("x", since=since, about="pvc/data").frames[-1].scene
    found = {
        name.partition("/")[0]: (item.get("parent", ""), item["word"]) for name, item in last.items() if "word" in item
    }
    assert found["PersistentVolumeClaim"] == ("", "Bound")
    assert found["PersistentVolume"] == ("PersistentVolumeClaim/data", "Bound")
    assert found["VolumeAttachment"] == (f"PersistentVolume/{shop.name_of()}", "attached")
