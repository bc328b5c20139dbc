"""The shell runs what manifests carry, in virtual time."""

from __future__ import annotations

import pytest

from k8snb.kubelet.images.filesystem import Mount, Volume
from k8snb.kubelet.references import parse
from k8snb.kubelet.runtime import ContainerConfig
from tests.kubelet.world import World, log


@pytest.mark.parametrize(
    ("script", "output"),
    [
        ("echo hello", "hello\n"),
        ("echo 'a  b' \"c  d\" e  f", "a  b c  d e f\n"),
        ("x=1; echo $x ${x} ${y:-none} ${#x}", "1 1 none 1\n"),
        ("x='a b'; echo $x; echo \"$x\"", "a b\na b\n"),
        ("for i in 1 2 3; do echo -n $i; done; echo", "123\n"),
        ("i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done", "1\n2\n3\n"),
        ("i=3; until [ $i = 0 ]; do i=$(expr $i - 1); done; echo $i", "0\n"),
        ("if true && ! false; then echo yes; else echo no; fi", "yes\n"),
        ("false || echo or; true && echo and", "or\nand\n"),
        ("case nginx in a*|n*) echo match;; *) echo none;; esac", "match\n"),
        ('f() { echo "got $1"; return 3; }; f x; echo $?', "got x\n3\n"),
        ("(exit 7); echo $?", "7\n"),
        ("x=1; (x=2); echo $x", "1\n"),
        ("echo $(echo a; echo b)", "a b\n"),
        ("echo `echo back`", "back\n"),
        ("echo one two three | wc -w", "3\n"),
        ("printf '%s-%d\\n' a 1 b 2", "a-1\nb-2\n"),
        ("echo a > /tmp/f; echo b >> /tmp/f; cat /tmp/f", "a\nb\n"),
        ("cat <<EOF\nhello $((1+1))\nEOF", "hello 2\n"),
        ('set -- a \'b c\'; for x in "$@"; do echo "<$x>"; done', "<a>\n<b c>\n"),
        ("echo $((2*(3+4)%5)) $((1<2?10:20))", "4 10\n"),
        ("f=/a/b.tar.gz; echo ${f##*/} ${f%.gz}", "b.tar.gz /a/b.tar\n"),
        ("mkdir -p /d/e; touch /d/e/1 /d/e/2; echo /d/e/*; ls /d/e", "/d/e/1 /d/e/2\n1\n2\n"),
        ("seq 3 | sed 's/2/two/' | grep -v 3", "1\ntwo\n"),
        ("echo a:b:c | cut -d: -f2", "b\n"),
        ("echo 'x y z' | awk '{print $2}'", "y\n"),
        ("[ -f /etc/hostname ] && cat /etc/hostname", "pod-1\n"),
        ("while true; do echo once; break; done", "once\n"),
        ("set -e; echo a; false; echo b", "a\n"),
        ("trap 'echo bye' EXIT; echo hi", "hi\nbye\n"),
        ("date +%Y-%m-%dT%H:%M:%S", "2026-01-01T00:00:00\n"),
        ("date", "Thu Jan  1 00:00:00 UTC 2026\n"),
        ("# nothing\necho \\\n  joined", "joined\n"),
        ("env | grep '^GREETING'", "GREETING=hello\n"),
        ("echo done & wait; echo after", "done\nafter\n"),
        ("date foo; echo $?", "date: invalid date 'foo'\n1\n"),
        ("dd if=/nosuch", "dd: can't open '/nosuch': No such file or directory\n"),
        ("dd if=/dev/zero of=/f bs=1x", "dd: invalid number '1x'\n"),
        ("nosuch", "sh: nosuch: not found\n"),
        ("cat /nosuch", "cat: can't open '/nosuch': No such file or directory\n"),
        ("echo x > /no/such", "sh: can't create /no/such: nonexistent directory\n"),
        ("if [ 1 -gt 2 ]; then echo a; elif [ 1 -eq 1 ]; then echo b; fi", "b\n"),
        ("read a b <<EOF\n1 2 3\nEOF\necho $a/$b", "1/2 3\n"),
        ("echo a | while read line; do echo got $line; done", "got a\n"),
        ("sh -c 'echo $0 $1' name arg", "name arg\n"),
    ],
)
def test_a_script_writes_what_a_shell_would(script: str, output: str) -> None:
    assert log(World().sh(script, env={"GREETING": "hello"})) == output


@pytest.mark.parametrize(
    ("script", "code"), [("exit 3", 3), ("false", 1), ("true", 0), ("nosuch", 127), ("set -e; false; true", 1)]
)
def test_the_exit_status_is_the_containers_exit_code(script: str, code: int) -> None:
    container = World().sh(script)
    assert (container.state, container.exit_code, container.reason) == (
        "exited",
        code,
        "Completed" if code == 0 else "Error",
    )


