"""Asks the kernel for what the library asks it for, and says what it has."""

import ctypes
import errno
import mmap

PAGE = 4096
GUARD_INSTALL, MSEAL, SET_VMA, ANON_NAME, SYS_PRCTL = 102, 462, 0x53564D41, 0, 157
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]


def page():
    return ctypes.c_void_p(LIBC.mmap(None, PAGE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0))


def asked(name, call):
    """The name, if it is there; else why not."""
    if call() == 0:
        return name
    return f"no {name} ({errno.errorcode[ctypes.get_errno()]})"


LENGTH, NOTHING = ctypes.c_size_t(PAGE), ctypes.c_ulong(0)
print("it has:", ", ".join((
    asked("guard markers", lambda: LIBC.madvise(page(), LENGTH, GUARD_INSTALL)),
    asked("mseal", lambda: LIBC.syscall(ctypes.c_long(MSEAL), page(), LENGTH, NOTHING)),
    asked("names of mappings", lambda: LIBC.syscall(ctypes.c_long(SYS_PRCTL), ctypes.c_long(SET_VMA), NOTHING, page(), LENGTH, b"name")),
)))
