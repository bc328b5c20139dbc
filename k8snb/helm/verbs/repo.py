"""helm repo, search and pull, on repositories that are folders. Upstream: `cmd/helm/repo_*.go`, `search_repo.go`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from k8snb.helm.chart.loading import from_archive
from k8snb.helm.errors import HelmError
from k8snb.helm.gotime import RFC3339_NANO, formatted
from k8snb.helm.release.record import moment, stamp
from k8snb.helm.repositories import INDEX, index_of, new_index
from k8snb.helm.semver import compatible
from k8snb.helm.verbs import charts
from k8snb.helm.verbs.call import Call, Verb
from k8snb.helm.verbs.output import OUTPUT, records, written
from k8snb.helm.yamltext import yaml_text
from k8snb.kubectl.flags import Flag


def run_add(call: Call) -> None:
    """Carry out `helm repo add`."""
    name, url = call.args
    if "/" in name:
        raise HelmError(f"repository name ({name}) contains '/', please specify a different name without '/'")
    folders = call.repositories.folders
    if name in folders and not call.flags.on("force-update"):
        if folders[name] != url:
            raise HelmError(f"repository name ({name}) already exists, please specify a different name")
        call.out(f'"{name}" already exists with the same configuration, skipping\n')
        return
    index_of(url)
    folders[name] = url
    call.out(f'"{name}" has been added to your repositories\n')


def run_list(call: Call) -> None:
    """Carry out `helm repo list`."""
    rows = [{"name": name, "url": url} for name, url in call.repositories.folders.items()]
    if not rows and call.flags.text("output") == "table":
        raise HelmError("no repositories to show")
    call.out(written(call.flags, rows, lambda: records({"NAME": "name", "URL": "url"}, rows)))


def run_remove(call: Call) -> None:
    """Carry out `helm repo remove`."""
    for name in call.args:
        if call.repositories.folders.pop(name, None) is None:
            raise HelmError(f'no repo named "{name}" found')
        call.out(f'"{name}" has been removed from your repositories\n')


def run_update(call: Call) -> None:
    """Carry out `helm repo update`: there is nothing to fetch, but the folders are looked at."""
    if not call.repositories.folders:
        raise HelmError("no repositories found. You must add one before updating")
    call.out("Hang tight while we grab the latest from your chart repositories...\n")
    for name in call.args or call.repositories.folders:
        call.repositories.entries(name)
        call.out(f'...Successfully got an update from the "{name}" chart repository\n')
    call.out("Update Complete. ⎈Happy Helming!⎈\n")


def run_index(call: Call) -> None:
    """Carry out `helm repo index`."""
    folder = Path(call.args[0])
    now = moment(stamp(call.session.clock.now()))
    assert now is not None
    index = new_index(folder, call.flags.text("url"), formatted(now, RFC3339_NANO))
    (folder / INDEX).write_text(yaml_text(index), encoding="utf-8")


# -- search and pull -----------------------------------------------------------------------------------

_COLUMNS = {"NAME": "name", "CHART VERSION": "version", "APP VERSION": "app_version", "DESCRIPTION": "description"}


def run_search(call: Call) -> None:
    """Carry out `helm search repo`."""
    if not call.repositories.folders:
        raise HelmError("no repositories configured")
    rows = [row for name in sorted(call.repositories.folders) for row in _found(call, name)]
    widest = call.flags.number("max-col-width")

    def as_table() -> str:
        return records(_COLUMNS, rows, widest) if rows else "No results found\n"

    call.out(written(call.flags, rows, as_table))


def _found(call: Call, repository: str) -> list[dict[str, Any]]:
    words = " ".join(call.args).lower()
    wanted = call.flags.text("version") or (">0.0.0-0" if call.flags.on("devel") else "*")
    rows = []
    for name, entries in sorted(call.repositories.entries(repository).items()):
        fitting = [entry for entry in entries if compatible(wanted, str(entry["version"]))]
        for entry in fitting if call.flags.on("versions") else fitting[:1]:
            text = " ".join([f"{repository}/{name}", str(entry.get("description", "")), *(entry.get("keywords") or ())])
            if all(word in text.lower() for word in words.split()):
                rows.append(
                    {
                        "name": f"{repository}/{name}",
                        "version": str(entry["version"]),
                        "app_version": str(entry.get("appVersion", "")),
                        "description": str(entry.get("description", "")),
                    }
                )
    return rows


def run_pull(call: Call) -> None:
    """Carry out `helm pull`."""
    folder = Path(call.flags.text("destination"))
    for name in call.args:
        data = call.repositories.chart(name, call.flags.text("version"))
        chart = from_archive(data)
        folder.mkdir(parents=True, exist_ok=True)
        if not call.flags.on("untar"):
            (folder / f"{chart.title}.tgz").write_bytes(data)
            continue
        for file in chart.raw:
            place = folder / call.flags.text("untardir") / chart.name / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.data)


_SEARCH_FLAGS = (
    Flag("versions", "l", kind="switch"),
    Flag("devel", kind="switch"),
    Flag("version"),
    Flag("max-col-width", kind="number", default=50),
    Flag("regexp", "r", kind="switch"),
    OUTPUT,
)
_PULL_FLAGS = (
    *charts.FLAGS,
    Flag("destination", "d", default="."),
    Flag("untar", kind="switch"),
    Flag("untardir", default="."),
)
VERBS = (
    Verb(
        "repo",
        "add, list, remove, update, and index chart repositories",
        verbs=(
            Verb(
                "add", "add a chart repository", run_add, "[NAME] [URL]", 2, 2, (Flag("force-update", kind="switch"),)
            ),
            Verb(
                "index",
                "generate an index file given a directory containing packaged charts",
                run_index,
                "[DIR]",
                1,
                1,
                (Flag("url"),),
            ),
            Verb("list", "list chart repositories", run_list, "", 0, 0, (OUTPUT,), aliases=("ls",)),
            Verb(
                "remove",
                "remove one or more chart repositories",
                run_remove,
                "[REPO1 [REPO2 ...]]",
                1,
                None,
                aliases=("rm",),
            ),
            Verb(
                "update",
                "update information of available charts locally from chart repositories",
                run_update,
                "[REPO1 [REPO2 ...]]",
                0,
                None,
                aliases=("up",),
            ),
        ),
    ),
    Verb(
        "search",
        "search for a keyword in charts",
        verbs=(
            Verb(
                "repo", "search repositories for a keyword in charts", run_search, "[keyword]", 0, None, _SEARCH_FLAGS
            ),
        ),
    ),
    Verb(
        "pull",
        "download a chart from a repository and (optionally) unpack it in local directory",
        run_pull,
        "[chart URL | repo/chartname] [...]",
        1,
        None,
        _PULL_FLAGS,
        aliases=("fetch",),
    ),
)
