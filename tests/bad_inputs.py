"""The 85 kinds of bad input as one table: the files, the command, and what nalu must answer.

Every case begins with its kind, a number from 1 to 85. Where a formula is expected, each number
of the file must have been read right: a cell that is off, or a column that is shifted, would
give another formula or none.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FIT = "fit bad.csv -t y"
PREDICT = "predict model.pt bad.csv"

A = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]
B = [3, 7, 2, 9, 4, 8, 1, 6, 5, 11, 3.5, 7.25, 2.125, 14, 19, 23, 0.5, 10, 12, 13]
ROWS = [[repr(a), repr(b), repr(a * b)] for a, b in zip(A, B, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One bad input and the answer to it.

    Parameters
    ----------
    kind : int
        Which of the 85.
    what : str
        In words.
    file : bytes or None
        What `bad.csv` holds; None where there is no such file.
    command : str
        As typed after `nalu`; `model.pt` is a model of y = a*b.
    code : int
        Exit code.
    says : tuple of str
        Parts of the one sentence on standard error, where the exit code is not 0.
    warns : tuple of str
        Parts of the notes on standard error, which stand in the JSON too.
    formula : str
        What is found, and exact; without one nothing may be called exact.
    prints : tuple of str
        Lines on standard output.
    folder : callable or None
        Prepares the folder.
    """

    kind: int
    what: str
    file: bytes | None = None
    command: str = FIT
    code: int = 0
    says: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    formula: str = ""
    prints: tuple[str, ...] = ()
    folder: Callable[[Path], None] | None = None


def table(
    rows: Sequence[Sequence[str]] = ROWS, sep: str = ",", head: str = "a,b,y", end: str = "\n"
) -> bytes:
    """Rows of y = a*b, 20 unless others are given."""
    lines = [head.replace(",", sep), *(sep.join(row) for row in rows)]
    return "".join(line + end for line in lines).encode()


def cell(line: int, name: str, text: str) -> bytes:
    """The table with another text in one cell; the header is line 1."""
    rows = [list(row) for row in ROWS]
    rows[line - 2]["aby".index(name)] = text
    return table(rows)


def each(name: str, form: Callable[[str], str], **options: str) -> bytes:
    """The table with all cells of a column written in another way."""
    k = "aby".index(name)
    return table([[form(t) if j == k else t for j, t in enumerate(row)] for row in ROWS], **options)


def comma(sep: str) -> bytes:
    """The table with decimal commas."""
    return table([[text.replace(".", ",") for text in row] for row in ROWS], sep)


def added(*lines: str) -> bytes:
    """The table with more lines at its end."""
    return table() + "".join(line + "\n" for line in lines).encode()


def above(*lines: str) -> bytes:
    """The table with more lines above it."""
    return "".join(line + "\n" for line in lines).encode() + table()


def beside(name: str, cells: Callable[[int], str]) -> bytes:
    """The table with one more column in front."""
    return table([[cells(k), *row] for k, row in enumerate(ROWS)], head=f"{name},a,b,y")


def zipped(**files: bytes) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def large(a: str, b: str, y: str) -> bytes:
    """The table with one more row."""
    return added(f"{a},{b},{y}")


def files(content: Mapping[str, bytes]) -> Callable[[Path], None]:
    """Puts files into the folder."""

    def make(folder: Path) -> None:
        for name, data in content.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)

    return make


def locked(folder: Path) -> None:
    """Takes away the right to read."""
    (folder / "bad.csv").chmod(0)


GOOD = table()
SKIP = "--skip-bad-rows"

