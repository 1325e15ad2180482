"""Restores: which backup, into what, and what a power cut leaves."""
import json
import os
import shutil
import tempfile
import unittest
from unittest import mock

from holdfast import boot, database, report, restore
from holdfast.machine import Problem
from holdfast.repository import instant
from holdfast.spec import Node
from world import TMP, PowerCut, World, spec_text

OLD, NEW = "a" * 64, "b" * 64


class RestoreTest(unittest.TestCase):
    def world(self, **changes):
        where = tempfile.mkdtemp(dir=TMP)
        self.addCleanup(shutil.rmtree, where, True)
        w = World(spec_text(where, **{"restore": {"from": "latest"}, **changes}))
        self.addCleanup(w.close)
        data = w.spec.volumes[0].mount
        self.files = {f"{data}/a": "1", f"{data}/b/c": "22", f"{data}/b/d": "333", f"{data}/.holdfast/dump/manifest.json": '{"databases": ["shop", "postgres"]}',
                      f"{data}/.holdfast/dump/globals.sql": "CREATE ROLE postgres;\nCREATE ROLE shop;\n"}
        w.snapshots = [(OLD, "2026-11-20T02:30:00.5+01:00", [data], {f"{data}/old": "0"}), (NEW, "2026-11-21T02:30:00.123456789+01:00", [data], self.files)]
        w.objects["near/acme-eu/acme/restic/config"] = b"x"
        patch = mock.patch.object(database, "make_owned", lambda d: None)
        patch.start()
        self.addCleanup(patch.stop)
        sample = mock.patch.object(shutil, "copyfile", lambda a, b: None)
        sample.start()
        self.addCleanup(sample.stop)
        os.makedirs(w.path("/usr/lib/postgresql/15"))
        return w

    def restored(self, w):
        for name, content in self.files.items():
            with open(name) as f:
                self.assertEqual(f.read(), content, name)
        data = w.spec.volumes[0].mount
        self.assertEqual(sorted(os.listdir(data + "/.holdfast")), ["dump", "restore.json"])
        told = restore.load(w, w.spec)["told"]
        self.assertEqual((told["phase"], told["snapshot"], told["bucket"]), ("done", NEW, "near"))
        self.assertEqual(told["bytes_done"], told["bytes_total"])
        self.assertEqual(report.restore_state(w, w.spec)["told"], told)

    def loaded(self, w):
        with open(w.spec.volumes[0].mount + "/postgresql/15/tenant/rows") as f:
            rows = f.read().splitlines()
        self.assertEqual([r for r in rows if r], ["CREATE ROLE shop;", "0.dump", "1.dump"])

    def test_a_new_machine(self):
        w = self.world()
        boot.boot(w)
        self.restored(w)
        w.power_on()
        w.calls.clear()
        boot.boot(w)
        self.assertFalse([a for a, _, _ in w.calls if "restore" in a])

    def test_existing_data_stay(self):
        w = self.world()
        text = w.read("/etc/holdfast/guest.json")
        told = json.loads(text)
        told.pop("restore")
        with open(w.path("/etc/holdfast/guest.json"), "w") as f:
            json.dump(told, f)
        boot.boot(w)
        with open(w.spec.volumes[0].mount + "/precious", "w") as f:
            f.write("rows")
        with open(w.path("/etc/holdfast/guest.json"), "w") as f:
            f.write(text)
        w.power_on()
        w.calls.clear()
        boot.boot(w)
        self.assertEqual(sorted(n for n in os.listdir(w.spec.volumes[0].mount) if n not in ("lost+found", ".holdfast")), ["precious"])
        self.assertFalse([a for a, _, _ in w.calls if "restore" in a])

    def crash_everywhere(self, good, **changes):
        w = self.world(**changes)
        boot.boot(w)
        good(w)
        cuts, met = 2 * w.steps, set()
        for at in range(1, cuts + 1):
            w = self.world(**changes)
            w.cut_at = at
            try:
                boot.boot(w)
            except PowerCut as e:
                met.add(str(e).replace(w.spec.volumes[0].mount, "").replace(w.tmp, ""))
            w.cut_at = None
            w.power_on()
            with self.subTest(at=at, met=sorted(met)[-1:]):
                boot.boot(w)
                good(w)
        return met

    def test_every_crash_converges(self):
        met = self.crash_everywhere(self.restored)
        self.assertTrue(any(m.startswith("after restore /b/c") for m in met), met)

    def test_every_crash_converges_with_a_database(self):
        def good(w):
            self.restored_files(w)
            self.loaded(w)
        met = self.crash_everywhere(good, database={"engine": "postgresql", "volume": "acme-data"})
        self.assertTrue(any(m.startswith("after pg_restore") for m in met), met)

    def restored_files(self, w):
        for name, content in self.files.items():
            with open(name) as f:
                self.assertEqual(f.read(), content, name)

    def test_power_fails_while_renaming(self):
        """Each entry is renamed by itself; the rest is renamed later."""
        w = self.world()
        real, left = os.rename, [3]

        def rename(a, b):
            if "/.holdfast/restore/" in a:
                left[0] -= 1
                if left[0] == 0:
                    raise PowerCut("between two names")
            real(a, b)
        with mock.patch("os.rename", rename), self.assertRaises(PowerCut):
            boot.boot(w)
        w.power_on()
        boot.boot(w)
        self.restored(w)

    def test_which(self):
        w = self.world()
        for want, found in (("latest", NEW), (NEW[:8], NEW), (OLD, OLD), ("2026-11-21T00:00:00Z", OLD), ("2026-11-21T02:30:01+01:00", NEW)):
            self.assertEqual(restore.choose(w, w.spec, Node(from_=want))[0][1]["id"], found, want)
        for want, words in (("2026-11-19T00:00:00Z", "no bucket that answers has"), ("c" * 64, "no bucket that answers has"), ("yesterday", "neither latest")):
            with self.assertRaisesRegex(Problem, words):
                restore.choose(w, w.spec, Node(from_=want))
        with self.assertRaisesRegex(Problem, "no bucket of the plan"):
            restore.choose(w, w.spec, Node(from_="latest", bucket="other"))
        w.buckets_down = {"near"}
        with self.assertRaisesRegex(Problem, "near does not answer"):
            restore.choose(w, w.spec, Node(from_="latest"))

    def test_a_failure_is_told_and_tried_again(self):
        w = self.world()
        w.fail["restic restore"] = "Fatal: pack is damaged"
        slept = []

        def sleep(seconds):
            slept.append(seconds)
            told = restore.load(w, w.spec)["told"]
            self.assertEqual(told["phase"], "failed")
            self.assertIn("pack is damaged", told["message"])
            if len(slept) == 3:
                w.fail.clear()
        w.sleep = sleep
        boot.boot(w)
        self.assertEqual(slept, [5, 10, 20])
        self.restored(w)

    def test_a_place_that_does_not_exist_here(self):
        w = self.world()
        w.snapshots = [(NEW, "2026-11-21T02:30:00Z", ["/srv/elsewhere"], {"/srv/elsewhere/x": "1"})]
        with self.assertRaisesRegex(Problem, "on no volume of this machine"):
            restore.homes(w.spec, {"paths": ["/srv/elsewhere"]})
        with self.assertRaisesRegex(Problem, "above the volume"):
            restore.homes(w.spec, {"paths": ["/"]})

    def test_times(self):
        self.assertLess(instant("2026-11-21T02:30:00.123456788+01:00"), instant("2026-11-21T02:30:00.123456789+01:00"))
        self.assertEqual(instant("2026-11-21T02:30:00Z")[0], instant("2026-11-21T03:30:00+01:00")[0])

    def test_nothing_is_backed_up_before(self):
        from holdfast import backup
        w = self.world()
        boot.boot(w)
        backup.check_ready(w, w.spec)
        state = restore.load(w, w.spec)
        restore.save(w, w.spec, {**state, "step": "placing"})
        with self.assertRaisesRegex(Problem, "not finished"):
            backup.check_ready(w, w.spec)
        restore.save(w, w.spec, state)
        w.power_on()
        with self.assertRaisesRegex(Problem, "not finished|not mounted"):
            backup.check_ready(w, w.spec)


if __name__ == "__main__":
    unittest.main()
