"""Progress of long work: a bar where tqdm is installed, the engine's plain lines elsewhere.

The engine says "12 % step 240 of 2000, loss …" every ten seconds. Between these lines the bar of a
training follows ``metrics.jsonl`` of the run, which has a line for each step.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

_LINE = re.compile(r"(\d+) % (.*)")
_STEP = re.compile(r"(?:step|epoch) (\d+) of (?:at most )?(\d+)")


class Progress:
    """Hears the engine's lines and says nothing."""

    def hear(self, line: str) -> bool:
        """Takes a line of standard error; true when it was one of progress."""
        return _LINE.fullmatch(line) is not None

    def poll(self) -> None:
        """Is called several times a second."""

    def close(self) -> None:
        """The work has ended."""


class _Lines(Progress):
    """Prints the engine's lines."""

    _temporary = f"{tempfile.gettempdir()}/kymo-"

    def hear(self, line: str) -> bool:
        # Errors become exceptions, and temporary files will soon be gone.
        if not line.startswith("kymo: ") and self._temporary not in line:
            print(line, file=sys.stderr, flush=True)
        return super().hear(line)


class _Bar(Progress):
    """A bar of tqdm, which is drawn when the first line of progress has come."""

    def __init__(self, name: str, tqdm: Any, metrics: Path | None) -> None:
        self._name, self._tqdm, self._metrics = name, tqdm, metrics
        self._bar: Any = None
        self._steps = False

    def hear(self, line: str) -> bool:
        found = _LINE.fullmatch(line)
        if found is None:
            return False
        step = _STEP.search(found[2])
        if self._bar is None:
            self._steps = step is not None
            unit = {"unit": "step"} if self._steps else {"bar_format": "{desc}: {percentage:3.0f} %|{bar}|{postfix}"}
            total = int(step[2]) if step else 100
            self._bar = self._tqdm(total=total, desc=self._name, **unit)
        if not self._steps:
            self._show(int(found[1]), found[2])
        elif step is not None:
            self._show(int(step[1]), "")
        return True

    def poll(self) -> None:
        if self._steps and self._metrics is not None and (last := _last_line(self._metrics)):
            self._show(int(last["step"]), f"{last.get('phase', '')} loss {last['loss']:.4g}")

    def _show(self, place: int, words: str) -> None:
        if place >= self._bar.n:
            if words:
                self._bar.set_postfix_str(words, refresh=False)
            self._bar.update(place - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self.poll()
            self._bar.close()


def _last_line(file: Path) -> dict[str, Any] | None:
    """The last whole line of a file of JSON lines; none while there is none."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, 2) - 4096))
            lines = stream.read().split(b"\n")
        line = json.loads(lines[-2])
        return line if "step" in line and line.get("loss") is not None else None
    except (OSError, IndexError, ValueError, TypeError):
        return None


def make(show: bool, name: str, metrics: Path | None = None) -> Progress:
    """What shows the progress of one piece of work.

    Args:
        show: Whether anything is shown.
        name: What the work is, such as "training".
        metrics: ``metrics.jsonl`` of a training.
    """
    if not show:
        return Progress()
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _Lines()
    return _Bar(name, tqdm, metrics)
