"""PostgreSQL: its data on the encrypted volume, reached by the local socket and
from the tenant's own networks, dumped before each backup."""
import ipaddress
import json
import os
import pwd
import shutil

from .machine import Problem
from .settings import HEAD, POSTGRESQL_PORT
from .spec import volume_of_database

CLUSTER = "tenant"
# The image with the role makes its key there, once a machine; in a plain Debian
# the agent does.
TLS = "/etc/holdfast/postgresql"


def base(spec):
    return volume_of_database(spec).mount + "/postgresql"


def dump_directory(spec):
    return volume_of_database(spec).mount + "/.holdfast/dump"


def version(m):
    found = [v for v in m.list("/usr/lib/postgresql") if v.isdigit()]
    if not found:
        raise Problem("PostgreSQL is not installed: build the image with its role")
    return max(found, key=int)


def unit(m):
    return f"postgresql@{version(m)}-{CLUSTER}.service"


def bring_up(m, spec):
    """From whatever state, to a running server. A cluster on the volume is taken
    over as it is; a new one is made only where there is none."""
    v, where = existing(spec) or version(m), base(spec)
    if not os.path.isdir(f"/usr/lib/postgresql/{v}") and not m.exists(f"/usr/lib/postgresql/{v}"):
        raise Problem(f"the volume holds data of PostgreSQL {v}, and this image has {version(m)}: use an image with {v}")
    data = f"{where}/{v}/{CLUSTER}"
    if not m.exists(f"/etc/postgresql/{v}/{CLUSTER}/postgresql.conf"):
        half = data + ".new"
        if not os.path.exists(data + "/PG_VERSION"):
            # initdb cleans up behind itself, but not behind a power cut: what
            # is half made has another name.
            shutil.rmtree(half, ignore_errors=True)
            os.makedirs(os.path.dirname(half), mode=0o755, exist_ok=True)
            make_owned(os.path.dirname(half))
            m.run(["runuser", "-u", "postgres", "--", f"/usr/lib/postgresql/{v}/bin/initdb", "--pgdata", half, "--encoding", "UTF8",
                   "--locale", "C.UTF-8", "--data-checksums", "--auth-local", "peer", "--auth-host", "scram-sha-256"], timeout=600)
            os.rename(half, data)
            m.sync(os.path.dirname(data))
        # Debian keeps the configuration on the boot disk: a volume that comes
        # from another machine has none.
        for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
            if not os.path.exists(f"{data}/{name}"):
                shutil.copyfile(f"/usr/share/postgresql/{v}/{name}.sample", f"{data}/{name}")
                make_owned(f"{data}/{name}")
        m.run(["pg_createcluster", "--port", str(POSTGRESQL_PORT), "--start-conf", "manual", "--datadir", data, v, CLUSTER], timeout=600)
    changed = configure(m, spec, v)
    if m.run(["pg_isready", "--quiet", "--port", str(POSTGRESQL_PORT)], check=False).code == 0:
        if changed:
            m.run(["systemctl", "restart", unit(m)], timeout=600)
        return
    m.run(["systemctl", "start", unit(m)], timeout=600)


def existing(spec):
    """The version whose data stands on the volume."""
    where = base(spec)
    found = [v for v in os.listdir(where) if os.path.exists(f"{where}/{v}/{CLUSTER}/PG_VERSION")] if os.path.isdir(where) else []
    return max(found, key=int) if found else None


def make_owned(directory):
    user = pwd.getpwnam("postgres")
    os.chown(directory, user.pw_uid, user.pw_gid)


