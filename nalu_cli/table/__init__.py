"""Stage 1: a file becomes a table of float64 columns, each cell diagnosed."""

from nalu_cli.table.chunks import Chunk, Numbers, read_chunks
from nalu_cli.table.names import match_name
from nalu_cli.table.options import ReadOptions
from nalu_cli.table.reading import column_names, read_table
from nalu_cli.table.table import Table

__all__ = [
    "Chunk",
    "Numbers",
    "ReadOptions",
    "Table",
    "column_names",
    "match_name",
    "read_chunks",
    "read_table",
]
