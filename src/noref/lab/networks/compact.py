"""A trained network made smaller for export: batch norms folded into convolutions, weights rounded to half precision.

It is applied before the final fit and before validation, so the validated network is the exported one. `noref.lab.export`
stores lossless float16 values as such.
"""

import itertools

import torch
from torch import nn

LEAST = 4096  # smallest number of values of a tensor to round


@torch.no_grad()
def compact(network: nn.Module) -> None:
    """Fold batch norms, then round large matrices and kernels to half precision; in place.

    The layers are kept, so that the weights can be loaded into a newly built network; a folded norm only adds its shift.
    """
    for parent in network.modules():
        for layer, norm in itertools.pairwise(parent.children()):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d) and layer.bias is None:
                _fold(layer, norm)
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.numel() >= LEAST and tensor.ndim > 1:
            tensor.copy_(tensor.half())


def _fold(layer: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    layer.weight.mul_(factor[:, None, None, None])
    norm.bias.sub_(norm.running_mean * factor)
    norm.weight.fill_(1)
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
