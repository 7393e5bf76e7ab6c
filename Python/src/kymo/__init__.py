"""Hidden parameters, laws and effective dynamics from recordings of spatiotemporal systems.

Arrays have the shape (recordings, channels, time, space) or (recordings, channels, time, space,
space); times and lengths are in units of your own. ``docs/python.md`` of the source tree describes
every class.
"""

from . import networks
from .errors import (
    EngineNotFound,
    Interrupted,
    KymoError,
    KymoWarning,
    NoLawFound,
    NotFitted,
    RunFailed,
    Stopped,
    UsageError,
)
from .estimators import EffectiveDynamics, ParameterVAE
from .extraction import Extraction
from .forecast import Forecast
from .inspection import Inspection, inspect
from .law import Equation, Law, Term, discover
from .recordings import Recordings
from .run import Report, Run, load
from .simulation import simulate

__version__ = "0.1.0"

__all__ = [
    "EffectiveDynamics",
    "EngineNotFound",
    "Equation",
    "Extraction",
    "Forecast",
    "Inspection",
    "Interrupted",
    "KymoError",
    "KymoWarning",
    "Law",
    "NoLawFound",
    "NotFitted",
    "ParameterVAE",
    "Recordings",
    "Report",
    "Run",
    "RunFailed",
    "Stopped",
    "Term",
    "UsageError",
    "discover",
    "inspect",
    "load",
    "networks",
    "simulate",
]
