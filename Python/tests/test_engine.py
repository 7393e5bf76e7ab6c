"""Where the engine is looked for, and what becomes of its statuses and words."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import kymo
from kymo import engine, progress

Fake = Callable[[str], None]


def test_missing_engine_is_an_error_that_says_how_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KYMO_HOME", str(tmp_path))
    with pytest.raises(kymo.EngineNotFound, match="make build"):
        kymo.simulate("ks", 2)
    monkeypatch.delenv("KYMO_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(kymo.EngineNotFound, match="KYMO_HOME is not set"):
        engine.find()


def test_engine_on_path_is_found(fake_engine: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_engine("exit 0")
    monkeypatch.delenv("KYMO_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert engine.find() == (tmp_path / "kymo").resolve()


@pytest.mark.parametrize(
    ("status", "error"), [(1, kymo.RunFailed), (2, kymo.UsageError), (143, kymo.Stopped)]
)
def test_statuses_become_exceptions_with_the_same_words(
    fake_engine: Fake, status: int, error: type[kymo.KymoError]
) -> None:
    fake_engine(f"echo 'starting' >&2; echo 'kymo: x is wrong. Mend it.' >&2; exit {status}")
    with pytest.raises(error) as caught:
        engine.call(["train"])
    assert str(caught.value) == "x is wrong. Mend it."
    assert caught.value.status == status


def test_engine_that_is_killed_is_an_error(fake_engine: Fake) -> None:
    fake_engine("kill -9 $$")
    with pytest.raises(kymo.RunFailed, match="signal 9 .*memory"):
        engine.call(["train"])


def test_warnings_of_the_engine_are_warnings(fake_engine: Fake) -> None:
    fake_engine("echo 'kymo: warning: few recordings' >&2")
    with pytest.warns(kymo.KymoWarning, match="^few recordings$"):
        engine.call(["train"])


def test_long_output_on_both_streams_is_read(fake_engine: Fake) -> None:
    fake_engine("for i in 1 2 3 4 5 6; do head -c 100000 /dev/zero; head -c 100000 /dev/zero >&2; done")
    assert len(engine.call(["extract"]).text) == 600_000


def test_ctrl_c_reaches_the_engine_once_and_its_words_are_kept(fake_engine: Fake) -> None:
    fake_engine("trap 'echo \"kymo: Stopped. Step 7 is saved.\" >&2; exit 130' INT; while :; do sleep 0.05; done")
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(kymo.Interrupted, match=r"^Stopped\. Step 7 is saved\.$"):
        engine.call(["train"])


def test_progress_lines_move_a_bar(fake_engine: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    fake_engine("echo '5 % step 1 of 20, loss 0.3' >&2; echo '50 % step 10 of 20, loss 0.2' >&2")
    bar = progress.make(True, "training")
    output = engine.call(["train"], progress=bar)
    assert output.messages == ()
    assert "10/20" in capsys.readouterr().err


def test_without_tqdm_the_lines_are_printed(
    fake_engine: Fake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    fake_engine("echo '5 % step 1 of 20, loss 0.3' >&2")
    engine.call(["train"], progress=progress.make(True, "training"))
    assert capsys.readouterr().err == "5 % step 1 of 20, loss 0.3\n"
