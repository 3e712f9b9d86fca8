"""Compressed sizes, and how they are divided."""

from __future__ import annotations

import io
import itertools
import os
import random
import tarfile
import zlib
from pathlib import Path

import pytest

from ctxsize.image.gzipmeter import GZIP_LEVEL, GzipMeter


def metered(*parts: bytes) -> GzipMeter:
    with GzipMeter() as meter:
        for part in parts:
            meter.feed(part)
    return meter


def test_the_total_is_what_gzip_makes_of_it() -> None:
    """To 2 %: every implementation of level 6 ends a little elsewhere, Go's of `docker push` as well."""
    sources = sorted(Path(os.__file__).parent.glob("*.py"))
    text = b"".join(path.read_bytes() for path in sources)[:3_000_000]
    chance = random.Random(2)
    words = b" ".join(b"%d" % chance.randrange(3000) for _ in range(400_000))
    for data in (text, words, text + words + chance.randbytes(300_000)):
        compressor = zlib.compressobj(GZIP_LEVEL, wbits=31)
        real = len(compressor.compress(data) + compressor.flush())

        assert metered(data[:1000], data[1000:]).total == pytest.approx(real, rel=0.02)


def test_blocks_compress_as_well_as_the_whole() -> None:
    """What repeats is found across the border of two blocks."""
    block = random.Random(3).randbytes(20_000)

    assert metered(*[block] * 200).total < 1.1 * metered(*[block] * 50).total + 60_000


@pytest.mark.parametrize(
    "kind",
    [
        *("large", "with stretches of text", "all twice", "small files", "small files, some of text"),
        "small files, each twice",
    ],
)
def test_what_can_not_be_compressed_counts_as_gzip_stores_it(kind: str) -> None:
    """To 0.5 %, though no more than a sample of it is compressed."""
    chance = random.Random(6)
    text = Path(random.__file__).read_bytes()[:8000]
    if kind == "large":
        data = chance.randbytes(3_000_000)
    elif kind == "with stretches of text":
        data = b"".join(chance.randbytes(chance.randrange(300_000)) + text for _ in range(20))
    elif kind == "all twice":
        data = b"".join(chance.randbytes(28_000) * 2 for _ in range(60))
    else:
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as tar:
            for number in range(200):
                if "twice" not in kind or number % 2 == 0:
                    content = chance.randbytes(12_000)
                if "text" in kind and number % 3 == 0:
                    content = text
                about = tarfile.TarInfo(f"assets/{number}.webp")
                about.size = len(content)
                tar.addfile(about, io.BytesIO(content))
        data = made.getvalue()
    compressor = zlib.compressobj(GZIP_LEVEL, wbits=31)
    real = len(compressor.compress(data) + compressor.flush())

    assert metered(data).total == pytest.approx(real, rel=0.005)


def test_how_it_is_fed_makes_no_difference() -> None:
    data = random.Random(4).randbytes(1_500_000) + bytes(1_500_000)
    whole = metered(data)
    pieces = metered(*(data[start : start + 777] for start in range(0, len(data), 777)))

    assert pieces.total == whole.total
    assert pieces.between(10, 2_000_000) == whole.between(10, 2_000_000)


def test_the_parts_of_any_partition_add_up_to_the_total() -> None:
    meter = metered(os.urandom(200_000), bytes(500_000), os.urandom(100_000))
    chance = random.Random(1)
    cuts = [0, *sorted(chance.sample(range(1, 800_000), 50)), 800_000]

    assert sum(meter.between(start, stop) for start, stop in itertools.pairwise(cuts)) == meter.total


