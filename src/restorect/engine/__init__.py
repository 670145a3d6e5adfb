"""The second engine: restorations by onnxruntime, which starts in a fraction of the time that importing torch takes."""
