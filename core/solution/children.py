"""Work that must not happen in the server's process: sampling (torch), filters, files and VTK pages (vtk, trame).

Each kind has one child, started on demand, kept warm, replaced when it dies or does not answer in time. A segfault of
vtk takes the child, never the server. The children are plain subprocesses: multiprocessing's spawn would import the
server's `__main__`, which under Streamlit is the page that is being drawn.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.home import SOURCE, home
from core.plain_text import traceback_of
from core.resources import has_memory_to_wait
from core.runs import RunFolder
from core.solution import export, kept
from core.solution import sample as sampling
from core.solution.drawing import SceneRequest
from core.solution.scene import Scene
from core.solution.vtk_view import View

IDLE_S = 300.0
"""A child that had nothing to do for so long is let go, and its memory with it."""

SAMPLING_S = 300.0
"""Longest that a page waits for a grid; `python -m core export` waits as long as it takes."""

EXPORT_S = 300.0
"""Longest that it waits for a file, likewise."""

RETRY_S = 300.0
"""A machine on which VTK's view died is asked again after so long: it may only have been busy, or short of memory."""

LOOK_S = 0.2
"""Who waits for another's turn to end looks so often whether it is still wanted."""


class CancelledError(LabError):
    """A visitor wanted no more of it."""


class DiedError(LabError):
    """The child is gone without an answer."""


class Order:
    """Something asked of a child: how far it is, and the way to take it back."""

    def __init__(self):
        self.share = 0.0
        """How much is done, from 0 to 1."""
        self.cancelled = False
        self._child: Child | None = None
        self._lock = threading.Lock()

    @contextmanager
    def at_work(self, child: Child) -> Iterator[None]:
        """While a child works at it. Raises CancelledError where it was taken back before its turn."""
        with self._lock:
            self.wanted()
            self._child = child
        try:
            yield
        finally:
            with self._lock:
                self._child = None

    def wanted(self) -> None:
        """Raise CancelledError where it was taken back before anything was asked of the child."""
        if self.cancelled:
            raise CancelledError("It was cancelled before its turn.")

    def cancel(self) -> None:
        """Take it back; what another visitor asked for is left alone."""
        with self._lock:
            self.cancelled = True
            if self._child is not None:
                self._child.interrupt()


class Child:
    """One process for one kind of work, asked for one thing at a time."""

    def __init__(self, what: str, **environment: str):
        self._what, self._environment = what, environment
        self._process: subprocess.Popen | None = None
        self._connection: Connection | None = None
        self._lock = threading.Lock()
        self._idle: threading.Timer | None = None

    def call(self, function: str, *arguments: Any, timeout_s: float, order: Order | None = None) -> Any:
        """Run `module:function` in the child and return its result.

        Args:
            function: what is to run.
            arguments: of it.
            timeout_s: the child is ended when it takes longer.
            order: hears how far it is, and may be cancelled: that ends the wait for a turn, or the child at work.

        Raises:
            LabError: the function's own, or when the child died, failed, was cancelled or did not answer in time.
        """
        order = order or Order()
        with self._turn(order), order.at_work(self):
            if not self.running:
                self._start()
            order.wanted()  # whoever cancelled while it started found nothing to end
            try:
                self._connection.send((function, arguments, str(home().root)))
                kind, value = self._answer(timeout_s, order)
            except (EOFError, OSError) as error:
                self._end()
                if order.cancelled:
                    raise CancelledError(f"{self._what[0].upper()}{self._what[1:]} was cancelled.") from error
                raise DiedError(f"The process for {self._what} died. Lower the resolution and try again.") from error
        if kind == "error":
            raise LabError(value)
        return value

    @contextmanager
    def _turn(self, order: Order) -> Iterator[None]:
        """Nobody else's, once it comes; a child that is left without work is let go later."""
        while not self._lock.acquire(timeout=LOOK_S):
            order.wanted()
        try:
            if self._idle:
                self._idle.cancel()
            yield
        finally:
            if self._process is not None:
                self._idle = threading.Timer(IDLE_S, self.close)
                self._idle.daemon = True
                self._idle.start()
            self._lock.release()

    def _answer(self, timeout_s: float, order: Order) -> tuple[str, Any]:
        """What the child says at last; until then it may say how far it is."""
        end = time.monotonic() + timeout_s
        while True:
            if not self._connection.poll(max(0.0, end - time.monotonic())):
                self._end()
                raise LabError(
                    f"{self._what[0].upper()}{self._what[1:]} took longer than {timeout_s:.0f} s and was ended."
                )
            kind, value = self._connection.recv()
            if kind != "share":
                return kind, value
            order.share = value

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        process = self._process
        return process is not None and process.poll() is None

    def interrupt(self) -> None:
        """Kill the child at whatever it does; who waits for it is told, and the next call starts a new one."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the child; the next call starts a new one."""
        with self._lock:
            self._end()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "core.solution.children", str(theirs.fileno())],
            cwd=SOURCE,
            # One thread: beside a run that trains, several would wait for each other at every operation.
            env=os.environ | {"OMP_NUM_THREADS": "1"} | self._environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self._connection = Connection(ours.detach())

    def _end(self) -> None:
        if self._process is not None:
            self._connection.close()
            self._process.kill()
            self._process.wait()
            self._process = None


def serve(connection: Connection) -> None:
    """The child's side: run what is asked for until the other end is gone."""
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkOSOpenGLRenderWindow")
    while True:
        try:
            function, arguments, root = connection.recv()
        except (EOFError, OSError, KeyboardInterrupt):  # the server is gone, or ended together with its children
            return
        os.environ["LAB_HOME"] = root
        try:
            sampling.tell(lambda share: connection.send(("share", share)))
            answer = ("value", _function(function)(*arguments))
        except LabError as error:
            answer = ("error", str(error))
        except Exception as error:  # one bad request must not cost the warm child; the traceback goes to the log
            sys.stderr.write(traceback_of(error))
            answer = ("error", f"{type(error).__name__}: {error}")
        try:
            connection.send(answer)
        except OSError:  # whoever asked is gone
            return


