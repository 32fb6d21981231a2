"""What a file may be and what it may cost."""

import io
import random
import subprocess
import sys
import time
import tracemalloc
import unicodedata
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter

from app.service import sheet_files, sheet_parts, sheet_tables, sheet_xlsx
from app.service.sheet_files import opened
from app.service.sheet_tables import FileRefusedError
from tests.service.sheets import HEAD, csv_text, patched, row, workbook

SHEET = "xl/worksheets/sheet1.xml"
OPEN_XML = (
    b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/'
    b'2006/main"><sheetData>'
)
CLOSE_XML = b"</sheetData></worksheet>"


def cells(file: bytes, **how: str) -> list[list[object]]:
    """The rows that say something."""
    with opened(io.BytesIO(file), **how) as table:
        return [list(line) for _, line in table.rows() if any(line)]


def refusal(file: bytes, **how: str) -> FileRefusedError:
    with pytest.raises(FileRefusedError) as wrong:
        cells(file, **how)
    return wrong.value


# -------------------------------------------------------------------------------------------- text


def windows_1258(text: str) -> bytes:
    """As Windows writes Vietnamese: most letters with a mark of tone after them."""
    found = b""
    for sign in unicodedata.normalize("NFC", text):
        try:
            found += sign.encode("cp1258")
        except UnicodeEncodeError:
            apart = unicodedata.normalize("NFD", sign)
            base, marks = apart[0], apart[1:]
            kept = "".join(mark for mark in marks if mark in "\u0300\u0301\u0303\u0309\u0323")
            other = "".join(mark for mark in marks if mark not in kept)
            letter = unicodedata.normalize("NFC", base + other)
            found += letter.encode("cp1258") + kept.encode("cp1258")
    return found


LETTERS: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "utf-8 with a mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16 big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "windows-1258": windows_1258,
    "utf-8, accents apart": lambda text: unicodedata.normalize("NFD", text).encode(),
}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("letters", LETTERS)
def test_text_is_read_in_the_letters_and_separators_of_offices(letters: str, separator: str):
    held = row(1, Chủ_hồ_sơ='Ông "Bé", ngụ ở; Tân\tHồng\nấp 2')
    file = LETTERS[letters](csv_text([held], separator=separator))

    head, first = cells(file)
    assert [unicodedata.normalize("NFC", str(one)) for one in head] == list(HEAD)
    assert unicodedata.normalize("NFC", str(first[3])) == held[3]


def test_what_was_found_out_can_be_told_instead():
    file = csv_text([row(1)]).encode("utf-16-le")

    assert refusal(file).problems[0].field == "encoding"
    assert len(cells(file, encoding="utf-16")) == 2
    wrong = refusal(csv_text([row(1)]).encode("cp1258", "replace") + b"\xff\xfe", encoding="utf-8")
    assert "is not utf-8; give another encoding" in str(wrong)
    assert "give one of utf-8, utf-16, windows-1258" in str(refusal(b"a,b", encoding="koi8-r"))


def test_rows_are_numbered_as_people_see_them():
    file = ("Danh sách\n\n" + csv_text([row(1, Chủ_hồ_sơ="hai\ndòng"), row(2)])).encode()

    with opened(io.BytesIO(file)) as table:
        numbers = [number for number, line in table.rows() if any(line)]
        assert numbers == [number for number, line in table.rows() if any(line)] == [1, 3, 4, 5]


def test_excels_own_word_for_the_separator_is_heeded():
    assert cells(b"sep=;\r\na;b,c\r\n") == [["a", "b,c"]]


def test_a_quote_that_is_never_closed_swallows_nothing():
    file = csv_text([row(1), row(2)]).encode().replace(b"Khu v", b'"Khu v', 1)
    told = refusal(file.replace(b"H20.16.03-261116-0001,", b'H20.16.03-261116-0001,"', 1))

    assert "has a quote that is not closed" in str(told)


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", "the file is empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old .xls or has a password"),
        (b"<html><table><tr><td>H20", "a web page with the name of a sheet"),
        (b"%PDF-1.7", "a picture or a PDF"),
        (b"PK\3\4 no zip at all", "cannot be read"),
        (b"\x81\x8a\0\0abc", "written in no way we know"),
    ],
)
def test_what_is_no_list_is_refused_by_name(file: bytes, why: str):
    assert why in str(refusal(file))


# --------------------------------------------------------------------------------------- workbooks


