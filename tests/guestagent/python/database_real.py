"""PostgreSQL for real: a cluster is made where the agent wants it, dumped, lost,
made anew, loaded. It runs in a mount namespace of its own (see the Go test), as
Debian keeps clusters' configuration in /etc."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from holdfast import database, spec
from holdfast.machine import Machine, Problem
from world import spec_text


class Host(Machine):
    """This machine, with Debian's own program in the place of systemd."""

    def run(self, argv, input=b"", env=None, check=True, timeout=None):
        if argv[0] == "systemctl":
            version, _, cluster = argv[2].removeprefix("postgresql@").removesuffix(".service").partition("-")
            argv = ["pg_ctlcluster", version, cluster, argv[1]]
        if argv[0] == "ip":
            return super().run(["echo", '[{"addr_info":[{"local":"127.0.0.1"}]}]'])
        return super().run(argv, input, env, check, timeout)


class RealDatabase(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.mkdtemp(prefix="holdfast-test-")
        os.chmod(self.tmp, 0o755)
        self.addCleanup(shutil.rmtree, self.tmp)
        text = json.loads(spec_text(self.tmp, networks=["127.0.0.0/8"], database={"engine": "postgresql", "volume": "acme-data"}))
        self.spec = spec.parse(json.dumps(text))
        self.mount = self.spec.volumes[0].mount
        os.makedirs(self.mount + "/.holdfast")
        subprocess.run(["chmod", "-R", "go+rx", self.tmp], check=True)
        self.m = Host("/", {"PATH": os.environ["PATH"]})

    def psql(self, text, base="template1"):
        return database.sql(self.m, "psql", "--no-psqlrc", "--tuples-only", "--no-align", "--dbname", base, "--command", text).text.strip()

    def test_it_comes_back(self):
        m, s = self.m, self.spec
        database.bring_up(m, s)
        self.addCleanup(lambda: m.run(["systemctl", "stop", database.unit(m)], check=False))
        version = database.version(m)
        self.assertEqual(self.psql("SHOW data_directory"), f"{self.mount}/postgresql/{version}/tenant")
        self.assertEqual(self.psql("SHOW data_checksums"), "on")
        self.assertEqual(self.psql("SHOW ssl"), "on")
        self.assertEqual(self.psql("SHOW listen_addresses"), "127.0.0.1")
        self.psql("CREATE ROLE shop LOGIN PASSWORD 'canary'")
        self.psql('CREATE DATABASE "the shop" OWNER shop')
        self.psql("CREATE TABLE rows AS SELECT i, md5(i::text) AS t FROM generate_series(1, 5000) i", "the shop")
        self.psql("CREATE TABLE more (x int); INSERT INTO more VALUES (7)", "postgres")
        rows = self.psql("SELECT md5(string_agg(i || t, ',' ORDER BY i)) FROM rows", "the shop")
        verifier = self.psql("SELECT rolpassword FROM pg_authid WHERE rolname = 'shop'")
        self.assertTrue(verifier.startswith("SCRAM-SHA-256$"))
        self.assertEqual(database.databases(m), ["postgres", "the shop"])
        database.dump(m, s)
        database.dump(m, s)  # over an older one
        directory = database.dump_directory(s)
        self.assertEqual(sorted(os.listdir(directory)), ["0.dump", "1.dump", "globals.sql", "manifest.json"])
        self.assertEqual(os.stat(directory).st_mode & 0o777, 0o700)

        # A second boot changes nothing; another machine takes the volume over.
        database.bring_up(m, s)
        m.run(["systemctl", "stop", database.unit(m)])
        shutil.rmtree(f"/etc/postgresql/{version}/tenant")
        database.bring_up(m, s)
        self.assertEqual(self.psql("SELECT count(*) FROM rows", "the shop"), "5000")

        # All is lost but the dump; and the load is cut off once.
        aside = database.drop(m, s)
        self.assertTrue(os.path.exists(aside + "/PG_VERSION"))
        database.bring_up(m, s)
        database.load(m, directory)
        shutil.rmtree(database.drop(m, s))
        database.bring_up(m, s)
        database.load(m, directory)
        self.assertEqual(self.psql("SELECT md5(string_agg(i || t, ',' ORDER BY i)) FROM rows", "the shop"), rows)
        self.assertEqual(self.psql("SELECT rolpassword FROM pg_authid WHERE rolname = 'shop'"), verifier)
        self.assertEqual(self.psql("SELECT x FROM more", "postgres"), "7")
        self.assertEqual(self.psql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'the shop'"), "shop")
        with self.assertRaisesRegex(Problem, "holds no dump"):
            database.load(m, self.mount)
        # By network only with TLS and a password.
        hba = m.read(f"/etc/postgresql/{version}/tenant/pg_hba.conf")
        self.assertEqual([line for line in hba.splitlines() if line.startswith("host")], ["hostssl all all 127.0.0.0/8 scram-sha-256"])


if __name__ == "__main__":
    unittest.main()
