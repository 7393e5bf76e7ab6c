"""Settings of recipes as keywords: nested dictionaries, dotted keys, or ``__`` for the dot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from .errors import UsageError

Settings = dict[str, Any]


def nested(settings: Mapping[str, Any]) -> Settings:
    """The same settings as nested dictionaries.

    ``{"training.batchSize": 8}``, ``{"training__batchSize": 8}`` and
    ``{"training": {"batchSize": 8}}`` are the same.
    """
    result: Settings = {}
    for name, value in settings.items():
        *groups, last = str(name).replace("__", ".").split(".")
        if isinstance(value, Mapping):
            value = nested(value)
        for group in reversed(groups):
            last, value = group, {last: value}
        merge(result, {last: value})
    return result


def merge(settings: Settings, more: Mapping[str, Any], path: str = "") -> None:
    """Adds nested settings to others.

    Raises:
        UsageError: Where a setting would be given twice.
    """
    for key, value in more.items():
        name = f"{path}.{key}" if path else str(key)
        present = settings.get(key)
        if key not in settings:
            settings[key] = value
        elif isinstance(present, dict) and isinstance(value, Mapping):
            merge(present, value, name)
        else:
            raise UsageError(f"The setting '{name}' is given twice: {present!r} and {value!r}.")


def text(settings: Mapping[str, Any]) -> str:
    """A recipe as text: JSON, which is YAML too."""
    return json.dumps(settings, indent=2, ensure_ascii=False, default=_plain, allow_nan=False) + "\n"


def words(settings: Mapping[str, Any], path: str = "") -> list[str]:
    """Nested settings as ``key.sub=value``, as the command line takes them."""
    result: list[str] = []
    for key, value in settings.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping):
            result += words(value, name)
        else:
            result.append(f"{name}={json.dumps(value, ensure_ascii=False, default=_plain)}")
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if hasattr(value, "__fspath__"):
        return value.__fspath__()
    raise UsageError(f"{value!r} cannot be a setting: give numbers, texts, lists or dictionaries.")
