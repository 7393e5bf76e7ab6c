"""The lines of Python in README.md and docs/python.md, executed with few recordings and a short training."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import kymo

_ROOT = Path(__file__).parents[2]
Execute = Callable[[str, str, dict[str, object]], None]


@pytest.mark.parametrize("document", ["README.md", "docs/python.md"])
def test_lines_run(
    document: str, program: Path, execute: Execute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", (_ROOT / document).read_text(encoding="utf-8"), re.M | re.S)
    assert blocks
    names: dict[str, object] = {"np": np, "kymo": kymo}
    for place, source in enumerate(blocks):
        execute(source, f"{document}, block {place}", names)
        if isinstance(data := names.get("data"), kymo.Recordings):
            names["x"], names["my_recordings"] = data.x, list(data.x)
    assert document != "README.md" or kymo.inspect("mine.npz").shape == (24, 1, 256, 256)
    assert names["forecast"].x.shape[0] == 10  # type: ignore[attr-defined]
