"""Isthmus: a self-hosted Connections service. Connect once, call by link name."""

__version__ = "0.1.0"
