"""Becomes the program named after `--`, tied to the life of its owner and, if asked to, without root.

Run by path in a bare interpreter (`python -I -S launcher.py`), so it uses the standard library alone. A
separate program, and not `preexec_fn`, because a user namespace wants a process with a single thread.
"""

import argparse
import contextlib
import ctypes
import os
import pwd
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
CAP_DAC_OVERRIDE = 1
LINUX_CAPABILITY_VERSION_3 = 0x20080522
INNER_ID = 1000
"""Who the child is in its own user namespace: anybody but 0, which PostgreSQL refuses."""


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _enter_user_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    _check(_libc().unshare(CLONE_NEWUSER))
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{INNER_ID} {uid} 1"),
        ("gid_map", f"{INNER_ID} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _user_namespace_works(needed: list[str]) -> bool:
    """Tried in a child first: there is no way back out of a half-made namespace.

    Inside, root's right to pass other people's folders is gone, so what is needed may be out of reach there.
    """
    if sys.platform != "linux":
        return False
    pid = os.fork()
    if pid == 0:
        try:
            _enter_user_namespace()
        except OSError:
            os._exit(1)
        os._exit(0 if all(os.access(path, os.R_OK | os.X_OK) for path in needed) else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _become_another_user() -> None:
    """Keeps the right to pass folders that only root may enter: the project may live in /root."""
    libc = _libc()
    if sys.platform == "linux":
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    user = _other_user()
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if sys.platform == "linux":
        mask = 1 << CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
        libc.capset(header, (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0))
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    sys.exit("PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody' to run it as.")


def _give(paths: list[str], uid: int, gid: int) -> None:
    for path in paths:
        if os.stat(path).st_uid == uid:
            continue
        for folder, _, files in os.walk(path):
            for entry in (folder, *(os.path.join(folder, file) for file in files)):
                os.chown(entry, uid, gid, follow_symlinks=False)


def _drop_root(program: str, owned: list[str]) -> None:
    if _user_namespace_works([program, *owned]):
        _enter_user_namespace()
    else:
        user = _other_user()
        _give(owned, user.pw_uid, user.pw_gid)
        _become_another_user()


def _end_with(owner: int, signal_number: int) -> None:
    """After the change of user, which would forget it."""
    if sys.platform == "linux":
        _check(_libc().prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0))
    if os.getppid() != owner:
        sys.exit("the owner of this process has already ended")


def main() -> None:
    """Never returns: the process becomes the program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--owner", type=int, required=True)
    parser.add_argument("--stop-signal", type=int, required=True)
    parser.add_argument("--without-root", action="store_true")
    parser.add_argument("--owned", action="append", default=[])
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()
    if options.without_root and os.geteuid() == 0:
        _drop_root(options.program[0], options.owned)
    _end_with(options.owner, options.stop_signal)
    try:
        os.execvp(options.program[0], options.program)  # noqa: S606 (a shell is what we do not want)
    except OSError as error:
        print(f"Cannot run {options.program[0]}: {error.strerror}.", file=sys.stderr)  # noqa: T201
        sys.exit(127)


if __name__ == "__main__":
    main()
