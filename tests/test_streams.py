"""`noref` as a process of its own: encodings, pipes, terminals, closed and full streams, interruption."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from noref import streams
from pictures import make_scene

if sys.platform != "linux":
    pytest.skip("signals, /dev and file names as on Linux", allow_module_level=True)

NOREF = [sys.executable, "-m", "noref.cli"]
SCORE = [*NOREF, "score"]


def environment(**changes: str) -> dict[str, str]:
    """This process's, without what chooses an encoding or buffering."""
    chosen = ("PYTHONIOENCODING", "PYTHONUTF8", "PYTHONUNBUFFERED", "LC_ALL", "LC_CTYPE", "LANG")
    return {**{name: value for name, value in os.environ.items() if name not in chosen}, **changes}


def call(*arguments: object, env: dict[str, str] | None = None, **options) -> subprocess.CompletedProcess[bytes]:
    command = [*SCORE, *(argument if isinstance(argument, bytes) else str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, timeout=60, env=env or environment(), check=False, **options)


def redirected(arguments: list[object], redirection: str) -> subprocess.CompletedProcess[bytes]:
    command = f"{' '.join(map(str, [*SCORE, *arguments]))} {redirection}"
    return subprocess.run(["bash", "-c", command], capture_output=True, env=environment(), timeout=60, check=False)


@pytest.fixture
def photo(save) -> Path:
    return save("a.png", make_scene())


@pytest.fixture
def odd(photo) -> list[bytes]:
    """Paths of photos with names in other scripts, and of one whose name is no text."""
    names = ["é.png".encode(), "写真.png".encode(), b"caf\xe9.png"]
    paths = [os.path.join(os.fsencode(photo.parent), name) for name in names]
    for path in paths:
        Path(os.fsdecode(path)).write_bytes(photo.read_bytes())
    return paths


WHOLE = ["é.png".encode(), "写真.png".encode(), b"caf\xe9.png"]


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({}, WHOLE),
        ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, WHOLE),
        ({"PYTHONIOENCODING": "utf-8:strict"}, WHOLE),
        ({"PYTHONIOENCODING": "ascii"}, [b"\\xe9.png", b"\\u5199\\u771f.png", b"caf\xe9.png"]),
        ({"PYTHONIOENCODING": "latin-1"}, [b"\xe9.png", b"\\u5199\\u771f.png", b"caf\xe9.png"]),
        ({"PYTHONIOENCODING": "cp1252:strict"}, [b"\xe9.png", b"\\u5199\\u771f.png", b"caf\xe9.png"]),
    ],
)
def test_every_name_is_written_in_every_encoding(odd, variables, names):
    done = call(*odd, env=environment(**variables))
    assert done.returncode == 0, done.stderr
    for name, row in zip(names, done.stdout.splitlines()[1:], strict=True):
        assert name in row


def test_every_name_is_written_to_csv(odd):
    done = call(*odd, "--format", "csv", env=environment(PYTHONIOENCODING="ascii:strict"))
    assert done.returncode == 0, done.stderr
    assert b"caf\xe9.png" in done.stdout


def test_json_lines_are_ascii_in_every_encoding(odd):
    done = call(*odd, "--format", "jsonl", env=environment(PYTHONIOENCODING="cp1252:strict"))
    names = [json.loads(line)["image"] for line in done.stdout.splitlines()]
    assert [os.fsencode(name) for name in names] == odd


def test_utf_16_output_is_whole(odd):
    done = call(*odd, env=environment(PYTHONIOENCODING="utf-16"))
    assert done.returncode == 0
    assert done.stdout.decode("utf-16").count("\n") == 4


def test_help_is_shown_in_ascii():
    done = call("--help", env=environment(PYTHONIOENCODING="ascii:strict"))
    assert done.returncode == 0
    assert b"--max-pixels" in done.stdout


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_list_names_any_file(odd, mark):
    done = call("-", input=mark + b"\n".join(odd))
    assert done.returncode == 0
    assert done.stdout.count(b"\n") == 4


