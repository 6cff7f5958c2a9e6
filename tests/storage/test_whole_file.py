from __future__ import annotations

import os
from pathlib import Path

import pytest

from nalu_cli.errors import OutputError, UsageError
from nalu_cli.storage.whole_file import WholeFile, check_output, check_replaceable, check_writable


def test_a_file_appears_complete_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with WholeFile(path) as file:
        file.write(b"one ")
        assert not path.exists()
        file.write(b"two")
    assert path.read_bytes() == b"one two"
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_a_failure_in_the_block_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with WholeFile(path) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failing_step_is_reported_and_cleaned_up(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with (
        pytest.raises(OutputError, match="out cannot be written: no space left"),
        WholeFile(path) as file,
    ):
        file.write(b"new")
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_a_link_is_followed_and_the_mode_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    with WholeFile(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to_and_not_replaced() -> None:
    with WholeFile(Path("/dev/null")) as file:
        file.write(b"gone")
    assert not Path("/dev/null").is_file()
    with (
        pytest.raises(OutputError, match="/dev/full cannot be written: no space left"),
        WholeFile(Path("/dev/full")) as file,
    ):
        file.write(b"gone")


@pytest.mark.parametrize("name", ["", "missing/out", "file/out"])
def test_what_cannot_be_written_is_known_before_the_work(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        check_writable(tmp_path / name)


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    data, link = tmp_path / "data.csv", tmp_path / "link.csv"
    data.touch()
    link.symlink_to(data)
    for path in (data, link):
        with pytest.raises(UsageError, match="would overwrite"):
            check_output(path, ["-", str(data)])
    check_output(tmp_path / "new.csv", ["-", str(data)])


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    abandoned = tmp_path / f".nalu-{'0' * 16}.tmp"
    others = [tmp_path / ".nalu-notes.tmp", tmp_path / ".nalu-0.tmp", tmp_path / "nalu.tmp"]
    for path in (abandoned, *others):
        path.write_bytes(b"left")
    (tmp_path / f".nalu-{'1' * 16}.tmp").mkdir()
    with WholeFile(tmp_path / "one") as one:
        one.write(b"1")
        # a file that is still being written is none of those
        with WholeFile(tmp_path / "two") as two:
            two.write(b"2")
    assert (tmp_path / "one").read_bytes() == b"1"
    assert (tmp_path / "two").read_bytes() == b"2"
    assert not abandoned.exists()
    assert all(path.exists() for path in others)


def test_only_a_file_of_the_same_kind_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    check_replaceable(path, magic=b"PK", kind="model")
    for content in (b"", b"PK and more"):
        path.write_bytes(content)
        check_replaceable(path, magic=b"PK", kind="model")
    path.write_bytes(b"my notes")
    with pytest.raises(OutputError, match="notes exists and is no model"):
        check_replaceable(path, magic=b"PK", kind="model")
