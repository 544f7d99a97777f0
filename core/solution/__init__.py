"""What a run's checkpoints know, sampled, drawn and written to files: `export_to_vtk` writes values at any points."""

from core.solution.scattered import export_to_vtk

__all__ = ["export_to_vtk"]
