"""The two commands: holdfast-guest for the machine, holdfast-backup for people."""
import argparse
import os
import sys

from . import backup, boot, report, restore, volumes
from .machine import Machine, Problem
from .repository import MANUAL, Repository
from .spec import Node, load

# How long a backup waits for volumes that are not open yet, in seconds.
WAIT = 7200


def machine(arguments):
    """Of the environment only what says whom to trust is handed on; and where
    the programs are, to a machine that is none."""
    names = ["SSL_CERT_FILE", "SSL_CERT_DIR"] + (["PATH"] if arguments.root != "/" else [])
    keep = {k: os.environ[k] for k in names if k in os.environ}
    return Machine(arguments.root, keep)


def parser(name, about):
    p = argparse.ArgumentParser(prog=name, description=about)
    p.add_argument("--root", default="/", help=argparse.SUPPRESS)
    return p, p.add_subparsers(dest="command", required=True, metavar="COMMAND")


def main(act, root="/"):
    if os.geteuid() != 0 and root == "/":
        sys.exit("only root may do that: use sudo")
    os.umask(0o022)  # what is secret says so itself
    try:
        act()
    except Problem as e:
        sys.exit(f"{e}")
    except KeyboardInterrupt:
        sys.exit(130)


def guest(argv=None):
    p, sub = parser("holdfast-guest", "What this machine does for itself.")
    sub.add_parser("boot", help="bring the machine to what it was declared as, and wait until it is")
    sub.add_parser("tend", help="let volumes grow with their devices, and tell the buckets how the machine is")
    s = sub.add_parser("status", help="print how the machine is")
    s.add_argument("--cached", action="store_true", help="do not ask the buckets")
    a = p.parse_args(argv)
    m = machine(a)

    def act():
        if a.command == "boot":
            boot.boot(m)
        elif a.command == "tend":
            tend(m)
        else:
            sys.stdout.buffer.write(report.encode(report.status(m, load(m), not a.cached)))
    main(act, a.root)


def tend(m):
    spec, failed = load(m), []
    for v in spec.volumes:
        try:
            if m.mounted(v.mount):
                volumes.grow(m, v)
        except Problem as e:
            failed.append(str(e))
    report.send(m, spec)
    if failed:
        raise Problem("; ".join(failed))


def people(argv=None):
    p, sub = parser("holdfast-backup", "Backups of this machine.")
    sub.add_parser("now", help="make a backup now; it is kept until somebody removes it")
    sub.add_parser("scheduled", help="what the timer does: make a backup, forget what is no longer kept")
    sub.add_parser("list", help="list all backups in all buckets")
    get = sub.add_parser("get", help="write a file, or a directory as tar, of a backup to standard output")
    r = sub.add_parser("restore", help="restore a backup beside the live data, or in their place")
    for q in (get, r):
        q.add_argument("snapshot", help="latest, a time (2026-11-22T02:30:00+01:00), or an id")
        q.add_argument("--bucket", default="", help="read this one, not the nearest that has the backup")
        q.add_argument("--machine", default="", help="the machine whose backup it is, if not this one")
    get.add_argument("path")
    how = r.add_mutually_exclusive_group(required=True)
    how.add_argument("--beside", metavar="DIRECTORY", help="restore into a new directory")
    how.add_argument("--live", action="store_true", help="put the backup in the place of the live data, which are kept beside")
    r.add_argument("--yes", metavar="MACHINE", default="", help="with --live: the name of this machine, instead of being asked for it")
    a = p.parse_args(argv)
    m = machine(a)

    def act():
        spec = load(m)
        if not spec.backup:
            raise Problem("this machine has no backup plan")
        if a.command == "now":
            print(backup.run(m, spec, MANUAL))
        elif a.command == "scheduled":
            scheduled(m, spec)
        elif a.command == "list":
            show(m, spec)
        else:
            want = Node(from_=a.snapshot, bucket=a.bucket, machine=a.machine)
            if a.command == "get":
                download(m, *restore.choose(m, spec, want)[0], a.path)
            elif a.live:
                onto_live(m, spec, want, a.yes)
            else:
                restore.beside(m, spec, want, os.path.abspath(a.beside))
                print(f"restored into {os.path.abspath(a.beside)}")
    main(act, a.root)


def scheduled(m, spec):
    waited = 0
    while True:
        try:
            backup.check_ready(m, spec)
            break
        except Problem as e:
            if waited >= WAIT:
                raise
            if not waited:
                m.log(f"backup: waiting: {e}")
            m.sleep(60)
            waited += 60
    backup.run(m, spec)


def show(m, spec):
    failed = 0
    for b in spec.backup.buckets:
        r = Repository(m, spec, b)
        try:
            found = r.snapshots() if r.present() else []
            classes = r.classes() if found else {}
        except Problem as e:
            print(f"{b.name} ({b.location}): {e}")
            failed += 1
            continue
        print(f"{b.name} ({b.location}): {len(found)} backups")
        for s in reversed(found):
            kept = ", ".join(classes.get(s["id"], [])) or ("made by hand" if MANUAL in (s.get("tags") or []) else "no longer kept for a class")
            print(f"  {s['id'][:12]}  {s['time'][:19]}  {kept}")
    if failed == len(spec.backup.buckets):
        raise Problem("no bucket answers")


def download(m, repository, snapshot, path):
    """Hands restic's output through as it comes: it can be larger than memory."""
    m.pass_through(["restic", "--no-lock", "dump", "--archive", "tar", snapshot["id"], path], repository.env())


def onto_live(m, spec, want, said):
    restore.choose(m, spec, want)  # before anything is asked
    if not said:
        said = input(f"The live data of {spec.machine} are replaced by the backup {want.from_}. Stop what uses them first.\n"
                     f"Write the machine's name to go on: ")
    if said != spec.machine:
        raise Problem("nothing was changed")
    print("backing up what is there now …", flush=True)
    try:
        backup.run(m, spec, MANUAL)
    except Problem as e:  # a broken database may be why a backup is wanted
        print(f"{e}. Going on: what is there now is kept beside.")
    with m.lock("backup"):
        kept = restore.live(m, spec, want)
    print("restored. What was there before is kept in " + ", ".join(kept) + ": remove it when it is no longer needed")
