"""Backups: the exact commands, what is refused, what is remembered."""
import json
import os
import shutil
import tempfile
import unittest

from holdfast import backup, boot, report
from holdfast.machine import Problem
from holdfast.repository import MANUAL
from world import CANARY, TMP, World, jwe, spec_text


class BackupTest(unittest.TestCase):
    def world(self, far_keys="keys", **changes):
        where = tempfile.mkdtemp(dir=TMP)
        self.addCleanup(shutil.rmtree, where, True)
        text = json.loads(spec_text(where, **changes))
        text["backup"]["buckets"].append({"name": "far", "location": "hetzner/hel1", "kind": "s3", "immutable_days": 90, "clears_locks": False,
                                          "credentials": [jwe(far_keys)]})
        w = World(json.dumps(text))
        self.addCleanup(w.close)
        boot.boot(w)
        w.calls.clear()
        return w

    NEAR = "s3:https://nbg1.your-objectstorage.com/near/acme-eu/acme/restic"
    FAR = "s3:https://hel1.your-objectstorage.com/far/acme-eu/acme/restic"

    def restic(self, w):
        return [(env["RESTIC_REPOSITORY"].rsplit("/", 4)[1] if env["RESTIC_REPOSITORY"].startswith("s3:") else "made", argv[1:])
                for argv, env, _ in w.calls if argv[0] == "restic" and "--json" not in argv[1:] or argv[:2] == ["restic", "backup"]]

    def test_commands(self):
        w = self.world()
        data = w.spec.volumes[0].mount
        i = backup.run(w, w.spec)
        exclude = [a for name in ("lost+found", ".holdfast/restore*", ".holdfast/replaced-*", ".holdfast/dump.new") for a in ("--exclude", f"{data}/{name}")]
        self.assertEqual(self.restic(w), [
            ("made", ["init"]),
            ("near", ["unlock"]),
            ("near", ["backup", "--json", "--host", "acme", "--tag", "scheduled", *exclude, data]),
            ("made", ["init", "--from-repo", self.NEAR, "--copy-chunker-params"]),
            ("far", ["copy", "--no-lock", "--from-repo", self.NEAR, i]),
            ("near", ["forget", "--prune", "--host", "acme", "--tag", "scheduled", "--group-by", "host",
                      "--keep-daily", "7", "--keep-weekly", "4", "--keep-monthly", "3"]),
            ("near", ["check", "--no-lock", "--read-data-subset", "5%"]),
            ("far", ["check", "--no-lock", "--read-data-subset", "5%"])])
        for key in ("near/acme-eu/acme/restic/config", "far/acme-eu/acme/restic/keys/k", "far/acme-eu/acme/status/v1.json"):
            self.assertIn(key, w.objects)
        for argv, env, _ in w.calls:
            self.assertNotIn(CANARY, " ".join([*argv, *env.values()]))
            if argv[0] == "restic":
                self.assertFalse({"RESTIC_PASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"} & env.keys())
        told = json.loads(w.objects["far/acme-eu/acme/status/v1.json"])
        self.assertEqual([b["last_run"]["result"] for b in told["backups"]], ["ok", "ok"])
        self.assertFalse([argv for argv, _, _ in w.calls if "stats" in argv])  # its size was told when it was made
        # The next night: no new repositories, no prune, no check.
        w.calls.clear()
        backup.run(w, w.spec)
        self.assertEqual([(where, argv[0], "--prune" in argv) for where, argv in self.restic(w)],
                         [("near", "unlock", False), ("near", "backup", False), ("far", "copy", False), ("near", "forget", False)])

    def test_keys_that_do_not_go_together(self):
        """Of two of one vendor's keys a process takes one: it is backed up there
        as well, with the same time."""
        w = self.world(far_keys="keys2")
        backup.run(w, w.spec)
        there = [argv for where, argv in self.restic(w) if where == "far" and argv[0] == "backup"]
        self.assertEqual(len(there), 1)
        self.assertIn("--time", there[0])
        self.assertFalse([argv for _, argv in self.restic(w) if argv[0] == "copy"])

    def test_a_bucket_that_does_not_answer(self):
        w = self.world()
        w.buckets_down = {"near"}
        with self.assertRaisesRegex(Problem, "not every bucket has this backup: near"):
            backup.run(w, w.spec)
        self.assertEqual((len(w.made.get(self.NEAR, [])), len(w.made[self.FAR])), (0, 1))
        self.assertEqual(backup.Notes(w).of(w.spec.backup.buckets[0])["last_run"]["result"], "failed")
        w.buckets_down = {"near", "far"}
        with self.assertRaises(Problem):
            backup.run(w, w.spec)
        w.buckets_down = set()
        backup.run(w, w.spec, MANUAL)
        self.assertEqual(w.made[self.NEAR][-1]["tags"], ["manual"])

    def test_rights_that_are_missing(self):
        w = self.world()
        w.says = {"forget": ["Remove(<snapshot/12ab>) returned error, retrying after 500ms: Access Denied."]}
        backup.run(w, w.spec)
        self.assertTrue([line for line in w.logged if "whoever may delete there" in line])
        w.calls.clear()
        backup.run(w, w.spec)
        self.assertFalse([argv for _, argv in self.restic(w) if argv[0] == "forget"])  # it is not asked every night
        w.says = {"check": ["Remove(<lock/12ab>) returned error, retrying after 500ms: Access Denied."]}
        backup.tend(w, w.spec, backup.Repository(w, w.spec, w.spec.backup.buckets[1]), backup.Notes(w))
        self.assertEqual(backup.Notes(w).of(w.spec.backup.buckets[1])["check"]["result"], "ok")  # a lock is not the work

    def test_files_that_could_not_be_read(self):
        w = self.world()
        data = w.spec.volumes[0].mount
        w.code, w.unread = 3, [data + "/gone"]
        backup.run(w, w.spec)  # it was removed meanwhile: that is no fault
        with open(data + "/there", "w") as f:
            f.write("x")
        w.unread = [data + "/there"]
        with self.assertRaisesRegex(Problem, "lacks files that could not be read, such as .*there"):
            backup.run(w, w.spec)
        w.unread = []
        with self.assertRaisesRegex(Problem, "lacks files"):
            backup.run(w, w.spec)
        w.code = 1
        with self.assertRaisesRegex(Problem, "restic backup failed"):
            backup.run(w, w.spec)

    def test_nothing_is_no_backup(self):
        w = self.world()
        backup.check_ready(w, w.spec)
        w.spec.backup.paths = ["/does/not/exist"]
        with self.assertRaisesRegex(Problem, "does not exist: no backup"):
            backup.run(w, w.spec)
        w.spec.backup.paths = []
        with self.assertRaisesRegex(Problem, "names nothing to back up"):
            backup.run(w, w.spec)
        w.spec.backup.paths = [w.spec.volumes[0].mount]
        w.power_on()
        with self.assertRaisesRegex(Problem, "is not mounted: no backup"):
            backup.run(w, w.spec)
        self.assertEqual(w.made, {})

    def test_the_database_is_dumped_and_its_data_are_not_copied(self):
        w = self.world()
        mount = w.spec.volumes[0].mount
        w.spec.database = w.spec.volumes[0].__class__(engine="postgresql", volume="acme-data")
        self.assertEqual(backup.sources(w.spec), [mount])  # the dump is within
        self.assertIn(mount + "/postgresql", backup.excludes(w.spec))
        w.spec.backup.paths = [mount + "/www"]
        self.assertEqual(backup.sources(w.spec), [mount + "/www", mount + "/.holdfast/dump"])

    def test_the_status_waits_for_no_bucket(self):
        w = self.world()
        backup.run(w, w.spec)
        w.buckets_down = {"far"}
        report.send(w, w.spec)
        w.buckets_down = {"near", "far"}
        with self.assertRaisesRegex(Problem, "no bucket takes the status"):
            report.send(w, w.spec)
        self.assertTrue(os.path.exists(w.path(backup.NOTES)))


if __name__ == "__main__":
    unittest.main()
