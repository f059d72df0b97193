"""A network that has learned, made small for export: norms folded into the convolutions before them, weights in half precision.

Done before the last fit and before validation, it costs nothing that was not measured: what is validated is what runs.
`noref.lab.export` stores as float16 whatever loses nothing by it.
"""

import itertools

import torch
from torch import nn

LEAST = 4096  # values of a tensor that is worth it


@torch.no_grad()
def compact(network: nn.Module) -> None:
    """Fold batch norms, then round large matrices and kernels to what half precision can hold; both in place.

    The layers stay, so that weights load into a network built anew; a folded norm only adds its shift.
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
