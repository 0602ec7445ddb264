"""Files are replaced whole: owner and mode stay, links are followed, and a failure leaves nothing behind.

The one thing to know: what a crash leaves is the business of tests/test_crash.py.
"""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import sendmailcf
from sendmailcf import files


def names(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


def test_mode_owner_and_links_stay(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_bytes(b"old")
    real.chmod(0o604)
    if os.geteuid() == 0:
        os.chown(real, 12, 34)
    (tmp_path / "link").symlink_to("real")
    files.replace(files.resolve(str(tmp_path / "link")), b"new")
    facts = real.stat()
    assert (tmp_path / "link").is_symlink()
    assert real.read_bytes() == b"new"
    assert stat.S_IMODE(facts.st_mode) == 0o604
    if os.geteuid() == 0:
        assert (facts.st_uid, facts.st_gid) == (12, 34)
    assert names(tmp_path) == ["link", "real"]


def test_a_new_file_is_private_unless_told_otherwise(tmp_path: Path) -> None:
    files.replace(str(tmp_path / "a"), b"x")
    files.replace(str(tmp_path / "b"), lambda fd: os.write(fd, b"y"), new_mode=0o644)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o644
    assert (tmp_path / "b").read_bytes() == b"y"


def test_a_backup_has_the_old_contents_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    path.chmod(0o640)
    files.replace(str(path), b"two", backup=True)
    assert (tmp_path / "a.bak").read_bytes() == b"one"
    assert stat.S_IMODE((tmp_path / "a.bak").stat().st_mode) == 0o640
    files.replace(str(path), b"three", backup=True)
    assert (tmp_path / "a.bak").read_bytes() == b"two"


def test_a_failing_writer_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def full(fd: int) -> None:
        os.write(fd, b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space"):
        files.replace(str(path), full)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"theirs")
    with pytest.raises(files.BusyError, match="somebody else"):
        files.replace(str(path), b"ours", expected=b"what we read")
    assert path.read_bytes() == b"theirs"
    assert names(tmp_path) == ["a"]


def test_hard_links_and_other_kinds_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    os.link(tmp_path / "a", tmp_path / "b")
    os.mkfifo(tmp_path / "fifo")
    for name in ("a", "fifo"):
        with pytest.raises(OSError, match="links|regular"):
            files.replace(str(tmp_path / name), b"new")
    with pytest.raises(OSError, match="regular"):
        files.read(str(tmp_path / "fifo"))
    with pytest.raises(IsADirectoryError):
        files.read(str(tmp_path))
    assert (tmp_path / "b").read_bytes() == b"old"


def test_links_are_followed_inside_the_root(tmp_path: Path) -> None:
    mail = tmp_path / "etc" / "mail"
    mail.mkdir(parents=True)
    (mail / "sendmail.cf").symlink_to("/etc/mail/v/real.cf")
    (mail / "v").symlink_to("../other")
    (tmp_path / "etc" / "other").mkdir()
    assert files.resolve("/etc/mail/sendmail.cf", str(tmp_path)) == str(tmp_path / "etc/other/real.cf")
    assert files.resolve("/../../etc/./mail/x", str(tmp_path)) == str(tmp_path / "etc/mail/x")
    (mail / "loop").symlink_to("loop2")
    (mail / "loop2").symlink_to("loop")
    with pytest.raises(OSError, match="symbolic links") as error:
        files.resolve("/etc/mail/loop", str(tmp_path))
    assert error.value.errno == errno.ELOOP
    assert "symbolic links" in (files.Facts("/etc/mail/loop", str(tmp_path)).problem or "")


def test_leftovers_of_the_dead_are_swept_and_of_the_living_are_not(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    dead = tmp_path / f".authinfo.{int(done.stdout)}-1.sendmailcf"
    alive = tmp_path / f".authinfo.{os.getpid()}-1.sendmailcf"
    other = tmp_path / ".authinfo.x.sendmailcf"
    for path in (dead, alive, other):
        path.touch()
    files.sweep(str(tmp_path))
    assert names(tmp_path) == sorted([alive.name, other.name])


def test_a_map_is_replaced_under_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    path.write_bytes(b"old")
    held = files.Lock(str(path))
    worker = threading.Thread(
        target=lambda: subprocess.run(
            [
                sys.executable,
                "-c",
                f"from sendmailcf import files; files.replace({str(path)!r}, b'new', is_map=True)",
            ],
            check=True,
            cwd="/",
        )
    )
    worker.start()
    time.sleep(0.5)
    assert path.read_bytes() == b"old"
    with held:
        pass
    worker.join()
    assert path.read_bytes() == b"new"


def test_a_map_that_is_the_same_stays_and_only_its_time_moves(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    path.write_bytes(b"x" * 3_000_000)
    os.utime(path, (1, 1))
    before = path.stat()
    files.replace_map(str(path), b"x" * 3_000_000)
    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mtime > time.time() - 60
    files.replace_map(str(path), b"x" * 2_999_999 + b"y")
    assert path.stat().st_ino != before.st_ino
    assert names(tmp_path) == ["m.db"]


def test_a_map_that_was_changed_since_it_was_read_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    for state in ((), files.state_of(str(tmp_path))):
        path.write_bytes(b"theirs")
        for in_place in (False, True):
            with pytest.raises(files.BusyError, match="somebody else"):
                files.replace_map(str(path), b"ours", state=state, in_place=in_place)
    assert path.read_bytes() == b"theirs"
    files.replace_map(str(path), b"ours", state=files.state_of(str(path)))
    assert path.read_bytes() == b"ours"
    assert names(tmp_path) == ["m.db"]


@pytest.mark.parametrize("size", [0, 10, 4096, 5000, 300_000])
def test_written_in_its_place_a_map_keeps_its_inode_and_all_its_names(tmp_path: Path, size: int) -> None:
    path, other = tmp_path / "m.db", tmp_path / "other.db"
    path.write_bytes(b"old" * 20_000)
    os.link(path, other)
    before = path.stat()
    files.replace_map(str(path), lambda fd: os.write(fd, b"n" * size))
    assert other.read_bytes() == b"n" * size
    assert (path.stat().st_ino, path.stat().st_nlink) == (before.st_ino, 2)
    assert int(path.stat().st_mtime) > int(before.st_mtime)
    path.unlink()
    files.replace_map(str(other), b"new", in_place=True)
    assert other.stat().st_ino == before.st_ino
    assert names(tmp_path) == ["other.db"]


def test_readers_share_a_lock_and_writers_do_not(tmp_path: Path) -> None:
    path = str(tmp_path / "m.db")
    (tmp_path / "m.db").write_bytes(b"x")
    code = f"from sendmailcf import files; files.Lock({path!r}, shared={{}}, wait=False)"

    def other(shared: bool) -> int:
        return subprocess.run(
            [sys.executable, "-c", code.format(shared)], cwd="/", capture_output=True, check=False
        ).returncode

    with files.Lock(path, shared=True):
        assert (other(True), other(False)) == (0, 1)
    with files.Lock(path):
        assert (other(True), other(False)) == (1, 1)
    assert other(False) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a mount namespace")
def test_a_map_that_is_a_mount_point_is_written_over(tmp_path: Path) -> None:
    for name in ("m.db", "behind"):
        (tmp_path / name).write_bytes(b"old")
    code = "from sendmailcf import files; files.replace_map('m.db', b'new')"
    script = f'mount --bind behind m.db && exec "{sys.executable}" -c "$0"'
    environment = {**os.environ, "PYTHONPATH": str(Path(sendmailcf.__file__).parent.parent)}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, code],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        env=environment,
    )
    if b"mount" in done.stderr or b"unshare" in done.stderr:
        pytest.skip("no mount namespace here")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "behind").read_bytes() == b"new"
    assert names(tmp_path) == ["behind", "m.db"]


def test_names_of_any_length_and_failing_writers(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 125 + ".db")
    files.replace_map(str(path), b"x")
    assert path.read_bytes() == b"x"

    def full(fd: int) -> None:
        os.write(fd, b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for in_place in (False, True):
        with pytest.raises(OSError, match="No space"):
            files.replace_map(str(path), full, in_place=in_place)
    assert path.read_bytes() == b"x"
    assert len(names(tmp_path)) == 1


def test_load_and_save(tmp_path: Path) -> None:
    path = tmp_path / "sendmail.cf"
    path.write_bytes(b"DSold\r\n\xff\0")
    cf = sendmailcf.load(str(path))
    cf.macros["S"] = "new"
    sendmailcf.save(cf)
    assert path.read_bytes() == b"DSnew\r\n\xff\0"
    sendmailcf.save(cf, str(tmp_path / "copy"), backup=True)
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o644
    with pytest.raises(ValueError, match="no file"):
        sendmailcf.save(sendmailcf.loads(b""))


def test_facts_do_not_show_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"secretpw")
    facts = files.Facts(str(tmp_path / "a"))
    assert facts.data == b"secretpw"
    assert "secretpw" not in repr(facts)
    assert facts.directories[0][0] == "/"
    assert files.Facts(str(tmp_path / "none")).missing
