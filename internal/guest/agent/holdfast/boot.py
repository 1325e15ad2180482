"""What happens at every boot, in order. Each step looks at what is there, so
that a boot that was cut off is repeated by the next one."""
from . import database, report, restore, settings, volumes
from .machine import RUN, Problem
from .repository import Repository
from .spec import load

# Between two attempts, in seconds: soon at first, for a server that is just
# being started.
BACKOFF = [5, 10, 20, 40, 80, 160, 300]


def secrets(m, spec):
    """Opens what backups need, so that a Tang server which is gone later does
    not stand in their way."""
    if spec.backup:
        for bucket in spec.backup.buckets:
            r = Repository(m, spec, bucket)
            r.password_file()
            r.store.key_file()


def disks(m, spec):
    failed = []
    for v in spec.volumes:
        try:
            volumes.bring_up(m, spec, v)
        except Problem as e:
            failed.append(str(e))
    if failed:
        raise Problem("; ".join(failed))


def data(m, spec):
    restore.first_boot(m, spec)
    if spec.database:
        database.bring_up(m, spec)


def converge(m, spec):
    """One attempt. What does not depend on a failed step is done all the same;
    data are not touched before all volumes are there. Answers what failed."""
    failed, blocked = [], False
    for step in (settings.apply, secrets, disks, data):
        if blocked and step is data:
            continue
        try:
            step(m, spec)
        except Problem as e:
            failed.append(str(e))
            blocked |= step is disks
    return failed


def boot(m):
    """Attempts until everything is done. What fails is said each time, on the
    console and in the status."""
    attempt = 0
    with m.lock("boot"):
        m.remove(f"{RUN}/ready")
        while True:
            try:
                spec = load(m)
                failed = converge(m, spec)
            except Problem as e:
                spec, failed = None, [str(e)]
            if spec:
                try:
                    report.send(m, spec)
                except Problem as e:
                    m.log(f"status: {e}")
            if not failed:
                m.write(f"{RUN}/ready", "")
                m.log("holdfast-guest: this machine is as it was declared")
                return
            wait = BACKOFF[min(attempt, len(BACKOFF) - 1)]
            for text in failed:
                m.log(f"holdfast-guest: {text}")
            m.log(f"holdfast-guest: tried again in {wait} s")
            m.sleep(wait)
            attempt += 1
