"""`noref.lab.progress`."""

import pytest

from noref.lab import progress


@pytest.mark.parametrize(("pause", "lines"), [(-1, "work: 0 of 3\nwork: 1 of 3\nwork: 2 of 3\n"), (60, "")])
def test_a_log_gets_a_line_when_the_pause_is_over(pause, lines, monkeypatch, capsys):
    monkeypatch.setattr(progress, "PAUSE", pause)
    assert list(progress.track("abc", "work", 3)) == ["a", "b", "c"]
    assert capsys.readouterr().err == lines


@pytest.mark.parametrize(("items", "bar"), [("abc", True), ("a", False)])
def test_a_terminal_gets_a_bar_for_more_than_one_item(items, bar, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(progress.track(items, "work", len(items))) == list(items)
    assert ("work" in capsys.readouterr().err) is bar