@pytest.fixture(autouse=True)
def interruptible():
    """Children inherit an ignored SIGINT, which shells set for jobs in the background; a handler becomes the default."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(params=["1", "2"])
def listener(request):
    """A run that waits for paths."""
    command = [*SCORE, "-", "--jobs", request.param, "--format", "jsonl"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment()) as running:
        yield running
        running.kill()


def ask(running: subprocess.Popen[bytes], name: object) -> bytes:
    """Send a path and wait for its result."""
    running.stdin.write(f"{name}\n".encode())
    running.stdin.flush()
    return running.stdout.readline()


def interrupt(running: subprocess.Popen[bytes]) -> None:
    """Interrupt a run that waits for a file or a list; it must end with 130."""
    running.send_signal(signal.SIGINT)
    if "1" in running.args:  # with one job, a signal that comes just before Python waits for the system is noticed too late
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(timeout=10)
        if running.poll() is None:
            running.send_signal(signal.SIGINT)
    assert running.wait(timeout=60) == 130


def test_each_line_is_answered_before_the_next(listener, photo):
    for name in (photo, "missing.jpg", photo):
        assert json.loads(ask(listener, name))["image"] == str(name)
    _, said = listener.communicate(timeout=60)
    assert listener.returncode == 1
    assert said == b"2 scored, 1 failed\n"


def test_an_interrupted_run_reports_what_was_done(listener, photo):
    ask(listener, photo)
    interrupt(listener)
    assert listener.stderr.read() == b"interrupted: 1 scored, 0 failed\n"


def test_a_run_ends_quietly_when_its_output_is_closed(listener, photo):
    ask(listener, photo)
    listener.stdout.close()
    listener.stdin.write(f"{photo}\n".encode())
    listener.stdin.flush()
    assert listener.wait(timeout=60) == 1
    assert listener.stderr.read() == b""


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_run_does_not_wait_for_a_photo_that_never_comes(photo, jobs):
    pipe = photo.parent / "pipe.jpg"
    os.mkfifo(pipe)
    command = [*SCORE, photo, pipe, "--jobs", str(jobs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as running:
        assert running.stdout.readline()
        assert running.stdout.readline()
        try:
            interrupt(running)
        finally:
            running.kill()


def test_the_head_of_a_long_run(save):
    photos = [save(f"{i}.png", np.zeros((64, 64, 3), np.uint8)) for i in range(30)]
    done = redirected([*photos, "--jobs", 1], "| head -n 2")
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == b""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing_else(photo, tmp_path, closed):
    done = redirected([photo, "missing.jpg", "--map", tmp_path / "maps"], closed)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == (0 if " >&-" in f" {closed}" else 3)
    assert done.stderr == (b"" if "2>&-" in closed else b"1 scored, 1 failed\n")
    assert (tmp_path / "maps" / "a.png.png").read_bytes().startswith(b"\x89PNG")


def test_a_closed_list_is_an_empty_one():
    done = redirected(["-"], "<&-")
    assert done.returncode == 2
    assert done.stderr == b"noref: no images found in the list on standard input\n"


full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")


@full
@pytest.mark.parametrize(("jobs", "form"), [(1, "table"), (2, "jsonl"), (1, "csv")])
def test_results_that_cannot_be_written_end_the_run(photo, jobs, form):
    done = redirected([photo, photo, "--jobs", jobs, "--format", form], "> /dev/full")
    assert done.returncode == 2
    assert done.stderr == b"noref: standard output: No space left on device\n"


@full
def test_help_that_cannot_be_written():
    done = redirected(["--help"], "> /dev/full")
    assert done.returncode == 2
    assert done.stderr == b"noref: standard output: No space left on device\n"


@full
def test_a_list_of_the_laboratory_that_cannot_be_written():
    command = f"{sys.executable} -m noref.cli lab data list > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, env=environment(), timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, b"noref: standard output: No space left on device\n")


def stored(file: Path, photo: Path) -> Path:
    call(photo, photo.parent / "missing.jpg", "--out", file)
    return file


def listed(
    file: Path, options: str, redirection: str = "", before: str = "", unbuffered: str = ""
) -> subprocess.CompletedProcess[bytes]:
    command = f"{before} {' '.join(NOREF)} results {file} {options} {redirection}"
    variables = environment(PYTHONUNBUFFERED=unbuffered)
    return subprocess.run(["bash", "-c", command], capture_output=True, env=variables, timeout=60, check=False)


@full
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_results_that_only_the_end_writes_are_not_lost_in_silence(photo, tmp_path, unbuffered):
    file = stored(tmp_path / "r.db", photo)
    done = listed(file, "--format csv", "> /dev/full", unbuffered=unbuffered)
    assert done.returncode == 2
    assert done.stderr.endswith(b"noref: standard output: No space left on device\n")
    removed = listed(file, "--format csv --failed --prune", "> /dev/full", unbuffered=unbuffered)
    assert removed.returncode == 2
    assert removed.stderr == b"noref: standard output: No space left on device\n"
    assert len(listed(file, "--failed --format paths").stdout.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="needs a limit of file sizes")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_results_that_are_written_in_part_are_not_lost_in_silence(photo, tmp_path, unbuffered):
    file = stored(tmp_path / "r.db", photo)
    (line,) = listed(file, "--failed --format paths").stdout.splitlines(keepends=True)
    target = tmp_path / "paths.txt"
    target.write_bytes(bytes(2**20 - len(line) // 2))
    limits = "trap '' XFSZ; ulimit -f 1024;"  # kilobytes; without the trap, the signal ends the process
    done = listed(file, "--failed --format paths --prune", f">> {target}", limits, unbuffered)
    assert done.returncode == 2
    assert done.stderr == b"noref: standard output: File too large\n"
    assert listed(file, "--failed --format paths").stdout == line


def test_a_reader_that_is_gone_at_the_end_is_stated_by_the_exit_code_only(photo, tmp_path):
    file = stored(tmp_path / "r.db", photo)
    ours, theirs = os.pipe()
    os.close(ours)
    command = [*NOREF, "results", file, "--format", "csv"]
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False)
    os.close(theirs)
    assert done.returncode == 1
    assert b"noref: " not in done.stderr


def test_other_errors_are_not_blamed_on_the_output(photo, tmp_path):
    script = (
        "import sys, tempfile; from noref import cli; tempfile.tempdir = None; tempfile._candidate_tempdir_list = list;"
        "sys.argv[1:] = ['compare', *sys.argv[1:]]; cli.main()"
    )
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        (folder / "a.png").write_bytes(photo.read_bytes())
    command = [sys.executable, "-c", script, *folders]
    done = subprocess.run(command, capture_output=True, env=environment(), timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"noref: No usable temporary directory found")


@full
def test_messages_that_cannot_be_written_change_nothing_else(photo):
    done = redirected([photo, "missing.jpg", "--debug"], "2> /dev/full")
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 3
    assert redirected([photo], "2> /dev/full").returncode == 0


def test_a_full_disk_costs_the_map_only(photo, tmp_path):
    import resource

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9))

    done = call(photo, "--map", tmp_path / "maps", preexec_fn=small_files)
    assert done.returncode == 1
    assert b"its map could not be written" in done.stdout
    assert list((tmp_path / "maps").iterdir()) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_photo_on_standard_input_is_scored_with_its_map(photo, tmp_path, jobs):
    done = call("/dev/stdin", "--map", tmp_path / "maps", "--jobs", jobs, input=photo.read_bytes())
    assert done.returncode == 0
    assert b"/dev/stdin" in done.stdout
    assert (tmp_path / "maps" / "stdin.png").exists()


def test_a_bug_outside_of_any_photo_exits_with_3():
    script = (
        "import sys; from noref import capacity, cli; capacity.default_jobs = None; sys.argv[1:] = ['score', 'x']; cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment(), timeout=60, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith(b"noref: internal error\nTraceback")


@pytest.mark.parametrize(("given", "code", "message"), [("'no GPU'", 2, b"no GPU\n"), ("None", 0, b""), ("7", 7, b"")])
def test_the_message_of_an_exit_below_is_printed_and_stops_the_command(given, code, message):
    script = f"import sys; from noref.cli import app; app.app = lambda: sys.exit({given}); app.main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment(), timeout=60, check=False)
    assert (done.returncode, done.stderr) == (code, message)


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("listed", [True, False])
def test_progress_is_shown_on_a_terminal_only(photo, terminal, listed):
    ours, theirs = os.openpty() if terminal else os.pipe()
    done = subprocess.run(
        [*SCORE, "-" if listed else photo.parent],
        input=f"{photo}\n".encode(),
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment(TERM="xterm"),
        timeout=60,
        check=True,
    )
    os.close(theirs)
    said = os.read(ours, 100_000).decode()
    os.close(ours)
    assert ("scoring" in said) == terminal
    assert ("1/1" in said) == (terminal and not listed)
    assert "1 scored, 0 failed" in said
    assert len(done.stdout.splitlines()) == 2


def test_a_stream_that_was_put_in_place_of_pythons_is_not_taken_apart(tmp_path, monkeypatch):
    with (tmp_path / "out").open("wb", buffering=0) as raw:
        mine = io.TextIOWrapper(raw, "utf-8")
        monkeypatch.setattr(sys, "stdout", mine)
        streams.prepare()
        assert sys.stdout is mine
        mine.write("usable")
        mine.flush()
