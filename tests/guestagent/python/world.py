"""A machine whose programs and devices are simulated, to the point that the
agent's order of work is judged: a device knows its signature, its slots, its
tokens and what is inside; power can fail before or after every step.
"""
import json
import os
import shutil
import tempfile
from datetime import datetime, timedelta, timezone

from data import Data
from holdfast import machine, spec
from storage import CANARY, Device, Storage  # noqa: F401

# Everything of a simulated machine lies on one file system, in memory if possible.
TMP = "/dev/shm" if os.path.isdir("/dev/shm") else None


class PowerCut(BaseException):
    """Not an Exception: nothing catches it."""


class World(Storage, Data, machine.Machine):
    """One machine over several boots; see the module."""

    def __init__(self, text):
        self.tmp = tempfile.mkdtemp(prefix="holdfast-test-", dir=TMP)
        os.fsync = lambda fd: None  # the simulated disk loses nothing
        super().__init__(self.tmp + "/root", {})
        self.devices, self.mappings, self.mounted_at = {}, {}, {}
        self.calls, self.objects, self.logged = [], {}, []
        self.clock = datetime(2026, 11, 22, 1, 30, tzinfo=timezone.utc)
        self.cut_at, self.steps, self.serial = None, 0, 0
        self.tang, self.buckets_down, self.boots = True, set(), 0
        self.made = {}
        self.fail = {}  # words of a command line: what it says on failing
        os.makedirs(self.path("/etc/holdfast"))
        for name in ("/usr/share/zoneinfo/Europe/Berlin", "/var/lib/dpkg/status"):
            os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
            open(self.path(name), "w").close()
        with open(self.path("/etc/holdfast/guest.json"), "w") as f:
            f.write(text)
        self.spec = spec.parse(text)
        for v in self.spec.volumes:
            self.devices[v.device] = Device()
        self.power_on()

    def close(self):
        shutil.rmtree(self.tmp)

    # Power.

    def power_on(self):
        """A boot: what is only in memory is gone."""
        self.boots += 1
        for where in list(self.mounted_at):
            self.unmount(where)
        self.mappings.clear()
        for directory in ("/run", "/proc"):
            shutil.rmtree(self.path(directory), ignore_errors=True)
            os.makedirs(self.path(directory))
        os.makedirs(self.path("/proc/self"))
        os.makedirs(self.path("/proc/sys/kernel/random"))
        for name, text in (("/proc/stat", "cpu 1\nbtime 1795300000\n"), ("/proc/sys/kernel/osrelease", "6.1.0-42-amd64\n"),
                           ("/proc/sys/kernel/random/boot_id", "0b1d6a4e-3c7f-4e21-9d55-2f6a0c9e7b13\n"),
                           ("/etc/os-release", 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')):
            with open(self.path(name), "w") as f:
                f.write(text)
        self.write_mounts()

    def step(self, what, act):
        """One thing that changes the world: power may fail before it, after it,
        or let it pass."""
        self.steps += 1
        if self.cut_at == 2 * self.steps - 1:
            raise PowerCut(f"before {what}")
        out = act()
        if self.cut_at == 2 * self.steps:
            raise PowerCut(f"after {what}")
        return out

    # Files, clock.

    def now(self):
        self.clock += timedelta(seconds=1)
        return self.clock

    def sleep(self, seconds):
        self.clock += timedelta(seconds=seconds)

    def log(self, text):
        self.logged.append(text)

    def random(self, n):
        self.serial += 1
        return (CANARY + f"{self.serial:08}").encode().ljust(n, b"!")[:n]

    def write_at(self, path, content, mode=0o644):
        return self.step("write " + path, lambda: super(World, self).write_at(path, content, mode))

    def device(self, path):
        return f"8:{16 * sorted(self.devices).index(path)}" if path in self.devices else None

    def blank(self, device, parts):
        return self.devices[device].clean

    def write_mounts(self):
        lines = ["20 1 0:1 / /run rw - tmpfs tmpfs rw", "21 1 8:1 / / rw - ext4 /dev/sda1 rw"]
        lines += [f"30 1 254:0 / {where} rw - ext4 {source} rw" for where, source in self.mounted_at.items()]
        with open(self.path("/proc/self/mountinfo"), "w") as f:
            f.write("\n".join(lines) + "\n")

    def unmount(self, where):
        fs = self.under(self.mounted_at.pop(where)).inside
        os.rename(where, fs.directory)
        os.mkdir(where)

    def under(self, node):
        return self.mappings[node.removeprefix("/dev/mapper/")]

    # Programs.

    def run(self, argv, input=b"", env=None, check=True, timeout=None):
        self.calls.append((list(argv), dict(env or {}), input))
        for words, said in self.fail.items():
            if words in " ".join(argv):
                return self.answer(argv, check, 1, b"", said.encode())
        handler = getattr(self, "do_" + os.path.basename(argv[0]).replace("-", "_").replace(".", "_"), None)
        if handler is None:
            raise AssertionError(f"the world has no {argv}")
        code, out = handler(argv, input, env or {})
        return self.answer(argv, check, code, out if isinstance(out, bytes) else out.encode(), b"refused" if code else b"")

    def answer(self, argv, check, code, out, err):
        if check and code:
            raise machine.ToolError(argv, code, err)
        return machine.Result(code, out, err)


def spec_text(tmp, **changes):
    """A spec with one volume and one bucket."""
    told = {
        "version": "1.0", "deployment": "acme-eu", "tenant": "acme", "machine": "acme", "location": "hetzner/fsn1",
        "time_zone": "Europe/Berlin", "networks": ["10.1.0.0/24", "fd00::/64"], "ports": [443, 22, 8080],
        "intrusion": {"attempts": 5, "window_seconds": 600, "cool_down_seconds": 3600},
        "maintenance": {"update_at": "00:15", "reboot_at": "03:30"},
        "volumes": [{"name": "acme-data", "device": "/dev/disk/by-id/scsi-0HC_Volume_1", "mount": f"{tmp}/srv/data",
                     "binding": {"tang": [{"url": f"http://10.0.0.{i}:7500", "thumbprint": f"thp{i}"} for i in (1, 2, 3)], "threshold": 2},
                     "recovery": ["age1operator", "ssh-ed25519 AAAA"]}],
        "backup": {"at": "02:30", "time_zone": "Europe/Berlin", "daily": 7, "weekly": 4, "monthly": 3,
                   "password": ["a.b.c.d.e"], "paths": [f"{tmp}/srv/data"],
                   "buckets": [{"name": "near", "location": "hetzner/nbg1", "kind": "s3", "immutable_days": 0, "clears_locks": True,
                                "credentials": [jwe("keys")]}]},
    }
    told["backup"]["password"] = [jwe("password")]
    for key, value in changes.items():
        if value is None:
            told.pop(key)
        else:
            told[key] = value
    return json.dumps(told)


def jwe(name):
    import base64
    head = base64.urlsafe_b64encode(json.dumps({"clevis": {"pin": "tang"}}).encode()).rstrip(b"=").decode()
    return f"{head}.{name}.c.d.e"
