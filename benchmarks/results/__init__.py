"""The measured numbers: result files in ``results/``, and the documents that are written from them."""