FILES = (
    Case(kind=1, what="file missing", command="fit flaw.csv -t y", code=2,
         folder=files({"flow.csv": GOOD}),
         says=("there is no file 'flaw.csv'", "Did you mean 'flow.csv'?")),
    Case(kind=1, what="folder missing", command="fit no/flow.csv -t y", code=2,
         says=("there is no file 'no/flow.csv'", "There is no folder 'no' either")),
    Case(kind=1, what="an address", command="fit https://example.org/a.csv -t y", code=2,
         says=("is an address on the web", "curl")),
    Case(kind=2, what="a folder", command="fit data -t y", code=2,
         folder=files({"data/one.csv": GOOD, "data/two.tsv": GOOD}),
         says=("'data' is a folder", "'one.csv', 'two.tsv'")),
    Case(kind=3, what="no permission", file=GOOD, code=3, folder=locked,
         says=("may not be read (mode ----------)", "chmod u+r bad.csv")),
    Case(kind=4, what="0 bytes", file=b"", code=3, says=("bad.csv is empty",)),
    Case(kind=4, what="blank lines alone", file=b"\n \n\n", code=3, says=("bad.csv is empty",)),
    Case(kind=5, what="header only", file=b"a,b,y\n", code=3,
         says=("has a header and no rows", "at least two rows")),
    Case(kind=5, what="header and units only", file=b"a,b,y\nm,s,kg\n", code=3,
         says=("bad.csv has 1 row of data",)),
    Case(kind=6, what="one row", file=table(ROWS[:1]), code=3,
         says=("has 1 row of data", "at least two are needed: any formula fits one row")),
    Case(kind=7, what="three rows", file=table(ROWS[:3]), command=f"{FIT} --time 0.5",
         warns=("the rows are too few to tell a law from chance",)),
    Case(kind=8, what="byte order mark", file=codecs.BOM_UTF8 + GOOD, formula="a*b"),
    Case(kind=8, what="two byte order marks", file=codecs.BOM_UTF8 * 2 + GOOD, formula="a*b"),
    Case(kind=9, what="UTF-16", file=GOOD.decode().encode("utf-16"), formula="a*b",
         warns=("read as UTF-16",)),
    Case(kind=9, what="UTF-32", file=GOOD.decode().encode("utf-32"), formula="a*b",
         warns=("read as UTF-32",)),
    Case(kind=9, what="UTF-16 without a mark", file=GOOD.decode().encode("utf-16-be"), code=3,
         says=("has a NUL byte at byte 1", "--encoding utf-16-be")),
    Case(kind=9, what="UTF-16 without a mark, told", file=GOOD.decode().encode("utf-16-be"),
         command=f"{FIT} --encoding utf-16-be", formula="a*b"),
    Case(kind=10, what="latin-1", file=table(head="Größe,b,y").decode().encode("latin-1"),
         formula="Größe*b", warns=("not UTF-8: read as Windows-1252 (--encoding names another)",)),
    Case(kind=10, what="Greek, told", file=table(head="α,b,y").decode().encode("iso8859-7"),
         command=f"{FIT} --encoding iso8859-7", formula="α*b"),
    Case(kind=10, what="no such encoding", file=GOOD, command=f"{FIT} --encoding utf-99", code=2,
         says=("--encoding is 'utf-99'", "such as utf-8")),
    Case(kind=10, what="not the encoding it is said to be", file=cell(4, "a", "é"), code=3,
         command=f"{FIT} --encoding ascii", says=("bad.csv is not ascii text", "(byte ")),
    Case(kind=11, what="a NUL byte", file=cell(4, "a", "\0"), code=3,
         says=("has a NUL byte at byte 20",)),
    Case(kind=12, what="a picture", file=b"\x89PNG\r\n\x1a\n" + bytes(99), code=3,
         says=("bad.csv is a PNG picture, not a table of text",)),
    Case(kind=12, what="Excel by another name", code=3,
         file=zipped(**{"[Content_Types].xml": b"", "xl/workbook.xml": b""}),
         says=("is a spreadsheet or an Office file", ".xlsx")),
    Case(kind=12, what="an archive of many files", code=3,
         file=zipped(**{"a.csv": GOOD, "b.csv": GOOD}),
         says=("is a zip archive of 2 files; it must hold one",)),
    Case(kind=12, what="an old Excel file", file=b"\xd0\xcf\x11\xe0" + bytes(99), code=3,
         says=("an old Excel or Office file", "Save the sheet as CSV")),
    Case(kind=12, what="a database", file=b"SQLite format 3\0" + bytes(99), code=3,
         says=("an SQLite database", "Export the table as CSV")),
    Case(kind=13, what="a web page", file=b"<!DOCTYPE html><title>401</title>", code=3,
         says=("bad.csv looks like a web page",)),
    Case(kind=14, what="JSON", file=b'[{"a": 1, "b": 2}]', code=3, says=("looks like JSON",)),
    Case(kind=14, what="JSON lines", file=b'{"a": 1}\n{"a": 2}\n', code=3,
         says=("looks like JSON", "Convert it")),
    Case(kind=15, what="gzip without its ending", file=gzip.compress(GOOD), formula="a*b"),
    Case(kind=15, what="bzip2 without its ending", file=bz2.compress(GOOD), formula="a*b"),
    Case(kind=15, what="xz without its ending", file=lzma.compress(GOOD), formula="a*b"),
    Case(kind=15, what="zip without its ending", file=zipped(**{"a.csv": GOOD}), formula="a*b"),
    Case(kind=15, what="gzip, cut short", file=gzip.compress(GOOD)[:-9], code=3,
         says=("is packed and damaged",)),
    Case(kind=15, what="bzip2, one byte changed", code=3,
         file=bz2.compress(GOOD)[:60] + b"?" + bz2.compress(GOOD)[61:],
         says=("is packed and damaged",)),
    Case(kind=15, what="zip, one byte changed", code=3,
         file=zipped(**{"a.csv": GOOD}).replace(b"21,3,6", b"22,3,6").replace(b"9,6,54", b"9,6,55"),
         says=("is packed and damaged", "CRC")),
    Case(kind=16, what="a bomb", file=gzip.compress(b"a,b,y\n" + b"1,2,3\n" * (12 << 20), 1),
         code=3, says=("grows from", "unpack it yourself")),
    Case(kind=19, what="standard input is empty", command="fit - -t y", code=3,
         says=("standard input is empty",)),
    Case(kind=20, what="a cell of 2 MB", file=cell(4, "a", "1" * (2 << 20)), code=3,
         says=("bad.csv, row 4 is longer than",)),
    Case(kind=20, what="a quoted cell of 200 kB", file=cell(4, "a", f'"{"1" * 200_000}"'), code=3,
         says=("bad.csv, row 4 has a cell of more than 131072 characters",)),
    Case(kind=20, what="no line ends at all", file=b"1," * (1 << 20), code=3,
         says=("bad.csv, row 1 is longer than",)),
)  # fmt: skip