@pytest.mark.parametrize(
    ("script", "output"),
    [
        ("dd if=/dev/zero of=/f bs=1M count=3 status=none; wc -c < /f", "3145728\n"),
        ("dd if=/dev/urandom bs=4 count=2 2>/dev/null | wc -c; head -c 1k /dev/urandom | wc -c", "8\n1024\n"),
        (
            "dd if=/dev/zero of=/f bs=4M count=10",
            "10+0 records in\n10+0 records out\n41943040 bytes (40.0MB) copied, 0.041943 seconds, 953.7MB/s\n",
        ),
        ("echo abcdef > /f; echo XY | dd of=/f bs=2 seek=1 count=1 conv=notrunc status=none; cat /f", "abXYef\n"),
    ],
)
def test_dd_copies_blocks_at_the_speed_of_a_disk(script: str, output: str) -> None:
    world = World()
    container = world.sh(script)
    assert container.state == "running"
    world.pass_time(1)
    assert (container.state, log(container)) == ("exited", output)


def test_sleep_lets_virtual_time_pass() -> None:
    world = World()
    container = world.sh("date +%s; sleep 5; date +%s")
    assert container.state == "running"
    world.pass_time(5)
    first, second = (int(line) for line in log(container).split())
    assert second - first == 5
    assert container.state == "exited"


def test_a_loop_for_ever_costs_its_steps_and_nothing_between() -> None:
    world = World()
    container = world.sh("while true; do echo tick; sleep 10; done")
    world.pass_time(35)
    assert log(container) == "tick\n" * 4
    assert all(timer.background for _, _, timer in world.clock._timers if timer.call)


def test_a_busy_loop_does_not_stop_the_world() -> None:
    world = World()
    container = world.sh("while true; do :; done")
    world.pass_time(3)
    assert container.state == "running"
    assert container.usage().cpu_millicores == 1000


def test_the_first_process_ignores_signals_that_it_does_not_handle() -> None:
    world = World()
    container = world.sh("sleep 3600")
    world.runtime.stop_container(container, 30)
    world.pass_time(29)
    assert container.state == "running"
    world.pass_time(1)
    assert (container.exit_code, container.reason) == (137, "Error")


def test_a_trap_ends_a_script_that_waits() -> None:
    world = World()
    container = world.sh("trap 'echo terminated; exit 0' TERM; sleep 3600 & wait")
    world.runtime.stop_container(container, 30)
    assert log(container) == "terminated\n"
    assert (container.state, container.exit_code) == ("exited", 0)


def test_two_containers_share_a_volume() -> None:
    world, shared = World(), Volume()
    sandbox = world.sandbox(mounts=[Mount("/shared", shared)])
    world.sh("while true; do date >> /shared/index.html; sleep 10; done", sandbox=sandbox)
    reader = world.run("nginx", sandbox=sandbox)
    world.pass_time(10)
    assert world.exec(reader, "cat", "/shared/index.html").stdout.count("\n") == 2


def test_a_pipe_from_something_endless_goes_through_filters_as_it_is_written() -> None:
    world = World()
    container = world.sh("while true; do echo tick; echo tock; sleep 1; done | grep tick | tee /tmp/log")
    world.pass_time(2)
    assert log(container) == "tick\n" * 3
    assert world.exec(container, "cat", "/tmp/log").stdout == "tick\n" * 3


def test_exec_answers_at_once_and_says_how_long_it_took() -> None:
    world = World()
    result = world.exec(
        world.run("busybox", "sleep", "infinity"), "sh", "-c", "date +%S; sleep 7; date +%S; echo x >&2; exit 4"
    )
    assert (result.stdout, result.stderr, result.exit_code, result.seconds) == ("00\n07\n", "x\n", 4, 7.0)


@pytest.mark.parametrize(
    "script",
    [
        "f() { f; }; f",
        "echo a | cut -f x",
        "seq a b c",
        "printf '%d' x; printf '%f' y",
        "echo $((1/0))",
        "echo ${x:?not set}",
        "if then fi",
        "echo 'unterminated",
        "grep '[' /etc/hostname",
        "sed 's/(/x/' /etc/hostname",
        "head -n x /etc/hostname; tail -n /etc/hostname",
        "test 1 -eq; [ a",
        "expr 1 +; expr a / 0",
        "sleep x; sleep",
        "kill x; kill 99",
        "timeout x true; timeout",
        "cat /; cat > /",
        "wget; curl; nc; nslookup; ping -c x y",
        "echo " + "$(echo " * 200 + ")" * 200,
        "shift 5; return; break; continue",
        "cd /nosuch; . /nosuch; exec nosuch",
        "tr; awk; xargs nosuch; date +%Q; base64 -d /etc/hostname",
        "\x00\xff ; (((",
        ";;",
        "a() b",
        "case x in",
        "for",
    ],
)
def test_nonsense_ends_with_a_status_and_never_with_a_traceback(script: str) -> None:
    world = World()
    container = world.sh(script)
    world.pass_time(200)
    assert container.state == "exited"


def test_appending_for_ever_stays_cheap() -> None:
    world = World()
    container = world.sh("while true; do echo line >> /tmp/f; done")
    world.pass_time(50)
    assert len(world.exec(container, "cat", "/tmp/f").stdout.splitlines()) >= 2000


def test_an_interactive_shell_waits_for_somebody_to_type() -> None:
    world = World()
    sandbox = world.sandbox()
    config = ContainerConfig("main", parse("busybox"), interactive=True)
    container = world.runtime.create_container(sandbox, config, 0)
    world.runtime.start_container(container)
    assert container.state == "running"
    assert world.run("busybox").state == "exited"
