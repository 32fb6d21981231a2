"""Headings of several levels, merged over the columns they stand above."""

from app.printed.heads import Head, depth, full, heads
from app.service.document import Column
from app.service.ii06a import PRINTED
from tests.printed.documents import COLUMNS


def test_a_heading_without_others_above_reaches_over_all_levels():
    assert heads(COLUMNS)[0] == Head("Branch code", 0, 2, 0, 0)


def test_neighbours_share_what_stands_above_both():
    found = heads(COLUMNS)

    assert Head("Fell due", 0, 0, 2, 4) in found
    assert Head("Not met", 1, 1, 3, 4) in found
    assert Head("Met", 1, 2, 2, 2) in found
    assert Head("Missed", 2, 2, 3, 3) in found


def test_the_same_word_over_columns_apart_stands_twice():
    columns = [Column(name, name, under=("A",)) for name in "xy"]
    columns.insert(1, Column("z", "Z"))

    assert [head for head in heads(columns) if head.words == "A"] == [
        Head("A", 0, 0, 0, 0),
        Head("A", 0, 0, 2, 2),
    ]


def test_every_cell_is_covered_once():
    for columns in (COLUMNS, PRINTED):
        covered = [
            (level, at)
            for head in heads(columns)
            for level in range(head.top, head.bottom + 1)
            for at in range(head.left, head.right + 1)
        ]
        assert sorted(covered) == [
            (level, at) for level in range(depth(columns)) for at in range(len(columns))
        ]


def test_the_full_heading_begins_at_the_top():
    assert full(COLUMNS[3]) == "Fell due: Not met: Missed"
    assert full(COLUMNS[0]) == "Branch code"
