"""The notebook, its cells executed one after the other, with few recordings and a short training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import kymo

_NOTEBOOK = Path(__file__).parents[2] / "Examples" / "python" / "quickstart.ipynb"


def test_cells_run(
    program: Path, execute: Callable[[str, str, dict[str, object]], None], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matplotlib = pytest.importorskip("matplotlib", reason="Needs matplotlib, for the figures.")
    matplotlib.use("agg")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    cells = [cell for cell in json.loads(_NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    for place, cell in enumerate(cells):
        execute("".join(cell["source"]), f"cell {place}", names)
    assert repr(names["law"]) == "u_t = −1.0000 u_xx − θ₁ u_xxxx − 0.5000 (u²)_x"
    assert names["forecast"].x.shape == (1, 1, 60, 256)  # type: ignore[attr-defined]
