"""Mixed precision where it is fast."""

import torch


def fast_precision(precision: str) -> str:
    """The same precision, or single precision where the same would be slower.

    bfloat16 has no fast kernels on x86 processors without AVX-512. There, a training step of EfficientNet-Lite2 takes ten times
    as long as in single precision.

    Args:
        precision: Lightning's name, such as "bf16-mixed".

    Returns:
        "32-true" instead of "bf16-mixed" if there is no accelerator and the processor computes slowly in bfloat16.

    Examples:
        >>> fast_precision("32-true")
        '32-true'
    """
    if precision != "bf16-mixed" or torch.accelerator.is_available() or _processor_has_bfloat16():
        return precision
    return "32-true"


def _processor_has_bfloat16() -> bool:
    mkldnn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return bool(mkldnn and torch.ops.mkldnn._is_mkldnn_bf16_supported())
