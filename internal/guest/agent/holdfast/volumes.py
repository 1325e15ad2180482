"""Data volumes: encrypted once, opened at every boot, grown when their device
has grown. What holds anything at all is never formatted."""
import json
import os
import re

from . import luks
from .machine import STATE, Problem
from .recovery import keep_recovery_key

SETUP_SLOT, RECOVERY_SLOT, CLEVIS_SLOT = "0", "1", "2"
# How long a volume may take to appear after the boot.
ATTACH_SECONDS = 120
# LUKS2's data begins at 16 MiB. What a new volume holds there and at its end
# has to be zeros.
BLANK = [(0, 16 << 20), (-(1 << 20), 1 << 20)]


def mapping(volume):
    return "holdfast-" + volume.name


def node(volume):
    return "/dev/mapper/" + mapping(volume)


def bring_up(m, spec, volume):
    """From whatever state, to an encrypted volume that is mounted."""
    wait_for(m, volume)
    found = luks.signatures(m, volume.device)
    if not found or found.get("label") == luks.UNFINISHED:
        make(m, spec, volume, found)
        found = luks.signatures(m, volume.device)
    if not luks.is_luks2(found):
        raise Problem(f"the volume {volume.name} ({volume.device}) holds {found.get('type', 'a partition table')}, which is not LUKS2: "
                      "it is not touched. If it can go, wipe it (wipefs -a) and start again")
    m.remove(intent(volume))
    open_and_check(m, volume)
    mount(m, volume, found)
    grow(m, volume)


def intent(volume):
    """Where it is written down, on the boot disk, that a volume is being made."""
    return f"{STATE}/making/{volume.name}"