SHAPES = (
    Case(kind=21, what="semicolons", file=table(sep=";"), formula="a*b",
         warns=("columns are separated by semicolons",)),
    Case(kind=21, what="semicolons announced to Excel", file=b"sep=;\n" + table(sep=";"),
         formula="a*b"),
    Case(kind=22, what="tabs", file=table(sep="\t"), formula="a*b", warns=("by tabs",)),
    Case(kind=22, what="vertical bars", file=table(sep="|"), formula="a*b",
         warns=("by vertical bars",)),
    Case(kind=22, what="colons", file=table(sep=":"), code=3,
         says=("seems to be separated by ':'", "Pass --sep ':'")),
    Case(kind=22, what="spaces", file=table(sep="  "), code=3,
         says=("seems to be separated by spaces", "--sep ' '")),
    Case(kind=22, what="a delimiter of two characters", file=GOOD, command=f"{FIT} --sep ::",
         code=2, says=("--sep is '::'; it must be one character",)),
    Case(kind=23, what="semicolons and decimal commas", file=comma(";"), formula="a*b",
         warns=("by semicolons", "decimal comma: '3,5' read as 3.5")),
    Case(kind=23, what="tabs and decimal commas", file=comma("\t"), formula="a*b",
         warns=("decimal comma: '3,5' read as 3.5",)),
    Case(kind=23, what="commas for both", file=comma(","), code=3,
         says=("bad.csv, row 12 has 5 fields; the header has 3",)),
    Case(kind=23, what="a decimal comma among points", file=cell(4, "b", '"2,5"'), code=3,
         says=("row 4, column 'b': '2,5' has a decimal comma", "--decimal ,")),
    Case(kind=23, what="decimal or thousands", code=3,
         file=each("a", lambda a: f"{a},000", sep=";").replace(b".", b""),
         says=("row 2: '2,000' may be 2.000 or 2000", "--decimal ,", "--thousands ,")),
    Case(kind=24, what="thousands separators", file=cell(4, "a", '"1,000"'), code=3,
         says=("row 4, column 'a': '1,000' has a thousands separator", "--thousands ,")),
    Case(kind=24, what="thousands separators, told", file=large('"1,000"', "3", '"3,000.0"'),
         command=f"{FIT} --thousands ,", formula="a*b",
         warns=("column 'a': 1 cell has thousands separators, such as '1,000' read as 1000",)),
    Case(kind=24, what="groups of two", file=cell(4, "a", '"12,34"'), code=3,
         command=f"{FIT} --thousands ,", says=("row 4, column 'a': '12,34'",)),
    Case(kind=24, what="groups of one", file=cell(4, "a", '"1,2,3"'), code=3,
         command=f"{FIT} --thousands ,", says=("row 4, column 'a': '1,2,3' is not a number",)),
    Case(kind=24, what="thousands points beside decimal commas",
         file=comma(";") + b"1.000;2,5;2.500,0\n", code=3,
         says=("row 22, column 'a': '1.000' has a thousands separator", "--thousands .")),
    Case(kind=24, what="thousands points beside decimal commas, told",
         file=comma(";") + b"1.000;2,5;2.500,0\n", command=f"{FIT} --thousands .", formula="a*b"),
    Case(kind=24, what="one mark for two things", file=GOOD, code=2,
         command=f"{FIT} --thousands , --decimal ,", says=("--thousands and --decimal are both",)),
    Case(kind=25, what="thousands spaces", file=cell(4, "a", "1 000"), code=3,
         says=("'1 000' has a thousands separator", "--thousands space")),
    Case(kind=25, what="thousands spaces of all widths, told",
         file=added("1 000,3,3000", "2\u00a0000,3,6\u202f000", "3\u2009000,2,6000"),
         command=f"{FIT} --thousands space", formula="a*b"),
    Case(kind=25, what="thousands apostrophes, told", file=added("1'000,3,3'000", "2’000,3,6000"),
         command=f"{FIT} --thousands apostrophe", formula="a*b"),
    Case(kind=26, what="a comma at the end of every row", formula="a*b",
         file=table([[*row, ""] for row in ROWS]), warns=("an empty last column was dropped",)),
    Case(kind=26, what="a last column without a name, late not empty", code=3,
         file=table([[*row, ""] for row in ROWS * 6] + [["1", "2", "3", "4"]]),
         says=("bad.csv, row 122 has 4 fields; the header has 3",)),
    Case(kind=27, what="one field more in the first row", code=3,
         file=b"a,b,y\n1,2,3,4\n" + GOOD.partition(b"\n")[2],
         says=("bad.csv, row 2 has 4 fields; the header has 3",)),
    Case(kind=27, what="row labels that the header does not count", code=3,
         file=table([[f"r{k}", *row] for k, row in enumerate(ROWS)]),
         says=("bad.csv, row 2 has 4 fields; the header has 3",)),
    Case(kind=28, what="one field more in a later row", file=added("1,2,3,4"), code=3,
         says=("bad.csv, row 22 has 4 fields; the header has 3", SKIP)),
    Case(kind=28, what="one field more, passed over", file=added("1,2,3,4"),
         command=f"{FIT} {SKIP}", formula="a*b", warns=("1 row has more or fewer fields",)),
    Case(kind=29, what="fields missing at the end of a row", file=added("1,2"), code=3,
         says=("bad.csv, row 22 has 2 fields; the header has 3", SKIP)),
    Case(kind=30, what="blank lines", file=GOOD.replace(b"\n", b"\n\n") + b"  \n", formula="a*b"),
    Case(kind=30, what="rows of commas, as Excel leaves them", file=added(*[",,"] * 30),
         formula="a*b"),
    Case(kind=31, what="comment lines", file=above("# by hand", "#", "# in SI units"),
         formula="a*b", warns=("3 comment lines at the top skipped",)),
    Case(kind=31, what="names in a comment", formula="a*b",
         file=b"# a,b,y\n" + GOOD.partition(b"\n")[2]),
    Case(kind=32, what="a title", file=above("Report of May", ""), code=3,
         says=("begins with 'Report of May'; its header seems to be row 3", "--skip-lines 2")),
    Case(kind=32, what="a title, skipped", file=above("Report of May", ""),
         command=f"{FIT} --skip-lines 2", formula="a*b"),
    Case(kind=32, what="a title with commas", file=above("Report,May,", ",,"), code=3,
         says=("its header seems to be row 3", "--skip-lines 2")),
    Case(kind=32, what="two header rows", file=above("size,,mass"), code=3,
         says=("begins with 'size'; its header seems to be row 2", "--skip-lines 1")),
    Case(kind=32, what="more lines skipped than there are", file=GOOD, code=3,
         command=f"{FIT} --skip-lines 99", says=("bad.csv is empty below line 99",)),
    Case(kind=33, what="a row of units", file=GOOD.replace(b"\n", b"\nm,s,kg\n", 1),
         formula="a*b", warns=("row 2 (m, s, kg) was taken for units and skipped",)),
    Case(kind=33, what="units with a 1", file=GOOD.replace(b"\n", b"\nm,1,kg\n", 1), code=3,
         says=("row 2, column 'a': 'm' is not a number", "--units-row")),
    Case(kind=33, what="units with a 1, told", file=GOOD.replace(b"\n", b"\nm,1,kg\n", 1),
         command=f"{FIT} --units-row", formula="a*b", warns=("row 2 (m, 1, kg) was taken for",)),
    Case(kind=33, what="two rows of words", code=3,
         file=GOOD.replace(b"\n", b"\nm,s,kg\nlong,short,heavy\n", 1),
         says=("row 2, column 'a': 'm' is not a number",)),
    Case(kind=34, what="a header again", file=GOOD + GOOD, code=3,
         says=("row 22 repeats the header in column 'a'", SKIP)),
    Case(kind=34, what="a header again, passed over", file=GOOD + GOOD, command=f"{FIT} {SKIP}",
         formula="a*b", warns=("1 row with cells that are no numbers dropped",)),
    Case(kind=35, what="a row of totals", code=3,
         file=beside("id", "s{}".format) + b"Total,230,160.375,1779.75\n",
         says=("row 22 seems to sum up the rows above it ('Total')", SKIP)),
    Case(kind=35, what="a row of totals, passed over",
         file=beside("id", "s{}".format) + b"Grand total:,230,160.375,1779.75\n",
         command=f"{FIT} {SKIP}", formula="a*b", warns=("row 22 ('Grand total') dropped",)),
    Case(kind=36, what="no header", file=GOOD.partition(b"\n")[2], code=3,
         says=("has no header: row 1 holds numbers", "--no-header")),
    Case(kind=36, what="no header, told", file=GOOD.partition(b"\n")[2],
         command="fit bad.csv -t col3 --no-header", formula="col1*col2"),
    Case(kind=36, what="no header, words among the numbers", code=3,
         file=b"".join(f"{k}.5,{['even', 'odd'][k % 2]},{k * k}\n".encode() for k in range(9)),
         says=("row 1 seems to be data (0.5, even, 0)", "--no-header")),
    Case(kind=37, what="a name twice", file=table([[*r, r[0]] for r in ROWS], head="a,b,y,a"),
         code=3, says=("row 1: columns 1 and 4 are both called 'a'", "--dedupe")),
    Case(kind=37, what="a name twice, numbered",
         file=table([[r[0], r[1], r[2]] for r in ROWS], head="a,a,y"),
         command=f"{FIT} --dedupe", formula="a*a_2",
         warns=("a second column 'a' is called 'a_2'",)),
    Case(kind=38, what="spaces around names", file=table(head=" a , b,y "), formula="a*b"),
    Case(kind=38, what="names that differ in case", file=table(head="a,A,y"), formula="a*A",
         warns=("columns 'a' and 'A' differ in capitals alone",)),
    Case(kind=39, what="a column that counts the rows", file=beside("", str), formula="a*b",
         warns=("column 'col1' is not used: it has no name and only counts the rows",)),
    Case(kind=39, what="a column without a name", file=table(head=",b,y"), formula="col1*b"),
    Case(kind=40, what="a name that would paint the screen", file=table(head="a\x1b[31m\u202e,b,y"),
         prints=("y = `a\\x1b[31m\\u202e`*b",)),
    Case(kind=40, what="a name over two lines", file=table(head='"a\n\tx",b,y'),
         prints=("y = `a\\n\\tx`*b",)),
    Case(kind=40, what="a long name", file=table(head=f"{'n' * 500},b,y"), code=2,
         command="fit bad.csv -t q", says=("bad.csv has no column 'q'; it has nnn", "n…, b, y")),
    Case(kind=41, what="a quote that is never closed", file=cell(4, "a", '"4'), code=3,
         says=("row 4 has a quote that is never closed",)),
    Case(kind=42, what="line ends of old Macs", file=table(end="\r"), formula="a*b"),
    Case(kind=42, what="line ends of Windows", file=table(end="\r\n"), formula="a*b"),
    Case(kind=43, what="two tables of equal width", file=added("", "c,d,z", "1,2,3", "4,5,6"),
         code=3, says=("row 23 seems to be the header of a second table (c, d, z)",)),
    Case(kind=43, what="two tables of equal width, bad rows passed over", code=3,
         file=added("", "c,d,z", "1,2,3", "4,5,6"), command=f"{FIT} {SKIP}",
         says=("row 23 seems to be the header of a second table",)),
    Case(kind=43, what="two tables", file=added("", "c,d", "1,2", "4,5"), code=3,
         says=("row 23 has 2 fields; the header has 3",)),
    Case(kind=43, what="two words where numbers should be", file=added("five,six,30"), code=3,
         says=("row 22, column 'a': 'five' is not a number",)),
    Case(kind=44, what="quoted numbers and spaces", formula="a*b",
         file=table([[f' "{a}"', f" {b} ", y] for a, b, y in ROWS], head='"a", "b", y')),
)  # fmt: skip

