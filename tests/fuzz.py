"""Mutate image files and read them: nothing may crash, hang, raise an untyped error, or hide corruption that a decoder reports.

    python tests/fuzz.py --count 20000            # all formats, in turn
    python tests/fuzz.py --only jpeg --seed 7 --count 500
    python tests/fuzz.py --only jpeg --seed 1234 --count 1 --save bad.jpg

Case number n mutates a seed file of format n mod formats by a generator seeded with n, so each failure can be made again. Every
case runs in a worker process, which is replaced where it dies or hangs.
"""

import contextlib
import dataclasses
import io
import multiprocessing
import multiprocessing.connection
import os
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from fuzz_seeds import SEEDS
from noref import errors, images

SLOWEST = 5.0  # seconds of processor time a file
MAX_PIXELS = 1_000_000
MEMORY = 256 << 20  # bytes that reading so many pixels may take on top of what the process held before
_INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """Between one and eight changes: bytes, bits, numbers, lost, doubled, moved and foreign ranges, an end that is missing."""
    broken = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        size = len(broken)
        if size < 16:
            break
        # Headers are small and matter most, so half of the changes are near the start.
        at = int(rng.integers(0, min(size, 1024) if rng.random() < 0.5 else size))
        length = min(int(2 ** rng.uniform(0, 12)), size - at)
        match rng.integers(0, 9):
            case 0 | 1:
                broken[at] = rng.integers(0, 256)
            case 2:
                broken[at] ^= 1 << int(rng.integers(0, 8))
            case 3:
                width = int(rng.choice([1, 2, 4]))
                number = int(rng.choice(_INTERESTING)) % 256**width
                broken[at : at + width] = number.to_bytes(width, "little" if rng.random() < 0.5 else "big")
            case 4:
                del broken[at : at + length]
            case 5:
                broken[at:at] = broken[at : at + length]
            case 6:
                broken[at : at + length] = rng.bytes(length)
            case 7:
                broken[at : at + length] = bytes(length)
            case 8:
                del broken[at:]
    return bytes(broken)


def corruption(form: str, data: bytes) -> str:
    """What a decoder, called directly, reports of corrupt pixels; empty where it reports nothing."""
    with tempfile.TemporaryFile() as messages, _standard_error_to(messages.fileno()):
        try:
            if form.startswith("jpeg"):
                simplejpeg.decode_jpeg(data, strict=True)
            else:
                with Image.open(io.BytesIO(data)) as image:
                    image.load()
        except UnidentifiedImageError:  # a header that noref reads and Pillow does not
            pass
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        messages.seek(0)
        return messages.read().decode(errors="replace").strip()  # libtiff writes there


@contextlib.contextmanager
def _standard_error_to(target: int) -> Iterator[None]:
    """Send what C libraries write to standard error to another file descriptor."""
    sys.stderr.flush()
    original = os.dup(2)
    os.dup2(target, 2)
    try:
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)


@dataclasses.dataclass
class Outcome:
    """What became of a case: the kind of result, and what was wrong with it, if anything."""

    kind: str
    wrong: str = ""


def attempt(form: str, data: bytes) -> Outcome:
    """Read one mutated file."""
    start, held = time.process_time(), _peak()
    try:
        photo = images.read(data, max_pixels=MAX_PIXELS)
    except errors.ImageError as error:
        outcome = Outcome(type(error).__name__)
        if not (error.cause and error.cure):
            outcome.wrong = f"no cause or no cure: {error}"
    except Exception:
        outcome = Outcome("untyped error", traceback.format_exc())
    else:
        outcome = Outcome("read with a warning" if photo.warnings else "read")
        if photo.pixels.dtype != np.uint8 or photo.pixels.ndim != 3 or photo.pixels.shape[2] != 3:
            outcome.wrong = f"pixels are {photo.pixels.dtype} of shape {photo.pixels.shape}"
        elif not (photo.warnings or _as_sound(form, photo)) and (reported := corruption(form, data)):
            outcome.wrong = f"read without a warning, but the decoder reports {reported}"
    if (seconds := time.process_time() - start) > SLOWEST:
        outcome.wrong = f"took {seconds:.1f} s of processor time"
    if _peak() - held > MEMORY:
        outcome.wrong = f"took {(_peak() - held) >> 20} MiB"
    return outcome


def _as_sound(form: str, photo: images.Photo) -> bool:
    """Whether the changes left the pixels as they were."""
    return np.array_equal(photo.pixels, images.read(SEEDS[form]()).pixels)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def case(number: int, forms: list[str]) -> tuple[str, bytes]:
    """Format and mutated file of a case."""
    rng = np.random.default_rng(number)
    form = forms[number % len(forms)]
    return form, mutate(SEEDS[form](), rng)


def _work(forms: list[str], numbers: range, results: "multiprocessing.connection.Connection") -> None:
    warnings.simplefilter("ignore")  # Pillow's, of metadata
    for number in numbers:
        form, data = case(number, forms)
        results.send((number, form, None))
        results.send((number, form, attempt(form, data)))
    results.close()


def run(forms: list[str], seed: int, count: int) -> Iterator[tuple[int, str, Outcome]]:
    """Outcomes of cases `seed` to `seed + count - 1`; a worker that dies or hangs ends one case and is replaced."""
    context = multiprocessing.get_context("spawn")
    number, end = seed, seed + count
    while number < end:
        receiving, sending = context.Pipe(duplex=False)
        worker = context.Process(target=_work, args=(forms, range(number, end), sending), daemon=True)
        worker.start()
        sending.close()
        form, pending = "", False
        try:
            while receiving.poll(60):
                number, form, outcome = receiving.recv()
                pending = outcome is None
                if outcome is not None:
                    yield number, form, outcome
            wrong = "the worker hung"
        except EOFError:
            worker.join()
            wrong = f"the worker died (exit code {worker.exitcode})"
        worker.kill()
        if pending or not form:
            yield number, form, Outcome("crash or hang", wrong)
        number += 1


@click.command(context_settings={"show_default": True})
@click.option("--count", default=20_000, help="Cases.")
@click.option("--seed", default=0, help="The first case's number.")
@click.option("--only", default="", show_default="all", help="Formats whose names begin with this.")
@click.option("--save", type=click.Path(path_type=Path), help="Write the first case's file here and read nothing.")
def main(count: int, seed: int, only: str, save: Path | None) -> None:
    """Run the cases and report; exit code 1 where anything was wrong."""
    forms = [form for form in SEEDS if form.startswith(only)]
    if save is not None:
        save.write_bytes(case(seed, forms)[1])
        return
    kinds: dict[str, Counter[str]] = {form: Counter() for form in forms}
    failures = 0
    for number, form, outcome in run(forms, seed, count):
        kinds.setdefault(form, Counter())[outcome.kind] += 1
        if outcome.wrong:
            failures += 1
            print(f"case {number}, {form}, {outcome.kind}: {outcome.wrong}", flush=True)
    for form, counts in kinds.items():
        print(f"{form:<24}", ", ".join(f"{kind} {n}" for kind, n in counts.most_common()))
    print(f"{count} cases, {failures} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
