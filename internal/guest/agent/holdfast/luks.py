"""What a block device holds, as its signatures and its LUKS2 header say it."""
import json

from .machine import Problem, ToolError

# The label of a volume that is being made. It is replaced before the volume's
# first mount, so that whoever bears it never held anybody's data.
UNFINISHED = "holdfast-setup"
FINISHED = "holdfast-data"
# The type of the token that marks the slot of the recovery key.
RECOVERY = "holdfast-recovery"


def signatures(m, device):
    """What is recognised on a device: type, label and uuid among it; {} for
    nothing. Two tools have to agree that there is nothing."""
    r = m.run(["blkid", "-p", "-o", "export", device], check=False)
    found = dict(line.split("=", 1) for line in r.text.splitlines() if "=" in line and not line.startswith("DEVNAME="))
    found = {key.lower(): value.replace("\\", "") for key, value in found.items()}
    if r.code not in (0, 2):  # 8: contradicting signatures
        return {"type": "something that cannot be told apart", **found}
    if not found:
        listed = m.run(["wipefs", "--no-act", "--parsable", "--noheadings", device]).text.strip()
        if listed:
            return {"type": listed.splitlines()[0]}
    return found


def is_luks2(found):
    return found.get("type") == "crypto_LUKS" and found.get("version") == "2"


def header(m, device):
    """The slots, and the tokens with the slots that they belong to."""
    data = json.loads(m.run(["cryptsetup", "luksDump", "--dump-json-metadata", device]).out)
    return set(data["keyslots"]), data["tokens"]


def slots_of(slots, tokens, kind):
    """The slots that a token of this type belongs to and that exist."""
    return sorted(s for t in tokens.values() if t["type"] == kind for s in t["keyslots"] if s in slots)


def active(m, name):
    """What the kernel has under a name: cipher, length of the key in bits, and
    the device that it stands on ("8:16"); None if there is no such mapping."""
    r = m.run(["dmsetup", "table", name], check=False)
    fields = r.text.split()
    if r.code != 0 or len(fields) < 8 or fields[2] != "crypt":
        return None
    key = fields[4]
    # ":64:logon:…" for a key in the kernel's keyring; otherwise its digits, as
    # zeros.
    bits = int(key.split(":")[1]) * 8 if key.startswith(":") else len(key) * 4
    return {"cipher": fields[3], "bits": bits, "on": fields[6], "sectors": int(fields[1]), "offset": int(fields[7])}


def unlock(m, device, name):
    """Opens a device with its Tang servers."""
    try:
        m.run(["clevis", "luks", "unlock", "-d", device, "-n", name], timeout=300)
    except ToolError as e:
        raise Problem(f"{device} cannot be unlocked: {e}. Are the Tang servers reachable? The recovery key opens it: "
                      f"`age -d FILE | cryptsetup open --key-file - {device} {name}`") from e


def cipher(m, device):
    """The cipher that the header names: of a volume that is not open."""
    data = json.loads(m.run(["cryptsetup", "luksDump", "--dump-json-metadata", device]).out)
    return next(iter(data["segments"].values()))["encryption"]
