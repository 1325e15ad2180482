"""The buckets, as far as restic does not reach: single small objects, and
whether a bucket answers. curl does the work; what is secret it reads from its
standard input."""
import base64
import hashlib
import json
import os
import time
from urllib.parse import quote

from .machine import RUN, Problem
from .sealed import secret_file

METADATA = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"
SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"


class Unreachable(Problem):
    """The bucket does not answer, or refuses."""


def proxy(spec):
    """The environment of what goes to buckets."""
    if not spec.proxy:
        return {}
    return {"HTTPS_PROXY": spec.proxy, "https_proxy": spec.proxy, "http_proxy": spec.proxy,
            "NO_PROXY": "localhost,127.0.0.1,169.254.169.254,metadata.google.internal",
            "no_proxy": "localhost,127.0.0.1,169.254.169.254,metadata.google.internal"}


def store(m, spec, bucket):
    return (S3 if bucket.kind == "s3" else GCS)(m, spec, bucket)


class Store:
    def __init__(self, m, spec, bucket):
        self.m, self.spec, self.bucket = m, spec, bucket
        # Where everything of the tenant stands, and its repository within.
        self.prefix = f"{spec.deployment}/{spec.tenant}/"
        self.repository = self.prefix + "restic"

    def curl(self, url, arguments=(), config=(), good=(200, 201)):
        """Makes a request and answers its status and what came back."""
        out = self.m.path(f"{RUN}/curl.{os.getpid()}")
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in config)
        try:
            r = self.m.run(["curl", "--silent", "--show-error", "--connect-timeout", "10", "--max-time", "60", "--config", "-",
                            "--output", out, "--write-out", "%{http_code}", *arguments, url],
                           input=text.encode(), env=proxy(self.spec), check=False)
            if r.code != 0:
                raise Unreachable(f"{self.bucket.name} does not answer: {r.err.decode(errors='replace').strip()[:200]}")
            try:
                with open(out, "rb") as f:
                    body = f.read()
            except FileNotFoundError:
                body = b""
        finally:
            self.m.remove(f"{RUN}/curl.{os.getpid()}")
        status = int(r.text)
        if status not in good:
            raise Unreachable(f"{self.bucket.name} refuses ({status}): {body[:160].decode(errors='replace')}")
        return status, body

    def upload(self, content, send):
        """Puts content into a file for curl to send; nothing secret is uploaded."""
        path = f"{RUN}/upload.{os.getpid()}"
        self.m.write(path, content, 0o600)
        try:
            send(self.m.path(path))
        finally:
            self.m.remove(path)


class S3(Store):
    def __init__(self, m, spec, bucket):
        super().__init__(m, spec, bucket)
        self.region = bucket.location.split("/")[1]
        self.base = (bucket.endpoint or f"https://{self.region}.your-objectstorage.com").rstrip("/")

    def key_file(self):
        """The pair of keys, in the form that AWS's tools share."""
        def form(secret):
            pair = json.loads(secret)
            return f"[default]\naws_access_key_id = {pair['access_key']}\naws_secret_access_key = {pair['secret_key']}\n"
        return secret_file(self.m, self.bucket.credentials, f"the keys of {self.bucket.name}", f"{self.bucket.name}.aws", form)

    def request(self, url, content=b"", arguments=(), **options):
        with open(self.key_file(), encoding="utf-8") as f:
            pair = [line.split(" = ", 1)[1].strip() for line in f if " = " in line]
        return self.curl(url, ["--aws-sigv4", f"aws:amz:{self.region}:s3", "--header",
                               "x-amz-content-sha256: " + hashlib.sha256(content).hexdigest(), *arguments],
                         [("user", ":".join(pair))], **options)

    def url(self, key):
        return f"{self.base}/{self.bucket.name}/{quote(key)}"

    def put(self, key, content):
        self.upload(content, lambda path: self.request(
            self.url(key), content, ["--request", "PUT", "--header", "Content-Type: application/octet-stream", "--data-binary", f"@{path}"]))

    def get(self, key):
        """The object; None if there is none."""
        status, body = self.request(self.url(key), good=(200, 404))
        return body if status == 200 else None

    def has(self, key):
        """Whether there is an object of this key, by the listing: without the
        right to list the whole bucket a missing object and a forbidden one look
        the same. The query's order and escapes are those that are signed."""
        _, body = self.request(f"{self.base}/{self.bucket.name}?list-type=2&max-keys=1&prefix={quote(key, safe='')}")
        return b"<Contents>" in body

    def restic(self):
        """The repository's address, and the environment that leads to its keys."""
        return f"s3:{self.base}/{self.bucket.name}/{self.repository}", {"AWS_SHARED_CREDENTIALS_FILE": self.key_file()}


class GCS(Store):
    def __init__(self, m, spec, bucket):
        super().__init__(m, spec, bucket)
        self.base = (bucket.endpoint or "https://storage.googleapis.com").rstrip("/")
        self.known = (0.0, "")

    def key_file(self):
        """The service account's key; None where the machine has the account itself."""
        if not self.bucket.credentials:
            return None
        return secret_file(self.m, self.bucket.credentials, f"the key of {self.bucket.name}", f"{self.bucket.name}.gcs")

    def token(self):
        """An access token, good for some minutes more."""
        if self.known[0] < time.monotonic():
            path = self.key_file()
            if path is None:
                _, body = self.curl(METADATA, ["--header", "Metadata-Flavor: Google", "--noproxy", "*"])
            else:
                with open(path, encoding="utf-8") as f:
                    key = json.load(f)
                _, body = self.curl(key["token_uri"], config=[("data", "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
                                                               + self.assertion(key))])
            answer = json.loads(body)
            self.known = (time.monotonic() + int(answer.get("expires_in", 300)) / 2, answer["access_token"])
        return self.known[1]

    def assertion(self, key):
        """The JWT by which the key's holder asks for a token (RFC 7523), signed
        by openssl."""
        now = int(self.m.now().timestamp())

        def part(value):
            return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
        text = part({"alg": "RS256", "typ": "JWT", "kid": key.get("private_key_id", "")}) + b"." + part(
            {"iss": key["client_email"], "scope": SCOPE, "aud": key["token_uri"], "iat": now, "exp": now + 3600})
        pem = self.m.secret(f"{self.bucket.name}.pem", key["private_key"])
        signature = self.m.run(["openssl", "dgst", "-sha256", "-sign", pem], input=text).out
        return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()

    def request(self, url, arguments=(), **options):
        return self.curl(url, arguments, [("header", f"Authorization: Bearer {self.token()}")], **options)

    def put(self, key, content):
        self.upload(content, lambda path: self.request(
            f"{self.base}/upload/storage/v1/b/{self.bucket.name}/o?uploadType=media&name={quote(key, safe='')}",
            ["--header", "Content-Type: application/octet-stream", "--data-binary", f"@{path}"]))

    def get(self, key):
        status, body = self.request(f"{self.base}/storage/v1/b/{self.bucket.name}/o/{quote(key, safe='')}?alt=media", good=(200, 404))
        return body if status == 200 else None

    def has(self, key):
        _, body = self.request(f"{self.base}/storage/v1/b/{self.bucket.name}/o?maxResults=1&prefix={quote(key, safe='')}")
        return bool(json.loads(body).get("items"))

    def restic(self):
        key = self.key_file()
        return f"gs:{self.bucket.name}:/{self.repository}", {"GOOGLE_APPLICATION_CREDENTIALS": key} if key else {}