CELLS = (
    Case(kind=45, what="text in one cell", file=cell(4, "a", "x"), code=3,
         says=("bad.csv, row 4, column 'a': 'x' is not a number.", SKIP)),
    Case(kind=45, what="text in one cell, passed over", file=cell(4, "a", "x"),
         command=f"{FIT} {SKIP}", formula="a*b", warns=("1 row with cells that are no numbers",)),
    Case(kind=45, what="an error of a spreadsheet", file=cell(4, "a", "#DIV/0!"), code=3,
         says=("row 4, column 'a': '#DIV/0!' is an error of a spreadsheet", SKIP)),
    Case(kind=45, what="a column of text with a few numbers in it", formula="a*b",
         file=beside("code", lambda k: str(k) if k % 5 == 2 else f"A{k}"),
         warns=("column 'code' is not used: it holds text in 16 of 20 rows ('A0' is not a number)",
                )),
    Case(kind=45, what="text in two cells", file=cell(4, "a", "x") + b"y,2,3\n", code=3,
         says=("row 4, column 'a': 'x'", "2 cells of the column", "--ignore 'a'")),
    Case(kind=46, what="spellings of a missing value", formula="a*b",
         file=added("NA,1,1", "null,1,1", "1,n/a,1", "-,?,1"),
         warns=("4 rows with missing cells (3 in 'a', 2 in 'b') dropped",)),
    Case(kind=46, what="a spelling nobody knows", file=added("no reading,1,1"), code=3,
         says=("row 22, column 'a': 'no reading' is not a number",)),
    Case(kind=46, what="two spellings, told", file=added("void,1,1", "1,x,1"), formula="a*b",
         command=f"{FIT} --na void,X", warns=("2 rows with missing cells (1 in 'a', 1 in 'b')",)),
    Case(kind=46, what="a number for a missing value", file=added("-999,1,1"),
         command=f"{FIT} --time 0.5",
         warns=("column 'a' is -999 in 1 row, far from the others", "pass --na -999")),
    Case(kind=46, what="a number for a missing value, told",
         file=added("-999,1,1", "-999.0,1,1", "2,-9.99e2,5"), command=f"{FIT} --na -999",
         formula="a*b", warns=("3 rows with missing cells (2 in 'a', 1 in 'b') dropped",)),
    Case(kind=47, what="a few missing cells", file=cell(4, "a", ""), formula="a*b",
         warns=("1 row with missing cells (1 in 'a') dropped",)),
    Case(kind=47, what="many missing cells", file=added(*[",1,1"] * 6), code=3,
         says=("6 of 26 rows have missing cells, most of them in column 'a', the first in row 22",
               "at most a fifth may", "--ignore 'a'", SKIP)),
    Case(kind=47, what="many missing cells, passed over", file=added(*[",1,1"] * 6),
         command=f"{FIT} {SKIP}", formula="a*b", warns=("6 rows with missing cells (6 in 'a')",)),
    Case(kind=48, what="missing targets", file=added(*["1,2,"] * 30), formula="a*b",
         warns=("30 rows without 'y' dropped; nalu predict fills them in",)),
    Case(kind=49, what="a column without values", file=beside("z", lambda _: "NA"), formula="a*b",
         warns=("column 'z' is not used: it has no values",)),
    Case(kind=49, what="a target without values", file=each("y", lambda _: ""), code=3,
         says=("column 'y' cannot be used: it has no values",)),
    Case(kind=50, what="a column that does not vary", file=beside("g", lambda _: "9.81"),
         formula="a*b", warns=("column 'g' is 9.81 in every row and was left out",)),
    Case(kind=51, what="a target that does not vary", file=each("y", lambda _: "5"), formula="5",
         warns=("the target is 5 in every row",)),
    Case(kind=52, what="a copy of the target", file=beside("z", lambda k: ROWS[k][2]),
         formula="z", warns=("column 'z' equals the target in every row", "--ignore 'z'")),
    Case(kind=52, what="a multiple of the target", formula="z/2",
         file=beside("z", lambda k: repr(2 * float(ROWS[k][2]))),
         warns=("column 'z' is 2 times the target in every row", "--ignore 'z'")),
    Case(kind=53, what="a copy of a column", file=beside("z", lambda k: ROWS[k][0]),
         formula="z*b", warns=("column 'a' repeats 'z' and was left out",)),
    Case(kind=53, what="a multiple of a column", formula="2*z*b",
         file=beside("z", lambda k: repr(float(ROWS[k][0]) / 2)),
         warns=("column 'a' is 2 times 'z' in every row and was left out",)),
    Case(kind=54, what="rows twice", file=table(ROWS * 2), formula="a*b"),
    Case(kind=54, what="rows that contradict each other", file=added("2,3,7", "2,3,5"),
         command=f"{FIT} --time 0.5",
         warns=("2 rows have the same inputs as others and another target",
                f"closer than an RMSE of {(2 / 22) ** 0.5:.3g}")),
    Case(kind=55, what="infinity", file=cell(4, "a", "-Infinity"), code=3,
         says=("row 4, column 'a': '-Infinity' is not a finite number", SKIP)),
    Case(kind=55, what="more than a double holds", file=cell(4, "a", "1e400"), code=3,
         says=("row 4, column 'a': '1e400' is too large for a double",)),
    Case(kind=56, what="numbers up to 1e302", formula="a*b",
         file=table([[f"{a}e150", f"{b}e149", f"{float(y) / 10!r}e300"] for a, b, y in ROWS])),
    Case(kind=57, what="numbers down to 1e-307", formula="a*b",
         file=table([[f"{a}e-150", f"{b}e-157", f"{y}e-307"] for a, b, y in ROWS])),
    Case(kind=57, what="less than a double holds", file=large("1e-400", "2", "2e-400"),
         formula="a*b",
         warns=("column 'a' has numbers too small for a double to hold in full (1 cell, such as "
                "'1e-400' read as 0)",)),
    Case(kind=58, what="integers above 2**53", formula="a*b",
         file=large("9007199254740993", "1", "9007199254740993"),
         warns=("column 'a' has integers above 2**53 that a double cannot hold (1 cell, such as "
                "'9007199254740993' read as 9007199254740992)",)),
    Case(kind=58, what="integers above 2**53 beside a hole", formula="a*b",
         file=added("9007199254740993,1,9007199254740993", ",1,1"),
         warns=("'9007199254740993' read as 9007199254740992",)),
    Case(kind=59, what="integers above 2**64", formula="a*b",
         file=large("36893488147419103233", "1", "36893488147419103233"),
         warns=("'36893488147419103233' read as 36893488147419103232",)),
    Case(kind=60, what="truth values", formula="a*ok",
         file=table([[a, ["false", "TRUE"][k % 2], repr(int(a) * (k % 2))]
                     for k, (a, _, _) in enumerate(ROWS)], head="a,ok,y"),
         warns=("column 'ok'", "read as 0 and 1")),
    Case(kind=60, what="yes and no", file=beside("ok", lambda k: ["no", "yes"][k % 2]),
         formula="a*b", warns=("'ok' is not used: it holds text", "write 1 for yes and 0 for no")),
    Case(kind=61, what="dates", file=beside("day", "2020-01-{:02}".format), formula="a*b",
         warns=("column 'day' is not used", "'2020-01-00' looks like a date")),
    Case(kind=61, what="dates that are asked for", file=beside("day", "2020-01-{:02}".format),
         command=f"{FIT} --inputs day,a", code=3,
         says=("column 'day' cannot be used: it holds text", "looks like a date")),
    Case(kind=61, what="times", file=beside("at", "10:{:02}".format), formula="a*b",
         warns=("'10:00' looks like a time",)),
    Case(kind=62, what="categories", file=beside("kind", lambda k: ["red", "blue"][k % 2]),
         formula="a*b", warns=("column 'kind' is not used: it holds text ('red' is not a number",)),
    Case(kind=63, what="a category for each row", file=beside("id", "s{}".format), formula="a*b",
         warns=("column 'id' is not used: it holds text",)),
    Case(kind=64, what="currency", file=each("y", "${}".format), code=3,
         says=("row 2, column 'y': '$6' has a currency sign", "write plain numbers")),
    Case(kind=64, what="percent", file=each("a", "{}%".format), code=3,
         says=("row 2, column 'a': '2%' has a percent sign",)),
    Case(kind=64, what="a unit behind the number", file=each("b", "{} m".format), code=3,
         says=("row 2, column 'b': '3 m' has a unit behind the number",)),
    Case(kind=60, what="one truth value alone", file=beside("ok", lambda _: "TRUE"), formula="a*b",
         warns=("'ok' is 1 in every row",)),
    Case(kind=64, what="a unit sign at the number", file=each("b", "{}°C".format), code=3,
         says=("row 2, column 'b': '3°C' has a unit behind the number",)),
    Case(kind=64, what="an apostrophe before the numbers", file=each("b", "'{}".format), code=3,
         says=("row 2, column 'b': ''3' has an apostrophe before the number",)),
    Case(kind=64, what="numbers as formulas of a spreadsheet", code=3,
         file=each("b", lambda b: f'"=""{b}"""'),
         says=("is a formula of a spreadsheet",)),
    Case(kind=64, what="a bound", file=cell(4, "b", "<0.01"), code=3,
         says=("row 4, column 'b': '<0.01' is a bound, not a number",)),
    Case(kind=64, what="an uncertainty", file=cell(4, "b", "5±0.1"), code=3,
         says=("row 4, column 'b': '5±0.1' has its uncertainty behind it",)),
    Case(kind=65, what="accounting negatives", file=cell(4, "y", "(5)"), code=3,
         says=("row 4, column 'y': '(5)' is an accounting negative",)),
    Case(kind=65, what="a minus sign at the end", file=cell(4, "y", "5-"), code=3,
         says=("'5-' has its minus sign at the end",)),
    Case(kind=66, what="a minus sign of typesetters", file=large("\N{MINUS SIGN}2", "3", "-6"),
         formula="a*b", warns=("1 cell has a Unicode minus or digits, such as", "read as -2")),
    Case(kind=66, what="full-width and Arabic digits", file=added("２２,3,66", "٢٣,3,69"),
         formula="a*b", warns=("2 cells have a Unicode minus or digits", "read as 22")),
    Case(kind=67, what="hexadecimal", file=cell(4, "a", "0x10"), code=3,
         says=("row 4, column 'a': '0x10' is hexadecimal",)),
    Case(kind=67, what="fractions", file=cell(4, "a", "1/3"), code=3, says=("is a fraction",)),
    Case(kind=67, what="exponents of Fortran", file=cell(4, "a", "1D+03"), code=3,
         says=("'1D+03' has a Fortran exponent",)),
    Case(kind=67, what="complex numbers", file=cell(4, "a", "1+2j"), code=3,
         says=("'1+2j' is a complex number",)),
    Case(kind=67, what="underscores", file=cell(4, "a", "1_000"), code=3,
         says=("'1_000' has underscores between its digits",)),
    Case(kind=68, what="leading zeros", file=beside("id", "{:03}".format), formula="a*b",
         warns=("column 'id' has leading zeros ('000' read as 0)", "--ignore")),
    Case(kind=69, what="rounded numbers", file=each("y", lambda y: f"{float(y) * 0.7:.1f}"),
         prints=("y = 0.7*a*b",)),
    Case(kind=70, what="zeros and negative numbers", formula="a*b",
         file=added("0,3,0", "-2,3,-6", "0,0,0", "-3,-3,9")),
    Case(kind=70, what="division by a column that is zero in one row", formula="y/b",
         file=added(",0,5"), command="fit bad.csv -t a",
         warns=("1 row without 'a' dropped",)),
    Case(kind=71, what="one corrupted row", file=cell(4, "y", "5000"),
         command=f"{FIT} --time 0.5"),
)  # fmt: skip

