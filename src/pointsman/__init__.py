"""pointsman: one local endpoint for every LLM tool you use and every model you may use."""
