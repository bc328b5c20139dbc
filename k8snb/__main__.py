"""`python -m k8snb serve|live|bench|verify-receipt|cni`: the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from k8snb.cni.plugins import PLUGINS
from k8snb.i18n import _

MAX_SPEED = 10_000.0


class Figures(Protocol):
    """What a benchmark found, as text for people."""

    def as_json(self) -> str:
        """One JSON object."""
        ...


def _at_least(least: int, most: float = float("inf")) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(_("{number} is out of range").format(number=number))
        return number

    return read


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed <= MAX_SPEED:
        raise argparse.ArgumentTypeError(_("{number} is out of range").format(number=text))
    return speed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m k8snb", description=_("A Kubernetes cluster in one process."))
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help=_("serve a cluster on a loopback address until interrupted"))
    serve.add_argument("--nodes", type=_at_least(0), default=3, help=_("how many simulated machines (3)"))
    serve.add_argument("--port", type=_at_least(0, 65535), default=6443, help=_("TCP port, 0 for a free one (6443)"))
    where = _("where to write it (./kubeconfig)")
    serve.add_argument("--kubeconfig", type=Path, default=Path("kubeconfig"), help=where)
    pace = _("how many times as fast as the wall clock (1); above 1, ages that clients work out show <invalid>")
    serve.add_argument("--speed", type=_speed, default=1.0, help=pace)
    serve.add_argument("--seed", type=int, default=1, help=_("what every name and UID follows from (1)"))
    serve.add_argument("--cloud", action="store_true", help=_("give Services of type LoadBalancer an address"))
    about = _("install a simulated CSI driver of this name, for classes that name it as their provisioner")
    serve.add_argument("--csi-driver", default="", metavar="NAME", help=about)
    about = _("a file with an EncryptionConfiguration for what is stored")
    serve.add_argument("--encryption-provider-config", type=Path, metavar="FILE", help=about)
    about = _("a file with a KubeSchedulerConfiguration: profiles, plugins, weights")
    serve.add_argument("--scheduler-config", type=Path, metavar="FILE", help=about)
    about = _("a file with an audit policy (audit.k8s.io/v1)")
    serve.add_argument("--audit-policy-file", type=Path, metavar="FILE", help=about)
    about = _("where the audit log goes, an event a line; - is the standard output")
    serve.add_argument("--audit-log-path", default="", metavar="FILE", help=about)
    about = _("keep the cluster in this file; one that is in it goes on, with its own nodes and seed")
    serve.add_argument("--data", type=Path, metavar="FILE", help=about)
    about = _("let the kubeconfig have a client certificate, as kubeadm's has, instead of a token")
    serve.add_argument("--client-certificate", action="store_true", help=about)
    about = _("on how many machines the control plane runs (1); 0 for one that elects no leaders")
    serve.add_argument("--control-planes", type=_at_least(0, 9), default=1, metavar="N", help=about)
    about = _("let etcd have so many members that have to agree (none)")
    serve.add_argument("--etcd-members", type=_at_least(0, 9), default=0, metavar="N", help=about)
    about = _("let the file of each member of etcd have so many bytes (etcd's default, 2 GiB)")
    serve.add_argument("--quota-backend-bytes", type=_at_least(0), default=0, metavar="N", help=about)
    about = _("read commands from the standard input: stop NAME, start NAME, etcdctl …, etcdutl …")
    serve.add_argument("--console", action="store_true", help=about)
    cni = commands.add_parser("cni", help=_("be a CNI plugin, or write the plugins as programs into a directory"))
    cni.add_argument("plugin", nargs="?", choices=sorted(PLUGINS), help=_("which one; its call comes as CNI says"))
    cni.add_argument("--install", type=Path, metavar="DIRECTORY", help=_("where runtimes look for plugins"))
    _add_live(commands)
    _add_receipts(commands.add_parser("verify-receipt", help=_("check what a receipt of solved exercises claims")))
    bench = commands.add_parser("bench", help=_("measure, and print figures"))
    kinds = bench.add_subparsers(dest="bench", required=True)
    scale = kinds.add_parser("scale", help=_("create Deployments and run until every pod is Running"))
    scale.add_argument("--nodes", type=_at_least(1), default=1_000)
    scale.add_argument("--pods", type=_at_least(1), default=10_000)
    scale.add_argument("--replicas", type=_at_least(1), default=100, help=_("pods per Deployment (100)"))
    scale.add_argument("--json", action="store_true", help=_("print one JSON object"))
    api = kinds.add_parser("api", help=_("ask a served cluster, and a bare server of the same bytes beside it"))
    api.add_argument("--seconds", type=_at_least(1), default=6, help=_("how long for each figure (6)"))
    api.add_argument("--json", action="store_true", help=_("print one JSON object"))
    watch = kinds.add_parser("watch", help=_("let many watch what many write, and compare what they saw"))
    watch.add_argument("--watchers", type=_at_least(1), default=200)
    watch.add_argument("--writers", type=_at_least(1), default=50)
    watch.add_argument("--seconds", type=_at_least(1), default=120)
    watch.add_argument("--json", action="store_true", help=_("print one JSON object"))
    return parser


def _add_live(commands: Any) -> None:
    live = commands.add_parser("live", help=_("look at a live cluster as the pages would, or clean up there"))
    what = live.add_subparsers(dest="live", required=True)
    check = what.add_parser("check", help=_("say what would be possible; writes nothing"))
    clean = what.add_parser("clean", help=_("delete what sessions that are over have left"))
    for command in (check, clean):
        command.add_argument("--context", help=_("a context of the kubeconfig (K8SNB_CONTEXT)"))
        command.add_argument("--namespace", help=_("the namespace that is lent, if one is (K8SNB_NAMESPACE)"))
    clean.add_argument("--all", action="store_true", help=_("also what sessions that are in use have made"))
    clean.add_argument("--no-wait", action="store_true", help=_("do not wait until it is gone"))


def _live(options: argparse.Namespace) -> int:
    """Look at a live cluster, or clean up there."""
    from dataclasses import replace

    from k8snb.errors import StatusError
    from k8snb.live import commands
    from k8snb.live.opening import CannotConnect, wishes

    try:
        wanted = wishes(context=options.context)
        if not wanted.context:
            raise CannotConnect(_("name a context: --context, or K8SNB_CONTEXT"))
        if options.namespace is not None:
            wanted = replace(wanted, namespace=options.namespace)
        if options.live == "check":
            lines = commands.check(wanted)
        else:
            lines = commands.clean(wanted, every=options.all, wait=not options.no_wait)
        for line in lines:
            print(line, flush=True)
    except (CannotConnect, StatusError) as error:
        print(f"k8snb: {error}", file=sys.stderr)
        return 1
    return 0


def _add_receipts(parser: argparse.ArgumentParser) -> None:
    about = _("what lab.receipt wrote, or a folder of that; - reads the standard input")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=about)
    word = parser.add_mutually_exclusive_group()
    about = _("the word that its owner was given: no other may have signed it")
    word.add_argument("--key", metavar="WORD", help=about)
    about = _("a file with the word of each name, a line each: Ada swan")
    word.add_argument("--keys", type=Path, metavar="FILE", help=about)
    word.add_argument("--signer", default="", metavar="HEX", help=_("the public key that has to have signed it"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    options = _parser().parse_args(arguments)
    if options.command == "serve":
        from k8snb.serving.kubeconfig import CannotServe
        from k8snb.serving.served import Extras, run, serve

        try:
            made = (options.nodes, options.port, options.kubeconfig, options.speed, options.seed)
            asked = (options.cloud, options.csi_driver, options.encryption_provider_config, options.client_certificate)
            audit = (options.audit_policy_file, options.audit_log_path)
            members = (options.etcd_members, options.quota_backend_bytes, options.console)
            extras = Extras(*asked, options.control_planes, options.scheduler_config, *audit, options.data, *members)
            run(serve(*made, extras=extras))
        except CannotServe as error:
            print(f"k8snb: {error}", file=sys.stderr)
            return 1
        return 0
    if options.command == "live":
        return _live(options)
    if options.command == "cni":
        return _cni(options.plugin, options.install)
    if options.command == "verify-receipt":
        if len(options.files) > 1 or options.files[0].is_dir() or options.keys:
            return _verify_all(options)
        return _verify(options.files[0], options.key, options.signer)
    figures = _measured(options)
    print(figures.as_json() if options.json else figures)
    return 0


def _cni(plugin: str | None, directory: Path | None) -> int:
    """Be a plugin, or install all of them."""
    from k8snb.cni.linux import install
    from k8snb.cni.linux import main as be

    if directory is not None:
        print(*install(directory), sep="\n")
        return 0
    if plugin is None:
        print(_("k8snb: name a plugin, or a directory to install them in"), file=sys.stderr)
        return 2
    return be(plugin)


def _verify(file: Path, key: str | None, signer: str) -> int:
    """Check a receipt; 1 if something in it does not hold, 2 if it is none."""
    from k8snb.lab.receipts import BadReceipt
    from k8snb.verifying import verify

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        found = verify(text, key=key, signer=signer)
    except (BadReceipt, OSError, UnicodeDecodeError) as error:
        print(f"k8snb: {error}", file=sys.stderr)
        return 2
    print(found)
    return 0 if found.holds else 1


def _verify_all(options: argparse.Namespace) -> int:
    """Check what a class handed in; 1 if something does not hold, 2 if a file is no receipt."""
    from k8snb.verifying import collected, words

    if options.key is not None:
        print(_("k8snb: one word for all is none: name a file with a word for each (--keys)"), file=sys.stderr)
        return 2
    try:
        keys = words(options.keys.read_text(encoding="utf-8")) if options.keys else None
    except (OSError, UnicodeDecodeError) as error:
        print(f"k8snb: {error}", file=sys.stderr)
        return 2
    register = collected(options.files, keys, signer=options.signer)
    print(register)
    return register.status


def _measured(options: argparse.Namespace) -> Figures:
    """What the benchmark that was asked for found."""
    if options.bench == "api":
        from k8snb.bench.api import api

        return api(options.seconds)
    if options.bench == "watch":
        from k8snb.bench.soak import watch

        return watch(options.watchers, options.writers, options.seconds)
    from k8snb.bench.scale import scale

    return scale(options.nodes, options.pods, options.replicas)


if __name__ == "__main__":
    sys.exit(main())
