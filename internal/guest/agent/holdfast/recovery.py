"""The operators' way into a volume when its Tang servers are gone."""
from . import stores
from .machine import STATE, Problem


def names(spec, volume, uuid):
    """Where a sealed recovery key stands on the boot disk, and in the buckets.
    Its name has the header's uuid: a volume that is made anew does not hide the
    key of the one before, and nothing is ever overwritten."""
    return (f"{STATE}/recovery/{volume.name}.{uuid}.age",
            f"{spec.deployment}/{spec.tenant}/recovery/{spec.machine}/{volume.name}.{uuid}.age")


def keep_recovery_key(m, spec, volume, uuid, key):
    """Seals a recovery key to the operators' keys and stores it on the boot disk
    and in at least one bucket, where there are any."""
    who = [a for r in volume.recovery for a in ("-r", r)]
    sealed = m.run(["age", "--armor", *who], input=key).out
    path, _ = names(spec, volume, uuid)
    m.write(path, sealed, 0o600)
    send(m, spec, volume, uuid, sealed)


def send(m, spec, volume, uuid, sealed):
    _, key = names(spec, volume, uuid)
    why, done = [], 0
    for bucket in spec.backup.buckets if spec.backup else []:
        store = stores.store(m, spec, bucket)
        try:
            if not store.has(key):
                store.put(key, sealed)
            done += 1
        except Problem as e:
            why.append(str(e))
    if why and not done:
        raise Problem("no bucket takes the recovery key of " + volume.name + ": " + "; ".join(why))


def send_all(m, spec):
    """Brings what is on the boot disk to buckets that did not answer before."""
    for volume in spec.volumes:
        for path in m.list(f"{STATE}/recovery"):
            name, _, uuid = path.removesuffix(".age").partition(".")
            if name == volume.name:
                send(m, spec, volume, uuid, m.read(f"{STATE}/recovery/{path}").encode())
