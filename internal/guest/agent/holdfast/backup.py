"""Backups: the database dumped, then all files into the nearest bucket that
answers, then copied to the others."""
import json
import os
import re

from . import database, luks, recovery, report, restore, volumes
from .machine import STATE, Problem, one_line
from .repository import MANUAL, SCHEDULED, Refused, Repository, instant

NOTES = f"{STATE}/backups.json"
CHECK_DAYS = 7
# Of the stored data, at random, read and checked each week.
CHECK_SUBSET = "5%"
PRUNE_DAYS = 7


class Notes:
    """What is remembered from run to run, by bucket: only what the buckets
    themselves cannot tell."""

    def __init__(self, m):
        self.m = m
        try:
            self.all = json.loads(m.read(NOTES, "{}"))
        except ValueError:
            self.all = {}

    def of(self, bucket):
        return self.all.setdefault("buckets", {}).setdefault(bucket.name, {})

    @property
    def sizes(self):
        """What a restore would write, in bytes, by the tree of the backup."""
        return self.all.setdefault("sizes", {})

    def save(self):
        self.m.write(NOTES, json.dumps(self.all, indent=1), 0o600)

    def keep(self):
        """Writes down what a backup knows better than a report that ran beside
        it: everything but what was seen in the buckets."""
        with self.m.lock("notes"):
            now = Notes(self.m)
            for name, mine in self.all.get("buckets", {}).items():
                theirs = now.all.setdefault("buckets", {}).setdefault(name, {})
                seen = theirs.get("seen")
                theirs.clear()
                theirs.update(mine, **({"seen": seen} if seen else {}))
            now.sizes.update(self.sizes)
            now.save()

    def due(self, bucket, what, days):
        last = self.of(bucket).get(what, {}).get("at")
        return last is None or (self.m.now() - instant(last)[0]).total_seconds() > (days - 0.5) * 86400


def stamp(m, spec):
    return m.now().astimezone(report.zone(spec)).isoformat(timespec="seconds")


def sources(spec):
    """What is backed up: the plan's paths, and the dump if none of them holds it."""
    paths = list(spec.backup.paths)
    if spec.database:
        dump = database.dump_directory(spec)
        if not any(dump.startswith(p.rstrip("/") + "/") for p in paths):
            paths.append(dump)
    if not paths:
        raise Problem("the plan of this machine names nothing to back up")
    return paths


def excludes(spec):
    """What is not: data of a running server (its dump is), and what a restore
    left beside."""
    out = []
    for v in spec.volumes:
        out += [v.mount + "/lost+found", v.mount + "/.holdfast/restore*", v.mount + "/.holdfast/replaced-*", v.mount + "/.holdfast/dump.new"]
    if spec.database:
        out.append(database.base(spec))
    return [a for e in out for a in ("--exclude", e)]


def check_ready(m, spec):
    """An empty directory must never become the newest backup."""
    if restore.pending(m, spec):
        raise Problem("the restore of this machine is not finished: there is nothing to back up yet")
    for v in spec.volumes:
        if not m.mounted(v.mount) or not luks.active(m, volumes.mapping(v)):
            raise Problem(f"the volume {v.name} is not mounted: no backup is made without it")
    for path in sources(spec):
        if path.startswith("/") and not os.path.lexists(path) and path != (spec.database and database.dump_directory(spec)):
            raise Problem(f"{path} does not exist: no backup is made without it")


def run(m, spec, tag=SCHEDULED):
    """Makes a backup and copies it; Problem at the end if any bucket is without
    it. Answers the id of the backup in the bucket that it was made in."""
    with m.lock("backup"):
        check_ready(m, spec)
        notes, failed = Notes(m), []
        if spec.database:
            database.dump(m, spec)
        begun = stamp(m, spec)
        first, made = None, None
        repositories = [Repository(m, spec, b) for b in spec.backup.buckets]
        for r in repositories:
            source = r if first is None else None
            try:
                note = {"started_at": stamp(m, spec)}
                r.ready(first or known(repositories, r))
                if r.bucket.clears_locks:
                    r.work("unlock")  # what a power cut left
                if source:
                    made = make(m, spec, r, tag, notes)
                    first = r
                else:
                    copy(m, spec, r, first, made, tag, begun, notes)
                notes.of(r.bucket)["last_run"] = {**note, "finished_at": stamp(m, spec), "result": "ok"}
            except Problem as e:
                failed.append(f"{r.name}: {e}")
                m.log(f"backup: {r.name}: {e}")
                notes.of(r.bucket)["last_run"] = {**note, "finished_at": stamp(m, spec), "result": "failed", "message": one_line(e)}
            notes.keep()
        reached = [r for r in repositories if notes.of(r.bucket)["last_run"]["result"] == "ok"]
        for r in reached[1:]:  # what the nearest missed while it did not answer
            try:
                bring(m, reached[0], r)
            except Problem as e:
                m.log(f"backup: {reached[0].name}: {e}")
        for r in reached:
            tend(m, spec, r, notes)
        try:
            recovery.send_all(m, spec)
        except Problem as e:
            failed.append(str(e))
        report.send(m, spec)
        if failed:
            raise Problem("not every bucket has this backup: " + "; ".join(failed))
        return made["id"]


