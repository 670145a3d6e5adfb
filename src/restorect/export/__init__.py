"""Networks for other runtimes: two ONNX graphs, checked against torch."""
