"""The status object: what is measured of this machine, as the contract says."""
import json
import re
from datetime import datetime, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from . import luks, stores, volumes
from .machine import Problem, one_line

VERSION = "1.1"
NAME = "status/v1.json"
MOST_SNAPSHOTS = 64
MOST_SOCKETS = 64
MOST_UNITS = 32


def zone(spec):
    try:
        return ZoneInfo(spec.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return timezone.utc


def status(m, spec, fresh=True):
    """The whole object. fresh asks the buckets; without it what was last seen
    there is told."""
    def at(seconds):
        return datetime.fromtimestamp(seconds, zone(spec)).isoformat(timespec="seconds")
    out = {"version": VERSION, "deployment": spec.deployment, "tenant": spec.tenant, "machine": spec.machine,
           "written_at": at(m.now().timestamp()), "boot_id": m.read("/proc/sys/kernel/random/boot_id").strip(),
           "system": system(m, at), "volumes": [volume(m, v) for v in spec.volumes],
           "backups": [bucket(m, spec, b, fresh) for b in spec.backup.buckets] if spec.backup else []}
    restore = restore_state(m, spec).get("told")
    if restore:
        out["restore"] = restore
    out["listening"] = sockets(m)[:MOST_SOCKETS]
    out["failed_units"] = [one_line(line.split()[0]) for line in m.run(
        ["systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager"]).text.splitlines()
        if line.strip() and not line.split()[0].endswith(".scope")][:MOST_UNITS]  # a login that was cut off is none
    return out


def restore_file(spec):
    return spec.volumes[0].mount + "/.holdfast/restore.json"


def restore_state(m, spec):
    """How far the restore of this machine is; {} if there is none to tell of."""
    if not spec.volumes or not m.mounted(spec.volumes[0].mount):
        return {}
    try:
        with open(restore_file(spec), encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        return {}


def system(m, at):
    release = dict(re.findall(r'^(\w+)="?(.*?)"?$', m.read("/etc/os-release", ""), re.M))
    booted = int(re.search(r"^btime (\d+)", m.read("/proc/stat"), re.M)[1])
    # apt touches the stamp when unattended-upgrades came through; before its
    # first run the image's packages are as old as dpkg's list.
    patched = max(m.modified("/var/lib/apt/periodic/upgrade-stamp"), m.modified("/var/lib/dpkg/status"))
    waiting = m.run(["apt-get", "--simulate", "--option", "Debug::NoLocking=1", "dist-upgrade"], check=False)
    if waiting.code != 0:
        raise Problem(f"the updates that wait are not known: {one_line(waiting.err.decode(errors='replace'))}")
    return {"os": release.get("PRETTY_NAME", "unknown"), "kernel": m.read("/proc/sys/kernel/osrelease").strip(),
            "booted_at": at(booted), "patched_at": at(patched),
            "security_updates": len(re.findall(r"^Inst .*Debian-Security", waiting.text, re.M)),
            "reboot_required": m.exists("/run/reboot-required")}


def volume(m, v):
    """How a volume is, by its header and by the kernel."""
    out = {"name": v.name, "mount": v.mount, "format": "none", "unlocked": False, "unattended_unlock": False, "recovery_slot": False}
    if m.device(v.device) is None:
        return out
    if luks.is_luks2(luks.signatures(m, v.device)):
        slots, tokens = luks.header(m, v.device)
        now = luks.active(m, volumes.mapping(v))
        mine = now is not None and now["on"] == m.device(v.device)
        out.update(format="luks2", cipher=now["cipher"] if mine else luks.cipher(m, v.device),
                   unlocked=mine and m.mounts().get(v.mount, ("",))[0] == volumes.node(v),
                   unattended_unlock=bool(luks.slots_of(slots, tokens, "clevis")),
                   recovery_slot=bool(luks.slots_of(slots, tokens, luks.RECOVERY)))
        if mine:
            out["key_bits"] = now["bits"]
    return out


def bucket(m, spec, b, fresh):
    """What is in a bucket. One that does not answer is told as it was last seen."""
    from .backup import Notes
    if fresh:
        try:
            seen, sizes = look(m, spec, b, Notes(m).sizes)
            with m.lock("notes"):  # a backup may have written meanwhile
                notes = Notes(m)
                notes.of(b)["seen"] = seen
                notes.sizes.update(sizes)
                notes.save()
        except Problem as e:
            m.log(f"status: {b.name}: {e}")
    note = Notes(m).of(b)
    out = {"name": b.name, "location": b.location, **note.get("seen", {"snapshots": [], "others": 0})}
    for name in ("check", "last_run"):
        if name in note:
            out[name] = note[name]
    return out


def look(m, spec, b, sizes):
    """What a bucket holds, and the sizes of those backups whose size was not known."""
    from .repository import Repository, instant
    r = Repository(m, spec, b)
    if not r.present():
        return {"snapshots": [], "others": 0}, {}
    classes = r.classes()
    newest = sorted(r.snapshots(), key=lambda s: instant(s["time"]), reverse=True)
    told = sorted(newest, key=lambda s: not classes.get(s["id"]))[:MOST_SNAPSHOTS]
    told.sort(key=lambda s: instant(s["time"]), reverse=True)
    new = {}
    for s in told:
        if s["tree"] not in sizes and s["tree"] not in new:
            new[s["tree"]] = json.loads(r.ask("stats", "--json", "--mode", "restore-size", s["id"]).out)["total_size"]
    sizes = {**sizes, **new}
    return {"snapshots": [{"id": s["id"], "time": s["time"], "bytes": sizes[s["tree"]], "classes": classes.get(s["id"], [])} for s in told],
            "others": len(newest) - len(told)}, new


def sockets(m):
    """What listens, as the kernel lists it."""
    found = set()
    for line in m.run(["ss", "--no-header", "--listening", "--numeric", "--tcp", "--udp", "--processes"]).text.splitlines():
        fields = line.split(None, 6)
        if len(fields) < 5:
            continue
        address, _, port = fields[4].rpartition(":")
        program = re.search(r'"([^"]+)"', fields[6]) if len(fields) > 6 else None
        found.add((fields[0], address.split("%")[0].strip("[]").replace("*", "::"), int(port), program[1] if program else ""))
    return [{"protocol": p, "address": a, "port": n, **({"program": one_line(who)} if who else {})} for p, a, n, who in sorted(found)]


def encode(told):
    return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()


def send(m, spec, fresh=True):
    """Writes the object into every bucket; Problem if none takes it."""
    if not spec.backup:
        return
    content, failed = encode(status(m, spec, fresh)), []
    for b in spec.backup.buckets:
        try:
            s = stores.store(m, spec, b)
            s.put(s.prefix + NAME, content)
        except Problem as e:
            failed.append(str(e))
            m.log(f"status: {e}")
    if len(failed) == len(spec.backup.buckets):
        raise Problem("no bucket takes the status: " + "; ".join(failed))
