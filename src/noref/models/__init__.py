"""The models that ship: each an .onnx file with its card, a .json of the same name."""
