"""One int8 ONNX graph, its digests and its card. It trains nothing."""
