"""What the status says, by what programs and the kernel say."""
import json
import shutil
import tempfile
import unittest

from holdfast import backup, boot, report
from world import TMP, World, spec_text

SS = """\
tcp   LISTEN 0      128          0.0.0.0:22        0.0.0.0:*    users:(("sshd",pid=700,fd=3))
tcp   LISTEN 0      128             [::]:22           [::]:*    users:(("sshd",pid=700,fd=4))
udp   UNCONN 0      0      10.1.0.2%ens3:68        0.0.0.0:*    users:(("systemd-network",pid=1,fd=2))
tcp   LISTEN 0      200                *:5432            *:*
"""


class ReportTest(unittest.TestCase):
    def world(self, **changes):
        where = tempfile.mkdtemp(dir=TMP)
        self.addCleanup(shutil.rmtree, where, True)
        w = World(spec_text(where, **changes))
        self.addCleanup(w.close)
        return w

    def test_measured(self):
        w = self.world()
        boot.boot(w)
        w.do_ss = lambda *_: (0, SS)
        w.do_systemctl = lambda argv, *_: (0, "a.service loaded failed failed A\nb.mount loaded failed failed B\nsession-6.scope loaded failed failed C\n" if "--failed" in argv else "")
        w.do_apt_get = lambda *_: (0, "Inst openssl [3] (4 Debian-Security:12/stable-security [amd64])\nInst vim [1] (2 Debian:12.9/stable [amd64])\n"
                                      "Conf openssl (4 Debian-Security:12/stable-security [amd64])\n")
        s = report.status(w, w.spec)
        self.assertEqual(s["listening"], [
            {"protocol": "tcp", "address": "0.0.0.0", "port": 22, "program": "sshd"},
            {"protocol": "tcp", "address": "::", "port": 22, "program": "sshd"},
            {"protocol": "tcp", "address": "::", "port": 5432},
            {"protocol": "udp", "address": "10.1.0.2", "port": 68, "program": "systemd-network"}])
        self.assertEqual(s["failed_units"], ["a.service", "b.mount"])
        self.assertEqual(s["system"]["security_updates"], 1)
        self.assertEqual((s["system"]["os"], s["system"]["kernel"]), ("Debian GNU/Linux 12 (bookworm)", "6.1.0-42-amd64"))
        self.assertEqual(s["written_at"][-6:], "+01:00")
        self.assertEqual(s["system"]["booted_at"], "2026-11-21T23:26:40+01:00")
        self.assertFalse(s["system"]["reboot_required"])
        w.write("/run/reboot-required", "")
        self.assertTrue(report.status(w, w.spec)["system"]["reboot_required"])

    def volume(self, w):
        return report.status(w, w.spec, fresh=False)["volumes"][0]

    def test_volumes(self):
        w = self.world()
        boot.boot(w)
        v = w.spec.volumes[0]
        good = {"name": "acme-data", "mount": v.mount, "format": "luks2", "cipher": "aes-xts-plain64", "key_bits": 512,
                "unlocked": True, "unattended_unlock": True, "recovery_slot": True}
        self.assertEqual(self.volume(w), good)
        d = w.devices[v.device]
        del d.slots["1"]  # the token alone opens nothing
        self.assertEqual(self.volume(w), {**good, "recovery_slot": False})
        d.tokens = {k: t for k, t in d.tokens.items() if t["type"] != "clevis"}
        self.assertFalse(self.volume(w)["unattended_unlock"])
        w.power_on()
        closed = self.volume(w)
        self.assertFalse(closed["unlocked"])
        self.assertNotIn("key_bits", closed)  # the kernel has no key
        self.assertEqual(closed["cipher"], "aes-xts-plain64")
        # A mapping of that name on another device is not this volume's.
        w.devices["/dev/other"] = other = type(d)()
        w.mappings["holdfast-acme-data"], other.mapped = other, other.size
        self.assertFalse(self.volume(w)["unlocked"])
        d.kind = "ext4"
        self.assertEqual((self.volume(w)["format"], "cipher" in self.volume(w)), ("none", False))
        del w.devices[v.device]
        self.assertEqual(self.volume(w)["format"], "none")

    def test_a_report_beside_a_backup(self):
        """Neither overwrites what the other knows."""
        w = self.world()
        bucket = w.spec.backup.buckets[0]
        running = backup.Notes(w)
        running.of(bucket)["last_run"] = {"result": "ok"}
        beside = backup.Notes(w)
        beside.of(bucket)["seen"] = {"snapshots": [], "others": 3}
        beside.save()
        running.keep()
        self.assertEqual(backup.Notes(w).of(bucket), {"last_run": {"result": "ok"}, "seen": {"snapshots": [], "others": 3}})

    def test_many(self):
        w = self.world()
        w.objects["near/acme-eu/acme/restic/config"] = b"x"
        w.snapshots = [(f"{i:064x}", f"2026-11-{1 + i // 24:02}T{i % 24:02}:00:00Z", ["/x"], {"/x": "1"}) for i in range(100)]
        told = report.status(w, w.spec)["backups"][0]
        self.assertEqual((len(told["snapshots"]), told["others"], told["snapshots"][0]["id"]), (64, 36, f"{99:064x}"))
        w.buckets_down = {"near"}
        again = report.status(w, w.spec)["backups"][0]
        self.assertEqual(again, told)  # as it was last seen
        self.assertLess(len(report.encode(report.status(w, w.spec))), 64 << 10)
        self.assertEqual(json.loads(report.encode(told)), told)


if __name__ == "__main__":
    unittest.main()
