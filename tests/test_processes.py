"""A scorer in more than one process: forked, pickled, in pools. Each program has a process of its own, and must end in time."""

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import noref
from noref import card

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

COMMON = """
import gc, multiprocessing, os, pathlib, signal, sys, threading, time
import numpy as np
from concurrent.futures import ProcessPoolExecutor
import noref

PHOTO = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)

def forked(work):
    '''Run `work` in a forked process that ends as Python programs do.'''
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0
        return
    signal.alarm(30)
    work()
    sys.exit(0)

def scored(scorer=None, model="unified"):
    return scorer.score(PHOTO).score if scorer else noref.score(PHOTO, model=model).score

def busy(work):
    '''Repeat `work` in another thread, which has begun, until the returned function is called.'''
    stopped = threading.Event()
    def repeat():
        while not stopped.is_set():
            work()
    thread = threading.Thread(target=repeat)
    thread.start()
    time.sleep(0.2)
    def stop():
        stopped.set()
        thread.join()
    return stop
"""


def run(folder: Path, program: str) -> None:
    """Run a program as a file of its own (spawned processes import it), with onnxruntime as it is installed."""
    file = folder / "program.py"
    file.write_text(f"{COMMON}\nif __name__ == '__main__':\n" + "".join(f"    {line}\n" for line in program.splitlines()))
    names = ("ORT_DISABLE_TELEMETRY", "CI", "GITHUB_ACTIONS")  # telemetry is off where there is a CI
    environment = {name: value for name, value in os.environ.items() if name not in names}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", str(file)]  # Python 3.12 warns of a fork with threads
    with subprocess.Popen(
        command,
        env={**environment, "HOME": str(folder / "home"), "OPENBLAS_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            _, message = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert process.returncode == 0, message


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_a_scorer_from_before_the_fork(tmp_path, threads):
    run(
        tmp_path,
        f"""scorer = noref.Scorer(threads={threads})
expected = scored(scorer)
def work():
    assert scored(scorer) == expected
    forked(lambda: sys.exit(scored(scorer) != expected))
forked(work)
assert scored(scorer) == expected""",
    )


def test_a_forked_process_that_uses_another_model(tmp_path):
    run(tmp_path, "scored(); forked(lambda: [scored(model=model) for model in ('diqa', 'unified')])")


@pytest.mark.parametrize("work", ["pass", "globals().pop('scorer'); gc.collect()"])
def test_a_forked_process_that_does_not_use_the_scorer(tmp_path, work):
    run(tmp_path, f"scorer = noref.Scorer(threads=4); scored(scorer); forked(lambda: exec({work!r}, globals()))")


def test_a_fork_while_another_thread_scores(tmp_path):
    run(
        tmp_path,
        """scorer = noref.Scorer(threads=2)
expected = scored(scorer)
stop = busy(lambda: scored(scorer))
for _ in range(3):
    forked(lambda: sys.exit(scored(scorer) != expected))
stop()""",
    )


def test_a_fork_while_another_thread_loads_models(tmp_path):
    run(
        tmp_path,
        """stop = busy(lambda: noref.Scorer("diqa", threads=2))
for _ in range(3):
    forked(scored)
stop()""",
    )


def test_a_fork_while_another_thread_opens_a_file(tmp_path, save, scene):
    path = save("scene.png", scene)
    run(
        tmp_path,
        f"""from PIL import Image
original = Image.open
def slowly(*args, **options):
    time.sleep(0.05)
    return original(*args, **options)
Image.open = slowly
stop = busy(lambda: noref.images.read({str(path)!r}))
for _ in range(3):
    forked(lambda: noref.images.read({str(path)!r}))
stop()""",
    )


def test_a_fork_while_another_thread_imports_the_module_of_a_format(tmp_path, save, scene):
    path = save("scene.jpg", scene)
    run(
        tmp_path,
        f"""class Slow:
    def find_spec(self, name, *_):
        if name == "noref.images.jpeg":
            time.sleep(1)
sys.meta_path.insert(0, Slow())
reading = threading.Thread(target=noref.images.read, args=[{str(path)!r}])
reading.start()
time.sleep(0.3)
forked(lambda: noref.images.read({str(path)!r}))
reading.join()""",
    )


@pytest.mark.parametrize(
    ("method", "pool"),
    [
        ("fork", "ProcessPoolExecutor(2, mp_context=context)"),
        ("spawn", "ProcessPoolExecutor(2, mp_context=context)"),
        ("forkserver", "context.Pool(2)"),
        *(pytest.param(method, "context.Pool(2)", marks=pytest.mark.slow) for method in ("fork", "spawn")),
    ],
)
def test_pools_of_processes(tmp_path, method, pool):
    run(
        tmp_path,
        f"""scorer = noref.Scorer(threads=2)
expected = scored(scorer)
context = multiprocessing.get_context({method!r})
with {pool} as pool:
    assert {{found.score for found in pool.map(scorer.score, [PHOTO] * 4)}} == {{expected}}
    if hasattr(pool, "close"):
        pool.close()
        pool.join()""",
    )


def test_onnxruntime_neither_uploads_nor_stores_anything(tmp_path):
    run(
        tmp_path,
        """noref.Scorer(threads=1).score(PHOTO)
if os.path.isdir("/proc/self/task"):
    assert len(os.listdir("/proc/self/task")) == 1, "another thread runs"
assert not pathlib.Path.home().exists(), "something was stored in the home folder\"""",
    )


def test_a_pickled_scorer_keeps_its_options_and_holds_no_weights(scene, monkeypatch, tmp_path):
    scorer = noref.Scorer("diqa", threads=1, max_pixels=10**6, exact=True)
    stored = pickle.dumps(scorer)
    assert len(stored) < 1000
    monkeypatch.chdir(tmp_path)
    other = pickle.loads(stored)
    assert (other.card, other.threads, other.max_pixels, other.exact) == (scorer.card, 1, 10**6, True)
    assert other.score(scene).to_dict() == scorer.score(scene).to_dict()
    assert pickle.loads(stored) is other


def test_a_pickled_scorer_of_a_file_is_found_from_another_folder(scene, monkeypatch, tmp_path, save):
    for suffix in (".onnx", ".json"):
        save(f"copy{suffix}", card.find("diqa").with_suffix(suffix).read_bytes())
    monkeypatch.chdir(tmp_path)
    stored = pickle.dumps(noref.Scorer("copy.onnx"))
    monkeypatch.chdir("/")
    assert pickle.loads(stored).score(scene).score == noref.score(scene, model="diqa").score