def known(repositories, but):
    """A repository that exists already: a new one takes its parameters."""
    for r in repositories:
        try:
            if r is not but and r.present():
                return r
        except Problem:
            continue
    return None


def make(m, spec, r, tag, notes, at=None):
    """Makes a backup in one bucket, and answers its snapshot."""
    summary, errors = {}, []

    def line(stream, text):
        if text.startswith("{"):
            try:
                said = json.loads(text)
            except ValueError:
                return
            if said.get("message_type") == "summary":
                summary.update(said)
            elif said.get("message_type") == "error":
                errors.append(said.get("item", ""))
    when = ["--time", at] if at else []
    done = re.compile(r'"message_type":"summary"') if not r.bucket.clears_locks else None
    argv = ["backup", "--json", "--host", spec.machine, "--tag", tag, *when, *excludes(spec), *sources(spec)]
    result = r.work(*argv, line=line, done=done, codes=(0, 3))
    unread = [p for p in errors if os.path.lexists(p)]
    if result.code == 3 and (unread or not errors):
        raise Problem(f"the backup lacks files that could not be read, such as {unread[:1] or '(unknown)'}")
    made = next(s for s in reversed(r.snapshots()) if s["id"].startswith(summary["snapshot_id"]))
    notes.sizes[made["tree"]] = summary["total_bytes_processed"]
    m.log(f"backup: {made['id'][:8]} in {r.name}, {summary['total_bytes_processed']} bytes, {summary.get('data_added', 0)} new")
    return made


def identity(snapshot):
    """What a backup and its copies have in common."""
    return snapshot["time"], snapshot["tree"]


def copy(m, spec, r, source, made, tag, begun, notes):
    """Brings to a bucket what it lacks: this backup, and earlier ones that are
    kept and that it missed while it did not answer."""
    if not bring(m, r, source, made):
        # Two vendors' keys fit into one process, two of one vendor do not.
        make(m, spec, r, tag, notes, at=begun[:19].replace("T", " "))


def bring(m, r, source, made=None):
    """Copies what is kept in one bucket and missing in another; False where one
    process cannot open both."""
    env = r.beside(source)
    if env is None:
        return False
    have, kept = {identity(s) for s in r.snapshots()}, source.classes()
    missing = [s["id"] for s in source.snapshots() if identity(s) not in have
               and (s["id"] in kept or MANUAL in (s.get("tags") or []) or made and s["id"] == made["id"])]
    done = re.compile(r"^snapshot [0-9a-f]+ saved|was already copied") if not r.bucket.clears_locks else None
    for i in missing:
        r.work("copy", "--no-lock", "--from-repo", env["RESTIC_FROM_REPOSITORY"], i, env=env, done=done)
    if missing:
        m.log(f"backup: {len(missing)} copied to {r.name}")
    return True


def tend(m, spec, r, notes):
    """Forgets what is kept for nothing, where that is possible, and checks a part
    of what is stored once a week. Neither failure makes the backup worse."""
    note = notes.of(r.bucket)
    if not r.bucket.immutable_days and r.bucket.clears_locks and (not note.get("forget_refused") or notes.due(r.bucket, "forget_refused", 30)):
        try:
            prune = ["--prune"] if notes.due(r.bucket, "prune", PRUNE_DAYS) else []
            r.work("forget", *prune, *r.keep())
            note.pop("forget_refused", None)
            if prune:
                note["prune"] = {"at": stamp(m, spec)}
        except Refused as e:
            note["forget_refused"] = {"at": stamp(m, spec)}
            m.log(f"backup: {e}: whoever may delete there has to forget old backups")
        except Problem as e:
            m.log(f"backup: forget in {r.name}: {e}")
    if notes.due(r.bucket, "check", CHECK_DAYS):
        try:
            r.work("check", "--no-lock", "--read-data-subset", CHECK_SUBSET)
            note["check"] = {"at": stamp(m, spec), "result": "ok"}
        except Problem as e:
            note["check"] = {"at": stamp(m, spec), "result": "failed", "message": one_line(e)}
            m.log(f"backup: check of {r.name}: {e}")
    notes.keep()
