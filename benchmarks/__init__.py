"""Figures, measured on this machine: ``python -m benchmarks.<name>``."""
