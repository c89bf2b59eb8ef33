"""A small client of the archive service that copes: Python 3 and its standard library alone.

It sends a whole request again after whatever may pass, believes no answer whose hashes or lengths do not fit, begins an upload anew
when its id is gone, and waits for jobs. It does not clean up what it leaves on the way, such as an archive whose answer got lost.
"""

import hashlib
import hmac
import http.client
import json
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlencode, urlsplit

MIB = 1 << 20
# A service that finds damage in what it got may be right: it happened on the way, and the same bytes are worth sending again.
DAMAGED = ("InvalidParameterValueException", "InvalidDigest", "BadRequest")


class Error(Exception):
    """What the service said last; the status is 0 where it said nothing to rely on."""

    def __init__(self, status, code, attempts=1):
        super().__init__("%s %s" % (status, code))
        self.status, self.code, self.attempts = status, code, attempts


def fold(nodes):
    while len(nodes) > 1:
        pairs = [nodes[at:at + 2] for at in range(0, len(nodes), 2)]
        nodes = [hashlib.sha256(b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return nodes[0].hex()


def tree_hash(data):
    return fold([hashlib.sha256(data[at:at + MIB]).digest() for at in range(0, max(len(data), 1), MIB)])


def hashes(data):
    return {"x-cas-content-sha256": hashlib.sha256(data).hexdigest(), "x-cas-sha256-tree-hash": tree_hash(data)}


class Client:
    def __init__(self, url, secret_id, secret_key, account="1250000000", timeout=5, attempts=10, patience=3600):
        self.place, self.secret_id, self.secret_key = urlsplit(url).netloc, secret_id, secret_key
        self.account, self.timeout, self.attempts, self.patience = account, timeout, attempts, patience
        # By how many seconds the clock of the service is ahead.
        self.ahead = 0

    def authorization(self, method, path, query, headers):
        def mac(key, text):
            return hmac.new(key.encode(), text.encode(), hashlib.sha1).hexdigest()

        def listed(pairs):
            return "&".join("%s=%s" % (name.lower(), quote(value, safe="")) for name, value in sorted(pairs))

        # Unlike in the object storage, the values of parameters are signed in lower case.
        parameters = listed((name, value.lower()) for name, value in query.items())
        text = "%s\n%s\n%s\n%s\n" % (method.lower(), path, parameters, listed(headers.items()))
        now = time.time() + self.ahead
        period = "%d;%d" % (now, now + 1200)
        signature = mac(mac(self.secret_key, period), "sha1\n%s\n%s\n" % (period, hashlib.sha1(text.encode()).hexdigest()))
        names = tuple(";".join(sorted(of)).lower() for of in (headers, query))
        return ("q-sign-algorithm=sha1&q-ak=%s&q-sign-time=%s&q-key-time=%s&q-header-list=%s&q-url-param-list=%s&q-signature=%s"
                % ((self.secret_id, period, period) + names + (signature,)))

    def send(self, method, path, query, headers, body):
        connection = http.client.HTTPConnection(self.place, timeout=self.timeout)
        headers = {"host": self.place, "content-length": str(len(body)), **headers}
        headers["Authorization"] = self.authorization(method, path, query, headers)
        try:
            connection.request(method, path + "?" * bool(query) + urlencode(query, quote_via=quote), body, headers)
            answer = connection.getresponse()
            answer.body = answer.read()
            return answer
        finally:
            connection.close()

    def request(self, method, path, query={}, headers={}, body=b"", passing=(), holds=lambda answer: True):
        """The first success that holds. `path` is that below the account; errors with a code in `passing` pass too."""
        for attempt in range(1, self.attempts + 1):
            wait = min(2, 0.05 * 2 ** attempt) * random.uniform(0.5, 1)
            try:
                answer = self.send(method, "/%s/vaults%s" % (self.account, path), query, headers, body)
                if answer.status < 300:
                    if holds(answer):
                        return answer
                    error = Error(0, "the answer does not hold", attempt)
                else:
                    is_json = answer.headers.get_content_type() == "application/json"
                    error = Error(answer.status, json.loads(answer.body)["code"] if is_json else "no code", attempt)
                    if error.code == "InvalidSignatureException" and self.learns_the_time(answer):
                        continue
                    if error.status < 500 and error.status != 408 and error.code not in ("ThrottlingException", *passing):
                        raise error
                    wait = max(wait, float(answer.headers.get("retry-after", 0)))
            except (OSError, http.client.HTTPException) as problem:
                error = Error(0, type(problem).__name__, attempt)
            time.sleep(wait)
        raise error

    def learns_the_time(self, answer):
        """Takes over the clock of the service; whether that was more than a minute away from the own one."""
        before, self.ahead = self.ahead, parsedate_to_datetime(answer.headers["date"]).timestamp() - time.time()
        return abs(self.ahead - before) > 60

    def pages(self, path, member, **query):
        """All entries of a list, page by page."""
        while query.get("marker") != "":
            page = json.loads(self.request("GET", path, query).body)
            yield from page[member]
            query["marker"] = page["Marker"] or ""

    def upload_archive(self, vault, data, **headers):
        headers.update(hashes(data))
        holds = self.has_tree_hash(headers["x-cas-sha256-tree-hash"])
        return self.request("POST", "/%s/archives" % vault, {}, headers, data, DAMAGED, holds).headers["x-cas-archive-id"]

    def upload_in_parts(self, vault, path, part_size=MIB, threads=4, upload=None):
        """Uploads a file, or goes on with the upload that is given; returns the id of the archive."""
        for _ in range(self.attempts):
            upload = upload or self.initiate(vault, part_size)
            try:
                return self.carry_on(vault, path, upload, threads)
            except Error as error:
                # The id is gone and all parts with it, or the service misses parts that it had acknowledged.
                if error.code not in ("ResourceNotFoundException", *DAMAGED):
                    raise
                last, upload = error, upload if error.status == 400 else None
        raise last

    def initiate(self, vault, part_size):
        answer = self.request("POST", "/%s/multipart-uploads" % vault, headers={"x-cas-part-size": str(part_size)})
        return answer.headers["x-cas-multipart-upload-id"]

    def upload_part(self, vault, upload, start, data):
        """Returns the tree hash of the part."""
        headers = {"content-range": "bytes %d-%d/*" % (start, start + len(data) - 1), **hashes(data)}
        tree = headers["x-cas-sha256-tree-hash"]
        self.request("PUT", "/%s/multipart-uploads/%s" % (vault, upload), {}, headers, data, DAMAGED, self.has_tree_hash(tree))
        return tree

    def carry_on(self, vault, path, upload, threads):
        resource, size = "/%s/multipart-uploads/%s" % (vault, upload), os.path.getsize(path)
        part_size = json.loads(self.request("GET", resource).body)["PartSizeInBytes"]
        stored = {part["RangeInBytes"]: part["SHA256TreeHash"] for part in self.pages(resource, "Parts")}

        def node(start):
            with open(path, "rb") as file:
                file.seek(start)
                data = file.read(part_size)
            tree = stored.get("%d-%d" % (start, start + len(data) - 1))
            return bytes.fromhex(tree if tree == tree_hash(data) else self.upload_part(vault, upload, start, data))

        with ThreadPoolExecutor(threads) as pool:
            tree = fold(list(pool.map(node, range(0, size, part_size))))
        try:
            headers = {"x-cas-archive-size": str(size), "x-cas-sha256-tree-hash": tree}
            return self.request("POST", resource, {}, headers).headers["x-cas-archive-id"]
        except Error as error:
            if error.status != 404 or error.attempts == 1:
                raise
            # Perhaps an earlier attempt was carried out and only its answer is lost; the inventory knows.
            found = [entry for entry in json.loads(self.inventory(vault))["ArchiveList"] if entry["SHA256TreeHash"] == tree]
            if not found:
                raise
            return found[-1]["ArchiveId"]

    @staticmethod
    def has_tree_hash(tree):
        return lambda answer: answer.headers["x-cas-sha256-tree-hash"] == tree

    def run_job(self, vault, **what):
        """Starts a job and waits until it is done; returns its description."""
        answer = self.request("POST", "/%s/jobs" % vault, body=json.dumps(what).encode())
        resource, pause, end = "/%s/jobs/%s" % (vault, answer.headers["x-cas-job-id"]), 0.02, time.monotonic() + self.patience
        while time.monotonic() < end:
            job = json.loads(self.request("GET", resource).body)
            if job["Completed"]:
                if job["StatusCode"] == "Succeeded":
                    return job
                raise Error(0, "the job failed")
            time.sleep(pause)
            pause = min(60, pause * 1.5)
        raise Error(0, "the job takes too long")

    def output(self, vault, job, area=None):
        """The output of a job that is done, or a range of it: first and last byte."""
        start, end = map(int, (job["RetrievalByteRange"] or "0-%d" % (job["InventorySizeInBytes"] - 1)).split("-"))
        first, last = area or (0, end - start)
        content_range = area and "bytes %d-%d/%d" % (first, last, end - start + 1)

        def holds(answer):
            # A range that is no node of the tree has no hash to compare with.
            trees = {answer.headers["x-cas-sha256-tree-hash"], None if area else job["SHA256TreeHash"]} - {None}
            return (answer.headers["content-range"] == content_range and len(answer.body) == last - first + 1
                    and trees <= {tree_hash(answer.body)})

        headers = {"range": "bytes=%d-%d" % (first, last)} if area else {}
        return self.request("GET", "/%s/jobs/%s/output" % (vault, job["JobId"]), {}, headers, holds=holds).body

    def retrieve(self, vault, archive, **what):
        return self.output(vault, self.run_job(vault, Type="archive-retrieval", ArchiveId=archive, **what))

    def inventory(self, vault, **what):
        return self.output(vault, self.run_job(vault, Type="inventory-retrieval", **what))
