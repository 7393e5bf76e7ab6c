"""Kymo's engine: where the program is, and one call of it with progress, errors and Ctrl-C."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import EngineNotFound, Interrupted, KymoWarning, error_of
from .progress import Progress

_PROGRAMS = ("kymo", "kymo-engine")
_HOW = (
    "Set KYMO_HOME to a source tree of Kymo in which `make build` has been run, "
    "or to a folder with the programs kymo and kymo-engine."
)


def find() -> Path:
    """The program ``kymo``: in ``KYMO_HOME``, inside the package, or on ``PATH``.

    Raises:
        EngineNotFound: Where there is none.
    """
    home = os.environ.get("KYMO_HOME")
    if home:
        program = _inside(Path(home).expanduser())
        if program is None:
            raise EngineNotFound(f"KYMO_HOME is {home}, but Kymo's engine is not there. {_HOW}")
        return program
    # The command kymo of this package may be on PATH too: it has no kymo-engine beside it.
    folders = [Path(folder or ".") for folder in os.environ.get("PATH", "").split(os.pathsep)]
    for folder in [Path(__file__).parent / "engine", *folders]:
        program = _inside(folder) or _inside((folder / "kymo").resolve().parent)
        if program is not None:
            return program
    raise EngineNotFound(
        f"Kymo's engine is neither in this package, nor on PATH, and KYMO_HOME is not set. {_HOW}"
    )


def _inside(folder: Path) -> Path | None:
    for place in (folder, folder / "bin", folder / ".build" / "release"):
        if all(os.access(place / name, os.X_OK) for name in _PROGRAMS):
            return (place / "kymo").resolve()
    return None


def main() -> None:
    """The command ``kymo``: becomes the engine."""
    try:
        program = find()
    except EngineNotFound as missing:
        sys.exit(f"kymo: {missing}")
    os.execv(program, [str(program), *sys.argv[1:]])


@dataclass(frozen=True)
class Output:
    """What one call printed."""

    text: str
    """Standard output: the results."""
    messages: tuple[str, ...]
    """Lines of standard error without those of progress."""
    status: int


def call(
    arguments: Sequence[str | os.PathLike[str]],
    *,
    progress: Progress | None = None,
    accept: Sequence[int] = (0,),
) -> Output:
    """Runs the engine once.

    Args:
        arguments: Verb, files, options.
        progress: Who is told of progress; ``None`` for nobody.
        accept: Exit statuses that are no errors.

    Raises:
        KymoError: With the engine's words, by exit status.
        Interrupted: After Ctrl-C, when the engine has saved what there is.
    """
    progress = progress or Progress()
    words = [str(find()), *(os.fspath(argument) for argument in arguments)]
    # A group of its own: Ctrl-C reaches this process alone, which hands it on exactly once.
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    interrupted = False
    talk = _Talk(process, progress)
    try:
        while True:
            try:
                while talk.goes_on():
                    pass
                status = process.wait()
                break
            except KeyboardInterrupt:
                # The first asks for a checkpoint, the second ends the engine at once.
                process.send_signal(signal.SIGINT)
                interrupted = True
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        talk.close()
        progress.close()
    output = Output(talk.results(), tuple(talk.messages), status)
    for line in output.messages:
        for mark in ("kymo: warning: ", "WARNING: "):
            if line.startswith(mark):
                warnings.warn(line.removeprefix(mark), KymoWarning, stacklevel=3)
    if interrupted:
        raise Interrupted(complaint(output.messages) or "Stopped.")
    if status not in accept:
        raise error_of(status, complaint(output.messages))
    return output


def complaint(messages: Sequence[str]) -> str:
    """The error among the lines of standard error: the last one begins with the program's name."""
    starts = [
        place
        for place, line in enumerate(messages)
        if line.startswith(("kymo: ", "Error: ")) and not line.startswith("kymo: warning: ")
    ]
    if not starts:
        return "\n".join(messages[-10:])
    text = "\n".join(messages[starts[-1] :])
    return text.removeprefix("kymo: ").removeprefix("Error: ")


class _Talk:
    """Both output streams of a process, read as they come."""

    def __init__(self, process: subprocess.Popen[bytes], progress: Progress) -> None:
        assert process.stdout is not None and process.stderr is not None
        self._streams = (process.stdout, process.stderr)
        self._progress = progress
        self._results: list[bytes] = []
        self._rest = b""
        self.messages: list[str] = []
        self._selector = selectors.DefaultSelector()
        for stream in self._streams:
            self._selector.register(stream, selectors.EVENT_READ)

    def goes_on(self) -> bool:
        """Reads what there is within a fifth of a second; false when both streams have ended."""
        if not self._selector.get_map():
            return False
        for key, _ in self._selector.select(timeout=0.2):
            data = os.read(key.fd, 1 << 16)
            if not data:
                self._selector.unregister(key.fileobj)
            elif key.fileobj is self._streams[0]:
                self._results.append(data)
            else:
                self._hear(data)
        self._progress.poll()
        return True

    def _hear(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace")
            if not self._progress.hear(text):
                self.messages.append(text)

    def results(self) -> str:
        return b"".join(self._results).decode("utf-8", "replace")

    def close(self) -> None:
        if self._rest:
            self._hear(b"\n")
        self._selector.close()
        for stream in self._streams:
            stream.close()
