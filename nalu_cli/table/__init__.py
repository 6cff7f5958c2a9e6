"""A file becomes a table of float64 columns, each cell diagnosed."""

from nalu_cli.table.arrays import table_of_arrays
from nalu_cli.table.chunks import Chunk, read_chunks
from nalu_cli.table.long import LongTable, opened_table
from nalu_cli.table.names import match_name
from nalu_cli.table.numeric import Column
from nalu_cli.table.options import ReadOptions
from nalu_cli.table.precision import DOUBLES, WHOLE, Kind, Precision
from nalu_cli.table.reading import column_names, read_table
from nalu_cli.table.table import Table

__all__ = [
    "DOUBLES",
    "WHOLE",
    "Chunk",
    "Column",
    "Kind",
    "LongTable",
    "Precision",
    "ReadOptions",
    "Table",
    "column_names",
    "match_name",
    "opened_table",
    "read_chunks",
    "read_table",
    "table_of_arrays",
]
