"""The packet filter of a simulated machine: the rules that `iptables` was told, by table and chain, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from k8snb.cni.world import Refused

Rule = tuple[str, ...]
"""A rule as it was told, from its first match to its target."""

_BUILT_IN = frozenset({"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"})
_NO_RULE = "iptables: Bad rule (does a matching rule exist in that chain?)."
_NO_CHAIN = "iptables: No chain/target/match by that name."
_TWICE = "iptables: Chain already exists."
_FULL = "iptables: Directory not empty."


class Filter:
    """The rules of one machine."""

    def __init__(self) -> None:
        self._chains: dict[tuple[str, str], list[Rule]] = {}
        self.changes = 0
        """How often anything has changed."""
        self._verbs: Mapping[str, Callable[[tuple[str, str], Rule], None]] = {
            "-N": self._make,
            "-A": lambda chain, rule: self._rules(chain).append(rule),
            "-I": lambda chain, rule: self._rules(chain).insert(0, rule),
            "-D": self._delete,
            "-F": lambda chain, rule: self._rules(chain).clear(),
            "-X": self._remove,
            "-C": self._check,
        }

    def iptables(self, *words: str) -> None:
        """Do what `iptables -t TABLE -A CHAIN RULE` does, or another verb; raises Refused for what is not there."""
        table, verb, chain, rule = words[1], words[2], words[3], words[4:]
        self._verbs[verb]((table, chain), rule)
        self.changes += verb != "-C"

    def chains(self, table: str) -> Mapping[str, Sequence[Rule]]:
        """The chains of a table that were made, and those of the kernel that have rules."""
        return {name: rules for (found, name), rules in self._chains.items() if found == table}

    def _rules(self, chain: tuple[str, str]) -> list[Rule]:
        if chain not in self._chains and chain[1] in _BUILT_IN:
            self._chains[chain] = []
        found = self._chains.get(chain)
        if found is None:
            raise Refused(_NO_CHAIN)
        return found

    def _make(self, chain: tuple[str, str], _rule: Rule) -> None:
        if chain in self._chains or chain[1] in _BUILT_IN:
            raise Refused(_TWICE)
        self._chains[chain] = []

    def _check(self, chain: tuple[str, str], rule: Rule) -> None:
        if rule not in self._rules(chain):
            raise Refused(_NO_RULE)

    def _delete(self, chain: tuple[str, str], rule: Rule) -> None:
        self._check(chain, rule)
        self._rules(chain).remove(rule)

    def _remove(self, chain: tuple[str, str], _rule: Rule) -> None:
        if self._rules(chain):
            raise Refused(_FULL)
        del self._chains[chain]