def test_the_first_visible_sheet_is_read_or_the_one_named():
    file = workbook([row(1)], name="Tháng 11", more={"Tháng 10": [["cũ"]]})

    assert cells(file)[0] == list(HEAD)
    assert cells(file, sheet="Tháng 10") == [["cũ"]]
    assert "it has Tháng 11, Tháng 10" in str(refusal(file, sheet="Tháng 9"))


def test_a_hidden_sheet_is_passed_over():
    book = workbook([row(1)], name="Ẩn", more={"Hiện": [["x"]]})
    with zipfile.ZipFile(io.BytesIO(book)) as packed:
        told = packed.read("xl/workbook.xml")
    hidden = told.replace(b'sheetId="1"', b'sheetId="1" state="hidden"')

    assert cells(patched(book, {"xl/workbook.xml": hidden})) == [["x"]]


def test_cells_keep_their_kind():
    moment = datetime.fromisoformat("2026-11-16T08:10")
    ((_, *held),) = cells(workbook([], head=["x", 1.01279, True, moment]))  # type: ignore[list-item]

    assert held == [1.01279, True, moment]


def test_a_formula_gives_its_value_and_one_without_is_noted():
    made = io.BytesIO()

    with xlsxwriter.Workbook(made) as book:
        sheet = book.add_worksheet()
        sheet.write_formula(0, 0, '="H20"&1', None, "H201")
        sheet.write_formula(0, 1, "=A1", None, "")
        sheet.write_formula(1, 0, "=NA()", None, "#N/A")
    with opened(made) as table:
        assert next(table.rows())[1][0] == "H201"
        assert table.faults.no_value == {(1, 1)}
        assert table.faults.errors == {(2, 0)}


# ------------------------------------------------------------------------------------------- bombs


def packed(parts: dict[str, bytes]) -> bytes:
    return patched(workbook([row(1)]), parts)


def sheet_of(*told: bytes) -> bytes:
    return packed({SHEET: OPEN_XML + b"".join(told) + CLOSE_XML})


