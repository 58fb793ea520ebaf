"""Bind, serve until told to stop, say where: `serve` is the whole process of the page."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

import uvicorn
import uvloop

from crossbook.errors import Refused
from crossbook.web import schedule
from crossbook.web.audit_log import AuditLog
from crossbook.web.connections import OF_ALL_MAX, Connection
from crossbook.web.model import Pages
from crossbook.web.parts import Parts
from crossbook.web.passwords import Passwords
from crossbook.web.security import check_address, site
from crossbook.web.server import build_app

LATE_S = 2
"""How long requests under way are waited for when the page ends."""
READY = Callable[[str, str], object]


def serve(
    runs: Path,
    run: Path | None,
    ready: READY,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    names: Sequence[str] = (),
    tls: tuple[Path, Path] | None = None,
    reports: Path | None = None,
) -> None:
    """Serve the page of a run until SIGINT or SIGTERM; `ready` is told its address and one-time code. `tls`: files of
    certificate and key. `reports`: when to make reports, see `schedule`. Raises `Refused` where it must
    not or cannot be served."""
    number = check_address(host, tls is not None, Passwords(runs).any, names)
    _check_tls(tls)
    _allow_files()
    with bound(number, port) as listening, AuditLog(runs) as audit:
        port = listening.getsockname()[1]
        where = site(number, port, names, tls is not None)
        pages = Pages(runs, run)
        parts = Parts(site=where, runs=runs, run=run, audit=audit, pages=pages, book=pages.book)
        server = Server(parts, tls)
        shown = {"127.0.0.1": "127.0.0.1", "::1": "[::1]"}.get(number) or next(iter(names), number)
        address = f"{where.origin(f'{shown}:{port}')}/"
        with ending_on_signals(server):
            schedule.start(runs, reports, _say)
            try:
                uvloop.run(_serve(server, listening, lambda: ready(address, parts.sessions.code)))
            finally:
                schedule.stop()
                parts.close()


class Server(uvicorn.Server):
    """One that leaves signals to whoever runs it, and believes no header about who is calling."""

    def __init__(self, parts: Parts, tls: tuple[Path, Path] | None = None) -> None:
        config = uvicorn.Config(
            build_app(parts), http=Connection, ws="websockets-sansio", ws_max_size=16_384, ws_max_queue=8,
            ws_per_message_deflate=False, proxy_headers=False, server_header=False, access_log=False,
            log_level="warning", timeout_keep_alive=30, timeout_graceful_shutdown=LATE_S,
            h11_max_incomplete_event_size=65_536, backlog=256,
            ssl_certfile=str(tls[0]) if tls else None, ssl_keyfile=str(tls[1]) if tls else None,
        )  # fmt: skip
        super().__init__(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn's own handlers: none. `ending_on_signals` stands around the whole of its life."""
        yield


@contextlib.contextmanager
def ending_on_signals(server: Server) -> Iterator[None]:
    """Inside, SIGINT and SIGTERM end the server; one more while it ends changes nothing, for its end is bounded."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to the main thread
        return

    def end(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _serve(server: Server, listening: socket.socket, ready: Callable[[], object]) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if server.started:
        ready()
    await serving


def _say(line: str) -> None:
    sys.stderr.write(f"crossbook page: {' '.join(line.split())}\n")


def bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # said, so that loops set TCP_NODELAY
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Refused(f"--host {host} --port {port} cannot be bound: {error.strerror}; choose another") from None
    return listening


def _allow_files() -> None:
    """As many open files as connections, where the machine lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * OF_ALL_MAX
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _check_tls(tls: tuple[Path, Path] | None) -> None:
    if tls is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*tls)
    except (OSError, ssl.SSLError) as error:
        raise Refused(f"--tls-cert {tls[0]} with --tls-key {tls[1]} cannot be used: {error}") from None
