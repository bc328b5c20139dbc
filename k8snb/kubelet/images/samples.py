"""Images that the Kubernetes documentation and many first manifests use: sample web apps and common databases."""

from __future__ import annotations

from datetime import UTC, datetime

from k8snb.kubelet.images import web
from k8snb.kubelet.images.program import MEBIBYTE, Program
from k8snb.kubelet.images.servers import Server
from k8snb.packet import HTTPRequest, HTTPResponse


class HelloApp(Server):
    """gcr.io/google-samples/hello-app: says hello, its version and which pod it is."""

    default_port = 8080

    def port(self) -> int:
        return int(self.process.env.get("PORT", "8080"))

    def start(self) -> None:
        stamp = datetime.fromtimestamp(self.process.now, UTC).strftime("%Y/%m/%d %H:%M:%S")
        self.process.log(f"{stamp} Server listening on port {self.port()}\n", "stderr")
        super().start()

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        stamp = datetime.fromtimestamp(self.process.now, UTC).strftime("%Y/%m/%d %H:%M:%S")
        self.process.log(f"{stamp} Serving request: {web.path_of(request)}\n", "stderr")
        version = self.process.version.partition(".")[0]
        return web.text(f"Hello, world!\nVersion: {version}.0.0\nHostname: {self.process.hostname}\n")


class Bootcamp(Server):
    """gcr.io/google-samples/kubernetes-bootcamp: the application of the basics tutorial."""

    default_port = 8080

    def start(self) -> None:
        self.process.log(f"Kubernetes Bootcamp App Started At: {web.http_date(self.process.now)}\n")
        super().start()

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        version = self.process.version.partition(".")[0]
        return web.text(f"Hello Kubernetes bootcamp! | Running on: {self.process.hostname} | v={version}\n")


class Collector(Program):
    """A log collector such as fluentd: it runs, and here collects nothing."""

    memory = 60 * MEBIBYTE

    def start(self) -> None:
        stamp = datetime.fromtimestamp(self.process.now, UTC).strftime("%Y-%m-%d %H:%M:%S +0000")
        self.process.log(f"{stamp} [info]: #0 fluentd worker is now running worker=0\n")


class MySQL(Server):
    """MySQL or MariaDB: refuses to start without a root password, then accepts connections."""

    default_port = 3306
    memory = 350 * MEBIBYTE
    idle = False

    def start(self) -> None:
        env = self.process.env
        names = ("ROOT_PASSWORD", "ALLOW_EMPTY_PASSWORD", "RANDOM_ROOT_PASSWORD")
        if not any(env.get(f"{prefix}_{name}") for prefix in ("MYSQL", "MARIADB") for name in names):
            self.process.log(
                "[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified\n"
                "    You need to specify one of the following as an environment variable:\n"
                "    - MYSQL_ROOT_PASSWORD\n    - MYSQL_ALLOW_EMPTY_PASSWORD\n    - MYSQL_RANDOM_ROOT_PASSWORD\n",
                "stderr",
            )
            self.process.exit(1)
            return
        self.process.log("mysqld: ready for connections. Version: 'port: 3306'\n", "stderr")
        super().start()


class Mongo(Server):
    """MongoDB: accepts connections."""

    default_port = 27017
    memory = 90 * MEBIBYTE


class Memcached(Server):
    """memcached: accepts connections."""

    default_port = 11211
