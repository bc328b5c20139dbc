"""Scraping: what discovery found becomes targets, and what a target says becomes series.

A target that is gone, or that cannot be read, leaves the marker of an end in each of its series, and so does a series
that a scrape no longer has. Beside what a target says, every scrape leaves `up` and a few figures about itself.
Source: `scrape/scrape.go` and `scrape/target.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from k8snb.metrics.discovery import ADDRESS, META
from k8snb.metrics.exposition import Exposed, ExpositionError, parsed
from k8snb.metrics.labels import NAME, Labels, changed, labels
from k8snb.metrics.promql.durations import milliseconds, written
from k8snb.metrics.relabel import RelabelError, Rule, relabelled
from k8snb.metrics.tsdb import STALE, TSDB

_PARAMETER = "__param_"
_REPORTS = (
    "up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """A scrape configuration: where targets come from, and how they are asked. Times in milliseconds."""

    name: str
    interval: int = 60_000
    timeout: int = 10_000
    path: str = "/metrics"
    scheme: str = "http"
    parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    token_file: str = ""
    """Where the token is that the targets want to see; empty if they want none."""
    honor_labels: bool = False
    honor_timestamps: bool = True
    sample_limit: int = 0
    static: Sequence[Mapping[str, Any]] = ()
    kubernetes: Sequence[Mapping[str, Any]] = ()
    relabel: Sequence[Rule] = ()
    metric_relabel: Sequence[Rule] = ()

    def found(self) -> Iterable[dict[str, str]]:
        """The targets that the configuration lists itself."""
        for group in self.static:
            for address in group.get("targets", ()):
                yield {**group.get("labels", {}), ADDRESS: str(address)}


@dataclass(slots=True, eq=False)
class Target:
    """One thing to scrape: its labels, what discovery said of it, and how the last scrape went."""

    job: Job
    labels: Labels
    discovered: Labels
    url: str
    interval: int
    timeout: int
    health: str = "unknown"
    last_error: str = ""
    last_scrape: int = 0
    last_duration: float = 0.0
    series: set[Labels] = field(default_factory=set)
    """What the last scrape had, in other words: what has not ended."""


def target(job: Job, discovered: Mapping[str, str]) -> Target | None:
    """The target that relabelling makes of what was found; None if it is dropped. Raises RelabelError."""
    pairs = {
        "job": job.name,
        "__scrape_interval__": written(job.interval),
        "__scrape_timeout__": written(job.timeout),
        "__metrics_path__": job.path,
        "__scheme__": job.scheme,
        **{_PARAMETER + name: texts[0] for name, texts in job.parameters.items() if texts},
        **discovered,
    }
    before = labels(pairs)
    after = relabelled(pairs, job.relabel)
    if after is None:
        return None
    address = after.get(ADDRESS, "")
    if not address:
        raise RelabelError("no address")
    if "/" in address:
        raise RelabelError(f'"{address}" is not a valid hostname')
    scheme = after.get("__scheme__", "http")
    address = address if _has_port(address) else f"{address}:{'443' if scheme == 'https' else '80'}"
    parameters = {name.removeprefix(_PARAMETER): text for name, text in after.items() if name.startswith(_PARAMETER)}
    query = {**job.parameters, **{name: [text] for name, text in parameters.items()}}
    asked = "?" + urlencode(query, doseq=True) if query else ""
    kept = {name: text for name, text in after.items() if not name.startswith("__")}
    return Target(
        job,
        labels({"instance": address, **{name: text for name, text in kept.items() if text}}),
        before,
        f"{scheme}://{address}{after.get('__metrics_path__', '')}{asked}",
        milliseconds(after["__scrape_interval__"]),
        milliseconds(after["__scrape_timeout__"]),
    )


def _has_port(address: str) -> bool:
    return ":" in address.rpartition("]")[2]


def targets(job: Job, found: Iterable[Mapping[str, str]]) -> tuple[list[Target], list[Labels]]:
    """The targets of a job, and what relabelling dropped. Targets with the same labels and address are one."""
    kept: dict[tuple[Labels, str], Target] = {}
    dropped: list[Labels] = []
    for pairs in found:
        made = target(job, pairs)
        if made is None:
            dropped.append(labels(dict(pairs)))
        else:
            kept.setdefault((made.labels, made.url), made)
    return list(kept.values()), dropped


@dataclass(frozen=True, slots=True)
class Answer:
    """What a scrape got: a text, or an error; and how many seconds it took."""

    text: str = ""
    error: str = ""
    seconds: float = 0.0


def ingest(store: TSDB, of: Target, answer: Answer, now: int) -> None:
    """Put an answer into the store; end the series that it no longer has."""
    error, samples, scraped, added = answer.error, {}, 0, 0
    if not error:
        try:
            exposed = parsed(answer.text).samples
            scraped = len(exposed)
            samples = _relabelled(of, exposed)
        except ExpositionError as problem:
            error, scraped = str(problem), 0
    if of.job.sample_limit and len(samples) > of.job.sample_limit:
        error, samples = "sample limit exceeded", {}
    for key, each in samples.items():
        added += key not in of.series
        at = each.time if each.time is not None and of.job.honor_timestamps else now
        store.append(key, at, each.value)
    end(store, of, now, of.series - samples.keys())
    of.series = set(samples)
    of.health, of.last_error, of.last_scrape, of.last_duration = "down" if error else "up", error, now, answer.seconds
    figures = (0.0 if error else 1.0, answer.seconds, float(scraped), float(len(samples)), float(added))
    for name, number in zip(_REPORTS, figures, strict=True):
        store.append(changed(of.labels, {NAME: name}), now, number)


def end(store: TSDB, of: Target, now: int, series: Iterable[Labels] | None = None) -> None:
    """Mark series of a target as ended: those named, or all, with the figures about its scrapes."""
    reports = (changed(of.labels, {NAME: name}) for name in _REPORTS)
    gone = [*of.series, *reports] if series is None else list(series)
    for key in gone:
        store.append(key, now, STALE)
    of.series = of.series.difference(gone)


def _relabelled(of: Target, exposed: Sequence[Exposed]) -> dict[Labels, Exposed]:
    """Samples with the target's labels, after the job's rules for samples."""
    found: dict[Labels, Exposed] = {}
    for each in exposed:
        pairs = _joined(dict(each.labels), of)
        after = relabelled(pairs, of.job.metric_relabel) if of.job.metric_relabel else pairs
        if after is not None:
            found.setdefault(labels(after), each)
    return found


def _joined(pairs: dict[str, str], of: Target) -> dict[str, str]:
    """A sample's labels and its target's: where both have one, the target's counts, unless the job honours samples."""
    for name, text in of.labels:
        if not pairs.get(name):
            pairs[name] = text
        elif not of.job.honor_labels:
            exported = f"exported_{name}"
            while exported in pairs:
                exported = f"exported_{exported}"
            pairs[exported], pairs[name] = pairs[name], text
    return pairs


def explained(of: Labels) -> list[tuple[str, str]]:
    """What discovery said, without the labels of no use to a reader (`…present_…`)."""
    return [pair for pair in of if not pair[0].startswith(META) or "present_" not in pair[0]]