def configure(m, spec, v):
    """Where it listens, and who may log in how."""
    networks = [ipaddress.ip_network(n) for n in spec.networks]
    own = []
    for link in json.loads(m.run(["ip", "-json", "address"]).out):
        for a in link.get("addr_info", []):
            if any(ipaddress.ip_address(a["local"]) in n for n in networks):
                own.append(a["local"])
    directory = f"/etc/postgresql/{v}/{CLUSTER}"
    certificate, key = own_certificate(m, spec)
    hba = HEAD + "local all postgres peer\nlocal all all scram-sha-256\n"
    hba += "".join(f"hostssl all all {n} scram-sha-256\n" for n in networks)
    changed = m.write(f"{directory}/pg_hba.conf", hba, 0o644)
    settings = {"listen_addresses": ",".join(sorted(own)), "password_encryption": "scram-sha-256", "ssl": "on",
                "ssl_cert_file": certificate, "ssl_key_file": key, "ssl_min_protocol_version": "TLSv1.2",
                "ssl_ciphers": "ECDHE+AESGCM+AES256:ECDHE+CHACHA20", "log_connections": "on", "log_disconnections": "on"}
    text = HEAD + "".join(f"{key} = '{value}'\n" for key, value in settings.items())
    return m.write(f"{directory}/conf.d/90-holdfast.conf", text) or changed


def own_certificate(m, spec):
    """The machine's own key: an image's would be everybody's. Who connects can
    pin the certificate."""
    certificate, key = f"{TLS}/server.crt", f"{TLS}/server.key"
    if not m.exists(certificate):
        os.makedirs(m.path(TLS), mode=0o755, exist_ok=True)
        m.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-days", "3650",
               "-subj", f"/CN={spec.machine}", "-keyout", m.path(key), "-out", m.path(certificate) + ".new"])
        make_owned(m.path(key))
        os.rename(m.path(certificate) + ".new", m.path(certificate))
    return certificate, key


def sql(m, *args, input=b"", timeout=86400):
    """Runs one of the client programs as the server's own user."""
    return m.run(["runuser", "-u", "postgres", "--", *args], input=input, timeout=timeout)


def databases(m):
    out = sql(m, "psql", "--no-psqlrc", "--tuples-only", "--no-align", "--field-separator-zero", "--record-separator-zero", "--dbname", "template1",
              "--command", "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname").text
    return [name for name in out.strip("\n").split("\0") if name.strip("\n")]


def dump(m, spec):
    """Dumps all databases, each consistent in itself, into the directory that
    the backup of the files then holds. The last dump stays until the new one is
    whole."""
    directory = dump_directory(spec)
    new = directory + ".new"
    shutil.rmtree(new, ignore_errors=True)
    os.makedirs(new, mode=0o700)
    make_owned(new)
    names = databases(m)
    sql(m, "pg_dumpall", "--globals-only", "--file", new + "/globals.sql")
    for i, name in enumerate(names):
        sql(m, "pg_dump", "--format", "custom", "--file", f"{new}/{i}.dump", "--dbname", name)
    # Written last: a directory without it is no dump.
    with open(new + "/manifest.json", "w", encoding="utf-8") as f:
        json.dump({"version": existing(spec), "databases": names}, f)
        f.flush()
        os.fsync(f.fileno())
    shutil.rmtree(directory, ignore_errors=True)
    os.rename(new, directory)


def load(m, directory):
    """Loads a dump into a fresh cluster."""
    try:
        with open(directory + "/manifest.json", encoding="utf-8") as f:
            names = json.load(f)["databases"]
    except FileNotFoundError as e:
        raise Problem("the backup holds no dump of the database") from e
    with open(directory + "/globals.sql", "rb") as f:
        # The server's own user exists in every cluster.
        roles = b"".join(line for line in f if line.strip() != b"CREATE ROLE postgres;")
    sql(m, "psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", "template1", input=roles)
    for i, name in enumerate(names):
        clean = ["--clean", "--if-exists"] if name == "postgres" else []
        sql(m, "pg_restore", "--exit-on-error", "--create", *clean, "--dbname", "template1", f"{directory}/{i}.dump")


def drop(m, spec):
    """Takes the cluster out of the way; its data stay beside, under another
    name."""
    v = existing(spec)
    if m.exists(f"/etc/postgresql/{v or version(m)}/{CLUSTER}"):
        m.run(["systemctl", "stop", unit(m)], timeout=600)
        shutil.rmtree(m.path(f"/etc/postgresql/{v or version(m)}/{CLUSTER}"), ignore_errors=True)
    if v:
        aside = f"{base(spec)}/{v}/replaced-{m.now():%Y%m%dT%H%M%SZ}"
        os.rename(f"{base(spec)}/{v}/{CLUSTER}", aside)
        return aside
    return None
