"""The HTTP seam: how requests leave, and the model inside pointsman."""
