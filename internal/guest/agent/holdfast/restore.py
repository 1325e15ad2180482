"""Restores: at the first boot of a machine that replaces another, and by hand.

Everything is restored beside first, on the volume where it belongs, verified by
restic, and then renamed into its place. What is interrupted before that begins
anew; what is interrupted while renaming goes on at the next boot. What is there
already is never overwritten: onto a live tenant it is put aside first."""
import contextlib
import json
import os
import re
import shutil

from . import database, placing, report
from .machine import Problem, one_line
from .repository import Repository, instant
from .stores import Unreachable


# How far a restore is stands on the volume that it fills: it goes with the data.
# Steps: fetching, aside (live only), placing, database, done.

def load(m, spec):
    return report.restore_state(m, spec)


def save(m, spec, state):
    m.write_at(report.restore_file(spec), json.dumps(state, indent=1), 0o600)


def pending(m, spec):
    """Whether a restore is under way, or still to be done."""
    step = load(m, spec).get("step")
    return step not in (None, "done") or bool(spec.restore) and step != "done"


def first_boot(m, spec):
    """Restores into empty volumes, once, and ends what was interrupted."""
    state = load(m, spec)
    if state.get("live") and state["step"] == "fetching":  # nothing was touched yet
        state = {"step": "done"}
        save(m, spec, state)
    if spec.restore and not spec.volumes:
        raise Problem("a restore needs a volume: the machine has none")
    if spec.restore and state.get("step") in (None, "fetching"):
        held = placing.occupied(v.mount for v in spec.volumes)
        if held and not state:
            m.log(f"restore: {held} was there before: nothing is restored over it")
            save(m, spec, {"step": "done"})
            return
        fetch_any(m, spec, spec.restore)
    finish(m, spec)


def finish(m, spec):
    """From restored beside, to restored."""
    state = load(m, spec)
    if state.get("step") == "aside":
        put_aside(m, spec, state)
    if state.get("step") == "placing":
        put_in_place(m, spec, state)
    if state.get("step") == "database":
        restore_database(m, spec)
        state["step"] = "done"
        tell(m, spec, state, phase="done", bytes_done=state["told"]["bytes_total"])
        m.log(f"restore: {state['told']['snapshot'][:8]} is restored")
    if state.get("step") == "done":
        for v in spec.volumes:
            shutil.rmtree(staging(v.mount), ignore_errors=True)


# Which backup, and from where.

def choose(m, spec, want):
    """The backup that is wanted, in each bucket that answers and holds it, the
    nearest first: the repository and the snapshot, whose id is that bucket's."""
    machine, found, silent = want.machine or spec.machine, [], []
    buckets = [b for b in spec.backup.buckets if want.bucket in ("", b.name)]
    if not buckets:
        raise Problem(f"no bucket of the plan is called {want.bucket}")
    for b in buckets:
        r = Repository(m, spec, b)
        try:
            if r.present():
                found += [(r, s) for s in r.snapshots(machine)]
        except Problem as e:
            silent.append(str(e))
    fitting = [(r, s) for r, s in found if fits(want.from_, s)]
    if not fitting:
        because = f" ({'; '.join(silent)})" if silent else ""
        raise Unreachable(f"no bucket that answers has a backup of {machine} for {want.from_}; there are {len(found)} others{because}")
    newest = max((s for _, s in fitting), key=lambda s: instant(s["time"]))
    return [(r, s) for r, s in fitting if (s["time"], s["tree"]) == (newest["time"], newest["tree"])]


def fits(wanted, snapshot):
    if wanted == "latest":
        return True
    if re.fullmatch(r"[0-9a-f]{8,64}", wanted):
        return any(i.startswith(wanted) for i in (snapshot["id"], snapshot.get("original") or ""))
    try:
        return instant(snapshot["time"]) <= instant(wanted)
    except (AttributeError, ValueError) as e:
        raise Problem(f"{wanted} is neither latest, nor a time such as 2026-11-22T02:30:00+01:00, nor the id of a backup") from e


def from_nearest(m, spec, want, act):
    """Does something with the backup in the nearest bucket, and in the next one
    where that fails."""
    failed = []
    for r, snapshot in choose(m, spec, want):
        try:
            return act(r, snapshot)
        except Problem as e:
            failed.append(f"{r.name}: {e}")
            m.log(f"restore: {failed[-1]}")
    raise Problem("the restore failed: " + "; ".join(failed))


# Fetching.

def staging(mount):
    return mount + "/.holdfast/restore"


def homes(spec, snapshot):
    """For each path of a backup the volume that it is restored on first, and the
    place where it belongs."""
    out = []
    for path in snapshot["paths"]:
        home = [v.mount for v in spec.volumes if (path + "/").startswith(v.mount + "/")]
        inside = [v.mount for v in spec.volumes if (v.mount + "/").startswith(path.rstrip("/") + "/")]
        if home:
            out.append((path, max(home, key=len), path))
        elif inside:
            raise Problem(f"the backup holds {path} as a whole, above the volume at {inside[0]}: restore it beside, with holdfast-backup")
        elif path in spec.backup.paths:
            # On the boot disk the image's own files stand: what was restored
            # waits for a person if it has no free place.
            first = spec.volumes[0].mount
            out.append((path, first, path if not os.path.lexists(path) else first + "/restored" + path))
        else:
            raise Problem(f"the backup holds {path}, which is on no volume of this machine: mount a volume there, or restore it beside with holdfast-backup")
    return out


def fetch_any(m, spec, want, live=False):
    try:
        from_nearest(m, spec, want, lambda r, s: fetch(m, spec, r, s, live))
    except Problem as e:
        state = load(m, spec)
        if "told" in state and not live:
            tell(m, spec, state, phase="failed", message=one_line(e))
        raise


