"""Multi-stage, high-precision physics-informed networks: training, tracking, jobs and export, without a browser."""

__version__ = "0.1.0"