def test_what_does_not_compress_accounts_for_most() -> None:
    meter = metered(os.urandom(1_000_000), bytes(1_000_000))

    assert meter.between(0, 1_000_000) > 0.9 * meter.total
    assert meter.between(1_000_000, 2_000_000) < 0.1 * meter.total


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_files_in_deep_directories_account_for_what_gzip_makes_of_them(form: int) -> None:
    """Most of such a tar is headers, which take next to nothing."""
    chance = random.Random(5)
    made, places, contents = io.BytesIO(), [], []
    with tarfile.open(fileobj=made, mode="w", format=form) as tar:
        for number in range(300):
            path = f"package{number}"
            for level in range(9):
                path += f"/{'long-' * (level + 1)}{level}"
                directory = tarfile.TarInfo(path)
                directory.type, directory.mtime = tarfile.DIRTYPE, 1_700_000_000 + number + 0.25
                tar.addfile(directory)
            contents.append(chance.randbytes(3000))
            file = tarfile.TarInfo(f"{path}/module.pyc")
            file.size, file.mtime = len(contents[-1]), 1_700_000_000 + 0.5
            tar.addfile(file, io.BytesIO(contents[-1]))
            stop = tar.offset
            places.append((stop - 6 * 512 - 512, stop))

    meter = metered(made.getvalue())
    shares = [meter.between(*place) for place in places]

    compressed = [len(zlib.compress(content, GZIP_LEVEL)) for content in contents]
    assert sum(shares) == pytest.approx(sum(compressed), rel=0.1)
    assert min(shares) == pytest.approx(max(shares), rel=0.1)


def test_a_curve_has_no_more_than_two_numbers_of_four_bytes_for_a_file() -> None:
    """There can be a million files in a layer."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for number in range(5000):
            about = tarfile.TarInfo(f"a/{number}")
            about.size = 3
            tar.addfile(about, io.BytesIO(b"abc"))
    meter = metered(made.getvalue())

    assert sum(len(each.tobytes()) for block in meter._inside for each in block) < 1.01 * 5000 * 8
    assert meter.between(0, 1024 * 5000) > 0.9 * meter.total


def test_the_parts_can_be_made_to_add_up_to_another_compressors_total() -> None:
    meter = metered(os.urandom(100_000))
    meter.rescale(90_000)

    assert meter.total == meter.between(0, 100_000) == 90_000


def test_where_the_total_is_known_shares_are_those_of_a_faster_compression() -> None:
    data = os.urandom(300_000) + bytes(700_000) + os.urandom(500_000)
    with GzipMeter(exact=False) as meter:
        meter.feed(data)
    meter.rescale(640_000)
    cuts = [0, 300_000, 1_000_000, len(data)]

    assert (
        sum(meter.between(start, stop) for start, stop in itertools.pairwise(cuts)) == meter.total == 640_000
    )


def test_nothing_is_a_few_bytes_of_gzip_and_no_part_of_it() -> None:
    assert metered().total == 20
    assert metered().between(0, 0) == 0


def test_roughly_divided_the_total_is_the_same_and_large_parts_are_told_apart() -> None:
    chance = random.Random(6)
    words = b" ".join(b"%d" % chance.randrange(3000) for _ in range(90_000))
    made, places = io.BytesIO(), []
    with tarfile.open(fileobj=made, mode="w") as tar:
        for number in range(8):
            content = chance.randbytes(250_000) if number % 2 else words[: 250_000 - number]
            entry = tarfile.TarInfo(f"file{number}")
            entry.size = len(content)
            start = tar.offset
            tar.addfile(entry, io.BytesIO(content))
            places.append((start, tar.offset))
        for number in range(600):
            entry = tarfile.TarInfo(f"small{number}")
            entry.size = 300
            tar.addfile(entry, io.BytesIO(words[number * 300 : number * 300 + 300]))
    fine, rough = metered(made.getvalue()), GzipMeter(coarse=True)
    with rough:
        rough.feed(made.getvalue())

    assert rough.total == fine.total
    for place in places:
        assert rough.between(*place) == pytest.approx(fine.between(*place), rel=0.25)
    rest = places[-1][1], len(made.getvalue())
    assert rough.between(*rest) == pytest.approx(fine.between(*rest), rel=0.25)
