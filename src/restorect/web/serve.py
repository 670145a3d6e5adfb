"""The server from start to end: a free port, the address with the token, the browser, and nothing left behind."""

import contextlib
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from restorect.errors import shown
from restorect.infer.batch import Source
from restorect.infer.batch.lock import locked
from restorect.infer.batch.plan import check_folder
from restorect.web.app import make_app
from restorect.web.guard import Guard
from restorect.web.home import Home, WebError, home
from restorect.web.messages import Setup
from restorect.web.service import Service

_TRIES, _SECONDS = 50, 2
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """How to serve.

    Args:
        host: name or address to listen at.
        port: wanted; the next free one is taken.
        browser: whether to open one.
        root_path: where a proxy has put the page.
        setup: of the process that restores.
        keep: whether photographs stay for the next start.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    browser: bool = True
    root_path: str = ""
    setup: Setup = field(default_factory=Setup)
    keep: bool = False


def serve(sources: Sequence[Source], options: ServerOptions, say: Callable[[str], None]) -> None:
    """Serve the page until the process is told to end.

    Args:
        sources: photographs on this machine's disk to begin with.
        options: how to serve.
        say: tells the user a line.

    Raises:
        WebError: no port or no folder can be had.
        OutputError: the output folder is not usable, or another restorect writes there.
    """
    if options.setup.out is not None:
        _try_out(options.setup.out)
    with home(keep=options.keep) as own, _listening(options, say) as listener:
        port = listener.getsockname()[1]
        service = Service(own, options.setup)
        for source in sources:
            service.take(source)
        running: list[uvicorn.Server] = []
        app = make_app(service, lambda: bool(running) and running[0].should_exit, options.root_path)
        server = uvicorn.Server(_config(_guarded(app, own, options, port), options))
        running.append(server)
        url = f"http://{_in_address(options.host)}:{port}/?token={own.token}"
        _greet(service, options, url, say)
        if options.browser:
            threading.Thread(target=_open, args=(server, url, say), daemon=True).start()
        # uvicorn ends in order and then raises the signal anew: what is below must still come
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        _end_with_terminal(server)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
        say("ended; " + ("photos are kept for the next start" if options.keep else "all photos here are deleted"))


def _end_with_terminal(server: uvicorn.Server) -> None:
    """A terminal that is closed ends the server in order too, unless it was started to outlive it (nohup)."""
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, server.handle_exit)


def _guarded(app: Any, own: Home, options: ServerOptions, port: int) -> Guard:  # noqa: ANN401 - an ASGI app
    anywhere = options.host not in _LOOPBACK
    hosts = {*_LOOPBACK, options.host.lower(), *([socket.gethostname().lower()] if anywhere else [])}
    return Guard(app, token=own.token, hosts=hosts, port=port, anywhere=anywhere)


def _config(app: Guard, options: ServerOptions) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        root_path=options.root_path,
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SECONDS,
        lifespan="on",
    )


def _greet(service: Service, options: ServerOptions, url: str, say: Callable[[str], None]) -> None:
    if left := len(service.queue):
        say(f"{left} photo{'s' if left > 1 else ''} in the queue")
    say(f"{url}\n(open it in a browser; Ctrl-C ends)")
    if options.host not in _LOOPBACK:
        say("other machines can reach this page; whoever has the address above can use it, and nothing is encrypted")


def _try_out(out: Path) -> None:
    """Refuse a folder that cannot be written, or is written by another, before anybody waits for it."""
    check_folder(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WebError(f"{shown(out)}: the output folder cannot be made ({error.strerror})") from error
    with locked(out):
        pass


@contextlib.contextmanager
def _listening(options: ServerOptions, say: Callable[[str], None]) -> Any:  # noqa: ANN401
    """A socket on the first free port from the wanted one on."""
    last: OSError | None = None
    for port in range(options.port, min(options.port + _TRIES, 65536)) if options.port else (0,):
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(options.host, port, type=socket.SOCK_STREAM)[0]
            listener = socket.socket(family, kind, protocol)
        except OSError as error:
            raise WebError(f"--host {shown(options.host)}: {error.strerror}; give a name of this machine") from error
        with listener:
            try:
                if socket.has_ipv6 and family == socket.AF_INET6:
                    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(address)
                listener.listen(128)
            except OSError as error:
                last = error
                continue
            if options.port and port != options.port:
                say(f"port {options.port} is taken; this is on port {port}")
            yield listener
            return
    reason = last.strerror if last else "none is free"
    raise WebError(f"--port {options.port}: cannot be listened at on {shown(options.host)} ({reason}); choose another")


def _in_address(host: str) -> str:
    """The host as it stands in an address that this machine can open."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - only compared
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"  # noqa: S104
    return f"[{host}]" if ":" in host else host


def _open(server: uvicorn.Server, url: str, say: Callable[[str], None]) -> None:
    """Open a browser once the server answers."""
    while not server.started and not server.should_exit:
        threading.Event().wait(0.05)
    if not server.should_exit and not webbrowser.open(url):
        say("no browser could be opened; open the address above in one")
