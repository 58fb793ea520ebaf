"""A venue of numbered frames in a world of virtual time, and an owner that writes down what a session tells it."""

import json
from collections import Counter
from collections.abc import Callable, Hashable, Sequence

from crossbook.sim.world import World
from crossbook.sim.world_network import Reply, Request
from crossbook.venues.budgets import ConnectionBudget
from crossbook.venues.network import Connection
from crossbook.venues.session import Session, SessionState, Terms
from crossbook.venues.wire_rules import WireRules, binance_answer

PLACE = "venue:1"
URL = f"ws://{PLACE}/stream"
RULES = WireRules(silence_s=50.0, messages_per_s=3, lifetime_s=120.0, lifetime_jitter_s=10.0, answer_of=binance_answer)


class Peer:
    """The venue's end of one connection."""

    def __init__(self, host: "Host") -> None:
        self.host, self.streams, self.messages = host, [], []
        self.connection: Connection | None = None

    def on_open(self, connection: Connection) -> None:
        self.connection = connection
        self.host.peers.append(self)

    def on_frame(self, frame: bytes, receive_ns: int) -> None:
        self.messages.append(self.host.world.loop.now_ns)
        message = json.loads(frame)
        if self.host.deaf:
            return
        assert message["method"] == "SUBSCRIBE"
        if self.host.forbidden.intersection(message["params"]):
            self.connection.send(b'{"error":{"code":2,"msg":"Invalid request"},"id":%d}' % message["id"])
            return
        self.streams += message["params"]
        self.connection.send(b'{"result":null,"id":%d}' % message["id"])

    def on_alive(self, receive_ns: int) -> None:
        pass

    def on_close(self, why: str) -> None:
        if self in self.host.peers:
            self.host.peers.remove(self)


class Host:
    """Sends a numbered frame of each stream every `every_s`, to all who subscribed; pings every 20 s."""

    def __init__(self, world: World, streams: Sequence[str], every_s: float = 0.2) -> None:
        self.world, self.streams, self.every_s = world, streams, every_s
        self.peers: list[Peer] = []
        self.opened: list[int] = []
        self.numbers: Counter[str] = Counter()
        self.refusal = ""
        self.forbidden: set[str] = set()
        self.deaf = self.quiet = False
        world.network.serve(PLACE, self)
        world.loop.call_later(every_s, self._send)
        world.loop.call_later(20, self._ping)

    def accept(self, url: str) -> Peer | str:
        self.opened.append(self.world.loop.now_ns)
        return self.refusal or Peer(self)

    def answer(self, request: Request, reply: Reply) -> None:
        reply(200, {}, b"{}")

    def broadcast(self, frame: bytes) -> None:
        for peer in list(self.peers):
            peer.connection.send(frame)

    def _send(self) -> None:
        self.world.loop.call_later(self.every_s, self._send)
        if self.quiet:
            return
        for stream in self.streams:
            self.numbers[stream] += 1
            for peer in [one for one in self.peers if stream in one.streams]:
                peer.connection.send(json.dumps({"stream": stream, "n": self.numbers[stream]}).encode())

    def _ping(self) -> None:
        self.world.loop.call_later(20, self._ping)
        for peer in list(self.peers):
            peer.connection.ping()


class Desk:
    """An owner."""

    def __init__(self, world: World, streams: Sequence[str], rules: WireRules = RULES, **terms: float) -> None:
        self.streams = streams
        self.got: dict[str, list[int]] = {stream: [] for stream in streams}
        self.stamps: list[int] = []
        self.states: list[tuple[SessionState, str]] = []
        self.refused: list[str] = []
        self.on_state: Callable[[SessionState], None] = lambda state: None
        self.connections = ConnectionBudget()
        ports = world.ports()
        self.session = Session(ports, lambda: URL, self._hello, self, rules, self.connections, Terms(**terms))

    def _hello(self) -> list[bytes]:
        return [
            json.dumps({"method": "SUBSCRIBE", "params": [stream], "id": n}).encode()
            for n, stream in enumerate(self.streams)
        ]

    def on_frame(self, frame: bytes, receive_ns: int) -> None:
        message = json.loads(frame)
        if message.get("e") == "serverShutdown":
            self.session.rotate("the venue restarts")
        if "stream" in message:
            self.got[message["stream"]].append(message["n"])
            self.stamps.append(receive_ns)

    def on_session(self, state: SessionState, why: str) -> None:
        self.states.append((state, why))
        self.on_state(state)

    def on_refused(self, words: str) -> None:
        self.refused.append(words)

    def key_of(self, frame: bytes) -> Hashable | None:
        message = json.loads(frame)
        return (message["stream"], message["n"]) if "stream" in message else None
