"""The models that ship: each an .onnx with its card, a .json of the same name."""
