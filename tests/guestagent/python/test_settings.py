"""The machine's own settings, and the order of a boot."""
import json
import shutil
import tempfile
import unittest

from holdfast import boot, settings, spec
from holdfast.machine import Problem
from world import TMP, World, spec_text


class SettingsTest(unittest.TestCase):
    def world(self, **changes):
        where = tempfile.mkdtemp(dir=TMP)
        self.addCleanup(shutil.rmtree, where, True)
        w = World(spec_text(where, **changes))
        self.addCleanup(w.close)
        return w

    def test_files(self):
        w = self.world(database={"engine": "postgresql", "volume": "acme-data"})
        settings.apply(w, w.spec)
        head = "# Written by holdfast-guest from /etc/holdfast/guest.json at every boot.\n"
        self.assertEqual(w.read("/etc/nftables.d/50-holdfast.nft"), head + """\
add element inet holdfast ports { 443, 8080 }
add element inet holdfast tenant_ports { 5432 }
add element inet holdfast networks4 { 10.1.0.0/24 }
add element inet holdfast networks6 { fd00::/64 }
add element inet holdfast egress_ports { 7500 }
""")
        self.assertEqual(w.read("/etc/fail2ban/jail.d/90-holdfast.local"), head + "[DEFAULT]\nmaxretry = 5\nfindtime = 600\nbantime = 3600\n")
        self.assertIn('Unattended-Upgrade::Automatic-Reboot-Time "03:30";\n', w.read("/etc/apt/apt.conf.d/90-holdfast"))
        self.assertTrue(w.read("/etc/apt/apt.conf.d/90-holdfast").startswith("// "))
        timer = head + "[Timer]\nOnCalendar=\nOnCalendar=*-*-* {}:00 Europe/Berlin\n"
        for unit, at in (("apt-daily-upgrade", "00:15"), ("apt-daily", "23:45"), ("holdfast-backup", "02:30")):
            self.assertEqual(w.read(f"/etc/systemd/system/{unit}.timer.d/90-holdfast.conf"), timer.format(at))
        commands = [a for a, _, _ in w.calls]
        self.assertIn(["timedatectl", "set-timezone", "Europe/Berlin"], commands)
        self.assertLess(commands.index(["nft", "--check", "--file", "/etc/nftables.conf"]),
                        commands.index(["systemctl", "reload-or-restart", "nftables.service"]))
        w.calls.clear()
        settings.apply(w, w.spec)  # nothing changed: nothing is reloaded
        self.assertEqual([a for a, _, _ in w.calls if a[0] == "systemctl"], [])

    def test_one_failure_leaves_the_others(self):
        w = self.world()
        w.fail["reload-or-restart nftables"] = "syntax error"
        with self.assertRaisesRegex(Problem, "settings: firewall: .*syntax error"):
            settings.apply(w, w.spec)
        self.assertTrue(w.exists("/etc/fail2ban/jail.d/90-holdfast.local"))
        self.assertTrue(w.exists("/etc/systemd/system/holdfast-backup.timer.d/90-holdfast.conf"))

    def test_an_unknown_zone(self):
        w = self.world(time_zone="Mars/Base")
        with self.assertRaisesRegex(Problem, "the time zone Mars/Base is not known here"):
            settings.apply(w, w.spec)

    def test_a_machine_with_little(self):
        w = self.world(volumes=[], backup=None, intrusion=None, maintenance=None, ports=[], networks=[])
        boot.boot(w)
        self.assertEqual(w.read("/etc/nftables.d/50-holdfast.nft").count("\n"), 1)
        self.assertTrue(w.exists("/run/holdfast/ready"))

    def test_a_boot_goes_on_behind_a_failed_setting(self):
        w = self.world()
        w.fail["fail2ban"] = "no such jail"
        slept = []

        def sleep(seconds):
            slept.append(seconds)
            self.assertTrue(w.mounted_at)  # the volume does not wait for it
            self.assertFalse(w.exists("/run/holdfast/ready"))
            w.fail.clear()
            w.calls.clear()
        w.sleep = sleep
        boot.boot(w)
        reloads = [a[-1] for a, _, _ in w.calls if a[:2] == ["systemctl", "reload-or-restart"]]
        self.assertEqual(reloads, ["fail2ban.service"])  # what failed, and nothing else
        self.assertEqual(slept, [5])
        self.assertTrue(w.exists("/run/holdfast/ready"))

    def test_spec(self):
        good = json.loads(spec_text("/srv"))
        spec.parse(json.dumps({**good, "version": "1.7", "weather": {"fine": True}}))  # what is newer is ignored
        for change, words in (({"version": "2.0"}, "of version 2.0; this agent knows 1.x"), ({"machine": "Acme"}, "machine is not right"),
                              ({"tenant": None}, "tenant is missing"),
                              ({"volumes": [{**good["volumes"][0], "device": "sdb"}]}, "volumes.device"),
                              ({"volumes": [{**good["volumes"][0], "mount": "/srv/../etc"}]}, "volumes.mount"),
                              ({"volumes": [{**good["volumes"][0], "mount": "/srv/a b"}]}, "volumes.mount"),
                              ({"volumes": good["volumes"] * 2}, "volumes.name"),
                              ({"volumes": [{**good["volumes"][0], "binding": {"tang": [], "threshold": 1}}]}, "volumes.binding"),
                              ({"database": {"engine": "mysql", "volume": "acme-data"}}, "database"),
                              ({"backup": {**good["backup"], "at": "25:00"}}, "backup is not right"),
                              ({"backup": None, "restore": {"from": "latest"}}, "restore needs backup")):
            with self.subTest(change), self.assertRaisesRegex(Problem, words):
                spec.parse(json.dumps({**good, **change}))
        for text in ("", "[]", "{"):
            with self.assertRaises(Problem):
                spec.parse(text)


if __name__ == "__main__":
    unittest.main()
