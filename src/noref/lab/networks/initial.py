"""Initial weights of networks that are trained without pretrained ones."""

import torch
from torch import nn


@torch.no_grad()
def initialise(layers: nn.Module, gain: float = 1) -> None:
    """He's initialisation, without biases; with that of torch, deep networks hardly learn in the first epochs.

    Args:
        layers: The layers, each followed by a rectified linear unit.
        gain: Factor on the weights of the first layer: the reciprocal of the standard deviation of its input.
    """
    for layer in layers.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    next(layers.parameters()).mul_(gain)
