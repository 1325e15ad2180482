"""restic's repository in one bucket."""
import json
import os
import re
import shutil
from datetime import datetime

from .machine import RUN, Problem, ToolError
from .sealed import secret_file
from .stores import proxy, store

CACHE = "/var/cache/holdfast/restic"
# restic repeats a refused request for a quarter of an hour. What it says at
# the first one tells enough.
REFUSED = re.compile(r"returned error, retrying.*(Access ?Denied|AccessDenied|forbidden|does not have storage|403)", re.I)
# What is left to restic after its work is done, where it could only try to
# remove its lock in vain, in seconds.
LINGER = 1.0


# The tag of the backups that the timer makes: only they are ever forgotten.
SCHEDULED = "scheduled"
# The tag of those that a person makes.
MANUAL = "manual"


def instant(text):
    """A time as restic writes it, to be compared: with nanoseconds."""
    head, fraction, zone = re.match(r"^([^.Z+]+?)(\.\d+)?(Z|[+-]\d\d:\d\d)$", text).groups()
    at = datetime.fromisoformat(head + ("+00:00" if zone == "Z" else zone))
    return at, float(fraction or 0)


class Refused(Problem):
    """The credentials do not allow it."""


def same(one, other):
    with open(one, "rb") as a, open(other, "rb") as b:
        return a.read() == b.read()


class Repository:
    def __init__(self, m, spec, bucket):
        self.m, self.spec, self.bucket, self.store = m, spec, bucket, store(m, spec, bucket)

    @property
    def name(self):
        return self.bucket.name

    def password_file(self):
        return secret_file(self.m, self.spec.backup.password, "the password of the backups", "restic-password",
                           lambda secret: secret.strip())

    def env(self):
        address, keys = self.store.restic()
        return {"RESTIC_REPOSITORY": address, "RESTIC_PASSWORD_FILE": self.password_file(), "RESTIC_CACHE_DIR": self.m.path(CACHE),
                **keys, **proxy(self.spec)}

    def beside(self, source):
        """The environment of work on this repository and another at once; None
        where both need the same variable with different values."""
        mine, other = self.env(), source.env()
        for key in ("AWS_SHARED_CREDENTIALS_FILE", "GOOGLE_APPLICATION_CREDENTIALS"):
            if key in mine and key in other and not same(mine[key], other[key]):
                return None
        return {**other, **mine, "RESTIC_FROM_REPOSITORY": other["RESTIC_REPOSITORY"], "RESTIC_FROM_PASSWORD_FILE": other["RESTIC_PASSWORD_FILE"]}

    def ask(self, *args):
        """Runs what only reads. It takes no lock: nobody but this machine writes
        here, one agent at a time."""
        return self.m.run(["restic", "--no-lock", *args], env=self.env(), timeout=3600)

    def work(self, *args, env=None, line=None, tick=None, done=None, codes=(0,)):
        """Runs what may take hours. done is a pattern of the output after which
        the work is finished: where locks cannot be removed, restic would go on
        for a quarter of an hour."""
        state = {"done": False, "refused": ""}

        def look(stream, text):
            if stream == "err" and REFUSED.search(text) and "Remove(<lock/" not in text:
                state["refused"] = text
                return 0.0
            if line:
                line(stream, text)
            if done and done.search(text):
                state["done"] = True
                return LINGER
            return None
        argv = ["restic", *args]
        r = self.m.watch(argv, env=env or self.env(), line=look, tick=tick)
        if state["refused"]:
            raise Refused(f"{self.name} does not allow it: {state['refused'][:200]}")
        if r.code not in codes and not (state["done"] and r.code < 0):
            raise ToolError(argv, r.code, r.err)
        return r

    def ready(self, source=None):
        """Makes the repository where there is none yet, with the parameters of
        another so that copies share their parts. restic makes it in memory and
        it is put into the bucket then, its configuration last: restic itself
        would ask about the whole bucket, which a machine has no right to."""
        if self.present():
            return
        env = self.beside(source) if source else None
        more = ["--from-repo", env["RESTIC_FROM_REPOSITORY"], "--copy-chunker-params"] if env else []
        made = self.m.path(f"{RUN}/repository")
        shutil.rmtree(made, ignore_errors=True)
        try:
            self.m.run(["restic", "init", *more], env={**(env or self.env()), "RESTIC_REPOSITORY": made}, timeout=600)
            for name in [f"keys/{key}" for key in os.listdir(made + "/keys")] + ["config"]:
                with open(f"{made}/{name}", "rb") as f:
                    self.store.put(f"{self.store.repository}/{name}", f.read())
        finally:
            shutil.rmtree(made, ignore_errors=True)
        self.m.log(f"made the repository in {self.name}")

    def present(self):
        return self.store.has(self.store.repository + "/config")

    def snapshots(self, machine=None):
        """All backups of a machine (this one) that are there, oldest first."""
        found = json.loads(self.ask("snapshots", "--json", "--host", machine or self.spec.machine).out)
        return sorted(found or [], key=lambda s: instant(s["time"]))

    def keep(self):
        b = self.spec.backup
        return ["--host", self.spec.machine, "--tag", SCHEDULED, "--group-by", "host",
                "--keep-daily", str(b.daily), "--keep-weekly", str(b.weekly), "--keep-monthly", str(b.monthly)]

    def classes(self):
        """For what restic keeps each scheduled backup, by its id: some of daily,
        weekly, monthly."""
        if not (self.spec.backup.daily or self.spec.backup.weekly or self.spec.backup.monthly):
            return {}
        out = self.ask("forget", "--dry-run", "--json", *self.keep()).text
        # Up to 0.16 a sentence follows the JSON document.
        groups, _ = json.JSONDecoder().raw_decode(out) if out.lstrip().startswith("[") else ([], 0)
        found = {}
        for group in groups or []:
            # The reasons stand in the order of what is kept.
            for kept, reason in zip(group["keep"] or [], group.get("reasons") or []):
                said = " ".join(reason["matches"])
                found[kept["id"]] = [c for c in ("daily", "weekly", "monthly") if c in said]
        return found
