"""The notebook, its cells executed one after the other, with few recordings and a short training."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import kymo

_NOTEBOOK = Path(__file__).parents[2] / "Examples" / "python" / "quickstart.ipynb"


def test_cells_run(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib = pytest.importorskip("matplotlib", reason="Needs matplotlib, for the figures.")
    matplotlib.use("agg")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    cells = [cell for cell in json.loads(_NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    for place, cell in enumerate(cells):
        source = "".join(cell["source"])
        for long, short in ((r"recordings=\d+", "recordings=24"), (r"steps=\d+", "steps=10, threads=1")):
            source = re.sub(long, short, source)
        try:
            exec(compile(source, f"cell {place}", "exec"), names)
        except kymo.RunFailed as error:
            if "plotly" not in str(error):
                raise
            pytest.skip(f"Needs plotly, for the report. {error}")
    assert repr(names["law"]) == "u_t = −1.0000 u_xx − θ₁ u_xxxx − 0.5000 (u²)_x"
    assert names["forecast"].x.shape == (1, 1, 60, 256)  # type: ignore[attr-defined]