OPTIONS = (
    Case(kind=72, what="a target that is not there", command="fit bad.csv -t force", code=2,
         file=table(head="pressure,area,Forces"),
         says=("bad.csv has no column 'force'; it has pressure, area, Forces.",
               "Did you mean 'Forces'?")),
    Case(kind=72, what="no target", file=GOOD, command="fit bad.csv", code=2,
         says=("no --target was given; bad.csv has the columns a, b, y", "--target 'y'")),
    Case(kind=72, what="a target by its place", file=GOOD, command="fit bad.csv -t #3",
         formula="a*b"),
    Case(kind=73, what="a target that may be two", file=table(head="area,Area,y"), code=2,
         command="fit bad.csv -t AREA",
         says=("'AREA' may be any of the columns area, Area of bad.csv", "same capitals")),
    Case(kind=75, what="a time that is no number", file=GOOD, command=f"{FIT} --time nan", code=2,
         says=("--time is nan",)),
    Case(kind=75, what="a share above all", file=GOOD, command=f"{FIT} --far inf", code=2,
         says=("--far is inf; it must be 0 to 0.5",)),
    Case(kind=75, what="a noise that is no number", file=GOOD, command=f"{FIT} --noise nan",
         code=2, says=("--noise is nan",)),
    Case(kind=75, what="standard errors beside a noise", file=GOOD, code=2,
         command=f"{FIT} --sigma b --noise 0.1",
         says=("--sigma and --noise were both given",)),
    Case(kind=75, what="a standard error of zero", file=beside("e", str), code=3,
         command=f"{FIT} --sigma e",
         says=("bad.csv, row 2, column 'e': 0 is no standard error", "positive numbers")),
    Case(kind=75, what="a standard error that is no number", code=3,
         file=beside("e", lambda k: "1.5" if k else "low"), command=f"{FIT} --sigma e",
         says=("bad.csv, row 2, column 'e': 'low' is not a number",)),
    Case(kind=75, what="standard errors", file=beside("e", lambda k: f"0.{k + 1}"),
         command=f"{FIT} --sigma e", formula="a*b"),
    Case(kind=75, what="lines below none", file=GOOD, command=f"{FIT} --skip-lines -1", code=2,
         says=("--skip-lines is -1; it must be 0 or more",)),
    Case(kind=76, what="a decimal comma in a range", command="predict model.pt --range a=1,5:2",
         code=2, says=("--range 'a=1,5:2'", "such as x=0:10:0.5")),
    Case(kind=77, what="a grid of 10**10 rows", code=2,
         command="predict model.pt --range a=0:1:0.00001 --range b=0:1:0.00001",
         says=("the grid has 100001 × 100001 = 10,000,200,001 rows", "larger steps")),
    Case(kind=78, what="a range that runs backwards", command="predict model.pt --range a=5:1",
         code=2, says=("runs backwards",)),
    Case(kind=78, what="a step of zero", command="predict model.pt --range a=0:1:0", code=2,
         says=("has the step 0, which must be above zero",)),
    Case(kind=78, what="both ends are included", command="predict model.pt --range a=0:0.3:0.1",
         prints=("0.0,", "0.1,", "0.2,", "0.3,")),
    Case(kind=78, what="an empty range", command="predict model.pt --range a=", code=2,
         says=("has '' where a number should be",)),
)  # fmt: skip

