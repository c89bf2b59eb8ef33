"""cas_client.py, a client that copes, against cos-emu: python3 suite_cas_modern.py <host> <port> [scenario].

The same list as that of suite_cas.py, and what the official client has no call for: inventories as CSV, in pages, and between
dates. The suite itself tries nothing again, whatever the scenario. Prints `ok`, or the expectation that failed.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

# No folder of compiled files beside the programs.
sys.dont_write_bytecode = True
from cas_client import MIB, Client, Error, hashes, tree_hash

host, port = sys.argv[1], int(sys.argv[2])
scenario = sys.argv[3] if len(sys.argv) > 3 else "none"
client = Client("http://%s:%d" % (host, port), "AKIDcosemu", "cosemu")
VAULT = "modern_client"
# Its period is a prime number, so that no two chunks are the same.
PATTERN = bytes((i * 31 + 7) % 251 for i in range(251))
DATA = (PATTERN * (5 * MIB // 251 + 1))[:5 * MIB + 7]
ROOT = "ded82c2c79b481f870c303c539699ec74ae628eea29a7cc08a4575780227df96"
LARGE = 100 * MIB + 3
PART = 2 * MIB


def check(condition, what):
    if not condition:
        sys.exit("failed: " + what)


def fails(action, status, code):
    try:
        action()
    except Error as error:
        check((error.status, error.code) == (status, code), "%s instead of %s %s" % (error, status, code))
    else:
        sys.exit("failed: it succeeded, but should have failed with " + code)


def get(path, **query):
    return json.loads(client.request("GET", path, query).body)


def write_pattern(path, size):
    with open(path, "wb") as file:
        block = PATTERN * 4096
        for at in range(0, size, len(block)):
            file.write(block[:size - at])


def ranges(size, part):
    return ["%d-%d" % (at, min(at + part, size) - 1) for at in range(0, size, part)]


def large_area(first, last):
    with open(large, "rb") as file:
        file.seek(first)
        return file.read(last - first + 1)


if len(sys.argv) > 4:
    # The child that is to be killed.
    upload, path = sys.argv[4:]
    client.upload_in_parts(VAULT, path, threads=2, upload=upload)
    sys.exit()


def vaults():
    names = [VAULT] + ["page_%d" % number for number in range(4)]
    for name in names:
        client.request("PUT", "/" + name)
    check(get("/" + VAULT)["VaultName"] == VAULT, "Describe Vault")
    check(len(get("", limit="2")["VaultList"]) == 2, "a page of two")
    check([vault["VaultName"] for vault in client.pages("", "VaultList", limit="2")] == names, "List Vaults")
    for name in names[1:]:
        client.request("DELETE", "/" + name)
    fails(lambda: client.request("GET", "/page_0"), 404, "ResourceNotFoundException")


def refused_uploads():
    fails(lambda: client.request("POST", "/%s/archives" % VAULT, headers=hashes(b"")), 400, "InvalidParameterValueException")
    fails(lambda: client.initiate(VAULT, 3 * MIB), 400, "InvalidParameterValueException")
    fails(lambda: client.initiate("never", MIB), 404, "ResourceNotFoundException")
    uploads = [client.initiate(VAULT, PART) for _ in range(3)]
    resource = "/%s/multipart-uploads" % VAULT
    listed = [upload["MultipartUploadId"] for upload in client.pages(resource, "UploadsList", limit="2")]
    # An Initiate whose answer is lost leaves an upload behind, so there may be more.
    check(set(uploads) <= set(listed) and (scenario != "none" or len(listed) == 3), "List Multipart Uploads")
    resource += "/" + uploads[0]
    for area in ("1-1", "0-%d" % PART):
        headers = dict(hashes(b"x"), **{"content-range": "bytes %s/*" % area})
        fails(lambda: client.request("PUT", resource, {}, headers, b"x"), 400, "InvalidParameterValueException")
    headers = {"x-cas-archive-size": "1", "x-cas-sha256-tree-hash": tree_hash(b"x")}
    fails(lambda: client.request("POST", resource, {}, headers), 400, "InvalidParameterValueException")
    fails(lambda: client.request("DELETE", "/" + VAULT), 400, "BadRequest")
    for upload in listed:
        client.request("DELETE", "/%s/multipart-uploads/%s" % (VAULT, upload))
    fails(lambda: client.request("GET", resource), 404, "ResourceNotFoundException")


def upload_killed_and_resumed():
    """100 MiB and 3 bytes in threads; the process is killed, and another one goes on."""
    upload = client.initiate(VAULT, PART)
    resource = "/%s/multipart-uploads/%s" % (VAULT, upload)
    child = subprocess.Popen([sys.executable, __file__, host, str(port), scenario, upload, large])
    try:
        end = time.monotonic() + 30
        while len(get(resource)["Parts"]) < 3:
            check(child.poll() is None and time.monotonic() < end, "three parts are stored in time")
            time.sleep(0.01)
    finally:
        # SIGKILL: the client cannot say good-bye to anything.
        child.kill()
        child.wait()
    # A body that was cut by the end of its process must not have become a part; one that was whole may have.
    time.sleep(0.1)
    every = ranges(LARGE, PART)
    stored = [part["RangeInBytes"] for part in client.pages(resource, "Parts", limit="2")]
    check(3 <= len(stored) < len(every) and set(stored) <= set(every), "some parts were stored: %s" % stored)
    return client.upload_in_parts(VAULT, large, upload=upload)


def retrievals(small, parts, killed):
    check(client.retrieve(VAULT, small) == DATA[:MIB], "what was uploaded in one piece")
    check(client.retrieve(VAULT, parts, Tier="Expedited") == DATA, "what was uploaded in parts")
    for first, last in ((4 * MIB, len(DATA) - 1), (MIB, 3 * MIB - 1)):
        got = client.retrieve(VAULT, parts, RetrievalByteRange="%d-%d" % (first, last), Tier="Bulk")
        check(got == DATA[first:last + 1], "the range %d-%d" % (first, last))
    job = client.run_job(VAULT, Type="archive-retrieval", ArchiveId=killed)
    check(hashlib.sha256(client.output(VAULT, job)).hexdigest() == digest, "what was uploaded in two lives")
    for first, last in ((0, 0), (MIB, 2 * MIB - 1), (LARGE - MIB - 3, LARGE - 2), (0, LARGE - 1)):
        check(client.output(VAULT, job, (first, last)) == large_area(first, last), "the output from %d to %d" % (first, last))
    fails(lambda: client.output(VAULT, job, (0, 1 << 30)), 400, "InvalidParameterValueException")
    for area in ("1-2", "0-1"):
        fails(lambda: client.retrieve(VAULT, small, RetrievalByteRange=area), 400, "InvalidParameterValueException")
    fails(lambda: client.retrieve(VAULT, "never"), 404, "ResourceNotFoundException")
    fails(lambda: get("/%s/jobs/never" % VAULT), 404, "ResourceNotFoundException")
    fails(lambda: get("/%s/jobs/never/output" % VAULT), 404, "ResourceNotFoundException")


def inventories(sizes):
    def listed(**parameters):
        document = json.loads(client.inventory(VAULT, InventoryRetrievalParameters=parameters))
        return {entry["ArchiveId"]: entry["Size"] for entry in document["ArchiveList"]}

    whole = listed()
    check(set(sizes.items()) <= set(whole.items()) and (scenario != "none" or whole == sizes), "the inventory")
    pages, marker = {}, ""
    while marker is not None:
        parameters = dict({"Limit": "2"}, **({"Marker": marker} if marker else {}))
        job = client.run_job(VAULT, Type="inventory-retrieval", InventoryRetrievalParameters=parameters)
        entries = json.loads(client.output(VAULT, job))["ArchiveList"]
        check(len(entries) <= 2, "a page of an inventory")
        pages.update((entry["ArchiveId"], entry["Size"]) for entry in entries)
        following = job["InventoryRetrievalParameters"]["Marker"]
        check(following is None or following != marker, "the pages of an inventory end")
        marker = following
    check(pages == whole, "the pages of an inventory")
    check(listed(StartDate="2999-01-01T00:00:00Z") == {}, "an inventory between dates")
    lines = client.inventory(VAULT, Format="CSV").decode().splitlines()
    check(len(lines) == len(whole) + 1 and lines[0].startswith("ArchiveId,"), "an inventory as CSV")
    check(all(any(archive in line for line in lines) for archive in whole), "the archives in the CSV")
    return list(whole)


def lists_of_jobs():
    jobs = get("/%s/jobs" % VAULT)["JobList"]
    ids = [job["JobId"] for job in client.pages("/%s/jobs" % VAULT, "JobList", limit="2")]
    check(sorted(ids) == sorted(job["JobId"] for job in jobs) and len(ids) >= 10, "List Jobs")
    check(get("/%s/jobs" % VAULT, completed="false")["JobList"] == [], "List Jobs by completion")
    check(len(get("/%s/jobs" % VAULT, statuscode="Succeeded")["JobList"]) == len(ids), "List Jobs by status")


folder = tempfile.mkdtemp()
try:
    large, small = os.path.join(folder, "large"), os.path.join(folder, "small")
    write_pattern(large, LARGE)
    with open(large, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    with open(small, "wb") as file:
        file.write(DATA)
    check(tree_hash(DATA) == ROOT, "the tree hash of the client")
    vaults()
    refused_uploads()
    first = client.upload_archive(VAULT, DATA[:MIB], **{"x-cas-archive-description": "my file ~ (v1)*+/=& 100%.txt"})
    parts = client.upload_in_parts(VAULT, small)
    killed = upload_killed_and_resumed()
    retrievals(first, parts, killed)
    archives = inventories({first: MIB, parts: len(DATA), killed: LARGE})
    lists_of_jobs()
    fails(lambda: client.request("DELETE", "/" + VAULT), 400, "BadRequest")
    for archive in archives:
        client.request("DELETE", "/%s/archives/%s" % (VAULT, archive))
    fails(lambda: client.request("DELETE", "/%s/archives/never" % VAULT), 404, "ResourceNotFoundException")
    client.request("DELETE", "/" + VAULT)
    fails(lambda: get("/" + VAULT), 404, "ResourceNotFoundException")
finally:
    shutil.rmtree(folder)
print("ok")
