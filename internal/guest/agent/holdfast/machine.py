"""The machine that the agent works on: its files, its clock, its programs.

Everything that leaves the process goes through a Machine, so that tests can
watch it. Secrets go to programs by standard input or by files in SECRETS, never
by an argument or the environment.
"""
import contextlib
import fcntl
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone

RUN = "/run/holdfast"
SECRETS = RUN + "/secrets"
STATE = "/var/lib/holdfast"


class Problem(Exception):
    """Something is wrong, said for the operator. It is tried again later."""


class ToolError(Problem):
    """A program failed."""

    def __init__(self, argv, code, stderr):
        self.code, self.stderr = code, stderr
        super().__init__(f"{' '.join(argv[:2])} failed ({code}): {last_line(stderr)}")


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def text(self):
        return self.out.decode("utf-8", "replace")


def last_line(stderr):
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return one_line(lines[-1]) if lines else "it says nothing"


def one_line(text, most=300):
    """Shortens to what the status object takes: one line of at most 300 bytes."""
    text = re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", str(text))
    return text.encode()[:most].decode("utf-8", "ignore").strip()


class Machine:
    """The real one. root is a prefix of the agent's own files, for tests."""

    def __init__(self, root="/", environment=None):
        self.root = root
        # What is handed on to programs besides what a call gives.
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                            "LC_ALL": "C.UTF-8", "HOME": "/root", **(environment or {})}

    def now(self):
        return datetime.now(timezone.utc)

    def sleep(self, seconds):
        time.sleep(seconds)

    def log(self, text):
        print(text, file=sys.stderr, flush=True)  # a download has the standard output

    def random(self, n):
        return os.urandom(n)

    def path(self, path):
        return os.path.join(self.root, path.lstrip("/"))

    # Programs.

    def run(self, argv, input=b"", env=None, check=True, timeout=None):
        """Runs a program to its end; ToolError unless it succeeds."""
        try:
            p = subprocess.run(argv, input=input, env={**self.environment, **(env or {})},
                               capture_output=True, timeout=timeout, cwd="/")
        except FileNotFoundError as e:
            raise Problem(f"{argv[0]} is not installed") from e
        except subprocess.TimeoutExpired as e:
            raise Problem(f"{' '.join(argv[:2])} took longer than {timeout} s") from e
        if check and p.returncode != 0:
            raise ToolError(argv, p.returncode, p.stderr)
        return Result(p.returncode, p.stdout, p.stderr)

    def watch(self, argv, env=None, line=None, tick=None, every=60.0):
        """Runs a program whose work can take hours.

        line is told each line of its standard output and error ("out" or "err",
        text) and may answer the seconds after which the program is to be ended:
        its work is then done (or hopeless), whatever it still tries. tick is
        told the process id, every so many seconds.
        """
        try:
            p = subprocess.Popen(argv, env={**self.environment, **(env or {})}, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/")
        except FileNotFoundError as e:
            raise Problem(f"{argv[0]} is not installed") from e
        kept, rest, ended = {"out": b"", "err": b""}, {"out": b"", "err": b""}, None
        streams, next_tick = {p.stdout: "out", p.stderr: "err"}, time.monotonic() + every
        with p:
            while streams:
                now = time.monotonic()
                if ended is not None and now >= ended:
                    p.kill()
                    ended = now + 3600
                if tick and now >= next_tick:
                    tick(p.pid)
                    next_tick = time.monotonic() + every
                wait = min(x for x in (next_tick, ended) if x is not None) - now
                for stream in select.select(list(streams), [], [], max(0.0, min(wait, 60.0)))[0]:
                    name, data = streams[stream], os.read(stream.fileno(), 65536)
                    if not data:
                        del streams[stream]
                    kept[name] = (kept[name] + data)[-262144:]
                    *lines, rest[name] = (rest[name] + data).split(b"\n")
                    for text in lines:
                        after = line and line(name, text.decode("utf-8", "replace"))
                        if after is not None and ended is None:
                            ended = time.monotonic() + after
            return Result(p.wait(), kept["out"], kept["err"])

    # Files.

    def read(self, path, default=None):
        """The text of a file; default where there is none."""
        try:
            with open(self.path(path), encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return default

    def write(self, path, content, mode=0o644):
        """Replaces a file at once, and wholly even where the power fails; tells
        whether it changed."""
        if isinstance(content, str):
            content = content.encode()
        return self.write_at(self.path(path), content, mode)

    def write_at(self, path, content, mode=0o644):
        """The same for a file of the tenant's volumes."""
        if isinstance(content, str):
            content = content.encode()
        with contextlib.suppress(FileNotFoundError):
            with open(path, "rb") as f:
                if f.read() == content and os.fstat(f.fileno()).st_mode & 0o7777 == mode:
                    return False
        directory = os.path.dirname(path)
        os.makedirs(directory, exist_ok=True)
        fd, temporary = tempfile.mkstemp(dir=directory, prefix=".holdfast-")
        try:
            with os.fdopen(fd, "wb") as f:
                f.write(content)
                os.fchmod(fd, mode)
                f.flush()
                os.fsync(fd)
            os.rename(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        self.sync(directory)
        return True

    def sync(self, directory):
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def remove(self, path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(path))

    def exists(self, path):
        return os.path.lexists(self.path(path))

    def secret(self, name, content):
        """Puts a secret where only root reads it and no disk keeps it; answers
        the path."""
        if self.filesystem("/run") != "tmpfs":
            raise Problem("/run is not in memory: no secret is opened")
        for directory in (RUN, SECRETS):
            os.makedirs(self.path(directory), mode=0o700, exist_ok=True)
            os.chmod(self.path(directory), 0o700)
        self.write(f"{SECRETS}/{name}", content, 0o600)
        return self.path(f"{SECRETS}/{name}")

    @contextlib.contextmanager
    def lock(self, name):
        """Waits until no other agent holds the lock."""
        os.makedirs(self.path(RUN), mode=0o700, exist_ok=True)
        with open(self.path(f"{RUN}/{name}.lock"), "w", encoding="utf-8") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            yield

    # What the kernel says.

    def mounts(self):
        """Mount points, each with its source and file system; the last that was
        mounted there counts."""
        found = {}
        for line in self.read("/proc/self/mountinfo", "").splitlines():
            fields, _, rest = line.partition(" - ")
            where = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields.split()[4])
            kind, source = rest.split()[:2]
            found[where] = (source, kind)
        return found

    def filesystem(self, path):
        """The type of the file system that holds a path."""
        mounts = self.mounts()
        while path != "/" and path not in mounts:
            path = os.path.dirname(path)
        return mounts.get(path, ("", ""))[1]

    def mounted(self, where):
        return where in self.mounts()

    def device(self, path):
        """The major and minor number of a block device, "8:16"; None if there is
        none."""
        try:
            at = os.stat(path).st_rdev
        except FileNotFoundError:
            return None
        return f"{os.major(at)}:{os.minor(at)}"

    def blank(self, device, parts):
        """Whether parts of a device (offset, length; from its end where negative)
        hold zeros only."""
        with open(device, "rb") as f:
            size = f.seek(0, os.SEEK_END)
            for offset, length in parts:
                f.seek(max(0, size + offset if offset < 0 else offset))
                while length > 0 and (data := f.read(min(length, 1 << 20))):
                    if data.count(0) != len(data):
                        return False
                    length -= len(data)
        return True

    def list(self, directory):
        try:
            return sorted(os.listdir(self.path(directory)))
        except FileNotFoundError:
            return []

    def modified(self, path):
        """When a file was last changed, in seconds; 0 without one."""
        try:
            return os.stat(self.path(path)).st_mtime
        except FileNotFoundError:
            return 0

    def pass_through(self, argv, env):
        """Runs a program whose output is this one's."""
        code = subprocess.run(argv, env={**self.environment, **env}, stdin=subprocess.DEVNULL, cwd="/", check=False).returncode
        if code != 0:
            raise Problem(f"{' '.join(argv[:2])} failed ({code})")
