"""Run folders: a trained model and all that belongs to it."""

from __future__ import annotations

import html
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import engine, progress as _progress
from .errors import UsageError
from .extraction import Extraction
from .forecast import Forecast
from .recordings import Recordings, as_file, is_file, is_labelled


def load(folder: str | os.PathLike[str]) -> Run:
    """Opens the folder of a run that ``fit`` or ``kymo train`` made, finished or not."""
    run = Run(Path(folder))
    if not (run.folder / "recipe.yaml").exists():
        raise UsageError(
            f"{folder} is not a run: there is no recipe.yaml in it. Give the folder that "
            "fit or kymo train -o made."
        )
    return run


class Report:
    """The report of a run: one page of HTML, which shows in a notebook."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"Report({str(self.path)!r})"

    def _repr_html_(self) -> str:
        page = html.escape(self.path.read_text(encoding="utf-8"), quote=True)
        return f'<iframe srcdoc="{page}" style="width: 100%; height: 600px; border: 0"></iframe>'


class Run:
    """A run in its folder."""

    def __init__(self, folder: Path, *, threads: int | None = None, progress: bool = True) -> None:
        self.folder = Path(folder)
        """Where the run is."""
        self.threads = threads
        """Number of threads; ``None`` for all processors."""
        self.progress = progress
        """Whether progress is shown."""

    def __repr__(self) -> str:
        state = "trained" if self.is_finished else "not finished"
        return f"Run({str(self.folder)!r}, {self.method}, {state})"

    @property
    def is_finished(self) -> bool:
        """Whether the training has finished."""
        return (self.folder / "model" / "model.json").exists()

    @property
    def recipe(self) -> str:
        """The recipe with all settings, as YAML."""
        return (self.folder / "recipe.yaml").read_text(encoding="utf-8")

    @property
    def method(self) -> str:
        """The method: parameters, dynamics or law."""
        found = re.search(r"^method: *(\S+)", self.recipe, re.MULTILINE)
        return found[1].strip("'\"") if found else "parameters"

    @property
    def log(self) -> str:
        """What was said while it trained."""
        return (self.folder / "log.txt").read_text(encoding="utf-8")

    @property
    def results(self) -> dict[str, Any] | None:
        """What the last ``evaluate`` found; ``None`` before."""
        file = self.folder / "results.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None

    def metrics(self) -> dict[str, NDArray[Any]]:
        """Numbers of every training step, such as ``step``, ``loss``; NaN where a step has none."""
        text = (self.folder / "metrics.jsonl").read_text(encoding="utf-8")
        # The last line may be half written while the training goes on.
        lines = [json.loads(line) for line in text.split("\n")[:-1] if line]
        names = dict.fromkeys(name for line in lines for name in line)
        columns: dict[str, NDArray[Any]] = {}
        for name in names:
            values = [line.get(name) for line in lines]
            present = next(value for value in values if value is not None)
            empty = [np.nan] * len(present) if isinstance(present, list) else "" if isinstance(present, str) else np.nan
            columns[name] = np.array([empty if value is None else value for value in values])
        return columns

    def known(self) -> dict[str, Any]:
        """What the model's folder says of its recordings, with the names of ``Recordings``.

        ``spacing`` is the distance of neighbouring points instead of ``extent``.
        """
        file = self.folder / "model" / "data.json"
        if not file.exists():
            return {}
        found = json.loads(file.read_text(encoding="utf-8"))
        channels = found["channels"]
        known = {
            "dt": found.get("frameInterval"),
            "spacing": found.get("spacings"),
            "boundary": found["boundary"],
            "axis_units": found["axisUnits"] or None,
            "channel_names": [channel["name"] for channel in channels],
            "channel_units": [channel["unit"] for channel in channels],
        }
        return {name: value for name, value in known.items() if value is not None}

    def _complete(self, x: Any, known: dict[str, Any]) -> dict[str, Any]:
        """What is known of an array; what nobody has said is that of the training."""
        known = {name: value for name, value in known.items() if value is not None}
        if is_file(x) or is_labelled(x):
            return known
        trained = self.known()
        spacing = trained.pop("spacing", None)
        shape = Recordings(x, axes=known.get("axes")).x.shape
        if spacing is not None and "extent" not in known:
            known["extent"] = _extent(shape[3:], spacing, known.get("boundary", trained["boundary"]))
        if "t" in known:
            trained.pop("dt", None)
        if len(shape) > 1 and shape[1] != len(trained.get("channel_names", ())):
            # The engine says what is wrong with it.
            trained = {name: value for name, value in trained.items() if not name.startswith("channel_")}
        return {**trained, **known}

    def _options(self, *, as_trained: bool = False, resample: bool = False) -> list[str]:
        options = [] if self.threads is None else ["--threads", str(self.threads)]
        options += ["--as-trained"] if as_trained else []
        return options + (["--resample"] if resample else [])

    def extract(
        self,
        x: Any,
        *,
        fit_crops: int | None = None,
        as_trained: bool = False,
        resample: bool = False,
        key: str | None = None,
        **known: Any,
    ) -> Extraction:
        """The latent parameters of recordings, with error bars.

        Args:
            x: An array of shape (recordings, channels, time, space[, space]), recordings, an xarray
                object, or the path of a file. An array's ``dt``, ``extent``, ``boundary``, names
                and units are those of the training unless they are given; what recordings, xarray
                objects and files say is compared with the training.
            fit_crops: Pieces of each recording on which latents are fitted to the decoder; absent
                means as the recipe says.
            as_trained: Differences from the training are warnings instead of errors.
            resample: Take every k-th frame and point where that gives the training's distances.
            key: The array in a file that holds the recordings.
            known: ``dt``, ``extent``, ``boundary`` and so on, as in ``Recordings``.
        """
        options = self._options(as_trained=as_trained, resample=resample)
        options += [] if fit_crops is None else ["--fit-crops", str(fit_crops)]
        with (
            tempfile.TemporaryDirectory(prefix="kymo-") as folder,
            as_file(x, key, **self._complete(x, known)) as arguments,
        ):
            base = Path(folder) / "extracted"
            output = engine.call(
                ["extract", str(self.folder), *arguments, "-o", str(base), "--json", *options],
                progress=_progress.make(self.progress, "extracting"),
            )
            return Extraction.read(base.with_suffix(".npz"), output.text)

    def forecast(
        self,
        x0: Any,
        horizon: int | None = None,
        *,
        warm_up: int | None = None,
        macro: int | None = None,
        micro: int | None = None,
        adaptive: bool = False,
        solver: str | None = None,
        as_trained: bool = False,
        resample: bool = False,
        key: str | None = None,
        **known: Any,
    ) -> Forecast:
        """Forecasts recordings.

        Args:
            x0: Recordings to start from, as for ``extract``. Effective dynamics need the frames of
                the warm-up; a parameter VAE reads the latents from the recording, which must be as
                long as the encoder's crops, and starts from its first frame.
            horizon: Frames to forecast; absent means those of ``x0`` after the warm-up.
            warm_up: Known frames to start from; absent means as the recipe says.
            macro: Latent steps of a round with the solver.
            micro: Solver steps of a round.
            adaptive: Switch between latents and solver by the disagreement of the ensemble.
            solver: The solver, as ``kymo forecast --solver`` takes it.
            as_trained: As for ``extract``.
            resample: As for ``extract``.
            key: As for ``extract``.
            known: As for ``extract``.
        """
        options = self._options(as_trained=as_trained, resample=resample)
        for name, value in (
            ("horizon", horizon), ("warm-up", warm_up), ("macro", macro), ("micro", micro), ("solver", solver)
        ):  # fmt: skip
            options += [] if value is None else [f"--{name}", str(value)]
        options += ["--adaptive"] if adaptive else []
        with (
            tempfile.TemporaryDirectory(prefix="kymo-") as folder,
            as_file(x0, key, **self._complete(x0, known)) as arguments,
        ):
            file = Path(folder) / "forecast.npz"
            output = engine.call(
                ["forecast", str(self.folder), *arguments, "-o", str(file), "--json", *options],
                progress=_progress.make(self.progress, "forecasting"),
            )
            trained = self.known()
            spacing = trained.pop("spacing", None)
            result = Forecast.read(file, output.text, trained)
            if spacing is not None:
                result.known["extent"] = _extent(result.x.shape[3:], spacing, trained["boundary"])
            return result

    def evaluate(self, x: Any = None, *, key: str | None = None, as_trained: bool = False, **known: Any) -> dict[str, Any]:
        """Measures what the paper of the method measures, and keeps it for the report.

        Args:
            x: Recordings as for ``extract``; absent means the test recordings of the recipe.
            key: As for ``extract``.
            as_trained: As for ``extract``.
            known: As for ``extract``.

        Returns:
            The results, as in ``results.json``.
        """
        options = self._options(as_trained=as_trained)
        show = _progress.make(self.progress, "evaluating")
        if x is None:
            engine.call(["evaluate", str(self.folder), *options], progress=show)
        else:
            with as_file(x, key, **self._complete(x, known)) as arguments:
                engine.call(["evaluate", str(self.folder), *arguments, *options], progress=show)
        return self.results or {}

    def report(self) -> Report:
        """Writes the report, one page of HTML; as the last value of a notebook's cell it shows there."""
        engine.call(["report", str(self.folder)])
        return Report(self.folder / "report.html")

    def export(self, file: str | os.PathLike[str], *, overwrite: bool = False) -> list[Path]:
        """Writes the networks as ONNX, which other programs run: ``NAME-encoder.onnx`` and so on.

        Args:
            file: Where to write, ``NAME.onnx``.
            overwrite: Whether files that are there are replaced.

        Returns:
            The files.
        """
        options = ["--force"] if overwrite else []
        output = engine.call(["export", str(self.folder), os.fspath(Path(file).absolute()), *options])
        return [Path(line) for line in output.text.splitlines()]

    def resume(self, *, force: bool = False) -> Run:
        """Goes on with a training that was interrupted; the numbers are those of an unbroken one.

        Args:
            force: Whether to go on when data or settings have changed.
        """
        options = ["--force"] if force else []
        show = _progress.make(self.progress, "training", self.folder / "metrics.jsonl")
        engine.call(["train", "--resume", str(self.folder), *options], progress=show)
        return self


def _extent(points: tuple[int, ...], spacing: list[float], boundary: Any) -> list[float]:
    """Lengths of axes; those of periodic axes and between walls include one step more."""
    ends = [boundary] * len(points) if isinstance(boundary, str) else list(boundary)
    ends = ends * len(points) if len(ends) == 1 else ends
    return [
        step * (count if end in ("periodic", "dirichlet") else count - 1)
        for count, step, end in zip(points, spacing, ends)
    ]
