"""The simulated tools of storage, of one machine: see world."""
import json
import os

# What every secret of these machines begins with.
CANARY = "canary-"


class DataLoss(AssertionError):
    pass


class Device:
    """A block device."""

    def __init__(self, size=1 << 30):
        self.size, self.kind, self.label, self.uuid = size, None, "", ""
        self.slots, self.tokens, self.clean = {}, {}, True
        self.inside = None  # of the mapping: None, or a file system
        self.format_count = 0


class FileSystem:
    def __init__(self, directory):
        self.directory, self.mounted_ever = directory, False


class Storage:
    """cryptsetup, clevis, blkid, mount and the like, as the agent calls them."""

    def find(self, path):
        """A device, or what is inside an open one."""
        if path in self.devices:
            return self.devices[path], False
        return self.under(path), True

    def do_blkid(self, argv, _, __):
        d, inner = self.find(argv[-1])
        if inner:
            return (0, f"DEVNAME={argv[-1]}\nTYPE=ext4\nUUID=u\nUSAGE=filesystem\n") if d.inside else (2, "")
        if d.kind is None:
            return 2, ""
        out = f"DEVNAME={argv[-1]}\nTYPE={d.kind}\n"
        if d.kind == "crypto_LUKS":
            out += f"VERSION=2\nUUID={d.uuid}\nLABEL={d.label}\nUSAGE=crypto\n"
        return 0, out

    def do_wipefs(self, argv, _, __):
        d, inner = self.find(argv[-1])
        return 0, "" if (inner and not d.inside) or (not inner and d.kind is None) else "0x0,,,x"

    def do_cryptsetup(self, argv, given, _):
        name = argv[1] if argv[1] != "token" else "token"
        return getattr(self, "crypt_" + name)(argv, given)

    def option(self, argv, name):
        return argv[argv.index(name) + 1]

    def key(self, argv):
        with open(self.option(argv, "--key-file")) as f:
            return f.read()

    def crypt_luksFormat(self, argv, _):
        dev = argv[-1]
        d = self.devices[dev]
        if d.inside and d.inside.mounted_ever:
            raise DataLoss(f"{dev} was formatted, which held data")
        if any(m is d for m in self.mappings.values()):
            return 5, ""
        key = self.key(argv)

        def begin():  # the key slots' area is overwritten before the header
            d.kind, d.clean, d.inside = None, False, None

        def end():
            self.serial += 1
            d.kind, d.label, d.uuid = "crypto_LUKS", self.option(argv, "--label"), f"00000000-0000-4000-8000-{self.serial:012}"
            d.slots, d.tokens = {self.option(argv, "--key-slot"): key}, {}
            d.format_count += 1
        self.step("luksFormat's begin", begin)
        self.step("luksFormat's end", end)
        return 0, ""

    def crypt_luksAddKey(self, argv, _):
        d = self.devices[argv[-2]]
        if self.key(argv) not in d.slots.values():
            return 2, ""
        with open(argv[-1]) as f:
            new = f.read()
        self.step("luksAddKey", lambda: d.slots.update({self.option(argv, "--key-slot"): new}))
        return 0, ""

    def crypt_token(self, argv, given):
        d = self.devices[argv[-1]]
        self.step("token import", lambda: d.tokens.update({self.option(argv, "--token-id"): json.loads(given)}))
        return 0, ""

    def crypt_luksUUID(self, argv, _):
        return 0, self.devices[argv[-1]].uuid + "\n"

    def crypt_luksDump(self, argv, _):
        d = self.devices[argv[-1]]
        if d.kind != "crypto_LUKS":
            return 1, ""
        return 0, json.dumps({"keyslots": {s: {} for s in d.slots}, "tokens": d.tokens, "segments": {"0": {"encryption": "aes-xts-plain64"}}})

    def crypt_luksKillSlot(self, argv, _):
        d = self.devices[argv[-2]]
        self.step("luksKillSlot", lambda: d.slots.pop(argv[-1]))
        return 0, ""

    def crypt_config(self, argv, _):
        d = self.devices[argv[2]]
        self.step("label", lambda: setattr(d, "label", self.option(argv, "--label")))
        return 0, ""

    def crypt_close(self, argv, _):
        self.step("close", lambda: self.mappings.pop(argv[-1]))
        return 0, ""

    def crypt_resize(self, argv, given):
        d = self.mappings[argv[-1]]
        if given.decode() not in d.slots.values():
            return 2, ""
        self.step("resize", lambda: setattr(d, "mapped", d.size))
        return 0, ""

    def do_clevis(self, argv, given, _):
        if not self.tang:
            return 1, ""
        if argv[1] == "decrypt":
            return 0, self.opened(given)
        d = self.devices[self.option(argv, "-d")]
        if argv[2] == "bind":
            if given.decode() not in d.slots.values():
                return 1, ""
            slot = self.option(argv, "-s")

            def slot_and_token():
                self.serial += 1
                d.slots[slot] = f"clevis-{self.serial}"
            self.step("clevis' slot", slot_and_token)
            self.step("clevis' token", lambda: d.tokens.update({"1": {"type": "clevis", "keyslots": [slot]}}))
            return 0, ""
        slots = [s for t in d.tokens.values() if t["type"] == "clevis" for s in t["keyslots"] if s in d.slots]
        if not slots:
            return 1, ""
        if argv[2] == "pass":
            return 0, d.slots[slots[0]] + "\n"

        def open_it():
            self.mappings[self.option(argv, "-n")] = d
            d.mapped = d.size
        self.step("unlock", open_it)
        return 0, ""

    def opened(self, jwe):
        if b".keys" in jwe:
            return json.dumps({"access_key": "AK" + ("2" if b".keys2" in jwe else ""), "secret_key": CANARY + "s3"})
        return CANARY + "restic"

    def do_dmsetup(self, argv, _, __):
        d = self.mappings.get(argv[-1])
        if d is None:
            return 1, ""
        at = next(p for p, x in self.devices.items() if x is d)
        return 0, f"0 {d.mapped // 512 - 32768} crypt aes-xts-plain64 :64:logon:cryptsetup:x-d0 0 {self.device(at)} 32768\n"

    def do_mkfs_ext4(self, argv, _, __):
        d = self.under(argv[-1])
        if d.inside:
            raise DataLoss("a file system was made over another")

        def make():
            self.serial += 1
            directory = f"{self.tmp}/fs{self.serial}"
            os.makedirs(directory + "/lost+found")
            d.inside = FileSystem(directory)
        self.step("mkfs", make)
        return 0, ""

    def do_dumpe2fs(self, argv, _, __):
        fs = self.under(argv[-1]).inside
        return 0, "Last mount time:          " + ("Sun Nov 22 02:00:00 2026" if fs.mounted_ever else "n/a") + "\n"

    def do_mount(self, argv, _, __):
        node, where = argv[-2:]
        d = self.under(node)
        if d.label == "holdfast-setup" or "0" in d.slots:
            raise AssertionError(f"mounted before it was finished: {d.label} {d.slots}")
        if "1" in d.slots and not any("/recovery/" in k for k in self.objects):
            raise AssertionError("mounted before the recovery key was sent")

        def mount():
            os.rmdir(where)
            os.rename(d.inside.directory, where)
            d.inside.mounted_ever = True
            self.mounted_at[where] = node
            self.write_mounts()
        self.step("mount", mount)
        return 0, ""

    def do_blockdev(self, argv, _, __):
        return 0, f"{self.devices[argv[-1]].size}\n"

    def do_age(self, argv, given, _):
        return 0, f"sealed to {argv.count('-r')}: {hash(given)}"

    def do_e2fsck(self, *_):
        return 0, ""

    do_resize2fs = do_systemctl = do_timedatectl = do_nft = do_ss = do_apt_get = do_e2fsck
