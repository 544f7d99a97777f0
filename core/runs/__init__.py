"""What a run leaves behind: its folder, its history, its curves."""

from core.runs.folder import RunFolder, run_folder

__all__ = ["RunFolder", "run_folder"]
