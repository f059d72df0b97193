"""Speed of BRISQUE, NIQE, PIQE and IL-NIQE beside pyiqa, and their memory at 100 megapixels.

    pip install --no-deps --target peers pyiqa==0.1.16 opencv-python-headless requests urllib3 idna certifi charset-normalizer
    PYTHONPATH=peers python benchmarks/classics.py PHOTO --brisque allmodel --niqe modelparameters.mat --ilniqe model.mat

PHOTO is resized to 512 x 512 and to 12 megapixels. One thread each; the best of several runs in turn. Both sides begin with
pixels in memory and, where a file is given, use the parameters of the authors. Memory is the peak of a process of its own, less
that of the same process at 512 x 512.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch
from peers import Peer
from PIL import Image

from noref import images
from noref.lab import methods
from noref.lab.tables import as_markdown

NAMES = ("brisque", "niqe", "piqe", "ilniqe")
SIZES = {"512 x 512": (512, 512), "4000 x 3000": (4000, 3000)}
HUGE = (10_000, 10_000)
FILE = "The authors' file; left out, ours and pyiqa's copies are used."


@click.command(context_settings={"show_default": True})
@click.argument("photo", type=click.Path(path_type=Path), help="An image file.")
@click.option("--brisque", type=click.Path(path_type=Path), help=FILE)
@click.option("--niqe", type=click.Path(path_type=Path), help=FILE)
@click.option("--ilniqe", type=click.Path(path_type=Path), help=FILE)
@click.option("--repeats", type=click.IntRange(min=1), default=5, help="Runs of each.")
@click.option("--only", multiple=True, help="Methods; all by default.")
@click.option("--memory/--no-memory", default=True, help="Measure memory at 100 megapixels.")
def main(
    photo: Path, brisque: Path | None, niqe: Path | None, ilniqe: Path | None, repeats: int, only: tuple[str, ...], memory: bool
) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    source = Image.fromarray(images.read(photo).pixels)
    files = {"brisque": brisque, "niqe": niqe, "ilniqe": ilniqe}
    rows = []
    for name in only or NAMES:
        file = files.get(name)
        method = methods.get(name).configured({"parameters": str(file)} if file else {})
        peer = Peer(name, file)
        if why := peer.missing():
            click.echo(f"{name} is left out: {why}", err=True)
            continue
        for label, size in SIZES.items():
            pixels = np.array(source.resize(size, Image.Resampling.BICUBIC))
            ours, theirs = best([partial(method.raw, [pixels]), partial(pyiqa, peer, pixels)], repeats)
            rows.append({"method": name, "size": label, "ours, s": ours, "pyiqa, s": theirs, "ratio": ours / theirs})
    click.echo(as_markdown(pd.DataFrame(rows)))
    if memory:
        for name in only or NAMES:
            small, large = (peak_of(name, photo, size) for size in (SIZES["512 x 512"], HUGE))
            pixels = HUGE[0] * HUGE[1] * 3 / 2**20
            click.echo(f"{name} at 100 megapixels: {large - small:.0f} MiB above 512 x 512, {pixels:.0f} of them the pixels")


def pyiqa(peer: Peer, pixels: np.ndarray) -> float:
    """The value of pyiqa, in its default precision."""
    with torch.inference_mode():
        return float(peer._distortion(torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255))


def best(functions: list[Callable[[], object]], repeats: int) -> list[float]:
    """The shortest time of each function in seconds, called in turn after one call that does not count."""
    times: list[list[float]] = [[] for _ in functions]
    for run in range(repeats + 1):
        for function, taken in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            if run:
                taken.append(time.perf_counter() - start)
    return [min(taken) for taken in times]


def peak_of(name: str, photo: Path, size: tuple[int, int]) -> float:
    """Peak memory of a process that computes one value, in MiB."""
    command = [sys.executable, __file__, "--peak", name, str(photo), *map(str, size)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def peak(name: str, photo: str, width: str, height: str) -> None:
    """Print the peak memory of this process after one value, in MiB."""
    tile = np.array(Image.open(photo).convert("RGB").resize((500, 500)))
    pixels = np.tile(tile, (-(-int(height) // 500), -(-int(width) // 500), 1))[: int(height), : int(width)]
    methods.get(name)().raw([pixels])
    status = Path("/proc/self/status").read_text()  # getrusage would inherit the peak of the parent
    click.echo(int(status.partition("VmHWM:")[2].split()[0]) / 2**10)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        peak(*sys.argv[2:])
    else:
        main()
