"""Opening what was sealed for the Tang servers in this machine's network."""
import base64
import hashlib
import json

from .machine import SECRETS, Problem

# One JWE within the other, at most as many as there may be servers.
DEPTH = 8


def is_jwe(text):
    parts = text.split(b".")
    if len(parts) != 5:
        return False
    try:
        header = json.loads(base64.urlsafe_b64decode(parts[0] + b"=" * (-len(parts[0]) % 4)))
    except ValueError:
        return False
    return isinstance(header, dict) and "clevis" in header


def unseal(m, jwes, what):
    """The secret: any one of the JWEs gives it, and one that needs several
    servers holds the next one. The answer never touches a disk."""
    why = "there is none"
    for jwe in jwes:
        text = jwe.encode()
        try:
            for _ in range(DEPTH):
                if not is_jwe(text):
                    return text
                text = m.run(["clevis", "decrypt"], input=text, timeout=300).out
        except Problem as e:
            why = e
    raise Problem(f"{what} cannot be opened: {why}. Are the Tang servers reachable from here?")


def secret_file(m, jwes, what, name, form=lambda secret: secret):
    """The path of a file in memory that holds the secret, in a form that a
    program takes. It is opened once a boot, and again when it is sealed anew."""
    name = f"{name}.{hashlib.sha256(json.dumps(jwes).encode()).hexdigest()[:12]}"
    with m.lock("secrets"):  # two agents do not ask the servers at once
        if not m.exists(f"{SECRETS}/{name}"):
            return m.secret(name, form(unseal(m, jwes, what)))
    return m.path(f"{SECRETS}/{name}")
