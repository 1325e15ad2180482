"""The simulated tools of data, of one machine: see world."""
import json
import os

from holdfast import machine


class Data:
    """restic, PostgreSQL and buckets, as the agent calls them."""

    # restic. What the repository at hand holds is in snapshots: id, time, paths,
    # files; and what the agent backed up or copied itself in made, by repository.

    snapshots = ()

    def do_restic(self, argv, _, env):
        if argv[1] == "init":
            os.makedirs(env["RESTIC_REPOSITORY"] + "/keys")
            for name in ("keys/k", "config"):
                with open(f"{env['RESTIC_REPOSITORY']}/{name}", "w") as f:
                    f.write(name)
            return 0, ""
        if "snapshots" in argv:
            return 0, json.dumps([{"id": i, "time": at, "tree": i, "hostname": "acme", "tags": ["scheduled"], "paths": paths}
                                  for i, at, paths, _ in self.snapshots] + self.made.get(env["RESTIC_REPOSITORY"], []))
        if "stats" in argv:
            known = [sum(len(c) for c in s[3].values()) for s in self.snapshots if s[0] == argv[-1]]
            return 0, json.dumps({"total_size": known[0] if known else 7})
        if "forget" in argv:
            return 0, "[]"
        raise AssertionError(f"the world has no {argv}")

    def snapshot(self, i):
        return next(s for s in self.snapshots if s[0] == i)

    def watch(self, argv, env=None, line=None, tick=None, every=60.0):
        self.calls.append((list(argv), dict(env or {}), b""))
        for words, said in self.fail.items():
            if words in " ".join(argv):
                return machine.Result(1, b"", said.encode())
        here = (env or {})["RESTIC_REPOSITORY"]
        if argv[1] == "backup":
            return self.back_up(argv, here, line)
        if argv[1] == "copy":
            snapshot = next(s for s in self.made[self.option(argv, "--from-repo")] if s["id"] == argv[-1])
            self.serial += 1
            self.made.setdefault(here, []).append({**snapshot, "id": f"{self.serial:064x}", "original": snapshot["id"]})
            line("out", f"snapshot {self.serial:08x} saved")
            return machine.Result(0, b"", b"")
        if argv[1] in ("unlock", "forget", "check"):
            for text in self.says.get(argv[1], []):
                line("err", text)
            return machine.Result(0, b"", b"")
        if argv[1] != "restore":
            raise AssertionError(f"the world has no {argv}")
        target, include = self.option(argv, "--target"), self.option(argv, "--include")

        def write(name, content):
            os.makedirs(os.path.dirname(name), exist_ok=True)
            with open(name, "w") as f:
                f.write(content)
        for name, content in self.snapshot(argv[-1])[3].items():
            if (name + "/").startswith(include + "/"):
                self.step(f"restore {name}", lambda name=name, content=content: write(target + name, content))
        if tick:
            tick(1)
        return machine.Result(0, b"", b"")

    says = {}
    code, unread = 0, ()

    def back_up(self, argv, here, line):
        self.serial += 1
        i = f"{self.serial:064x}"
        for item in self.unread:
            line("out", json.dumps({"message_type": "error", "item": item}))
        at = self.option(argv, "--time").replace(" ", "T") + "Z" if "--time" in argv else self.now().isoformat()
        self.made.setdefault(here, []).append({"id": i, "time": at, "tree": "t" + i[1:], "hostname": "acme", "tags": [self.option(argv, "--tag")], "paths": ["/x"]})
        line("out", json.dumps({"message_type": "summary", "snapshot_id": i[:56], "total_bytes_processed": 7}))
        return machine.Result(self.code, b"", b"")

    # PostgreSQL: a cluster is a directory whose file "rows" tells what was loaded.

    def do_runuser(self, argv, given, _):
        argv = argv[4:]
        name = os.path.basename(argv[0])
        if name == "initdb":
            where = self.option(argv, "--pgdata")

            def initdb():
                os.makedirs(where)
                open(where + "/PG_VERSION", "w").close()
            self.step("initdb", initdb)
        elif name in ("psql", "pg_restore"):
            data = self.spec.volumes[0].mount + "/postgresql/15/tenant"

            def load():
                with open(data + "/rows", "a") as f:
                    f.write(given.decode() if name == "psql" else os.path.basename(argv[-1]) + "\n")
            self.step(name, load)
        else:
            raise AssertionError(f"the world has no {argv}")
        return 0, ""

    def do_pg_createcluster(self, argv, _, __):
        def create():
            os.makedirs(self.path("/etc/postgresql/15/tenant"), exist_ok=True)
            open(self.path("/etc/postgresql/15/tenant/postgresql.conf"), "w").close()
        self.step("pg_createcluster", create)
        return 0, ""

    def do_pg_isready(self, *_):
        return 0, ""

    def do_openssl(self, argv, _, __):
        def make():
            for name in ("-keyout", "-out"):
                open(self.option(argv, name), "w").close()
        self.step("openssl", make)
        return 0, ""

    def do_ip(self, *_):
        return 0, json.dumps([{"addr_info": [{"local": "10.1.0.7"}, {"local": "127.0.0.1"}]}])

    def do_curl(self, argv, given, _):
        """A store: the requests that the agent makes of it."""
        url = argv[-1]
        bucket = next(b for b in self.spec.backup.buckets if f"/{b.name}" in url)
        if bucket.name in self.buckets_down:
            return 7, ""
        key = url.partition(bucket.name)[2].lstrip("/")
        with open(self.option(argv, "--output"), "wb") as f:
            if "list-type=2" in url:
                prefix = url.partition("prefix=")[2].replace("%2F", "/")
                hits = [k for k in self.objects if k.startswith(f"{bucket.name}/{prefix}")]
                f.write(b"<Contents>" if hits else b"<ListBucketResult/>")
            elif "PUT" in argv:
                with open(self.option(argv, "--data-binary")[1:], "rb") as content:
                    data = content.read()
                self.step("put " + key, lambda: self.objects.__setitem__(f"{bucket.name}/{key}", data))
        return 0, "200"
