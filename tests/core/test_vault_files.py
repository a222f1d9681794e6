"""Sealed files: what is read is what was written, from anywhere in it; whatever was done to a file shows."""

from __future__ import annotations

import io
import os

import pytest

from fieldapp import create_app
from fieldapp.core import vault_files
from fieldapp.core.crypto import KEY_FILE, keyring
from fieldapp.core.vault_files import (
    HEAD_BYTES,
    PIECE_BYTES,
    TAG_BYTES,
    FileDamaged,
    SealedWriter,
    open_sealed,
)
from fieldapp.settings import Settings

PLACE = "photo/ab"
SEALED_BYTES = PIECE_BYTES + TAG_BYTES
# Three pieces, the last of them short.
PLAIN = os.urandom(2 * PIECE_BYTES + 1000)


@pytest.fixture(autouse=True)
def _keys(tmp_path):
    """An installation's keys; no database plays a part."""
    app = create_app(Settings(data_dir=tmp_path / "data"), create_key=True)
    with app.app_context():
        yield


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


def seal(path, plain=PLAIN, place=PLACE, step=100_000):
    with path.open("wb") as file:
        writer = SealedWriter(file, place)
        for start in range(0, len(plain), step):
            writer.write(plain[start : start + step])
        writer.finish()


def read(path, place=PLACE):
    with open_sealed(path, place) as file:
        return file.read()


def pieces_of(path):
    sealed = path.read_bytes()
    return sealed[:HEAD_BYTES], [
        sealed[start : start + SEALED_BYTES] for start in range(HEAD_BYTES, len(sealed), SEALED_BYTES)
    ]


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
@pytest.mark.parametrize("step", [1000, PIECE_BYTES, 10 * PIECE_BYTES])
def test_what_was_written_is_read_however_it_is_cut(path, size, step):
    plain = os.urandom(size)
    seal(path, plain, step=step)
    assert read(path) == plain


def test_any_part_of_it_can_be_read(path):
    seal(path)
    with open_sealed(path, PLACE) as file:
        for start, length in [(0, 10), (PIECE_BYTES - 5, 10), (2 * PIECE_BYTES, 2000), (5, 2 * PIECE_BYTES)]:
            assert file.seek(start) == start
            assert file.read(length) == PLAIN[start : start + length]
        assert file.seek(-7, io.SEEK_END) == len(PLAIN) - 7
        assert file.read() == PLAIN[-7:]
        assert file.seek(len(PLAIN) + 10) > len(PLAIN)
        assert file.read() == b""


def test_nothing_of_it_is_readable_on_disk_and_no_two_files_are_alike(path):
    seal(path)
    first = path.read_bytes()
    assert all(PLAIN[start : start + 16] not in first for start in range(0, len(PLAIN), 4096))
    seal(path)
    assert first[HEAD_BYTES:] != path.read_bytes()[HEAD_BYTES:]


@pytest.mark.parametrize("kept", [0, 1, HEAD_BYTES, HEAD_BYTES + TAG_BYTES - 1, HEAD_BYTES + SEALED_BYTES])
def test_a_file_whose_end_is_missing_does_not_open(path, kept):
    seal(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(FileDamaged):
        open_sealed(path, PLACE)


@pytest.mark.parametrize("lost", [1, TAG_BYTES, 1000, 1000 + TAG_BYTES, 1000 + TAG_BYTES + SEALED_BYTES])
def test_neither_does_one_that_is_a_little_shorter_or_longer(path, lost):
    seal(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-lost])
    with pytest.raises(FileDamaged):
        open_sealed(path, PLACE)
    path.write_bytes(whole + whole[-lost:])
    with pytest.raises(FileDamaged):
        open_sealed(path, PLACE)


@pytest.mark.parametrize(
    "order",
    [(1, 0, 2), (0, 0, 2), (0, 2), (1, 2), (0, 1, 1, 2)],
    ids=["swapped", "twice", "less", "first", "more"],
)
def test_pieces_cannot_be_swapped_repeated_or_taken_out(path, order):
    seal(path)
    head, pieces = pieces_of(path)
    path.write_bytes(head + b"".join(pieces[number] for number in order))
    with pytest.raises(FileDamaged):
        read(path)


def test_a_piece_of_another_file_of_the_same_place_does_not_fit(path):
    seal(path)
    head, pieces = pieces_of(path)
    seal(path)
    _, others = pieces_of(path)
    path.write_bytes(head + pieces[0] + others[1] + pieces[2])
    with pytest.raises(FileDamaged):
        read(path)


@pytest.mark.parametrize(
    "at", [0, 5, HEAD_BYTES, HEAD_BYTES + PIECE_BYTES, HEAD_BYTES + SEALED_BYTES + 7, -1]
)
def test_a_changed_bit_shows(path, at):
    seal(path)
    sealed = bytearray(path.read_bytes())
    sealed[at] ^= 1
    path.write_bytes(sealed)
    with pytest.raises(FileDamaged):
        read(path)


def test_it_opens_under_its_own_name_only(path):
    seal(path)
    with pytest.raises(FileDamaged):
        open_sealed(path, "photo/cd")


def test_it_opens_with_its_own_key_only(path, tmp_path):
    seal(path)
    (tmp_path / "data" / KEY_FILE).write_text("ab" * 32)
    with create_app(Settings(data_dir=tmp_path / "data")).app_context(), pytest.raises(FileDamaged):
        open_sealed(path, PLACE)


def test_files_written_before_there_were_pieces_are_read(path):
    path.write_bytes(keyring().seal(PLAIN, PLACE))
    assert read(path) == PLAIN
    with open_sealed(path, PLACE) as file:
        file.seek(70_000)
        assert file.read(5) == PLAIN[70_000:70_005]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FileDamaged):
        open_sealed(path, PLACE)


def test_one_piece_at_a_time_is_opened(path, monkeypatch):
    seal(path, os.urandom(20 * PIECE_BYTES))
    opened: list[int] = []
    real = vault_files.SealedReader._open

    def count(self, number):
        opened.append(number)
        return real(self, number)

    monkeypatch.setattr(vault_files.SealedReader, "_open", count)
    with open_sealed(path, PLACE) as file:
        file.seek(7 * PIECE_BYTES + 3)
        file.read(100)
    assert opened == [19, 7]
