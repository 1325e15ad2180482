"""What the machine was told: /etc/holdfast/guest.json, version 1.x.

Members that this version does not know are ignored; those that it needs are
looked at here, once, so that the rest can rely on them.
"""
import json
import re
from types import SimpleNamespace

from .machine import Problem

PATH = "/etc/holdfast/guest.json"
NAME = re.compile(r"^[a-z]([a-z0-9-]{0,48}[a-z0-9])?$")
CLOCK = re.compile(r"^([01][0-9]|2[0-3]):[0-5][0-9]$")

# Lists that may be absent or null.
LISTS = {"admins", "networks", "ports", "volumes", "tang", "recovery", "buckets", "paths", "password", "credentials", "keys"}
OPTIONAL = {"proxy": "", "database": None, "backup": None, "restore": None, "vtpm": False, "endpoint": "", "bucket": "",
            "machine": "", "immutable_days": 0, "clears_locks": False, "intrusion": None, "maintenance": None, "time_zone": "UTC"}


class Node(SimpleNamespace):
    """An object of the spec; a member that may be absent has its default."""

    def __getattr__(self, name):
        if name in LISTS:
            return []
        if name in OPTIONAL:
            return OPTIONAL[name]
        raise Problem(f"{PATH}: {name} is missing")


def node(members):
    members = {k: v for k, v in members.items() if v is not None}
    if "from" in members:  # a word of the language
        members["from_"] = members.pop("from")
    return Node(**members)


def load(m):
    """Reads and checks the spec."""
    text = m.read(PATH)
    if text is None:
        raise Problem(f"there is no {PATH}: cloud-init writes it at the first boot")
    return parse(text)


def parse(text):
    try:
        s = json.loads(text, object_hook=node)
    except ValueError as e:
        raise Problem(f"{PATH}: {e}") from e
    if not isinstance(s, Node) or str(s.version).split(".")[0] != "1":
        raise Problem(f"{PATH} is of version {getattr(s, 'version', '?')}; this agent knows 1.x: use an image of the provider's age")
    for field in ("deployment", "tenant", "machine"):
        check(NAME.match(getattr(s, field) or ""), field)
    volumes = set()
    for v in s.volumes:
        check(NAME.match(v.name) and v.name not in volumes, "volumes.name")
        volumes.add(v.name)
        check(v.device.startswith("/dev/"), "volumes.device")
        check(re.match(r"^/[\w.@+/-]*[\w.@+-]$", v.mount) and "/../" not in v.mount + "/", "volumes.mount")
        check(v.binding.tang and 1 <= v.binding.threshold <= len(v.binding.tang), "volumes.binding")
    if s.database:
        check(s.database.engine == "postgresql" and s.database.volume in volumes, "database")
    if s.backup:
        check(CLOCK.match(s.backup.at) and s.backup.buckets and s.backup.password, "backup")
        for b in s.backup.buckets:
            check(re.match(r"^[a-z0-9][a-z0-9._-]+$", b.name), "backup.buckets.name")
            check(b.kind in ("s3", "gcs"), "backup.buckets.kind")
            check(re.match(r"^[a-z0-9]+/[a-z0-9-]+$", b.location), "backup.buckets.location")
        check(all(p.startswith("/") for p in s.backup.paths), "backup.paths")
    if s.restore:
        check(s.backup, "restore needs backup, which names the buckets;")
    return s


def check(good, field):
    if not good:
        raise Problem(f"{PATH}: {field} is not right")


def volume_of_database(s):
    return next(v for v in s.volumes if v.name == s.database.volume)
