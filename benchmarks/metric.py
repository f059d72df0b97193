"""Time of the forward and backward pass of `QualityMetric`, as a multiple of those of its bare backbone.

    python benchmarks/metric.py

Needs the extra `lab`. The yardstick is timm's network of the same architecture, without its classifier, on the same device and
at the same working size. Its weights are random, and frozen as those of the metric are.
"""

import os
from collections.abc import Callable

import click
import timm
import torch
from runtime import times_as_long
from torch import Tensor

from noref.lab.torch import QualityMetric

BACKBONE = "tf_efficientnet_lite2"  # of the default model
LIMIT = 1.3


def gradient(work: Callable[[Tensor], Tensor], photos: Tensor) -> Callable[[], object]:
    """Forward and backward pass."""

    def once() -> Tensor:
        found = torch.autograd.grad(work(photos).sum(), photos)[0]
        if photos.is_cuda:
            torch.cuda.synchronize()
        return found

    return once


@click.command(context_settings={"show_default": True})
@click.option("--side", default=512)
@click.option("--batch", default=1)
@click.option("--repeats", default=15)
@click.option("--threads", default=0)
@click.option("--device", default="cpu")
def main(side: int, batch: int, repeats: int, threads: int, device: str) -> None:
    """Print the time and its multiple, for scores and for all outputs."""
    if threads:
        torch.set_num_threads(threads)
    metric = QualityMetric().to(device)
    backbone = timm.create_model(BACKBONE, pretrained=False).eval().requires_grad_(False).to(device)
    photos = torch.rand(batch, 3, side, side, device=device, requires_grad=True)
    _, size = metric.network.sizes(side, side, False)[0][:2]
    if size != side:
        raise click.BadParameter(f"the working size of {side} x {side} pixels is another one; give 512")
    bare = gradient(lambda pixels: backbone.forward_features(2 * pixels - 1), photos)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, load average {os.getloadavg()[0]:.1f}, {device}")
    works = {"scores": metric, "all outputs": lambda pixels: sum(each.sum() for each in metric.outputs(pixels).values())}
    for name, work in works.items():
        taken, ratio = times_as_long(gradient(work, photos), bare, repeats)
        limit = f" (limit {LIMIT} x)" if name == "scores" else ""
        print(f"{name} of {batch} x {side} x {side}: {taken:.3f} s = {ratio:.2f} x the bare backbone{limit}")


if __name__ == "__main__":
    main()
