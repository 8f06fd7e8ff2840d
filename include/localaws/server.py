"""The server: moto's application in this process, with our services in it, on loopback only."""

from __future__ import annotations

import fcntl
import importlib
import ipaddress
import json
import logging
import os
import queue
import signal
import threading
from typing import TYPE_CHECKING, Any, NoReturn

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from localaws import (
    ACCOUNT_ID,
    VERSION,
    browsers,
    clients,
    containers,
    faults,
    installation,
    jobs,
    state,
    trail,
)
from localaws.durability import deterministic, disk, retention
from localaws.durability.keeper import Keeper
from localaws.durability.middleware import Durable
from localaws.durability.snapshots import Snapshots
from localaws.faults import requests as request_faults
from localaws.http_server import HttpServer
from localaws.services.sagemaker_runtime.shortcut import Shortcut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

log = logging.getLogger(__name__)

HEALTH_PATH = "/_localaws/health"
NOT_IMPLEMENTED_NOTE = (
    "Operations that do not work here answer HTTP 501 with NotImplemented: <operation>; "
    "include/localaws/COVERAGE.md lists them. Services not named under `services` are moto's as they are."
)


class NotStartedError(Exception):
    """The server cannot start; the message says why and what to do."""


class _Dispatcher(DomainDispatcherApplication):
    """moto's, which looks through 175 directories and as many patterns for each request; here once a host."""

    def __init__(self) -> None:
        super().__init__(create_application)
        self._backends: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        """The name of moto's module for a host; None when there is none."""
        if host not in self._backends:
            self._backends[host] = super().get_backend_for_host(host)
        return self._backends[host]


class Application:
    """WSGI: our own health page and faults, else AWS; nothing of it for web pages."""

    def __init__(self, aws: Durable) -> None:
        """`aws` answers everything but our own pages."""
        self._aws = aws
        self._public = request_faults.FaultLayer(Shortcut(aws))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        refused = browsers.refusal(environ)
        if refused:
            return browsers.refuse(refused, start_response)
        path = environ.get("PATH_INFO", "")
        if path.startswith(request_faults.PATH):
            return request_faults.administer(environ, start_response)
        if path != HEALTH_PATH:
            return self._public(environ, start_response)
        body = json.dumps(health(self._aws)).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("200 OK", headers)
        return [body]


def create_application(service: Any) -> Any:
    """The Flask application of one of moto's services, made at the first request to it."""
    installation.install_module(service)
    application = create_backend_app(service)
    deterministic.install()
    return application


def health(aws: Durable) -> dict[str, Any]:
    """What ``/_localaws/health`` answers."""
    services = dict.fromkeys(installation.REAL, "works")
    services |= dict.fromkeys(installation.STRICT, "moto, strict requests") | {"s3": "moto"}
    return {
        "status": "running",
        "version": VERSION,
        "account": ACCOUNT_ID,
        "services": dict(sorted(services.items())),
        "state": disk.usage(state.state_directory()) | {"journal_requests": aws.journal_entries},
        "held": retention.held(),
        "not_implemented": NOT_IMPLEMENTED_NOTE,
    }


def require_loopback(host: str) -> None:
    """Raise `NotStartedError` unless `host` is a loopback address: requests are not authenticated."""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise NotStartedError(
            f"Refusing to listen on {host}: requests are not authenticated and run programs here, so only "
            "loopback is allowed. Use --host 127.0.0.1."
        )


class Server:
    """The stand-in's life: start, serve, stop with everything saved."""

    def __init__(self, host: str, port: int, directory: Path) -> None:
        """Load the state in `directory` and listen; raise `NotStartedError`. Port 0 takes a free one."""
        require_loopback(host)
        try:
            faults.from_environment(os.environ.get("LOCALAWS_FAULTS", ""))
        except faults.FaultError as error:
            raise NotStartedError(str(error)) from error
        state.configure(directory)
        self._lock = _lock(state.state_directory())
        installation.install()
        disk.remove_leftovers()
        directory = state.state_directory() / "services"
        always_sync = os.environ.get("LOCALAWS_SYNC") == "always"
        self._aws = Durable(_Dispatcher(), Snapshots(directory), directory, always_sync=always_sync)
        self._keeper = Keeper(self._aws, also_sync=state.store().sync)
        application = trail.install(Application(self._aws))
        try:
            self._http = HttpServer(host, port, application)
        except OSError as error:
            raise NotStartedError(
                f"Cannot listen on {host}:{port}; is it taken? Use another --port."
            ) from error
        self.url = f"http://{host}:{self._http.port}"
        clients.configure(self.url, application)
        # What a finished job has written must not be gone after a power cut that the job's status survives.
        jobs.on_checkpoint(self._aws.sync)

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set, then end children and save."""
        for name in jobs.end_orphans():
            log.warning("%s was left unfinished by a former process; it is Failed now", name)
        self._keeper.start()
        thread = threading.Thread(target=self._http.serve, name="http", daemon=True)
        thread.start()
        hook("resume")
        log.info("Listening on %s", self.url)
        # A signal that the system hands to another thread does not end the main thread's wait, and only the
        # main thread runs its handler: so it looks up every second.
        while not stop.wait(1.0):
            pass
        log.info("Stopping")
        # First of all: clients that go on asking would delay what follows. Our own requests need no socket.
        self._http.stop()
        hook("shutdown")
        jobs.end_running()
        containers.stop_all()
        self._keeper.stop()
        state.store().sync()
        self._lock.close()


def hook(name: str) -> None:
    """Call ``endpoints.<name>()`` if there is one: endpoints serve again after a restart, and end with us."""
    endpoints = importlib.import_module("localaws.services.sagemaker.endpoints")
    function = getattr(endpoints, name, None)
    if function is None:
        return
    try:
        function()
    except Exception:
        log.exception("endpoints.%s() failed", name)


def _lock(directory: Path) -> Any:
    file = (directory / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise NotStartedError(
            f"Another stand-in uses the state directory {directory}. Stop it, or choose another --state."
        ) from error
    return file


def main(host: str, port: int, directory: Path) -> NoReturn:
    """Run in the main thread until SIGTERM or SIGINT, then end the process; raises `NotStartedError`."""
    stop = threading.Event()
    # A handler runs inside whatever the main thread is doing, and an event that is being waited for may be
    # locked: only a SimpleQueue may be used there.
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: signals.put(number))

    def listen() -> None:
        signals.get()
        stop.set()

    threading.Thread(target=listen, name="signals", daemon=True).start()
    Server(host, port, directory).run(stop)
    logging.shutdown()
    # A normal exit would wait for all queries in the pools of threads; everything is saved, and they are
    # reported as failed by the next start.
    os._exit(0)
