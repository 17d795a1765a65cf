"""From a client's request to its answer: the pipeline and its steps. `pipeline.py` is the place to begin."""
