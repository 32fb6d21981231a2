import gzip
from datetime import datetime
from pathlib import Path

import pytest

from app.simulator import load, year
from app.simulator.load import Load
from app.simulator.province import Province


def body(made: Load, makers: int = 0) -> bytes:
    return b"".join(part.body for block in load.parts(made, makers) for part in block)


def test_blocks_made_apart_are_the_stream_byte_for_byte(dong_thap: Province, until: datetime):
    made = Load(3, 5_000, dong_thap, until)

    assert body(made) == b"".join(year.lines(3, 5_000, dong_thap, until))


def test_other_processes_make_the_same_bytes(dong_thap: Province, until: datetime):
    made = Load(3, 5_000, dong_thap, until)

    assert body(made, makers=2) == body(made)


def test_a_start_gives_the_end_of_the_same_stream(dong_thap: Province, until: datetime):
    whole = body(Load(3, 5_000, dong_thap, until))
    rest = body(Load(3, 5_000, dong_thap, until, start=year.BLOCK + 7))

    assert whole.endswith(rest)
    assert 0.4 < len(rest) / len(whole) < 0.7


def test_two_loads_at_once_do_not_mix(dong_thap: Province, until: datetime):
    one, two = (Load(seed, 5_000, dong_thap, until) for seed in (3, 4))
    pairs = list(zip(load.parts(one), load.parts(two), strict=True))

    assert b"".join(part.body for block, _ in pairs for part in block) == body(one)
    assert b"".join(part.body for _, block in pairs for part in block) == body(two)


@pytest.mark.parametrize("packed", [True, False])
def test_a_file_comes_back_as_it_was_written(
    dong_thap: Province, until: datetime, tmp_path: Path, *, packed: bool
):
    file, made = tmp_path / "year.ndjson", Load(3, 2_500, dong_thap, until, packed=packed)
    plain = body(Load(3, 2_500, dong_thap, until))
    written = list(load.write(load.parts(made), file))
    raw = file.read_bytes()
    read = [part for block in load.read(file, 1_000, packed=False) for part in block]

    assert (gzip.decompress(raw) if packed else raw) == plain
    assert sum(size for _, size in written) == len(raw)
    assert sum(lines for lines, _ in written) == sum(part.lines for part in read)
    assert b"".join(part.body for part in read) == plain
    assert max(part.lines for part in read) == 1_000


def test_a_file_that_is_cut_is_told(tmp_path: Path):
    file = tmp_path / "cut.ndjson.gz"
    file.write_bytes(gzip.compress(b'{"code": "x"}\n' * 1_000)[:-10])

    with pytest.raises(load.UNREADABLE):
        list(load.read(file, 100, packed=False))
