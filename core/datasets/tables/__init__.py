"""What is in a dataset's file: columns of numbers, read by well-kept libraries and without trusting the file."""

from core.datasets.tables.formats import FORMATS, instead, read_file, read_table
from core.datasets.tables.table import Table

__all__ = ["FORMATS", "Table", "instead", "read_file", "read_table"]