def fetch(m, spec, r, snapshot, live):
    """Restores a backup beside, and verifies it."""
    at, before = stamp(m, spec), load(m, spec)
    begun = before["told"]["started_at"] if "told" in before and before.get("step") == "fetching" else at
    state = {"step": "fetching", "live": live,
             "told": {"phase": "running", "bucket": r.name, "snapshot": snapshot["id"], "started_at": begun, "updated_at": at, "bytes_done": 0, "bytes_total": 0}}
    tell(m, spec, state)
    places = homes(spec, snapshot)
    for v in spec.volumes:
        shutil.rmtree(staging(v.mount), ignore_errors=True)
        os.makedirs(v.mount + "/.holdfast", exist_ok=True)
        os.chmod(v.mount + "/.holdfast", 0o711)  # the database's user passes
    state["told"]["bytes_total"] = json.loads(r.ask("stats", "--json", "--mode", "restore-size", snapshot["id"]).out)["total_size"]
    tell(m, spec, state)
    done = 0
    for path, mount, _ in places:
        done = fetch_path(m, spec, r, snapshot["id"], path, staging(mount), state, done)
    if spec.database and not any(os.path.exists(staging(mount) + database.dump_directory(spec) + "/manifest.json") for _, mount, _ in places):
        raise Problem("the backup holds no dump of the database")
    state.update(step="aside" if live else "placing", places=places, stamp=f"{m.now():%Y%m%dT%H%M%SZ}")
    tell(m, spec, state)


def fetch_path(m, spec, r, i, path, target, state, done):
    """Restores one path below a directory; answers the bytes done after it."""
    os.makedirs(target, mode=0o700, exist_ok=True)
    wrote = {"bytes": 0}

    def line(stream, text):
        # From restic 0.16 on it tells how far it is.
        if stream == "out" and '"bytes_restored"' in text:
            with contextlib.suppress(ValueError):
                wrote["bytes"] = int(json.loads(text)["bytes_restored"])

    def tick(pid):
        # Before, what the process wrote tells it well enough.
        said = re.search(r"^wchar: (\d+)", m.read(f"/proc/{pid}/io", ""), re.M)
        so_far = wrote["bytes"] or (int(said[1]) if said else 0)
        tell(m, spec, state, bytes_done=min(done + so_far, state["told"]["bytes_total"]))
    r.work("restore", "--json", "--no-lock", "--verify", "--target", target, "--include", escape(path), i, line=line, tick=tick)
    if not os.path.lexists(target + path):
        raise Problem(f"restic restored nothing of {path}")
    size = os.lstat(target + path).st_size if not os.path.isdir(target + path) else 0
    for directory, _, files in os.walk(target + path):
        size += sum(os.lstat(os.path.join(directory, f)).st_size for f in files)
    return done + size


def escape(path):
    """A path as restic's pattern that fits only it."""
    return re.sub(r"([*?\[\\])", r"\\\1", path)


def stamp(m, spec):
    return m.now().astimezone(report.zone(spec)).isoformat(timespec="seconds")


def tell(m, spec, state, **changes):
    """Writes down how far the restore is, and tells the buckets."""
    state["told"].update(changes, updated_at=stamp(m, spec))
    if state["told"]["phase"] != "failed":
        state["told"].pop("message", None)
    save(m, spec, state)
    try:
        report.send(m, spec, fresh=False)
    except Problem as e:
        m.log(f"restore: its progress is not told: {e}")


# Into place.

def put_aside(m, spec, state):
    """Takes the live data out of the way; they are kept until a person removes
    them. Nothing of the backup is in its place before this is done."""
    if spec.database:
        database.drop(m, spec)
    leave = {p for v in spec.volumes for p in (v.mount + "/lost+found", v.mount + "/.holdfast")}
    leave |= {database.base(spec)} if spec.database else set()
    for path, mount, target in state["places"]:
        placing.put_aside(target, f"{mount}/.holdfast/replaced-{state['stamp']}{path}", leave)
        dump = target + "/.holdfast/dump"
        placing.put_aside(dump, f"{mount}/.holdfast/replaced-{state['stamp']}{dump}", set())
    state["step"] = "placing"
    save(m, spec, state)


def put_in_place(m, spec, state):
    for path, mount, target in state["places"]:
        placing.place(staging(mount) + path, target)
        if target != path:
            m.log(f"restore: {path} exists already; what was restored of it is at {target}")
    for v in spec.volumes:
        m.sync(v.mount)
    state["step"] = "database"
    save(m, spec, state)


def restore_database(m, spec):
    """Loads the dump into a fresh cluster. What is there now was half loaded by
    this restore, before an interruption: there was none when it began."""
    if not spec.database:
        return
    half = database.drop(m, spec)
    if half:
        shutil.rmtree(half)
    database.bring_up(m, spec)
    database.load(m, database.dump_directory(spec))


# By hand.

def beside(m, spec, want, directory):
    """Restores a backup, all of it, into a directory of its own."""
    if os.path.isdir(directory) and os.listdir(directory):
        raise Problem(f"{directory} is not empty")

    def act(r, snapshot):
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory, mode=0o700)
        r.work("restore", "--no-lock", "--verify", "--target", directory, snapshot["id"])
    from_nearest(m, spec, want, act)


def live(m, spec, want):
    """Puts a backup in the place of the live data, which are kept beside."""
    if pending(m, spec):
        raise Problem("another restore is under way")
    before = load(m, spec)
    try:
        fetch_any(m, spec, want, live=True)
    except Problem:
        save(m, spec, before or {"step": "done"})
        raise
    finish(m, spec)
    return [f"{v.mount}/.holdfast/replaced-{load(m, spec)['stamp']}" for v in spec.volumes]