def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    bomb = sheet_of(b" " * (100 * 1024 * 1024))
    assert len(bomb) < 200_000

    tracemalloc.start()
    told = refusal(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert told.too_large
    assert "more than 200 times its size" in str(told)
    assert peak < 4 * 1024 * 1024


def test_a_directory_that_lies_about_sizes_is_refused():
    book = bytearray(sheet_of(b"<!--" + bytes(range(48, 58)) * 900_000 + b"-->"))
    with zipfile.ZipFile(io.BytesIO(book)) as old:
        size = old.getinfo(SHEET).file_size.to_bytes(4, "little")
    lying = bytes(book).replace(size, (1000).to_bytes(4, "little"))

    assert "cannot be read" in str(refusal(lying))


def test_a_workbook_of_very_many_parts_is_refused_unread():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as many:
        for number in range(sheet_xlsx.MAX_ENTRIES + 1):
            many.writestr(f"x/{number}", b"")

    assert "more than 2000 parts" in str(refusal(made.getvalue()))


def test_a_part_that_is_there_twice_is_refused():
    made = io.BytesIO(workbook([row(1)]))
    with zipfile.ZipFile(made, "a") as twice, pytest.warns(UserWarning, match="Duplicate"):
        twice.writestr(SHEET, OPEN_XML + CLOSE_XML)

    assert "cannot be read" in str(refusal(made.getvalue()))


def test_a_bomb_inside_is_never_opened():
    made = io.BytesIO(workbook([row(1)]))
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as nested:
        nested.writestr("xl/embeddings/inner.xlsx", bytes(300 * 1024 * 1024))

    began = time.monotonic()
    assert len(cells(made.getvalue())) == 2
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("far", [b"XFD1048576", b"A1048576", b"XFD1", b"IW2"])
def test_two_cells_far_apart_are_not_laid_out(far: bytes):
    told = refusal(
        sheet_of(
            b'<row r="1"><c r="A1"><v>1</v></c></row><row><c r="' + far + b'"><v>1</v></c></row>'
        )
    )

    assert told.too_large
    assert "remove what lies far from the list" in str(told)


def test_a_dimension_that_boasts_costs_nothing():
    book = workbook([row(1)])
    with zipfile.ZipFile(io.BytesIO(book)) as old:
        told = old.read(SHEET)
    boasting = told.replace(b'<dimension ref="A1:H2"/>', b'<dimension ref="A1:XFD1048576"/>')
    assert boasting != told

    assert len(cells(patched(book, {SHEET: boasting}))) == 2


def test_empty_cells_with_a_format_do_not_count():
    style = b"".join(b'<c r="A%d" s="1"/>' % at for at in range(900_000, 900_100))
    file = sheet_of(b'<row r="1"><c r="A1"><v>1</v></c></row><row>' + style + b"</row>")

    assert cells(file) == [[1.0]]


def test_one_long_text_shown_in_very_many_cells_is_refused():
    long = b"<sst><si><t>" + b"ab" * 16_000 + b"</t></si></sst>"
    shown = b"".join(
        b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (at, at) for at in range(1, 9_000)
    )

    told = refusal(packed({SHEET: OPEN_XML + shown + CLOSE_XML, "xl/sharedStrings.xml": long}))
    assert "split the list" in str(told)


@pytest.mark.parametrize("part", [SHEET, "xl/sharedStrings.xml", "xl/workbook.xml"])
def test_entities_are_refused_unexpanded(part: str):
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>'

    assert "declares entities" in str(refusal(packed({part: laughs})))


@pytest.mark.parametrize(
    "told",
    [
        b"<row><c",
        b'<row r="x"><c><v>1</v></c></row>',
        b'<row><c r="1A"><v>1</v></c></row>',
        b'<row><c r="A1" t="s"><v>99999</v></c></row>',
        b'<row><c r="A1" t="s"><v>x</v></c></row>',
    ],
)
def test_a_broken_sheet_is_refused(told: bytes):
    assert "cannot be read" in str(refusal(sheet_of(told)))


def test_a_password_is_named():
    book = bytearray(workbook([row(1)]))
    for sign, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = 0
        while (start := book.find(sign, start)) >= 0:
            book[start + at] |= 1
            start += 4

    assert "has a password" in str(refusal(bytes(book)))


def test_a_file_over_the_bound_is_too_large(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sheet_files, "MAX_FILE_BYTES", 1_000)

    assert refusal(csv_text([row(n) for n in range(50)]).encode()).too_large


def test_bounds_are_as_the_guide_says():
    assert sheet_files.MAX_FILE_BYTES == 50 * 1024 * 1024
    assert sheet_tables.MAX_ROWS == 200_000
    assert sheet_parts.MAX_COLUMNS == 256


def test_bombs_do_not_kill_a_process_of_little_memory(tmp_path: Path):
    """Under a hard limit of memory every bomb is an answer, not the end of the process."""
    bombs = {
        "far.xlsx": sheet_of(b'<row><c r="A1"><v>1</v></c><c r="XFD1048576"><v>1</v></c></row>'),
        "zip.xlsx": sheet_of(b" " * (60 * 1024 * 1024)),
        "many.xlsx": packed(
            {
                SHEET: OPEN_XML + b'<row><c r="A1" t="s"><v>0</v></c></row>' * 60_000 + CLOSE_XML,
                "xl/sharedStrings.xml": b"<sst><si><t>" + b"ab" * 16_000 + b"</t></si></sst>",
            }
        ),
    }
    for name, bomb in bombs.items():
        (tmp_path / name).write_bytes(bomb)
    program = (
        "import resource, sys\n"
        "from app.service.sheet_files import opened\n"
        "from app.service.sheet_tables import FileRefusedError\n"
        "resource.setrlimit(resource.RLIMIT_AS, (700 << 20, 700 << 20))\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        with open(name, 'rb') as file, opened(file) as table:\n"
        "            print(sum(1 for _ in table.rows()))\n"
        "    except FileRefusedError as why:\n"
        "        print('refused')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, *(str(tmp_path / name) for name in bombs)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert ran.stdout.split() == ["refused"] * 3, ran.stderr


@pytest.mark.parametrize("seed", range(3))
def test_a_file_damaged_anywhere_is_read_or_refused(seed: int):
    """Never another exception, whichever byte of the file, or of a part in it, is another."""
    dice = random.Random(seed)  # noqa: S311 dice, not secrets
    book = workbook([row(n) for n in range(5)])
    with zipfile.ZipFile(io.BytesIO(book)) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    files = [book, csv_text([row(1)]).encode(), csv_text([row(1)]).encode("utf-16")]

    def damaged(held: bytes) -> bytes:
        spoilt = bytearray(held)
        for _ in range(dice.randrange(1, 5)):
            at = dice.randrange(len(spoilt))
            spoilt[at : at + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
        return bytes(spoilt)

    ends = {"read": 0, "refused": 0}
    for number in range(300):
        name = dice.choice(list(parts))
        inside = patched(book, {name: damaged(parts[name])})
        file = inside if number % 2 else damaged(dice.choice(files))
        try:
            cells(file)
            ends["read"] += 1
        except FileRefusedError:
            ends["refused"] += 1
    assert min(ends.values()) > 30
