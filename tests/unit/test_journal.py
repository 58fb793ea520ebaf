"""The journal file: what was appended is read back, a cut-off tail dropped, damage named, a full disk refused."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.desk import journal
from crossbook.desk.journal import (
    JournalWriter,
    journal_sha256,
    latest_snapshot,
    read_journal,
    write_snapshot,
)
from crossbook.errors import Corrupt, Refused
from crossbook.ledger.records import HEADER_BYTES, encode_record

SEGMENT = 4096
FIRST = "000001.seg"


def filled(folder: Path, payloads: list[bytes], **options: int) -> Path:
    with JournalWriter(folder, **{"segment_bytes": SEGMENT, **options}) as writer:
        for number, payload in enumerate(payloads, start=1):
            assert writer.append(payload) == number
    return folder


def read(folder: Path) -> list[bytes]:
    found = list(read_journal(folder))
    assert [sequence for sequence, _ in found] == list(range(1, len(found) + 1))
    return [payload for _, payload in found]


@settings(max_examples=30)
@given(st.lists(st.binary(min_size=1, max_size=900), max_size=20), st.integers(0, 20))
def test_what_was_appended_is_read_back_over_segments_and_restarts(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes], cut: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    filled(folder, payloads[:cut])
    with JournalWriter(folder, segment_bytes=SEGMENT) as writer:
        assert writer.sequence == len(payloads[:cut])
        for payload in payloads[cut:]:
            writer.append(payload)
        assert read(folder) == payloads
    assert read(folder) == payloads
    records = b"".join(encode_record(number, payload) for number, payload in enumerate(payloads, start=1))
    assert journal_sha256(folder) == hashlib.sha256(records).hexdigest()


def test_the_hash_does_not_see_segments(tmp_path: Path) -> None:
    payloads = [bytes([n]) * 90 for n in range(1, 200)]
    one = filled(tmp_path / "one", payloads, segment_bytes=1 << 20)
    many = filled(tmp_path / "many", payloads, segment_bytes=1024)
    assert len(list(many.glob("*.seg"))) > 10 and len(list(one.glob("*.seg"))) == 1
    assert journal_sha256(one) == journal_sha256(many)


def test_every_flipped_byte_is_named_or_is_the_cut_off_tail(tmp_path: Path) -> None:
    payloads = [b"first entry", b"\0\0", b"third, the last \0\0"]
    folder = filled(tmp_path, payloads)
    path = folder / FIRST
    whole = path.read_bytes()
    last = len(whole) - len(encode_record(3, payloads[2]))
    for offset in range(HEADER_BYTES, len(whole)):
        for mask in (0x01, 0x80, 0xFF):
            path.write_bytes(whole[:offset] + bytes([whole[offset] ^ mask]) + whole[offset + 1 :])
            if offset >= last:
                assert read(folder) == payloads[:2]
                continue
            start = HEADER_BYTES if offset < HEADER_BYTES + len(encode_record(1, payloads[0])) else None
            with pytest.raises(Corrupt, match=FIRST.replace(".", r"\.") + f" offset {start or ''}"):
                list(read_journal(folder))
            with pytest.raises(Corrupt, match="damaged and true entries follow"):
                JournalWriter(folder, segment_bytes=SEGMENT)


def test_every_flipped_byte_of_a_header_is_named(tmp_path: Path) -> None:
    path = filled(tmp_path, [b"entry"]) / FIRST
    whole = path.read_bytes()
    for offset in range(HEADER_BYTES):
        path.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])
        with pytest.raises(Corrupt, match=f"{FIRST} offset"):
            list(read_journal(tmp_path))


def test_damage_in_an_earlier_segment_is_named_even_at_its_end(tmp_path: Path) -> None:
    folder = filled(tmp_path, [bytes([n]) * 900 for n in range(1, 9)])
    path = folder / FIRST
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(Corrupt, match=FIRST):
        list(read_journal(folder))
    path.write_bytes(whole[: len(whole) - 916])
    with pytest.raises(Corrupt, match=r"000002\.seg offset 0: begins with entry"):
        list(read_journal(folder))
    path.write_bytes(bytes(len(whole)))
    with pytest.raises(Corrupt, match=r"000001\.seg offset 0: no journal header"):
        list(read_journal(folder))
    path.unlink()
    with pytest.raises(Corrupt, match=r"000001\.seg is missing"):
        list(read_journal(folder))


@pytest.mark.parametrize("room", [b"", b"\0" * 300], ids=["file ends", "zeros follow"])
def test_a_last_record_torn_at_every_byte_is_dropped_and_written_over(tmp_path: Path, room: bytes) -> None:
    payloads = [b"one", b"two", b"torn by the power"]
    folder = filled(tmp_path, payloads)
    path = folder / FIRST
    whole = path.read_bytes()
    record = len(encode_record(3, payloads[2]))
    start = len(whole) - record
    for kept in range(record):
        path.write_bytes(whole[: start + kept] + room)
        assert read(folder) == payloads[:2]
        length_last = whole[:start] + bytes(4) + whole[start + 4 : start + max(4, kept)] + room
        for torn in (path.read_bytes(), length_last):
            path.write_bytes(torn)
            with JournalWriter(folder, segment_bytes=SEGMENT) as writer:
                assert writer.sequence == 2
                assert writer.append(b"x") == 3
            assert read(folder) == [b"one", b"two", b"x"]
            assert path.read_bytes().endswith(encode_record(3, b"x"))


def test_no_journal_and_a_second_writer_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no journal here"):
        list(read_journal(tmp_path / "nowhere"))
    with (
        JournalWriter(tmp_path, segment_bytes=SEGMENT),
        pytest.raises(Refused, match="another process is writing it"),
    ):
        JournalWriter(tmp_path, segment_bytes=SEGMENT)
    JournalWriter(tmp_path, segment_bytes=SEGMENT).close()


def test_an_entry_that_no_segment_holds_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    with JournalWriter(tmp_path, segment_bytes=SEGMENT) as writer:
        writer.append(b"kept")
        for wrong in (b"", b"x" * SEGMENT):
            with pytest.raises(Refused, match="an entry of"):
                writer.append(wrong)
        assert writer.append(b"kept too") == 2
    assert read(tmp_path) == [b"kept", b"kept too"]


def test_entries_reach_the_disk_behind_the_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = threading.Event()
    real = os.fdatasync

    def fdatasync(fd: int) -> None:
        real(fd)
        synced.set()

    with JournalWriter(tmp_path, segment_bytes=SEGMENT) as writer:
        time.sleep(0.1)
        monkeypatch.setattr(os, "fdatasync", fdatasync)
        writer.append(b"behind")
        assert synced.wait(5)


def test_a_failed_sync_stops_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = JournalWriter(tmp_path, segment_bytes=SEGMENT)
    writer.append(b"before")
    writer.sync()

    def fdatasync(fd: int) -> None:
        raise OSError(errno.EIO, "broken")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fdatasync", fdatasync)
        writer.append(b"during")
        with pytest.raises(Corrupt, match="the disk failed to sync"):
            writer.sync()
        with pytest.raises(Corrupt, match="the disk failed to sync"):
            writer.append(b"after")
        with pytest.raises(Corrupt):
            writer.close()


def test_no_room_for_a_segment_is_an_error_at_reservation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where no small disk can be mounted: the reservation fails as the kernel would fail it."""

    def fallocate(fd: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    with JournalWriter(tmp_path, segment_bytes=SEGMENT) as writer:
        monkeypatch.setattr(os, "posix_fallocate", fallocate)
        _fill_until_refused(writer, tmp_path)
    with pytest.raises(Refused, match="cannot reserve"):
        JournalWriter(tmp_path / "other", segment_bytes=SEGMENT)
    assert not list((tmp_path / "other").glob("*.seg"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_refused_and_the_journal_stays_whole(small_disk: Path) -> None:
    folder = small_disk / "journal"
    with JournalWriter(folder, segment_bytes=16 * 1024) as writer:
        _fill_until_refused(writer, folder)
        for path in small_disk.glob("filler"):
            path.unlink()
    count = len(read(folder))
    with JournalWriter(folder, segment_bytes=16 * 1024) as writer:
        assert writer.sequence == count


def _fill_until_refused(writer: JournalWriter, folder: Path) -> None:
    written = 0
    with pytest.raises(Refused) as refused:  # noqa: PT012
        while written < 10_000:
            writer.append(b"%090d" % written)
            written += 1
    assert "\n" not in str(refused.value) and str(folder) in str(refused.value) and "free space" in str(refused.value)
    assert written > 30
    with pytest.raises(Refused):
        writer.append(b"%090d" % written)
    assert read(folder) == [b"%090d" % number for number in range(written)]


def test_the_newest_true_snapshot_is_found(tmp_path: Path) -> None:
    assert latest_snapshot(tmp_path) is None
    for sequence in (50_000, 100_000, 150_000):
        path = write_snapshot(tmp_path, sequence, b"state %d" % sequence)
    assert len(list(tmp_path.glob("*.snap"))) == journal.SNAPSHOTS_KEPT
    assert latest_snapshot(tmp_path) == (150_000, b"state 150000")
    whole = path.read_bytes()
    for offset in range(len(whole)):
        path.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])
        assert latest_snapshot(tmp_path) == (100_000, b"state 100000")
    path.write_bytes(b"")
    assert latest_snapshot(tmp_path) == (100_000, b"state 100000")


def test_a_reader_beside_the_writer_sees_only_true_entries(tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        with JournalWriter(tmp_path, segment_bytes=1 << 16) as writer:
            number = 0
            while not stop.is_set():
                writer.append(b"%090d" % number)
                number += 1
                if number % 50 == 0:
                    time.sleep(0.0005)

    writer = threading.Thread(target=write)
    writer.start()
    seen = 0
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        if (tmp_path / FIRST).exists():
            found = read(tmp_path)
            assert found == [b"%090d" % number for number in range(len(found))]
            assert len(found) >= seen
            seen = len(found)
    stop.set()
    writer.join()
    assert len(read(tmp_path)) >= seen > 0
