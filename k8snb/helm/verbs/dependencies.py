"""helm dependency: which charts a chart needs, and fetching them from folders. Upstream: `cmd/helm/dependency*.go`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from k8snb.helm.chart.chart import Chart
from k8snb.helm.chart.loading import from_archive, load
from k8snb.helm.chart.packing import lock_digest, packed
from k8snb.helm.errors import ChartError, HelmError
from k8snb.helm.gotime import RFC3339_NANO, formatted
from k8snb.helm.release.record import moment, stamp
from k8snb.helm.repositories import folder_of
from k8snb.helm.semver import compatible
from k8snb.helm.verbs.call import Call, Verb
from k8snb.helm.verbs.output import table
from k8snb.helm.yamltext import yaml_text

Wanted = dict[str, Any]


def _folder(call: Call) -> str:
    return call.args[0] if call.args else "."


def run_list(call: Call) -> None:
    """Carry out `helm dependency list`."""
    folder = _folder(call)
    chart = load(folder)
    if not chart.wanted:
        call.out(f"WARNING: no dependencies at {Path(folder) / 'charts'}\n")
        return
    rows = [
        [each["name"], each.get("version", ""), each["repository"], _status(chart, folder, each)]
        for each in chart.wanted
    ]
    call.out(table([["NAME", "VERSION", "REPOSITORY", "STATUS"], *rows], 80) + "\n")
    for below in chart.dependencies:
        if all(each["name"] != below.name for each in chart.wanted):
            place = Path(folder) / "charts" / f"{below.name}"
            call.out(f'WARNING: "{place}" is not in Chart.yaml.\n')


def _status(chart: Chart, folder: str, wanted: Wanted) -> str:
    """How it stands with a dependency: ok, unpacked, missing, wrong version …"""
    archives = sorted((Path(folder) / "charts").glob(f"{wanted['name']}-*.tgz"))
    fitting = [each for each in archives if _name_of(each) == wanted["name"]]
    if len(fitting) > 1:
        return "too many matches"
    found = next((below for below in chart.dependencies if below.name == wanted["name"]), None)
    if found is None:
        return "missing"
    if not compatible(wanted.get("version", "") or "*", found.version):
        return "wrong version"
    return "ok" if fitting else "unpacked"


def _name_of(archive: Path) -> str:
    try:
        return from_archive(archive.read_bytes()).name
    except ChartError:
        return ""


def run_update(call: Call) -> None:
    """Carry out `helm dependency update`, and `build`, which keeps to Chart.lock."""
    folder = Path(_folder(call))
    chart = load(str(folder))
    if not chart.wanted:
        return
    fetched = [_fetched(call, folder, each) for each in chart.wanted]
    call.out(f"Saving {len(fetched)} charts\n")
    inside = folder / "charts"
    inside.mkdir(exist_ok=True)
    names = {f"{each.title}.tgz" for each in fetched}
    for each in fetched:
        (inside / f"{each.title}.tgz").write_bytes(packed(each))
    call.out("Deleting outdated charts\n")
    for old in sorted(inside.glob("*.tgz")):
        if old.name not in names and _name_of(old) in {each.name for each in fetched}:
            old.unlink()
    _lock(call, folder, chart, fetched)


def run_build(call: Call) -> None:
    """Carry out `helm dependency build`."""
    chart = load(_folder(call))
    locked = (chart.lock or {}).get("dependencies")
    if locked and chart.lock and chart.lock.get("digest") != lock_digest(chart.wanted, locked):
        raise HelmError(
            "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). "
            "Please update the dependencies"
        )
    run_update(call)


def _fetched(call: Call, folder: Path, wanted: Wanted) -> Chart:
    """The chart that a dependency is: in the folder that its address names, or in a repository in a folder."""
    name, url, version = wanted["name"], wanted["repository"], wanted.get("version", "")
    if not url:
        chart = load(str(folder / "charts" / name))
    elif url.startswith("@"):
        chart = from_archive(call.repositories.chart(f"{url[1:]}/{name}", version))
    elif url.startswith("alias:"):
        chart = from_archive(call.repositories.chart(f"{url.removeprefix('alias:')}/{name}", version))
    else:
        place = folder_of(url)
        place = place if place.is_absolute() else folder / place
        if not place.exists():
            raise HelmError(f"directory {place} not found")
        in_repository = (place / "index.yaml").exists()
        chart = from_archive(call.repositories.at(str(place), name, version)) if in_repository else load(str(place))
    if not compatible(version or "*", chart.version):
        raise HelmError(f"can't get a valid version for dependency {name}")
    return chart


def _lock(call: Call, folder: Path, chart: Chart, fetched: list[Chart]) -> None:
    pairs = zip(chart.wanted, fetched, strict=True)
    locked = [{"name": each["name"], "repository": each["repository"], "version": got.version} for each, got in pairs]
    now = moment(stamp(call.session.clock.now()))
    assert now is not None
    lock = {
        "dependencies": locked,
        "digest": lock_digest(chart.wanted, locked),
        "generated": formatted(now, RFC3339_NANO),
    }
    (folder / "Chart.lock").write_text(yaml_text(lock), encoding="utf-8")


VERBS = (
    Verb(
        "dependency",
        "manage a chart's dependencies",
        aliases=("dep", "dependencies"),
        verbs=(
            Verb("build", "rebuild the charts/ directory based on the Chart.lock file", run_build, "CHART", 0, 1),
            Verb("list", "list the dependencies for the given chart", run_list, "CHART", 0, 1, aliases=("ls",)),
            Verb(
                "update",
                "update charts/ based on the contents of Chart.yaml",
                run_update,
                "CHART",
                0,
                1,
                aliases=("up",),
            ),
        ),
    ),
)
