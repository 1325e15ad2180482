"""What becomes of volumes: new ones, old ones, and those whose making was cut off."""
import json
import os
import shutil
import tempfile
import unittest

from holdfast import boot, luks, volumes
from holdfast.machine import Problem
from world import CANARY, TMP, PowerCut, World, spec_text


class VolumeTest(unittest.TestCase):
    def world(self, **changes):
        where = tempfile.mkdtemp(dir=TMP)
        self.addCleanup(shutil.rmtree, where, True)
        w = World(spec_text(where, **changes))
        self.addCleanup(w.close)
        return w

    def one(self, w):
        v = w.spec.volumes[0]
        return v, w.devices[v.device]

    def good(self, w):
        v, d = self.one(w)
        self.assertEqual(w.mounted_at, {v.mount: volumes.node(v)})
        self.assertEqual((d.kind, d.label, set(d.slots)), ("crypto_LUKS", luks.FINISHED, {"1", "2"}))
        self.assertEqual({t["type"]: t["keyslots"] for t in d.tokens.values()}, {"clevis": ["2"], luks.RECOVERY: ["1"]})
        key = f"near/acme-eu/acme/recovery/acme/acme-data.{d.uuid}.age"
        self.assertIn(key, w.objects)
        self.assertEqual(w.objects[key], w.read(f"/var/lib/holdfast/recovery/acme-data.{d.uuid}.age").encode())
        self.assertEqual([n for n in os.listdir(w.path("/run/holdfast/secrets")) if n.endswith(".key")], [])
        self.assertEqual(w.list("/var/lib/holdfast/making"), [])

    def test_new(self):
        w = self.world()
        boot.boot(w)
        self.good(w)
        v, d = self.one(w)
        self.assertEqual(d.format_count, 1)
        argv = [c[0] for c in w.calls]
        secrets = w.path("/run/holdfast/secrets")
        dev = v.device
        self.assertIn(["cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--cipher", "aes-xts-plain64", "--key-size", "512",
                       "--pbkdf", "argon2id", "--pbkdf-memory", "262144", "--label", "holdfast-setup", "--key-slot", "0",
                       "--key-file", secrets + "/setup.key", dev], argv)
        self.assertIn(["clevis", "luks", "bind", "-y", "-f", "-k", "-", "-s", "2", "-d", dev, "sss",
                       '{"t":2,"pins":{"tang":[{"url":"http://10.0.0.1:7500","thp":"thp1"},{"url":"http://10.0.0.2:7500","thp":"thp2"},'
                       '{"url":"http://10.0.0.3:7500","thp":"thp3"}]}}'], argv)
        self.assertIn(["age", "--armor", "-r", "age1operator", "-r", "ssh-ed25519 AAAA"], argv)
        self.assertIn(["mount", "-o", "nodev,nosuid", "/dev/mapper/holdfast-acme-data", v.mount], argv)
        self.assertIn(f"/dev/mapper/holdfast-acme-data {v.mount} ext4 noauto,nodev,nosuid,_netdev 0 2", w.read("/etc/fstab"))
        self.assertIn(f"holdfast-acme-data UUID={d.uuid} none luks,noauto,_netdev", w.read("/etc/crypttab"))

    def test_no_secret_is_seen_by_others(self):
        w = self.world()
        boot.boot(w)
        secrets = [k for d in w.devices.values() for k in d.slots.values()] + [CANARY]
        for argv, env, _ in w.calls:
            for secret in secrets:
                self.assertNotIn(secret, " ".join(argv + list(env.values())), argv)
        for directory, _, files in os.walk(w.root):
            for name in files:
                path = os.path.join(directory, name)
                inside = directory.startswith(w.path("/run/holdfast/secrets"))
                with open(path, "rb") as f:
                    text = f.read()
                if not inside:
                    self.assertNotIn(CANARY.encode(), text, path)
                else:
                    self.assertEqual(os.stat(path).st_mode & 0o777, 0o600, path)
        self.assertEqual(os.stat(w.path("/run/holdfast/secrets")).st_mode & 0o777, 0o700)

    def test_the_second_boot_only_opens(self):
        w = self.world()
        boot.boot(w)
        v, d = self.one(w)
        before = dict(d.slots)
        with open(v.mount + "/precious", "w") as f:
            f.write("rows")
        w.power_on()
        w.calls.clear()
        boot.boot(w)
        self.good(w)
        self.assertEqual((d.slots, d.format_count, os.path.exists(v.mount + "/precious")), (before, 1, True))
        self.assertFalse([a for a, _, _ in w.calls if a[:2] == ["cryptsetup", "luksFormat"] or a[0].startswith("mkfs")])
        w.calls.clear()
        boot.boot(w)  # again without a power cut: nothing is opened or mounted twice
        self.assertFalse([a for a, _, _ in w.calls if a[:3] == ["clevis", "luks", "unlock"] or a[0] == "mount"])

    def test_every_crash_converges(self):
        """Power fails before and after every single step, once; and what a person
        stored after the boot that came through survives a further one."""
        w = self.world()
        boot.boot(w)
        cuts = 2 * w.steps
        self.assertGreater(cuts, 40)
        seen = set()
        for at in range(1, cuts + 1):
            w = self.world()
            w.cut_at = at
            try:
                boot.boot(w)
            except PowerCut as e:
                seen.add(str(e).split(w.tmp)[0])
            w.cut_at = None
            w.power_on()
            with self.subTest(at=at):
                boot.boot(w)
                self.good(w)
                self.keeps_data(w)
        self.assertIn("after luksFormat's begin", seen)
        self.assertIn("before label", seen)

    def test_two_crashes_converge(self):
        """The second power cut meets the repair of the first."""
        w = self.world()
        boot.boot(w)
        steps = 2 * w.steps
        for first in range(1, steps, 5):
            for second in range(1, steps, 7):
                w = self.world()
                for cut in (first, second):
                    w.steps, w.cut_at = 0, cut
                    try:
                        boot.boot(w)
                    except PowerCut:
                        pass
                    w.power_on()
                w.cut_at = None
                with self.subTest(first=first, second=second):
                    boot.boot(w)
                    self.good(w)

    def keeps_data(self, w):
        v, d = self.one(w)
        with open(v.mount + "/precious", "w") as f:
            f.write("rows")
        formats = d.format_count
        w.power_on()
        boot.boot(w)
        self.assertTrue(os.path.exists(v.mount + "/precious"))
        self.assertEqual(d.format_count, formats)

    def refused(self, w, words):
        v, d = self.one(w)
        before = d.format_count
        with self.assertRaisesRegex(Problem, words):
            volumes.bring_up(w, w.spec, v)
        self.assertEqual(d.format_count, before)
        self.assertFalse([a for a, _, _ in w.calls if "luksFormat" in a or a[0].startswith("mkfs")])

    def test_what_holds_something_is_not_touched(self):
        for kind in ("ext4", "LVM2_member", "xfs", "swap"):
            w = self.world()
            self.one(w)[1].kind = kind
            self.refused(w, f"holds {kind}, which is not LUKS2")
        w = self.world()
        self.one(w)[1].clean = False  # no signature, but not empty
        self.refused(w, "holds something unknown")
        w = self.world()
        w.do_wipefs = lambda *_: (0, "0x1fe,,,dos\n")  # a partition table, which blkid did not name
        self.refused(w, "holds 0x1fe")
        w = self.world()
        w.do_blkid = lambda *_: (8, "")  # it cannot decide
        self.refused(w, "cannot be told apart")

    def test_a_used_volume_with_the_label_of_an_unfinished_one(self):
        w = self.world()
        boot.boot(w)
        v, d = self.one(w)
        d.label = luks.UNFINISHED
        w.power_on()
        w.calls.clear()
        self.refused(w, "has been used")
        w.tang = False  # it cannot be looked into
        w.power_on()
        self.refused(w, "cannot be unlocked")
        w.tang = True
        w.mappings.clear()
        w.mounted_at = {v.mount: volumes.node(v)}
        w.mappings[volumes.mapping(v)] = d
        w.write_mounts()
        self.refused(w, "mounted")
        w.mounted_at = {}

    def test_a_foreign_volume_is_opened_and_never_formatted(self):
        w = self.world()
        v, d = self.one(w)
        boot.boot(w)
        d.label = "somebody"
        w.power_on()
        boot.boot(w)
        self.assertEqual(d.format_count, 1)
        # One with a header that no Tang server opens stays closed.
        d.tokens = {}
        w.power_on()
        w.calls.clear()
        self.refused(w, "cannot be unlocked.*recovery key")

    def test_an_open_volume_without_a_file_system_is_not_formatted(self):
        w = self.world()
        boot.boot(w)
        v, d = self.one(w)
        w.power_on()
        d.inside = None
        w.calls.clear()
        self.refused(w, "holds nothing, not ext4")

    def test_tang_comes_late(self):
        w = self.world()
        w.tang = False
        slept = []

        def sleep(seconds):
            slept.append(seconds)
            w.tang = len(slept) >= 4
        w.sleep = sleep
        boot.boot(w)
        self.assertEqual(slept, [5, 10, 20, 40])
        self.good(w)
        self.assertTrue([line for line in w.logged if "Tang servers reachable" in line])

    def test_the_recovery_key_waits_for_a_bucket(self):
        w = self.world()
        w.buckets_down = {"near"}
        with self.assertRaisesRegex(Problem, "no bucket takes the recovery key"):
            volumes.bring_up(w, w.spec, w.spec.volumes[0])
        self.assertEqual(w.mounted_at, {})
        w.buckets_down = set()
        boot.boot(w)
        self.good(w)

    def test_vtpm(self):
        text = json.loads(spec_text("/tmp/none"))
        text["volumes"][0]["binding"]["vtpm"] = True
        from holdfast import spec
        pin, config = volumes.pin(spec.parse(json.dumps(text)).volumes[0].binding)
        self.assertEqual((pin, json.loads(config)["t"], sorted(json.loads(config)["pins"])), ("sss", 2, ["sss", "tpm2"]))

    def test_grows(self):
        w = self.world()
        boot.boot(w)
        v, d = self.one(w)
        w.calls.clear()
        volumes.grow(w, v)
        self.assertFalse([a for a, _, _ in w.calls if "resize" in a])
        d.size *= 2
        volumes.grow(w, v)
        self.assertEqual(d.mapped, d.size)
        self.assertEqual([a for a, _, _ in w.calls][-2:], [["cryptsetup", "resize", "--key-file", "-", "holdfast-acme-data"],
                                                          ["resize2fs", "/dev/mapper/holdfast-acme-data"]])

    def test_a_volume_that_is_not_attached(self):
        w = self.world()
        w.devices.clear()
        with self.assertRaisesRegex(Problem, "is not attached"):
            volumes.bring_up(w, w.spec, w.spec.volumes[0])

    def test_the_tables_keep_what_others_wrote(self):
        w = self.world()
        with open(w.path("/etc/fstab"), "w") as f:
            f.write("UUID=1 / ext4 defaults 0 1\n")
        boot.boot(w)
        w.power_on()
        boot.boot(w)
        self.assertEqual(len(w.read("/etc/fstab").splitlines()), 3)
        self.assertTrue(w.read("/etc/fstab").startswith("UUID=1 / ext4 defaults 0 1\n# holdfast: acme-data\n"))


if __name__ == "__main__":
    unittest.main()
