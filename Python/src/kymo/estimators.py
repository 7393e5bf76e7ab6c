"""Models that are trained on arrays, in the manner of scikit-learn."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from . import engine, progress as _progress
from .errors import NotFitted, UsageError
from .extraction import Extraction
from .forecast import Forecast
from .recordings import Recordings, is_file, layout, paths
from .run import Report, Run
from .settings import Settings, merge, nested, text

_Self = TypeVar("_Self", bound="_Model")


class _Model:
    """What all methods have in common: settings, the run folder, training and its continuation."""

    _method: str
    _names: tuple[str, ...] = ()

    def __init__(
        self,
        folder: str | os.PathLike[str] | None,
        seed: int,
        threads: int | None,
        device: str,
        progress: bool,
        settings: Mapping[str, Any],
    ) -> None:
        self.folder, self.seed, self.threads = folder, seed, threads
        self.device, self.progress, self.settings = device, progress, dict(settings)
        self._run: Run | None = None

    # Settings, as scikit-learn asks for them.

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments of the constructor."""
        names = (*self._names, "folder", "seed", "threads", "device", "progress")
        return {name: getattr(self, name) for name in names} | self.settings

    def set_params(self: _Self, **params: Any) -> _Self:
        """Changes arguments of the constructor; takes effect with the next ``fit``."""
        for name, value in params.items():
            if name in self.get_params() and name not in self.settings:
                setattr(self, name, value)
            else:
                self.settings[name] = value
        return self

    def __repr__(self) -> str:
        state = repr(self._run) if self._run is not None else "not trained"
        return f"{type(self).__name__}({state})"

    def _recipe(self) -> Settings:
        """The recipe without its data."""
        recipe: Settings = {"method": self._method, "seed": self.seed, "device": self.device}
        if self.threads is not None:
            recipe["threads"] = self.threads
        merge(recipe, nested(self.settings))
        return recipe

    @property
    def recipe(self) -> str:
        """The settings that differ from the defaults, as a recipe for ``kymo train``."""
        return text(self._recipe())

    @property
    def run(self) -> Run:
        """The run: its folder, metrics, results, report.

        Raises:
            NotFitted: Before ``fit``.
        """
        if self._run is None:
            raise NotFitted(f"This {type(self).__name__} is not trained. Call fit(x, dt=…) first.")
        return self._run

    # Training.

    def _fit(
        self, sets: Mapping[str, Any], key: str | None, known: Mapping[str, Any], overwrite: bool, resume: bool
    ) -> None:
        """Trains on the recordings of several uses, such as ``train`` and ``test``."""
        if resume and self._run is None and self.folder is not None:
            self._run = self._open(Path(self.folder).absolute())
        started = self._run is not None and (self._run.folder / "recipe.yaml").exists()
        if resume and started and sets.get("train") is None:
            self.run.resume()
            return
        if sets.get("train") is None:
            raise NotFitted("There is no run to resume. Call fit(x, dt=…) with recordings.")
        recipe = self._recipe()
        if not resume or self._run is None:
            self._run = self._open(self._vacant())
        data: Settings = {}
        for use, x in sets.items():
            if x is not None:
                data |= self._file(use, x, key, dict(known))
        if resume and started:
            # The engine compares the files with those that the training began with.
            self.run.resume()
            return
        merge(recipe, {"data": data})
        with tempfile.TemporaryDirectory(prefix="kymo-") as folder:
            file = Path(folder) / "recipe.yaml"
            file.write_text(text(recipe), encoding="utf-8")
            options = ["--force"] if overwrite else []
            show = _progress.make(self.progress, "training", self.run.folder / "metrics.jsonl")
            engine.call(["train", str(file), "-o", str(self.run.folder), *options], progress=show)

    def _open(self, folder: Path) -> Run:
        return Run(folder, threads=self.threads, progress=self.progress)

    def _vacant(self) -> Path:
        if self.folder is not None:
            return Path(self.folder).absolute()
        return Path(tempfile.mkdtemp(prefix="kymo-")) / "run"

    def _file(self, use: str, x: Any, key: str | None, known: dict[str, Any]) -> Settings:
        """The entry of a recipe for recordings; arrays are kept beside the run, which reads them again."""
        if is_file(x):
            links = known.pop("follow_links", False)
            options = layout(key, **known)
            found: Settings = {name[2:]: value for name, value in zip(options[::2], options[1::2])}
            if links:
                found["followLinks"] = True
            if "cut" in found:
                found["cut"] = int(found["cut"])
            files = paths(x)
            if len(files) > 1:
                raise UsageError(
                    f"{len(files)} files are given, but a recipe names one file, folder or pattern. "
                    "Give a pattern, such as 'runs/*.h5', or the folder."
                )
            return {use: str(Path(files[0]).absolute()), **found}
        if use != "train":
            # Known parameters are those of the training recordings; these may have their own.
            known.pop("params", None)
        run = self.run.folder
        folder = run.with_name(run.name + "-data")
        folder.mkdir(parents=True, exist_ok=True)
        file, new = folder / f"{use}.npz", folder / f"{use}.new.npz"
        Recordings.of(x, **known).save(new)
        new.replace(file)
        return {use: str(file.absolute())}

    # What a trained model does.

    def forecast(self, x0: Any, horizon: int | None = None, **options: Any) -> Forecast:
        """Forecasts recordings: ``Run.forecast``."""
        return self.run.forecast(x0, horizon, **options)

    def evaluate(self, x: Any = None, **options: Any) -> dict[str, Any]:
        """Measures what the paper of the method measures: ``Run.evaluate``."""
        return self.run.evaluate(x, **options)

    def report(self) -> Report:
        """The report of the run, which shows in a notebook: ``Run.report``."""
        return self.run.report()