def wait_for(m, volume):
    for _ in range(ATTACH_SECONDS // 5):
        if m.device(volume.device):
            return
        m.sleep(5)
    raise Problem(f"the volume {volume.name} is not attached: there is no {volume.device}")


def open_and_check(m, volume):
    now = luks.active(m, mapping(volume))
    if now is None:
        luks.unlock(m, volume.device, mapping(volume))
        now = luks.active(m, mapping(volume))
    if now is None or now["on"] != m.device(volume.device):
        raise Problem(f"{node(volume)} does not stand on {volume.device}")


def make(m, spec, volume, found):
    """Encrypts an empty volume. Until the label is changed, near the end, it is
    begun anew after every interruption: the key that it was made with was in
    memory only."""
    if found:
        prove_unused(m, volume)
    elif m.read(intent(volume)) != volume.device and not m.blank(volume.device, BLANK):
        raise Problem(f"the volume {volume.name} ({volume.device}) holds something unknown: it is not touched. "
                      "If it can go, fill its first 16 MiB with zeros and start again")
    # A header that is half written has no signature yet, and is not blank.
    m.write(intent(volume), volume.device, 0o600)
    dev = volume.device
    key = m.secret("setup.key", m.random(32).hex())
    try:
        m.run(["cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--cipher", "aes-xts-plain64", "--key-size", "512",
               "--pbkdf", "argon2id", "--pbkdf-memory", "262144", "--label", luks.UNFINISHED, "--key-slot", SETUP_SLOT,
               "--key-file", key, dev])
        if volume.recovery:
            add_recovery(m, spec, volume, key)
        with open(key, "rb") as f:
            m.run(["clevis", "luks", "bind", "-y", "-f", "-k", "-", "-s", CLEVIS_SLOT, "-d", dev, *pin(volume.binding)], input=f.read(), timeout=600)
        # By the servers, not by the key at hand: what opens now opens at a boot.
        luks.unlock(m, dev, mapping(volume))
        open_and_check(m, volume)
        inside = luks.signatures(m, node(volume))
        if inside:
            raise Problem(f"the new volume {volume.name} holds {inside.get('type')}")
        m.run(["mkfs.ext4", "-q", "-m", "1", "-L", volume.name[:16], node(volume)])
        m.run(["cryptsetup", "luksKillSlot", "--batch-mode", dev, SETUP_SLOT])
    finally:
        m.remove("/run/holdfast/secrets/setup.key")
    slots, tokens = luks.header(m, dev)
    want = {CLEVIS_SLOT} | ({RECOVERY_SLOT} if volume.recovery else set())
    if slots != want or luks.slots_of(slots, tokens, "clevis") != [CLEVIS_SLOT]:
        raise Problem(f"the new volume {volume.name} has the slots {sorted(slots)}, not {sorted(want)}")
    m.run(["cryptsetup", "config", dev, "--label", luks.FINISHED])
    m.log(f"made the volume {volume.name}: LUKS2, aes-xts-plain64, opened by {volume.binding.threshold} of {len(volume.binding.tang)} Tang servers")


def prove_unused(m, volume):
    """A volume that is labelled unfinished never was mounted by this agent. If a
    person did, nothing is formatted."""
    name = mapping(volume)
    if m.mounted(volume.mount) or any(source == node(volume) for source, _ in m.mounts().values()):
        raise Problem(f"the volume {volume.name} is labelled {luks.UNFINISHED} and mounted: it is not touched")
    slots, tokens = luks.header(m, volume.device)
    if luks.slots_of(slots, tokens, "clevis"):  # what is inside was made after the binding
        open_and_check(m, volume)
        inside = luks.signatures(m, node(volume))
        if inside and (inside.get("type") != "ext4" or not re.search(
                r"^Last mount time:\s+n/a$", m.run(["dumpe2fs", "-h", node(volume)]).text, re.M)):
            raise Problem(f"the volume {volume.name} is labelled {luks.UNFINISHED}, and what is inside has been used: it is not touched")
    if luks.active(m, name):
        m.run(["cryptsetup", "close", name])


def add_recovery(m, spec, volume, key):
    """Gives the operators a slot, and their key to them before anything is
    stored in the volume."""
    dev = volume.device
    path = m.secret("recovery.key", m.random(32).hex())
    try:
        m.run(["cryptsetup", "luksAddKey", "--batch-mode", "--pbkdf", "argon2id", "--pbkdf-memory", "262144",
               "--key-slot", RECOVERY_SLOT, "--key-file", key, dev, path])
        m.run(["cryptsetup", "token", "import", "--token-id", "0", dev],
              input=json.dumps({"type": luks.RECOVERY, "keyslots": [RECOVERY_SLOT]}).encode())
        with open(path, "rb") as f:
            keep_recovery_key(m, spec, volume, m.run(["cryptsetup", "luksUUID", dev]).text.strip(), f.read())
    finally:
        m.remove("/run/holdfast/secrets/recovery.key")


def pin(binding):
    """clevis's pin and its configuration, which is public: addresses and
    thumbprints. With a virtual TPM both have to take part."""
    tang = {"t": binding.threshold, "pins": {"tang": [{"url": t.url, "thp": t.thumbprint} for t in binding.tang]}}
    if binding.vtpm:
        tang = {"t": 2, "pins": {"tpm2": {}, "sss": tang}}
    return "sss", json.dumps(tang, separators=(",", ":"))


def mount(m, volume, found):
    """Writes the tables and mounts. The agent itself opens the volume (noauto):
    it can wait for Tang servers, and says why it does."""
    table(m, "/etc/crypttab", volume, f"{mapping(volume)} UUID={found['uuid']} none luks,noauto,_netdev")
    table(m, "/etc/fstab", volume, f"{node(volume)} {volume.mount} ext4 noauto,nodev,nosuid,_netdev 0 2")
    if m.mounted(volume.mount):
        return
    inside = luks.signatures(m, node(volume))
    if inside.get("type") != "ext4":
        raise Problem(f"the volume {volume.name} is open and holds {inside.get('type', 'nothing')}, not ext4: it is not touched")
    if os.path.isdir(volume.mount) and os.listdir(volume.mount):
        raise Problem(f"{volume.mount} holds files already: the volume {volume.name} is not mounted over them")
    os.makedirs(volume.mount, mode=0o755, exist_ok=True)
    m.run(["systemctl", "daemon-reload"])
    # 1 and 2: errors that were mended.
    code = m.run(["e2fsck", "-p", node(volume)], check=False).code
    if code not in (0, 1, 2):
        raise Problem(f"the file system of the volume {volume.name} is damaged (e2fsck -p says {code}): a person has to look at it")
    m.run(["mount", "-o", "nodev,nosuid", node(volume), volume.mount])


def table(m, path, volume, line):
    """Keeps one line for a volume in a table, behind a comment that marks it."""
    mark = f"# holdfast: {volume.name}"
    lines = (m.read(path) or "").splitlines()
    if mark in lines:
        at = lines.index(mark)
        lines[at:at + 2] = [mark, line]
    else:
        lines += [mark, line]
    m.write(path, "\n".join(lines) + "\n")


def grow(m, volume):
    """Follows a device that has grown, online."""
    rescan = f"/sys/class/block/{os.path.basename(os.path.realpath(volume.device))}/device/rescan"
    if m.exists(rescan):
        with open(m.path(rescan), "w", encoding="ascii") as f:
            f.write("1\n")
    now = luks.active(m, mapping(volume))
    size = int(m.run(["blockdev", "--getsize64", volume.device]).text) // 512 - now["offset"]
    if size > now["sectors"]:
        slots, tokens = luks.header(m, volume.device)
        for slot in luks.slots_of(slots, tokens, "clevis"):
            key = m.run(["clevis", "luks", "pass", "-d", volume.device, "-s", slot], timeout=300).out
            m.run(["cryptsetup", "resize", "--key-file", "-", mapping(volume)], input=key.rstrip(b"\n"))
            m.log(f"grew the volume {volume.name} to {size * 512 >> 20} MiB")
            break
    m.run(["resize2fs", node(volume)])
