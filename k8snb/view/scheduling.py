"""One pod's way through the scheduler, extension point by extension point, under a scrubber.

What each point did follows from the decision: which nodes Filter left out and why, what each Score plugin gave which
node, who has most, and what was done for the chosen one. What extenders said stands where they were asked. The picture
is the namespace with the nodes that are still in the running.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from k8snb.i18n import _
from k8snb.scheduler.decision import Decision
from k8snb.scheduler.explain import Opinion
from k8snb.scheduler.podinfo import CLASSES
from k8snb.view.changes import Change
from k8snb.view.decision import scored
from k8snb.view.extenders import bound_by
from k8snb.view.frames import Act, Frame
from k8snb.view.scene import Scene, Snapshot, scene
from k8snb.view.stepper import Stepper

_BINDING = ("Reserve", "Permit", "PreBind", "Bind", "PostBind")


def cycle(decision: Decision, snapshot: Snapshot, title: str = "") -> Stepper:
    """The story of a decision."""
    telling = _Telling(decision, scene(snapshot, decision.pod["metadata"].get("namespace") or "default"))
    usual = _("How {pod} gets its node") if decision.winner else _("Why {pod} gets no node")
    return Stepper(title or usual.format(pod=decision.name), list(telling.frames()))


class _Telling:
    def __init__(self, decision: Decision, whole: Scene) -> None:
        self._decision = decision
        self._whole = whole
        self._framework = decision.framework
        self._found = decision.explanation
        self._heard = decision.heard
        self._left = [node.name for node in decision.framework.cache.nodes()]

    def frames(self) -> Iterator[Frame]:
        """All of it."""
        yield self._queued()
        if self._decision.gates:
            return
        yield self._asked_once()
        if self._found.refusal:
            return
        yield from self._filtered()
        yield from self._extended()
        if self._heard.failure is not None:
            yield from self._told()
            return
        if not self._left:
            yield from self._helped()
            return
        yield from self._scored()
        yield self._chosen()
        yield from self._bound()

    # -- the queue and the filters -----------------------------------------------------------------

    def _queued(self) -> Frame:
        priority = CLASSES.of(self._decision.pod["spec"]).priority
        words = _("wait in the active queue, by priority and then by time")
        if self._decision.gates:
            words = self._decision.gates
        return self._frame(_("queue"), words, seen=[(_("priority"), str(priority))])

    def _asked_once(self) -> Frame:
        names = [plugin.name for plugin in self._framework.at["PreFilter"]]
        said = {each.plugin for each in self._found.opinions if each.verdict}
        words = _("look at the pod once, before any node: {count} plugins, {skip} have nothing to say").format(
            count=len(names), skip=sum(name not in said for name in names)
        )
        if self._found.refusal:
            return self._frame("PreFilter", self._found.refusal)
        return self._frame("PreFilter", words, seen=[(_("plugins"), ", ".join(n for n in names if n in said))])

    def _filtered(self) -> Iterator[Frame]:
        """A frame for each plugin that leaves nodes out, and one for those in a row that leave out none."""
        agreed: list[str] = []
        for plugin in self._framework.at["Filter"]:
            opinions = self._of(plugin.name)
            refused = {node: each for node, each in opinions.items() if node in self._left and each.verdict != "fits"}
            if not any(each.verdict for each in opinions.values()):
                continue
            if not refused:
                agreed.append(plugin.name)
                continue
            yield from self._agreed(agreed)
            agreed = []
            yield self._refused(plugin.name, refused)
            if not self._left:
                return
        yield from self._agreed(agreed)

    def _extended(self) -> Iterator[Frame]:
        """A frame for each extender that was asked about the nodes that are left."""
        for each in self._heard.attempt.filters if self._left and self._heard.attempt is not None else ():
            if each.error:
                yield self._frame(f"Extender · {each.extender}", each.error)
                continue
            opinions = self._of(each.extender)
            refused = {node: opinions[node] for node in self._left if opinions[node].verdict not in ("", "fits")}
            yield self._refused(each.extender, refused, "Extender")
        self._left = [node for node in self._left if self._heard.leaves(node)]

    def _agreed(self, plugins: Sequence[str]) -> Iterator[Frame]:
        if plugins:
            words = _("{plugins}: nothing against any of the {count} nodes")
            yield self._frame("Filter", words.format(plugins=", ".join(plugins), count=len(self._left)))

    def _refused(self, plugin: str, refused: Mapping[str, Opinion], point: str = "Filter") -> Frame:
        before = len(self._left)
        self._left = [node for node in self._left if node not in refused]
        words = _("{plugin}: {count} of {all} nodes remain").format(plugin=plugin, count=len(self._left), all=before)
        acts = [_left_out(node, each.verdict) for node, each in refused.items()]
        return self._frame(f"{point} · {plugin}", words, acts)

    def _helped(self) -> Iterator[Frame]:
        """No node fits: what PostFilter makes of it."""
        found = self._decision.survey()
        acts = [
            Act(_("would evict"), f"Pod {info.pod['metadata']['name']}", 0, 0)
            for info in (found.best.victims if found.best is not None else ())
        ]
        words = _("no node fits, and preemption helps on none")
        if found.best is not None:
            words = _("no node fits; {node} is kept for the pod once its victims are gone").format(node=found.best.node)
        elif found.refusal:
            words = found.refusal
        yield self._frame("PostFilter · DefaultPreemption", words, acts)
        yield from self._told()

    def _told(self) -> Iterator[Frame]:
        if self._decision.told:
            words = _("say why it has no node, and wait for something to change")
            yield self._frame("FailedScheduling", words, seen=[(_("message"), self._decision.told)])

    # -- scores and what follows -------------------------------------------------------------------

    def _scored(self) -> Iterator[Frame]:
        for name in (*(plugin.name for plugin in self._framework.at["Score"]), *self._heard.weights):
            opinions = {node: each for node, each in self._of(name).items() if each.normalized is not None}
            if opinions:
                words = _("{plugin}: raw, normalised, times the weight").format(plugin=name)
                seen = [(node, scored(each)) for node, each in opinions.items()]
                yield self._frame(f"Score · {name}", words, seen=seen)

    def _chosen(self) -> Frame:
        totals = self._found.totals
        winner = self._decision.winner
        if len(totals) == 1:
            return self._frame(_("only one"), _("only {node} fits: take it without scores").format(node=winner))
        seen = [(node, str(total)) for node, total in sorted(totals.items(), key=lambda each: -each[1])]
        self._left = [winner]
        words = _("add up, and take the node with the highest total: {node}").format(node=winner)
        return self._frame(_("total"), words, seen=seen)

    def _bound(self) -> Iterator[Frame]:
        winner, pod = self._decision.winner, f"Pod/{self._decision.name}"
        for point in _BINDING:
            claims = CLASSES.of(self._decision.pod["spec"]).has_claims
            names = [
                plugin.name
                for plugin in self._framework.at[point]
                if claims or not getattr(plugin, "for_claims", False)
            ]
            if point == "Bind" and (extender := bound_by(self._decision)):
                names = [extender]
            if not names:
                continue
            acts: list[Act] = []
            if point == "Bind":
                change = Change("spec.nodeName", "", winner)
                acts = [Act("create", f"Binding {self._decision.name}", 201, 0, changes=[change])]
                moved = {**self._whole.get(pod, {}), "place": f"Node/{winner}"}
                self._whole = {**self._whole, pod: moved}
            yield self._frame(point, ", ".join(names), acts)

    # -- frames ------------------------------------------------------------------------------------

    def _of(self, plugin: str) -> Mapping[str, Opinion]:
        return {each.node: each for each in self._found.opinions if each.plugin == plugin}

    def _frame(
        self, actor: str, words: str, acts: Sequence[Act] = (), *, seen: Sequence[tuple[str, str]] = ()
    ) -> Frame:
        pod = f"Pod/{self._decision.name}"
        kept = {f"Node/{name}" for name in self._left}
        shown = {
            name: item
            for name, item in self._whole.items()
            if name in kept or name == pod or (item.get("place") in kept and name.startswith("Pod/"))
        }
        return Frame(actor, self._decision.name, words, 0.0, self._decision.revision, 0, seen, acts, shown, [pod])


def _left_out(node: str, reason: str) -> Act:
    return Act(_("leave out"), f"Node {node}", 0, 0, note=f"{node}: {reason}")
