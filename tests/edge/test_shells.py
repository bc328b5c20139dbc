"""Typing into a shell in a container: keys, lines, prompts, and what is kept between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb import Cluster
from k8snb.apiserver.sessions import STDERR, STDOUT, ShellSession, StreamOptions
from k8snb.apiserver.terminal import Terminal
from k8snb.kubelet.runtime import TypedShell
from k8snb.typing import Object

TTY = StreamOptions(stdin=True, stdout=True, tty=True)
PIPE = StreamOptions(stdin=True, stdout=True, stderr=True)


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    cluster = Cluster(nodes=1, seed=1)
    for name, image, waits in (("web", "nginx", False), ("box", "busybox", True)):
        container = {"name": name, "image": image, "stdin": waits, "tty": waits}
        cluster.client.create("pods", {"metadata": {"name": name}, "spec": {"containers": [container]}}, "default")
    cluster.settle()
    return cluster


def shell_in(cluster: Cluster, pod: str, *command: str) -> TypedShell | None:
    return cluster.kubelets["node-1"].shell(cluster.client.get("pods", pod, "default"), pod, command)


class Screen:
    """What a client sees of a session."""

    def __init__(self, options: StreamOptions, shell: TypedShell | None, *, tells_code: bool = True) -> None:
        assert shell is not None
        self.channels = {STDOUT: "", STDERR: ""}
        self.status: Object | None = None
        self.session = ShellSession(options, shell, tells_code=tells_code)
        self.session.begin(self)

    def send(self, channel: int, data: bytes) -> None:
        self.channels[channel] += data.decode()

    def finish(self, status: Object) -> None:
        self.status = status

    def type(self, *keys: str) -> str:
        """Type, and return what the screen shows since."""
        before = len(self.channels[STDOUT])
        for key in keys:
            self.session.receive(key.encode())
        return self.channels[STDOUT][before:]


def code_of(status: Object | None) -> str:
    return "" if status is None else status.get("details", {}).get("causes", [{"message": "0"}])[0]["message"]


def test_a_shell_keeps_its_variables_and_its_directory_between_lines(cluster: Cluster) -> None:
    screen = Screen(TTY, shell_in(cluster, "web", "bash"))
    assert screen.channels[STDOUT] == "root@web:/# "
    assert screen.type("A=5\r") == "A=5\r\nroot@web:/# "
    assert screen.type("cd /etc\r").endswith("root@web:/etc# ")
    assert screen.type("echo $A $PWD\r") == "echo $A $PWD\r\n5 /etc\r\nroot@web:/etc# "


def test_a_command_over_several_lines_runs_when_it_is_complete(cluster: Cluster) -> None:
    screen = Screen(TTY, shell_in(cluster, "web", "sh"))
    assert screen.type("for i in 1 2\r") == "for i in 1 2\r\n> "
    assert screen.type("do echo $i\r") == "do echo $i\r\n> "
    assert screen.type("done\r") == "done\r\n1\r\n2\r\n# "
    assert screen.type("fi\r").startswith("fi\r\nsh: syntax error")


def test_keys_are_echoed_erased_and_given_up(cluster: Cluster) -> None:
    screen = Screen(TTY, shell_in(cluster, "web", "sh"))
    assert screen.type("echo aX\x7fb\r") == "echo aX\b \bb\r\nab\r\n# "
    assert screen.type("rubbish\x15echo c\r").endswith("c\r\n# ")
    assert screen.type("\x1b[A\x1b[1;5Cnever\x03") == "never^C\r\n# "
    assert screen.type("\x04") == ""
    assert code_of(screen.status) == "0"


def test_exit_tells_its_status(cluster: Cluster) -> None:
    screen = Screen(PIPE, shell_in(cluster, "web", "/bin/sh"))
    assert screen.type("echo a; ech", "o b >&2\nexit 7\necho never\n") == "a\n"
    assert screen.channels[STDERR] == "b\n"
    assert code_of(screen.status) == "7"


def test_at_the_end_of_a_pipe_the_last_status_counts(cluster: Cluster) -> None:
    screen = Screen(PIPE, shell_in(cluster, "web", "sh"))
    screen.type("true\nfalse")
    screen.session.end_of_input()
    assert code_of(screen.status) == "1"


def test_a_loop_that_never_ends_is_cut_off(cluster: Cluster) -> None:
    screen = Screen(PIPE, shell_in(cluster, "web", "sh"))
    screen.type("while true; do sleep 1; done\n")
    assert screen.type("echo $?\n") == "124\n"


@pytest.mark.parametrize("command", [["ls"], ["sh", "-c", "ls"], ["cat"], ["bash", "script"]])
def test_other_commands_are_not_typed_into(cluster: Cluster, command: list[str]) -> None:
    assert shell_in(cluster, "web", *command) is None


def test_a_server_has_no_shell_of_its_own_to_type_into(cluster: Cluster) -> None:
    assert shell_in(cluster, "web") is None


def test_leaving_a_containers_own_shell_ends_the_container(cluster: Cluster) -> None:
    screen = Screen(TTY, shell_in(cluster, "box"), tells_code=False)
    assert screen.channels[STDOUT] == "/ # "
    assert screen.type("echo hi\r") == "echo hi\r\nhi\r\n/ # "
    screen.type("exit 3\r")
    assert code_of(screen.status) == "0"
    cluster.advance(0.5)
    status = cluster.client.get("pods", "box", "default")["status"]["containerStatuses"][0]
    ended = status["state"].get("terminated") or status["lastState"]["terminated"]
    assert ended["exitCode"] == 3


@given(st.text())
def test_no_keys_break_a_terminal(text: str) -> None:
    shown = "".join(key.echo for key in Terminal().typed(text))
    assert "\x1b" not in shown
