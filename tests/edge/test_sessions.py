"""Commands over SPDY and WebSocket: the frames, the channels, and how a command's end is told."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, Pong, TextMessage

from k8snb.apiserver import spdy, websocket
from k8snb.apiserver.sessions import ERROR, STDERR, STDIN, STDOUT, ExecSession, StreamOptions
from k8snb.apiserver.spdy import DICTIONARY, PING, SYN_STREAM, ProtocolError, Spdy, SpdyCarrier
from k8snb.apiserver.websocket import WebSocketCarrier
from tests.edge.spdy_client import Client, control, data

ALL = StreamOptions(stdin=True, stdout=True, stderr=True)
SUCCESS = {"metadata": {}, "status": "Success"}


def echo(stdin: bytes) -> tuple[bytes, bytes, int]:
    """A command that writes what it reads, and how much that was to standard error."""
    return stdin, str(len(stdin)).encode(), 0


def fail(stdin: bytes) -> tuple[bytes, bytes, int]:
    return b"", b"no\n", 3


class Commander(Client):
    """A client that runs a command."""

    def __init__(self, options: StreamOptions, run: Callable[[bytes], tuple[bytes, bytes, int]]) -> None:
        self.session = ExecSession(options, run)
        super().__init__(lambda write, close: SpdyCarrier(self.session, write, close))


def opened(client: Client, *types: str) -> None:
    for number, name in enumerate(types):
        client.send(client.opening(2 * number + 1, {"streamType": name}))


# -- SPDY ----------------------------------------------------------------------------------------------


def test_the_dictionary_is_the_one_that_both_sides_know() -> None:
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)


def test_a_command_reads_writes_and_ends_over_spdy() -> None:
    client = Commander(ALL, echo)
    opened(client, "error", "stdin", "stdout", "stderr")
    assert client.replies == [1, 3, 5, 7]
    client.send(data(3, b"hel"), data(3, b"lo"), data(3, b"", end=True))
    assert client.data[5] == b"hello"
    assert client.data[7] == b"5"
    assert orjson.loads(client.data[1]) == SUCCESS
    assert sorted(client.ended) == [1, 3, 5, 7]


def test_without_input_a_command_runs_when_every_stream_is_there() -> None:
    client = Commander(StreamOptions(stdout=True, stderr=True), fail)
    opened(client, "error", "stdout")
    assert client.data == {}
    client.send(client.opening(5, {"streamtype": "stderr"}))
    assert client.data[5] == b"no\n"
    assert orjson.loads(client.data[1]) == {
        "metadata": {},
        "status": "Failure",
        "message": "command terminated with non-zero exit code: command terminated with exit code 3",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": "3"}]},
    }


def test_a_ping_is_answered_and_a_second_stream_of_a_type_refused() -> None:
    client = Commander(ALL, echo)
    opened(client, "error", "error")
    client.send(control(PING, struct.pack(">I", 7)), control(PING, struct.pack(">I", 8)))
    assert client.pongs == [7]
    assert not client.closed


def test_a_client_that_goes_away_leaves_nothing_running() -> None:
    ran: list[bytes] = []

    def note(stdin: bytes) -> tuple[bytes, bytes, int]:
        ran.append(stdin)
        return b"", b"", 0

    client = Commander(ALL, note)
    opened(client, "error", "stdin", "stdout", "stderr")
    client.carrier.lost()
    client.session.end_of_input()
    assert ran == []


@pytest.mark.parametrize(
    "frame", [b"\x80\x02\x00\x01\x00\x00\x00\x00", control(SYN_STREAM, b"xx"), control(PING, b""),
              control(SYN_STREAM, struct.pack(">IIH", 1, 0, 0) + b"not zlib")],
)  # fmt: skip
def test_what_is_no_spdy_ends_the_connection(frame: bytes) -> None:
    client = Commander(ALL, echo)
    client.send(frame)
    assert client.closed


class Nobody:
    """Hears of streams and does nothing."""

    def opened(self, stream: int, headers: Mapping[str, str]) -> None: ...
    def arrived(self, stream: int, data: bytes) -> None: ...
    def ended(self, stream: int) -> None: ...


@given(st.lists(st.binary(max_size=32), max_size=8))
def test_no_bytes_break_spdy(pieces: list[bytes]) -> None:
    connection = Spdy(lambda data: None, Nobody())
    try:
        for piece in pieces:
            connection.receive(b"\x80\x03" + piece)
    except ProtocolError:
        pass


# -- WebSocket -----------------------------------------------------------------------------------------


class Browser:
    """The other end of a WebSocket."""

    def __init__(self, options: StreamOptions, run: Callable[[bytes], tuple[bytes, bytes, int]]) -> None:
        self._ws = Connection(ConnectionType.CLIENT)
        self.channels: dict[int, bytes] = {}
        self.pongs = 0
        self.closed = False
        self.carrier = WebSocketCarrier(ExecSession(options, run), self.take, self.close)
        self.carrier.begin()

    def close(self) -> None:
        self.closed = True

    def send(self, *events: Message | Ping | CloseConnection) -> None:
        for event in events:
            self.carrier.receive(self._ws.send(event))

    def take(self, frames: bytes) -> None:
        self._ws.receive_data(frames)
        for event in self._ws.events():
            if isinstance(event, BytesMessage):
                channel, text = event.data[0], bytes(event.data[1:])
                self.channels[channel] = self.channels.get(channel, b"") + text
            elif isinstance(event, Pong):
                self.pongs += 1


def test_a_command_reads_writes_and_ends_over_a_websocket() -> None:
    browser = Browser(ALL, echo)
    browser.send(BytesMessage(data=b"\0hel"), TextMessage(data="\0lo"), Ping(), BytesMessage(data=b"\xff\0"))
    assert browser.channels[STDOUT] == b"hello"
    assert browser.channels[STDERR] == b"5"
    assert orjson.loads(browser.channels[ERROR]) == SUCCESS
    assert (browser.pongs, browser.closed) == (1, True)


def test_a_message_in_fragments_is_one_message() -> None:
    browser = Browser(ALL, echo)
    browser.send(BytesMessage(data=b"\0he", message_finished=False), BytesMessage(data=b"llo"))
    browser.send(BytesMessage(data=bytes([websocket.CLOSE, STDIN])))
    assert browser.channels[STDOUT] == b"hello"


def test_at_a_terminal_a_command_runs_at_once_and_errors_are_output_too() -> None:
    browser = Browser(StreamOptions(stdin=True, stdout=True, tty=True), fail)
    assert browser.channels[STDOUT] == b"no\r\n"
    assert STDERR not in browser.channels


@given(st.lists(st.binary(min_size=1, max_size=24), max_size=6))
def test_no_bytes_break_a_websocket(pieces: list[bytes]) -> None:
    browser = Browser(ALL, echo)
    for piece in pieces:
        browser.carrier.receive(piece)


@pytest.mark.parametrize(
    ("negotiate", "offered", "chosen"),
    [
        (websocket.negotiated, "v4.channel.k8s.io, v5.channel.k8s.io", "v5.channel.k8s.io"),
        (websocket.negotiated, "v4.channel.k8s.io", "v4.channel.k8s.io"),
        (websocket.negotiated, "v3.channel.k8s.io", ""),
        (spdy.negotiated, "v5.channel.k8s.io,v4.channel.k8s.io,v3.channel.k8s.io", "v4.channel.k8s.io"),
        (spdy.negotiated, "", ""),
    ],
)
def test_the_newest_protocol_in_common_is_spoken(negotiate: Callable[[str], str], offered: str, chosen: str) -> None:
    assert negotiate(offered) == chosen
