"""This machine's own settings, over the image's defaults: files of higher
numbers beside those of the image, and a reload of what reads them."""
import hashlib
import ipaddress
from urllib.parse import urlsplit

from .machine import RUN, Problem

HEAD = "# Written by holdfast-guest from /etc/holdfast/guest.json at every boot.\n"
POSTGRESQL_PORT = 5432


def apply(m, spec):
    """Applies all of them. One that fails does not keep the others from being
    applied; what failed is told at the end."""
    failed = []
    for step in (time_zone, firewall, intrusion, updates, timers):
        try:
            step(m, spec)
        except Problem as e:
            failed.append(f"{step.__name__}: {e}")
    if failed:
        raise Problem("settings: " + "; ".join(failed))


def put(m, files, *commands):
    """Writes files and runs what makes them be read, once a boot and whenever
    they changed, until it succeeds."""
    for path, text in files.items():
        m.write(path, text, 0o600 if path.endswith(".nft") else 0o644)
    mark = f"{RUN}/loaded.{hashlib.sha256(''.join(files).encode()).hexdigest()[:12]}"
    digest = hashlib.sha256("".join(files.values()).encode()).hexdigest()
    if m.read(mark) != digest:
        for argv in commands:
            m.run(argv)
        m.write(mark, digest, 0o600)


def time_zone(m, spec):
    if not m.exists(f"/usr/share/zoneinfo/{spec.time_zone}"):
        raise Problem(f"the time zone {spec.time_zone} is not known here")
    m.run(["timedatectl", "set-timezone", spec.time_zone])


def egress(spec):
    """The ports that the machine has to reach besides 80 and 443: those of Tang
    servers, of the proxy, of buckets' endpoints."""
    urls = [t.url for v in spec.volumes for t in v.binding.tang] + [spec.proxy]
    urls += [b.endpoint for b in spec.backup.buckets] if spec.backup else []
    return sorted({urlsplit(u).port for u in urls if u and urlsplit(u).port} - {80, 443})


def elements(name, values):
    return f"add element inet holdfast {name} {{ {', '.join(str(v) for v in values)} }}\n" if values else ""


def firewall(m, spec):
    networks = [ipaddress.ip_network(n) for n in spec.networks]
    text = HEAD + elements("ports", sorted(p for p in spec.ports if p != 22))
    text += elements("tenant_ports", [POSTGRESQL_PORT] if spec.database else [])
    text += elements("networks4", [n for n in networks if n.version == 4]) + elements("networks6", [n for n in networks if n.version == 6])
    text += elements("egress_ports", egress(spec))
    put(m, {"/etc/nftables.d/50-holdfast.nft": text}, ["nft", "--check", "--file", "/etc/nftables.conf"],
        ["systemctl", "reload-or-restart", "nftables.service"])


def intrusion(m, spec):
    i = spec.intrusion
    if not i:
        return
    text = HEAD + f"[DEFAULT]\nmaxretry = {int(i.attempts)}\nfindtime = {int(i.window_seconds)}\nbantime = {int(i.cool_down_seconds)}\n"
    put(m, {"/etc/fail2ban/jail.d/90-holdfast.local": text}, ["systemctl", "reload-or-restart", "fail2ban.service"])


def daily(m, times):
    """Sets the times of day of timers, by unit, each in a zone. The empty line
    takes away what was set before."""
    put(m, {f"/etc/systemd/system/{unit}.d/90-holdfast.conf": HEAD + f"[Timer]\nOnCalendar=\nOnCalendar=*-*-* {at}:00 {zone}\n"
            for unit, (at, zone) in times.items()}, ["systemctl", "daemon-reload"], ["systemctl", "restart", *times])


def updates(m, spec):
    """When security updates are installed, and when the machine may restart for
    them: in its zone, which is the time zone of unattended-upgrades too."""
    when = spec.maintenance
    if not when:
        return
    m.write("/etc/apt/apt.conf.d/90-holdfast", HEAD.replace("#", "//") + f'Unattended-Upgrade::Automatic-Reboot-Time "{when.reboot_at}";\n')
    hour, minute = (int(x) for x in when.update_at.split(":"))
    before = (hour * 60 + minute - 30) % 1440
    daily(m, {"apt-daily.timer": (f"{before // 60:02}:{before % 60:02}", spec.time_zone), "apt-daily-upgrade.timer": (when.update_at, spec.time_zone)})


def timers(m, spec):
    """When backups are made. Persistent is in the unit: a night that was missed
    is made up for."""
    if spec.backup:
        daily(m, {"holdfast-backup.timer": (spec.backup.at, spec.backup.time_zone)})
