"""What can go wrong, as exceptions: the engine's sentences under the names of its exit statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .law import Law


class KymoError(RuntimeError):
    """Something did not work; the text is the engine's own sentence.

    ``status`` is the exit status of the engine; ``None`` when it was not started or was killed.
    """

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status


class UsageError(KymoError, ValueError):
    """An argument, a setting or a file cannot work; nothing was computed (status 2)."""


class RunFailed(KymoError):
    """The work itself failed (status 1)."""


class Stopped(KymoError):
    """Another program stopped the engine by a signal; trainings have saved a checkpoint."""


class EngineNotFound(KymoError):
    """There is no engine; the text says where it was looked for."""


class NotFitted(KymoError):
    """The model has not been trained yet."""


class NoLawFound(KymoError):
    """No law is claimed; the text says why, and ``law`` has what was tried."""

    def __init__(self, words: str, law: Law) -> None:
        super().__init__(words, 1)
        self.law = law


class Interrupted(KeyboardInterrupt):
    """Ctrl-C came; the text says what was saved and how to go on."""


class KymoWarning(UserWarning):
    """A warning of the engine."""


def error_of(status: int, words: str) -> KymoError:
    """The exception for an exit status above 0 (or the negative number of a signal)."""
    if status == 2:
        return UsageError(words, status)
    if status in (129, 130, 141, 143):
        return Stopped(words, status)
    if status < 0:
        end = f"The engine was ended by signal {-status}"
        hint = " (often: memory ran out)" if status == -9 else ""
        return RunFailed(f"{end}{hint}. {words}".strip(), None)
    return RunFailed(words, status)
