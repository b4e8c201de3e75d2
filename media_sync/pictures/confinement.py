"""What the child gives up before it opens the first file, by Linux' Landlock: for good, and without any privilege.

It writes in one folder only and reads there and where programs lie, so neither settings nor the worker's environment.
It starts no program, opens and takes no TCP connection (Linux 6.7) and sends other processes no signal (6.12). An older
Linux, or another system, keeps less from it.
No Django here: for the child only.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CREATE, ADD, RESTRICT = 444, 445, 446  # the calls' numbers, the same on every kind of processor
WHICH_VERSION = 1
BENEATH_A_FOLDER = 1
NO_NEW_PRIVILEGES = 38  # of prctl; Landlock asks for it
# Bits of rights to files, and in which version Landlock learned them.
EXECUTE = 1 << 0
READ = 1 << 2 | 1 << 3  # files, folders
WRITE = 1 << 1 | sum(1 << bit for bit in range(4, 13))  # to files; to make and remove entries of all kinds
LATER = {2: 1 << 13, 3: 1 << 14}  # to move between folders, to truncate
CONNECTIONS = {4: 1 << 0 | 1 << 1}  # to take them, to open them
OTHERS = {6: 1 << 0 | 1 << 1}  # abstract sockets, signals


# What a library may still load.
PROGRAMS = ("/usr", "/lib", "/lib64", sys.prefix, sys.base_prefix, str(Path(__file__).parents[1]))


class Rules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("connections", ctypes.c_uint64), ("others", ctypes.c_uint64))


class Folder(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


def version() -> int:
    """Return which version of Landlock this machine has; 0 or less: none."""
    if sys.platform != "linux":
        return 0
    return int(ctypes.CDLL(None).syscall(CREATE, None, ctypes.c_size_t(0), WHICH_VERSION))


def confine(folder: Path) -> bool:
    """Give up all but working in that folder; return False where this machine does not do that."""
    has = version()
    if has < 1:
        return False
    write = WRITE | _known(LATER, has)
    rules = Rules(EXECUTE | READ | write, _known(CONNECTIONS, has), _known(OTHERS, has))
    with _closing(_call(CREATE, ctypes.byref(rules), ctypes.c_size_t(ctypes.sizeof(rules)), 0)) as ruleset:
        for program in filter(Path.exists, map(Path, PROGRAMS)):
            _allow(ruleset, program, READ)
        _allow(ruleset, folder, READ | write)
        if ctypes.CDLL(None).prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            return False
        _call(RESTRICT, ruleset, 0)
    return True


def _allow(ruleset: int, folder: Path, rights: int) -> None:
    with _closing(os.open(folder, os.O_PATH | os.O_CLOEXEC)) as descriptor:
        _call(ADD, ruleset, BENEATH_A_FOLDER, ctypes.byref(Folder(rights, descriptor)), 0)


def _call(*arguments: Any) -> int:
    """Return the call's answer; raise OSError where it fails."""
    system = ctypes.CDLL(None, use_errno=True)
    answer = int(system.syscall(*arguments))
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


@contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _known(rights: dict[int, int], has: int) -> int:
    return sum(bits for since, bits in rights.items() if since <= has)