PREDICTIONS = (
    Case(kind=81, what="a column that the formula needs", file=table(head="A rea,b,y"),
         command=PREDICT, code=2, says=("bad.csv has no column 'a'; it has A rea, b, y.",)),
    Case(kind=81, what="a column that it does not need", file=b"b,a\n3,2\n", command=PREDICT,
         prints=("b,a,y_predicted,guard", "3,2,6.0,inside")),
    Case(kind=82, what="other columns, order, case and a mark", command=PREDICT,
         file=codecs.BOM_UTF8 + b"note,B,A\nx,3,2\n", prints=("note,B,A,y_predicted,guard",
                                                            "x,3,2,6.0,inside")),
    Case(kind=83, what="rows out of the box, and without cells", command=PREDICT,
         file=b"a,b\n2,3\n2000,3\n,3\n1e200,1e200\n",
         prints=("2,3,6.0,inside", "2000,3,6000.0,outside", ",3,,missing", "1e200,1e200,,pole")),
    Case(kind=83, what="a cell that is no number", file=b"a,b\n2,3\n2,10%\n", command=PREDICT,
         code=3, says=("bad.csv, row 3, column 'b': '10%' has a percent sign", SKIP)),
    Case(kind=83, what="a cell that is no number, passed over", file=b"a,b\n2,3\n2,10%\n",
         command=f"{PREDICT} {SKIP}", prints=("2,3,6.0,inside", "2,10%,,missing")),
    Case(kind=83, what="semicolons, decimal commas and thousands",
         command=f"{PREDICT} --thousands .", file=b"a;b\n2,5;3\n1.000;3\n",
         prints=("2,5;3;7,5;inside", "1.000;3;3000,0;outside"),
         warns=("by semicolons",)),
    Case(kind=83, what="units, a title and a number for missing",
         file=b"May\na,b\nm,s\n2,3\n2,-9\n", command=f"{PREDICT} --skip-lines 1 --na -9",
         prints=("a,b,y_predicted,guard", "2,3,6.0,inside", "2,-9,,missing"),
         warns=("row 3 (m, s) was taken for units and skipped",)),
    Case(kind=83, what="integers above 2**53", file=b"a,b\n9007199254740993,1\n2,3\n",
         command=PREDICT, prints=("9007199254740993,1,9007199254740992.0,outside",),
         warns=("such as '9007199254740993' read as 9007199254740992",)),
    Case(kind=83, what="a title above the rows", file=b"May\na,b\n2,3\n", command=PREDICT, code=3,
         says=("its header seems to be row 2", "--skip-lines 1")),
    Case(kind=83, what="a row with too many fields", file=b"a,b\n2,3\n2,3,4\n", command=PREDICT,
         code=3, says=("row 3 has 3 fields; the header has 2", SKIP)),
    Case(kind=84, what="the output is the input", file=GOOD, command=f"{PREDICT} -o bad.csv",
         code=2, says=("would overwrite",)),
    Case(kind=84, what="the disk is full", file=GOOD, command=f"{PREDICT} -o /dev/full", code=5,
         says=("/dev/full cannot be written: no space left",)),
    Case(kind=84, what="no such folder", file=GOOD, command=f"{FIT} -o no/model.pt", code=5,
         says=("there is no folder",)),
    Case(kind=84, what="a file that is no model", file=GOOD, command=f"{FIT} -o notes.txt",
         folder=files({"notes.txt": b"mine"}), code=5, says=("notes.txt exists and is no model",)),
    Case(kind=85, what="no such device", file=GOOD, command=f"{FIT} --device cuda", code=6,
         says=("there is no CUDA device",)),
)  # fmt: skip

CASES = (*FILES, *SHAPES, *CELLS, *OPTIONS, *PREDICTIONS)

ELSEWHERE = {
    17: "test_commands: large files are streamed",
    18: "test_bad_inputs: a pipe is read once",
    74: "test_bad_inputs: every name works",
    79: "test_model_file and test_archive: damaged, hostile and foreign model files",
    80: "test_model_file: models of other versions",
}
"""Kinds that no row of the table can show, and where they are tested."""
