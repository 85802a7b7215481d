# SPDX-License-Identifier: MIT
"""initramfs.py OUT NAME=FILE...: a cpio archive ("newc") of these files for the kernel to start from; what ends in .xz is unpacked."""
import lzma
import pathlib
import sys


def entry(number, name, mode, data):
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return b"".join(part + b"\0" * (-len(part) % 4) for part in (head, data))


out, *files = sys.argv[1:]
archive = [entry(1, "dev", 0o40755, b""), entry(2, "sys", 0o40755, b"")]
for number, file in enumerate(files, 3):
    name, path = file.split("=", 1)
    data = pathlib.Path(path).read_bytes()
    archive.append(entry(number, name, 0o100755, lzma.decompress(data) if path.endswith(".xz") else data))
archive.append(entry(0, "TRAILER!!!", 0, b""))
pathlib.Path(out).write_bytes(b"".join(archive))