def _function(name: str) -> Callable[..., Any]:
    from importlib import import_module

    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


_sampler = Child("sampling the solution")
_renderer = Child("drawing the scene")
_exporter = Child("writing the file")
_painters = [Child("drawing the picture", VTK_DEFAULT_OPENGL_WINDOW=f"vtk{kind}RenderWindow")
             for kind in ("EGL", "OSOpenGL")]  # fmt: skip
"""One for each way to draw without a screen; where neither is there, both die of it."""
_vtk_died: dict[str, Any] = {}
"""The last time that the VTK view died: its `error`, and when that was, `at`."""


def prepare(*parts: str) -> None:
    """Start the children that sample and draw, and have them import what they need; returns at once.

    For a server with something to look at, and for a page that will ask them in a moment. Nothing is started where
    memory is short, and nothing depends on it.

    Args:
        parts: what else the one that draws is prepared for, functions of `core.solution.prepared`.
    """
    if not has_memory_to_wait():
        return
    for child, wanted in ((_sampler, ("to_sample",)), (_renderer, ("to_draw", *parts))):
        if not child.running:
            threading.Thread(target=_prepare, args=(child, wanted), name="prepare", daemon=True).start()


def _prepare(child: Child, parts: tuple[str, ...]) -> None:
    for part in parts:
        with contextlib.suppress(LabError):  # what is wrong with it is told to whoever asks it for something
            child.call(f"core.solution.prepared:{part}", timeout_s=120)


def sample(
    function: Callable[..., Path], folder: RunFolder, *arguments: Any, order: Order | None = None, **named: Any
) -> Path:
    """A function that samples a run within a limit of seconds, `sampled_file` or one like it, in a child.

    What is kept already is found here, without waiting for what the child does for others.

    Args:
        function: takes the folder, `arguments`, and by name `limit_s` and `named`.
        folder: the run's.
        arguments: how fine, or where.
        order: hears how far it is.
        named: `wanted`, for one.
    """
    there = kept.looked_up(function, folder, *arguments, **named)
    if there is not None:
        return there
    name = f"{function.__module__}:{function.__qualname__}"
    return _sampler.call("core.solution.children:_limited", name, (folder, *arguments), named,
                         timeout_s=2 * SAMPLING_S, order=order)  # fmt: skip


def _limited(name: str, arguments: tuple, named: dict[str, Any]) -> Path:
    return _function(name)(*arguments, limit_s=SAMPLING_S, **named)


def sampled_file(folder: RunFolder, resolution: int) -> Path:
    """`core.solution.sample.sampled_file` in a child."""
    return sample(sampling.sampled_file, folder, resolution)


def build_scene(path: Path, request: SceneRequest) -> Scene:
    """`core.solution.scene.build_scene` in a child."""
    return _renderer.call("core.solution.scene:build_scene", path, request, timeout_s=120)


def exported_bytes(path: Path, suffix: str, time_index: int, single: bool = False) -> bytes:
    """`core.solution.export.exported_bytes` in a child."""
    return written(export.exported_bytes, path, suffix, time_index, single)


def written(function: Callable[..., bytes], *arguments: Any) -> bytes:
    """What a function that makes a file's content gives, `core.solution.export.exported_bytes` or one like it."""
    return _exporter.call(f"{function.__module__}:{function.__qualname__}", *arguments, timeout_s=EXPORT_S)


def vtk_html(scene: Scene, view: View, viewer: str = "") -> str:
    """`core.solution.vtk_view.vtk_html` in a child.

    Raises LabError, and where the child died of it twice in a row, the same again for some minutes: it would die again
    and again, and other views need it.
    """
    if _vtk_died.get("times", 0) > 1 and time.monotonic() - _vtk_died["at"] < RETRY_S:
        raise DiedError(_vtk_died["text"])  # a new one: the old one's traceback would keep each caller's scene
    try:
        html = _renderer.call("core.solution.vtk_view:vtk_html", scene, view, viewer, timeout_s=120)
    except DiedError as error:
        _vtk_died.update(text=str(error), at=time.monotonic(), times=_vtk_died.get("times", 0) + 1)
        raise
    _vtk_died.clear()
    return html


def made_file(name: str, *arguments: Any) -> Path:
    """The file that `module:function` makes of sampled ones, in the child that draws."""
    return _renderer.call(name, *arguments, timeout_s=120)


def painted(function: Callable[..., bytes], *arguments: Any) -> bytes:
    """A picture's content, as `core.solution.pictures` makes it, by the first way to draw that this machine has.

    Raises LabError, also where it has none.
    """
    for painter in _painters:
        try:
            return painter.call(f"{function.__module__}:{function.__qualname__}", *arguments, timeout_s=EXPORT_S)
        except DiedError:
            continue
    raise LabError(
        "This machine can't draw without a screen: VTK found neither EGL nor OSMesa. On Debian, `apt install libegl1 "
        "libgl1-mesa-dri` brings the first. The camera button of the quick view saves a picture all the same."
    )


def vtk_unavailable() -> str | None:
    """Why the VTK view can't be had on this machine, or None; tried once in a child of its own, within a minute."""
    child = Child("trying the VTK view")
    try:
        child.call("core.solution.vtk_view:probe", timeout_s=60)
    except LabError as error:
        return str(error)
    finally:
        child.close()
    return None


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
