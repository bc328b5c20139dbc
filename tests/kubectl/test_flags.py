"""Command lines are read by Go's rules."""

from __future__ import annotations

import pytest

from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import Flag, Parsed, parse
from k8snb.machinery.durations import go_duration, parse_duration

FLAGS = (
    Flag("output", "o"),
    Flag("namespace", "n"),
    Flag("watch", "w", kind="switch"),
    Flag("tty", "t", kind="switch"),
    Flag("replicas", kind="number"),
    Flag("timeout", kind="seconds"),
    Flag("filename", "f", kind="list"),
    Flag("from-literal", kind="texts"),
    Flag("dry-run", default="none", bare="unchanged"),
)


def read(line: str, *, interspersed: bool = True) -> Parsed:
    return parse("kubectl get", line.split(), FLAGS, interspersed=interspersed)


@pytest.mark.parametrize("line", ["-o wide", "-owide", "-o=wide", "--output wide", "--output=wide", "x -o wide"])
def test_a_value_may_stand_in_many_places(line: str) -> None:
    assert read(line).flags.text("output") == "wide"


def test_switches_can_be_joined_and_end_in_a_value() -> None:
    flags = read("-wtn shop").flags
    assert (flags.on("watch"), flags.on("tty"), flags.text("namespace")) == (True, True, "shop")


def test_a_switch_can_be_turned_off() -> None:
    assert not read("--watch=false").flags.on("watch")


def test_lists_are_split_at_commas_and_texts_are_not() -> None:
    flags = read("-f a,b -f c --from-literal x=1,2 --from-literal y=3").flags
    assert flags.texts("filename") == ["a", "b", "c"]
    assert flags.texts("from-literal") == ["x=1,2", "y=3"]


def test_a_flag_without_its_value_can_mean_something() -> None:
    assert read("--dry-run pod").flags.text("dry-run") == "unchanged"
    assert read("--dry-run=server pod").flags.text("dry-run") == "server"


def test_behind_two_dashes_everything_is_an_argument() -> None:
    parsed = read("pod -- ls -w")
    assert (parsed.args, parsed.dash, parsed.flags.on("watch")) == (["pod", "ls", "-w"], 1, False)


def test_flags_may_have_to_stand_before_arguments() -> None:
    assert read("pod ls -w", interspersed=False).args == ["pod", "ls", "-w"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("--nope", "unknown flag: --nope"),
        ("-x", "unknown shorthand flag: 'x' in -x"),
        ("-o", "flag needs an argument: 'o' in -o"),
        ("--output", "flag needs an argument: --output"),
        ("--replicas=x", 'invalid argument "x" for "--replicas" flag: strconv.ParseInt: parsing "x": invalid syntax'),
        ("--timeout=5", 'invalid argument "5" for "--timeout" flag: time: missing unit in duration "5"'),
        ("--watch=maybe", 'for "-w, --watch" flag: strconv.ParseBool: parsing "maybe": invalid syntax'),
    ],
)
def test_a_bad_flag_is_refused_in_gos_words(line: str, complaint: str) -> None:
    with pytest.raises(CommandError) as refused:
        read(line)
    assert complaint in str(refused.value)
    assert str(refused.value).endswith("See 'kubectl get --help' for usage.")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("1m30s", 90), ("500ms", 0.5), ("1.5h", 5400), ("0", 0), ("-1s", -1)],
)
def test_durations_are_read_as_go_reads_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(("seconds", "text"), [(90, "1m30s"), (7200, "2h0m0s"), (0.5, "500ms"), (5, "5s")])
def test_durations_are_written_as_go_writes_them(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text
