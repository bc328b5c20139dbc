"""What else there is: for objects that are counted by what others say of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from k8snb.typing import Object


class Around(Protocol):
    """The objects of a cluster, by resource word, namespace and name."""

    @property
    def get(self) -> ReadOne: ...

    @property
    def list(self) -> ReadAll: ...


class ReadOne(Protocol):
    def __call__(self, word: str, namespace: str, name: str, /) -> Object | None: ...


class ReadAll(Protocol):
    def __call__(self, word: str, namespace: str, /) -> Sequence[Object]: ...


class _Nothing:
    """There is nothing else."""

    @staticmethod
    def get(word: str, namespace: str, name: str, /) -> Object | None:
        return None

    @staticmethod
    def list(word: str, namespace: str, /) -> Sequence[Object]:
        return ()


NOTHING: Around = _Nothing()