class ParameterVAE(_Model):
    """Finds hidden parameters that differ between recordings (Lu, Kim and Soljačić 2020).

    Args:
        latents: Number of latents offered; those that are not needed collapse.
        steps: Training steps of encoder and decoder together; absent means the default, 16,000.
        folder: Where the run is made; absent means a temporary folder, which stays.
        seed: Seed of weights, crops, shuffling and sampling.
        threads: Number of threads; absent means all processors.
        device: Where to compute: cpu, cuda or cuda:1.
        progress: Whether progress is shown.
        settings: All other settings of recipes (``docs/settings.md``), nested, dotted, or with
            ``__`` for the dot: ``training={"batchSize": 8}``, ``training__batchSize=8``,
            ``**{"training.batchSize": 8}``.
    """

    _method = "parameters"
    _names = ("latents", "steps")

    def __init__(
        self,
        latents: int = 5,
        *,
        steps: int | None = None,
        folder: str | os.PathLike[str] | None = None,
        seed: int = 1,
        threads: int | None = None,
        device: str = "cpu",
        progress: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(folder, seed, threads, device, progress, settings)
        self.latents, self.steps = latents, steps

    def _recipe(self) -> Settings:
        recipe = super()._recipe()
        merge(recipe, {"model": {"latents": self.latents}})
        if self.steps is not None:
            merge(recipe, {"training": {"phases": {"joint": {"steps": self.steps}}}})
        return recipe

    def fit(
        self,
        x: Any = None,
        *,
        test: Any = None,
        key: str | None = None,
        overwrite: bool = False,
        resume: bool = False,
        **known: Any,
    ) -> ParameterVAE:
        """Trains on recordings.

        Ctrl-C finishes the step and saves a checkpoint; ``fit(resume=True)`` goes on, and gives the
        same numbers as an unbroken training.

        Args:
            x: An array of shape (recordings, channels, time, space[, space]), recordings, an xarray
                object, or the path of a file. Arrays are kept beside the run, in ``FOLDER-data``.
            test: Recordings that are only evaluated.
            key: The array in a file that holds the recordings.
            overwrite: Replace the run that is in the folder.
            resume: Go on with the run that is in the folder, if there is one.
            known: ``dt``, ``extent``, ``boundary``, ``params`` and so on, as in ``Recordings``.
        """
        self._fit({"train": x, "test": test}, key, known, overwrite, resume)
        return self

    def extract(self, x: Any, **options: Any) -> Extraction:
        """The latent parameters of recordings, with error bars: ``Run.extract``."""
        return self.run.extract(x, **options)


class EffectiveDynamics(_Model):
    """Learns effective dynamics in a few latents and forecasts (Vlachas et al. 2022).

    Args:
        latents: Number of latents; absent means the default of the reduction.
        reduction: From fields to latents and back: principalComponents, diffusionMaps,
            autoencoder.feedForward or autoencoder.convolutional, or its settings as a dictionary.
        propagator: What advances the latents: reservoir, sindy, dmd, network.recurrent or
            network.mlp, or its settings as a dictionary.
        folder: As for ``ParameterVAE``, and the rest too.
        seed: Seed of weights, batches and initial conditions.
        threads: Number of threads; absent means all processors.
        device: Where to compute: cpu, cuda or cuda:1.
        progress: Whether progress is shown.
        settings: All other settings of recipes (``docs/settings.md``).
    """

    _method = "dynamics"
    _names = ("latents", "reduction", "propagator")

    def __init__(
        self,
        latents: int | None = None,
        *,
        reduction: str | Mapping[str, Any] = "autoencoder.feedForward",
        propagator: str | Mapping[str, Any] = "network.recurrent",
        folder: str | os.PathLike[str] | None = None,
        seed: int = 1,
        threads: int | None = None,
        device: str = "cpu",
        progress: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(folder, seed, threads, device, progress, settings)
        self.latents, self.reduction, self.propagator = latents, reduction, propagator

    def _recipe(self) -> Settings:
        recipe = super()._recipe()
        for name in ("reduction", "propagator"):
            chosen = getattr(self, name)
            merge(recipe, {name: nested({chosen: {}} if isinstance(chosen, str) else chosen)})
        if self.latents is not None:
            kinds = [kind for kind in _REDUCTIONS if _has(recipe["reduction"], kind)]
            kind = kinds[0] if kinds else "autoencoder.feedForward"
            merge(recipe["reduction"], nested({kind: {"latentCount": self.latents}}))
        return recipe

    def fit(
        self,
        series: Any = None,
        *,
        validation: Any = None,
        test: Any = None,
        key: str | None = None,
        overwrite: bool = False,
        resume: bool = False,
        **known: Any,
    ) -> EffectiveDynamics:
        """Trains on long recordings.

        Args:
            series: As ``x`` of ``ParameterVAE.fit``; ``axes="T,X"`` for a single one.
            validation: Recordings that choose the best weights; absent means a fifth of ``series``.
            test: Recordings that are only evaluated; absent means those of the validation.
            key: As for ``ParameterVAE.fit``.
            overwrite: As for ``ParameterVAE.fit``.
            resume: As for ``ParameterVAE.fit``.
            known: As for ``ParameterVAE.fit``.
        """
        sets = {"train": series, "validation": validation, "test": test}
        self._fit(sets, key, known, overwrite, resume)
        return self


_REDUCTIONS = (
    "principalComponents",
    "diffusionMaps",
    "autoencoder.convolutional",
    "autoencoder.feedForward",
)


def _has(settings: Mapping[str, Any], path: str) -> bool:
    for key in path.split("."):
        if key not in settings:
            return False
        settings = settings[key]
    return True
