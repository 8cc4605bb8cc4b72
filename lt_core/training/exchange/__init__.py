"""A trained model in and out: safetensors, TorchScript, pt2, ONNX; weights from elsewhere become a run."""
