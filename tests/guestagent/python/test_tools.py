"""Volumes with the real cryptsetup, clevis, jose, age and Tang servers, on files.
What needs the device mapper (what is inside an open volume) is simulated."""
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

from holdfast import luks, sealed, spec, volumes
from holdfast.machine import Machine, Problem
from world import spec_text

TANGD, KEYGEN = "/usr/libexec/tangd", "/usr/libexec/tangd-keygen"
NEEDED = [p for p in ("cryptsetup", "clevis", "clevis-luks-bind", "jose", "age", "age-keygen", "blkid", "wipefs", "mke2fs") if not shutil.which(p)]
NEEDED += [p for p in (TANGD, KEYGEN) if not os.path.exists(p)]


class Tang:
    """A Tang server on loopback: each connection is handed to tangd, as systemd
    does it."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory)
        subprocess.run([KEYGEN, directory], check=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                subprocess.run([TANGD, self.directory], stdin=connection, stdout=connection, stderr=subprocess.DEVNULL)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def told(self):
        for name in os.listdir(self.directory):
            with open(os.path.join(self.directory, name)) as f:
                if "verify" in json.load(f).get("key_ops", []):
                    thp = subprocess.run(["jose", "jwk", "thp", "-i", os.path.join(self.directory, name), "-a", "S256"], capture_output=True, check=True)
                    return {"url": f"http://127.0.0.1:{self.port}", "thumbprint": thp.stdout.decode().strip()}


class Files(Machine):
    """A machine whose device is a file."""

    def __init__(self, root):
        super().__init__(root, {"PATH": os.environ["PATH"]})
        self.opened, self.inside, self.calls, self.lines = set(), {}, [], []
        for path in ("run", "proc/self", "etc"):
            os.makedirs(os.path.join(root, path))
        self.mountinfo = ["20 1 0:1 / /run rw - tmpfs tmpfs rw"]
        self.remount()

    def remount(self):
        with open(self.path("/proc/self/mountinfo"), "w") as f:
            f.write("\n".join(self.mountinfo) + "\n")

    def log(self, text):
        self.lines.append(text)

    def sleep(self, seconds):
        raise AssertionError("it waits")

    def run(self, argv, input=b"", env=None, check=True, timeout=None):
        self.calls.append(argv)
        name = argv[-1].removeprefix("/dev/mapper/")
        if argv[:3] == ["clevis", "luks", "unlock"]:  # what it would open with is tried on the slot
            super().run(["clevis", "luks", "unlock", "-d", argv[4], "-t", "2"], timeout=60)
            self.opened.add(name)
            return super().run(["true"])
        if argv[0] == "dmsetup":
            return super().run(["echo", f"0 98304 crypt aes-xts-plain64 :64:logon:x 0 {self.device('/')} 32768"] if name in self.opened else ["false"], check=check)
        if argv[:2] == ["cryptsetup", "close"]:
            self.opened.discard(name)
        elif argv[-1].startswith("/dev/mapper/") and argv[0] in ("blkid", "wipefs"):
            return super().run(["echo", "TYPE=ext4"] if name in self.inside else ["true"], check=check)
        elif argv[0] == "mkfs.ext4":
            self.inside[name] = True
        elif argv[0] == "mount":
            self.mountinfo.append(f"30 1 254:0 / {argv[-1]} rw - ext4 {argv[-2]} rw")
            self.remount()
        elif argv[0] in ("systemctl", "e2fsck", "resize2fs"):
            pass
        elif argv[0] == "blockdev":
            return super().run(["echo", str((98304 + 32768) * 512)])
        else:
            return super().run(argv, input, env, check, timeout)
        return super().run(["true"])

    def device(self, path):
        return "0:0"


@unittest.skipIf(NEEDED, f"not installed (tests/scripts/agent-tools does it): {', '.join(NEEDED)}")
class RealTools(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.mkdtemp(prefix="holdfast-test-")
        self.addCleanup(shutil.rmtree, self.tmp)
        self.tangs = [Tang(f"{self.tmp}/tang{i}") for i in range(3)]
        self.identity = f"{self.tmp}/operator.key"
        subprocess.run(["age-keygen", "-o", self.identity], check=True, capture_output=True)
        self.recipient = subprocess.run(["age-keygen", "-y", self.identity], check=True, capture_output=True, text=True).stdout.strip()
        self.device = f"{self.tmp}/device"
        with open(self.device, "wb") as f:
            f.truncate(64 << 20)
        text = json.loads(spec_text(self.tmp, backup=None))
        text["volumes"][0].update(binding={"tang": [t.told() for t in self.tangs], "threshold": 2}, recovery=[self.recipient])
        self.spec = spec.parse(json.dumps(text))
        self.volume = self.spec.volumes[0]
        self.volume.device = self.device
        self.m = Files(f"{self.tmp}/root")

    def tearDown(self):
        for t in self.tangs:
            try:
                t.stop()
            except OSError:
                pass

    def digest(self):
        with open(self.device, "rb") as f:
            return hashlib.file_digest(f, "sha256").hexdigest()

    def opens(self, key):
        return subprocess.run(["cryptsetup", "open", "--test-passphrase", "--key-file", "-", self.device], input=key, capture_output=True).returncode == 0

    def test_a_new_volume(self):
        m, v = self.m, self.volume
        volumes.bring_up(m, self.spec, v)
        dump = json.loads(subprocess.run(["cryptsetup", "luksDump", "--dump-json-metadata", self.device], capture_output=True, check=True).stdout)
        self.assertEqual(set(dump["keyslots"]), {"1", "2"})
        self.assertEqual(dump["keyslots"]["1"]["kdf"]["type"], "argon2id")
        self.assertEqual({s["key_size"] for s in dump["keyslots"].values()}, {64})
        self.assertEqual(dump["segments"]["0"]["encryption"], "aes-xts-plain64")
        self.assertEqual({t["type"]: t["keyslots"] for t in dump["tokens"].values()}, {"clevis": ["2"], luks.RECOVERY: ["1"]})
        found = luks.signatures(m, self.device)
        self.assertEqual((found["label"], found["version"], luks.is_luks2(found)), (luks.FINISHED, "2", True))
        self.assertEqual(m.list("/run/holdfast/secrets"), [])
        # The operators' way in.
        path = m.path(f"/var/lib/holdfast/recovery/acme-data.{found['uuid']}.age")
        key = subprocess.run(["age", "--decrypt", "--identity", self.identity, path], check=True, capture_output=True).stdout
        self.assertTrue(self.opens(key))
        self.assertFalse(self.opens(key + b"\n"))
        # Nothing of it stands in the clear anywhere else, nor on a command line.
        for argv in m.calls:
            self.assertNotIn(key.decode(), " ".join(argv))
        before = self.digest()
        m.mountinfo = m.mountinfo[:1]
        m.remount()
        m.opened.clear()
        volumes.bring_up(m, self.spec, v)  # another boot
        self.assertEqual(self.digest(), before)
        # Two of three Tang servers are enough, one is not.
        self.tangs[0].stop()
        luks.unlock(m, self.device, "x")
        self.tangs[1].stop()
        with self.assertRaisesRegex(Problem, "cannot be unlocked.*recovery key"):
            luks.unlock(m, self.device, "x")
        self.assertEqual(self.digest(), before)

    def test_an_unfinished_volume_is_made_again(self):
        m, v = self.m, self.volume
        m.inside["holdfast-acme-data"] = False  # any file system of another maker would be in the way
        m.inside.clear()
        subprocess.run(["cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--label", luks.UNFINISHED, "--pbkdf", "pbkdf2",
                        "--pbkdf-force-iterations", "1000", "--key-file", "-", self.device], input=b"lost with the power", check=True)
        first = luks.signatures(m, self.device)["uuid"]
        volumes.bring_up(m, self.spec, v)
        found = luks.signatures(m, self.device)
        self.assertNotEqual(found["uuid"], first)
        self.assertEqual(found["label"], luks.FINISHED)
        self.assertFalse(self.opens(b"lost with the power"))

    def test_what_holds_something_is_not_touched(self):
        def ext4():
            subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", self.device], check=True)

        def partitions():
            with open(self.device, "r+b") as f:
                f.seek(510)
                f.write(b"\x55\xaa")
                f.seek(446)
                f.write(bytes([0, 0, 2, 0, 0x83, 0, 0, 0]) + (2048).to_bytes(4, "little") + (8192).to_bytes(4, "little"))

        def somebody():
            subprocess.run(["cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000",
                            "--key-file", "-", self.device], input=b"somebody's", check=True)

        def old():
            subprocess.run(["cryptsetup", "luksFormat", "--batch-mode", "--type", "luks1", "--pbkdf-force-iterations", "1000",
                            "--key-file", "-", self.device], input=b"somebody's", check=True)

        def unknown():
            with open(self.device, "r+b") as f:
                f.seek(5 << 20)
                f.write(b"\x01")

        def at_the_end():
            with open(self.device, "r+b") as f:
                f.seek(-512, os.SEEK_END)
                f.write(b"\x01")
        for fill, words in ((ext4, "holds ext4"), (partitions, "which is not LUKS2"), (somebody, "cannot be unlocked"), (old, "not LUKS2"),
                            (unknown, "something unknown"), (at_the_end, "something unknown")):
            with self.subTest(fill.__name__):
                with open(self.device, "wb") as f:
                    f.truncate(64 << 20)
                fill()
                before = self.digest()
                with self.assertRaisesRegex(Problem, words):
                    volumes.bring_up(self.m, self.spec, self.volume)
                self.assertEqual(self.digest(), before)

    def test_a_wrong_thumbprint_is_refused(self):
        for t in self.volume.binding.tang:
            t.thumbprint = "A" * 43
        with self.assertRaises(Problem):
            volumes.bring_up(self.m, self.spec, self.volume)
        self.assertEqual(luks.signatures(self.m, self.device)["label"], luks.UNFINISHED)
        self.assertEqual(self.m.list("/run/holdfast/secrets"), [])

    def test_sealed(self):
        told = [t.told() for t in self.tangs]

        def seal(secret, server):
            config = json.dumps({"url": server["url"], "thp": server["thumbprint"]})
            return subprocess.run(["clevis", "encrypt", "tang", config], input=secret, capture_output=True, check=True).stdout
        both = [seal(seal(b"the secret", told[0]), told[1]).decode(), seal(seal(b"the secret", told[1]), told[2]).decode()]
        self.assertEqual(sealed.unseal(self.m, both, "x"), b"the secret")
        path = sealed.secret_file(self.m, both, "x", "name")
        with open(path, "rb") as f:
            self.assertEqual((f.read(), os.fstat(f.fileno()).st_mode & 0o777), (b"the secret", 0o600))
        self.tangs[0].stop()
        self.assertEqual(sealed.unseal(self.m, both, "x"), b"the secret")
        self.tangs[1].stop()
        with self.assertRaisesRegex(Problem, "cannot be opened"):
            sealed.unseal(self.m, both, "x")
        self.assertEqual(sealed.secret_file(self.m, both, "x", "name"), path)  # opened once a boot
        for argv in self.m.calls:
            self.assertNotIn("the secret", " ".join(argv))


if __name__ == "__main__":
    unittest.main()
