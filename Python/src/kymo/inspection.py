"""What is understood of recordings, and what is suspicious."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from . import engine
from .errors import error_of
from .recordings import as_file


class Finding(NamedTuple):
    """Something that may spoil a training."""

    severity: str
    """"warning" or "error"."""
    message: str
    remedy: str


@dataclass(frozen=True)
class Inspection:
    """What ``kymo inspect`` says."""

    report: dict[str, Any]
    """Everything, as ``kymo inspect --json`` prints it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(recordings, channels, time, space…)."""
        found = self.report
        return (found["recordingCount"], len(found["channels"]), found["frameCount"], *found["spaceShape"])

    @property
    def findings(self) -> list[Finding]:
        """What is suspicious."""
        return [Finding(f["severity"], f["message"], f["remedy"]) for f in self.report["findings"]]

    @property
    def methods(self) -> list[str]:
        """The methods that can be trained on the recordings."""
        return [m["method"] for m in self.report["methods"] if not m["hindrances"]]

    def __str__(self) -> str:
        known = self.report["metadata"]
        lines = [" × ".join(map(str, self.shape)) + " (recordings, channels, frames, points), " + self.report["type"]]
        for name, entry in (("dt", "frameInterval"), ("extent", "extents"), ("boundary", "boundary")):
            value = known.get(entry)
            lines.append(f"{name}: {value if value not in (None, []) else 'not given'}")
        for channel in self.report["channels"]:
            lines.append(
                f"{channel['name']}: mean {channel['mean']:.4g}, standard deviation "
                f"{channel['standardDeviation']:.4g}, from {channel['minimum']:.4g} to {channel['maximum']:.4g}"
            )
        lines.append("can be trained: " + (", ".join(self.methods) or "nothing"))
        lines += [f"{f.severity}: {f.message}. {f.remedy}" for f in self.findings]
        return "\n".join(lines)

    __repr__ = __str__


def inspect(x: Any, *, key: str | None = None, axes: str | None = None, **known: Any) -> Inspection:
    """Says what is understood of recordings, and what is suspicious; nothing is trained.

    Args:
        x: An array of shape (recordings, channels, time, space[, space]), recordings, an xarray
            object, or the path of a file.
        key: The array in a file that holds the recordings.
        axes: What the axes are, such as "N,T,X".
        known: ``dt``, ``extent``, ``boundary``, ``params`` and so on, as in ``Recordings``.
    """
    with as_file(x, key, axes=axes, **known) as arguments:
        # Status 1 with results means that something is wrong with the recordings, which they say.
        output = engine.call(["inspect", *arguments, "--json"], accept=(0, 1))
    if not output.text:
        raise error_of(output.status, engine.complaint(output.messages))
    return Inspection(json.loads(output.text))
