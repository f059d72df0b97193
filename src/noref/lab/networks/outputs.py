"""The interface of trained networks: one mapping of named outputs for prediction, maps and export."""

from torch import Tensor, nn


class OutputNetwork(nn.Module):
    """A network with named outputs; `forward`, which training uses, may return something else."""

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """Predictions for N images of one size, uint8 N x H x W x 3.

        Returns:
            Any of `score` (N) and `map` (N x h x w), of the MOS scaled to [0, 1]; `interval` (N x 2, low and high end on the
            same scale); `defects` (N x K, probabilities) and `levels` (N x K, 0 to 5); `unusual` (N, the distance from the
            training photos in feature space over a threshold; above 1, a photo is unlike them).
        """
        raise NotImplementedError
