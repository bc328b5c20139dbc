"""Wheels for a kernel in the browser, made of the packages that are installed here.

So the browser has the versions that `requirements.txt` pins, and nothing is fetched for it. What is compiled is left
out: the packages that a page needs have the same in Python, too. What only other machines need is left out as well:
schemas of other versions of Kubernetes, the front ends that JupyterLab brings itself.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import Parser
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from k8snb.machinery.schema.types import VERSION

BROWSER = {
    "extra": "",
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "wasm32",
    "platform_python_implementation": "CPython",
    "platform_system": "Emscripten",
    "python_full_version": "3.14.2",
    "python_version": "3.14",
    "sys_platform": "emscripten",
}
"""What packages ask before they say what they need."""

ROOTS = ("k8snb", "anywidget", "graphviz", "ipython", "jedi", "kopf", "packaging", "tzdata")
"""What a page, its views and the kernel need; what these need comes along."""

ELSEWHERE = {
    "orjson": "written for the browser, in lite/orjson",
    "widgetsnbextension": "comes with the kernel",
    "jupyterlab-widgets": "is a front end",
}

ONLY = {"kubernetes-validate": re.compile(rf"\.py$|/v{re.escape(VERSION)}-local/_definitions\.json$")}
"""Of packages that are mostly data, the files that k8snb reads; and it reads them, so what they need stays away."""

LEFT = {
    "jedi": re.compile(r"^jedi/third_party/(?:django-stubs|typeshed/stubs)/"),
    "k8snb": re.compile(r"\.pot$"),
}
"""Of packages, the files that nobody asks for: types of packages that are not there, the template for translators."""

_NEVER = re.compile(
    r"\.(?:so|pyc)$|/$|^\.\.|(?:^|/)(?:__pycache__|tests)/"
    r"|\.dist-info/(?:RECORD|INSTALLER|REQUESTED|WHEEL|direct_url\.json)$|\.data/"
)
_EPOCH = (2020, 1, 1, 0, 0, 0)
_WHEEL = "Wheel-Version: 1.0\nGenerator: k8snb\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@dataclass(frozen=True)
class Package:
    """What a wheel is made of; or, once it is written, what a lock says of it."""

    name: str
    version: str
    needs: tuple[str, ...]
    files: Mapping[str, bytes]

    @property
    def file_name(self) -> str:
        return f"{re.sub('[-.]+', '_', self.name)}-{self.version}-py3-none-any.whl"

    @property
    def imports(self) -> tuple[str, ...]:
        """What can be imported once its files are in place."""
        return tuple(sorted(set(_tops(self.files))))

    def wheel(self) -> bytes:
        """The wheel: the same bytes for the same files."""
        info = f"{self.file_name.removesuffix('-py3-none-any.whl')}.dist-info"
        inside = {re.sub(r"^[^/]+\.dist-info/", f"{info}/", path): text for path, text in self.files.items()}
        inside[f"{info}/WHEEL"] = _WHEEL.encode()
        record = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in sorted(inside.items())]
        inside[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for each in sorted(inside):
                archive.writestr(zipfile.ZipInfo(each, _EPOCH), inside[each], zipfile.ZIP_DEFLATED)
        return packed.getvalue()


def closure(roots: Iterable[str]) -> list[Distribution]:
    """The installed packages of these names and all that they need in a browser, by name."""
    found: dict[str, Distribution] = {}
    waiting = [canonicalize_name(each) for each in roots]
    while waiting:
        name = waiting.pop()
        if name in found or name in ELSEWHERE:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            raise SystemExit(f"{name} is not installed: make again") from None
        waiting += needs(name, found[name].requires or ())
    return [found[name] for name in sorted(found)]


def needs(name: str, requires: Iterable[str]) -> tuple[str, ...]:
    """What a package needs in a browser."""
    if name in ONLY:
        return ()
    asked = map(Requirement, requires)
    wanted = (each for each in asked if not each.marker or each.marker.evaluate(BROWSER))
    return tuple(sorted({canonicalize_name(each.name) for each in wanted}))


def installed(package: Distribution) -> Package:
    """An installed package, for the browser."""
    name = canonicalize_name(package.name)
    kept = ONLY.get(name, re.compile(""))
    files = {
        str(path): Path(str(path.locate())).read_bytes()
        for path in package.files or ()
        if not _NEVER.search(str(path)) and (".dist-info/" in str(path) or kept.search(str(path)))
        if not _left(name, str(path))
    }
    return Package(name, package.version, needs(name, package.requires or ()), files)


def from_source(name: str, version: str, source: Path, requires: Iterable[str] = ()) -> Package:
    """A package in this repository."""
    found = (path for path in sorted(source.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    names = {str(path.relative_to(source.parent)): path for path in found}
    files = {inside: path.read_bytes() for inside, path in names.items() if not _left(name, inside)}
    asked = "".join(f"Requires-Dist: {each}\n" for each in requires)
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{asked}"
    return Package(name, version, needs(name, requires), files | {f"{name}.dist-info/METADATA": about.encode()})


def opened(path: Path) -> Package:
    """A wheel that somebody else made."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not _NEVER.search(name)}
    about = Parser().parsestr(next(text for name, text in files.items() if name.endswith("/METADATA")).decode())
    name = canonicalize_name(str(about["Name"]))
    return Package(name, str(about["Version"]), needs(name, about.get_all("Requires-Dist") or ()), files)


def _left(name: str, path: str) -> bool:
    return name in LEFT and bool(LEFT[name].search(path))


def _tops(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        top, _, rest = name.partition("/")
        if name.endswith(".py") and "." not in top.removesuffix(".py"):
            yield top if rest else top.removesuffix(".py")


def _digest(text: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
