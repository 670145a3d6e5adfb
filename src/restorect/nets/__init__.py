"""Networks: normalisation, attention, blocks, transformer, prior encoders, teacher and student."""
