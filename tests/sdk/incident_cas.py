"""A program that knows of no faults, on a CAS client: python incident_cas.py <official|modern> <url> <id> <key>.

`official` is cassdk, on Python 2.7 or converted for Python 3; `modern` is cas_client.py, on Python 3. Prints as its last line one
JSON array: of each step what came of it, "ok" or the error as the client tells it. Whatever is tried again, the client does itself.
"""

import json
import logging
import os
import re
import shutil
import sys
import tempfile
import time

form, url, secret_id, secret_key = sys.argv[1:5]
address, port = url.split("//")[1].strip("/").split(":")
MIB = 1024 * 1024
VAULT = "incident"
BIG = bytes(bytearray((i * 31 + 7) % 251 for i in range(251))) * (3 * MIB // 251 + 1)
BIG = BIG[:3 * MIB + 7]
SMALL = b"a small archive"
# Its third chunk, the one that few scenarios are about.
AREA = (2 * MIB, 3 * MIB - 1)
TIMEOUT = 3
logging.disable(logging.CRITICAL)


class Official(object):
    """The classes of cassdk as its README uses them, with chunks of 1 MiB, which its Initiate permits."""

    def __init__(self):
        from cas.conf import multi_task_conf

        # One chunk after the other, so that each run is the same.
        multi_task_conf.MultipartUpload_NumberThread = 1
        from cas.api import CasAPI
        from cas.client import CASClient
        from cas.multipart_upload import MultipartUpload
        from cas.utils.file_utils import compute_hash_from_file
        from cas.vault import Vault

        class Hasty(CASClient):
            """The client has a timeout of 100 seconds and no setting for it."""

            def _CASClient__get_connection(self):
                connection = super(Hasty, self)._CASClient__get_connection()
                connection.timeout = TIMEOUT
                return connection

        # The client sleeps up to four seconds before each chunk and piece, and up to nine between two looks at a job.
        pause = time.sleep
        time.sleep = lambda seconds: pause(0.02)
        self.api = CasAPI(Hasty(address, "1250000000", secret_id, secret_key, port=int(port)))
        # The name stays a byte string on Python 2.
        self.vault = Vault(self.api, {"VaultName": VAULT})
        self.upload_of, self.hashes_of = MultipartUpload, compute_hash_from_file

    def create_vault(self):
        self.api.create_vault(VAULT)

    def upload_in_parts(self, path):
        upload = self.api.initiate_multipart_upload(VAULT, MIB)["x-cas-multipart-upload-id"]
        answer = self.api.describe_multipart(VAULT, upload)
        return self.upload_of(self.vault, answer, file_path=path).start()

    def list_parts(self, path):
        upload = self.api.initiate_multipart_upload(VAULT, MIB)["x-cas-multipart-upload-id"]
        linear, tree = self.hashes_of(path, AREA[0], MIB)
        with open(path, "rb") as file:
            file.seek(AREA[0])
            self.api.post_multipart_from_reader(VAULT, upload, file, MIB, "%d-%d" % AREA, linear, tree)
        parts = self.api.list_parts(VAULT, upload)["Parts"]
        uploads = [each.id for each in self.vault.list_all_multipart_uploads()]
        self.api.abort_multipart_upload(VAULT, upload)
        return [part["RangeInBytes"] for part in parts], upload in uploads

    def upload(self, path):
        return self.vault.upload_archive(path)

    def retrieve(self, archive, area, path):
        self.vault.retrieve_archive(archive, byte_range=area).download_to_file(path)

    def inventory(self, path):
        self.vault.initiate_retrieve_inventory().download_to_file(path)

    def delete(self, archive):
        self.vault.delete_archive(archive)


class Modern(object):
    def __init__(self):
        # No folder of compiled files beside the programs.
        sys.dont_write_bytecode = True
        from cas_client import Client

        self.client = Client(url, secret_id, secret_key, timeout=TIMEOUT)

    def create_vault(self):
        self.client.request("PUT", "/" + VAULT)

    def upload_in_parts(self, path):
        return self.client.upload_in_parts(VAULT, path)

    def list_parts(self, path):
        upload, resource = self.client.initiate(VAULT, MIB), "/%s/multipart-uploads" % VAULT
        with open(path, "rb") as file:
            file.seek(AREA[0])
            self.client.upload_part(VAULT, upload, AREA[0], file.read(MIB))
        parts = [part["RangeInBytes"] for part in self.client.pages("%s/%s" % (resource, upload), "Parts")]
        uploads = [each["MultipartUploadId"] for each in self.client.pages(resource, "UploadsList")]
        self.client.request("DELETE", "%s/%s" % (resource, upload))
        return parts, upload in uploads

    def upload(self, path):
        with open(path, "rb") as file:
            return self.client.upload_archive(VAULT, file.read())

    def retrieve(self, archive, area, path):
        what = {"RetrievalByteRange": "%d-%d" % area} if area else {}
        with open(path, "wb") as file:
            file.write(self.client.retrieve(VAULT, archive, **what))

    def inventory(self, path):
        with open(path, "wb") as file:
            file.write(self.client.inventory(VAULT))

    def delete(self, archive):
        self.client.request("DELETE", "/%s/archives/%s" % (VAULT, archive))


archives = {}


class NotUploaded(Exception):
    pass


def archive(name):
    """The id of an archive; ids are byte strings on Python 2, as the client has them from its headers."""
    if not archives.get(name):
        raise NotUploaded()
    return archives[name]


def create_vault():
    client.create_vault()
    return "ok"


def upload_in_parts():
    archives["big"] = client.upload_in_parts(local("big"))
    return "ok" if archives["big"] else "no archive id"


def list_parts():
    parts, is_listed = client.list_parts(local("big"))
    return "ok" if parts == ["%d-%d" % AREA] and is_listed else "lists something else"


def upload():
    archives["small"] = client.upload(local("small"))
    return "ok"


def retrieve(name, area, expected):
    client.retrieve(archive(name), area, local("output"))
    with open(local("output"), "rb") as file:
        got = file.read()
    return "ok" if got == expected else "took %d wrong bytes for success" % len(got)


def inventory():
    client.inventory(local("inventory"))
    with open(local("inventory"), "rb") as file:
        listed = json.loads(file.read().decode("utf8"))["ArchiveList"]
    missing = set(archives.values()) - set(entry["ArchiveId"] for entry in listed)
    return "ok" if not missing else "lacks %d archives" % len(missing)


def delete():
    for name in sorted(archives) or ["big"]:
        client.delete(archive(name))
    return "ok"


def local(name):
    return os.path.join(folder, name)


def told(error):
    """An error as the client tells it; its texts have ids in them, which differ each time."""
    if isinstance(error, NotUploaded):
        return "was not uploaded"
    code = getattr(error, "code", None) or "".join(re.findall(r"code=(\w+)", str(error))[:1])
    status = getattr(error, "status", None) or "".join(re.findall(r"got \((\d+)", str(error))[:1])
    name = type(error).__name__
    return " ".join(str(word) for word in (name, status, code) if word)


steps = [
    ("create a vault", create_vault),
    ("upload in parts", upload_in_parts),
    ("list uploads and parts", list_parts),
    ("upload in one piece", upload),
    ("retrieve", lambda: retrieve("big", None, BIG)),
    ("retrieve a range", lambda: retrieve("big", AREA, BIG[AREA[0]:AREA[1] + 1])),
    ("retrieve the small one", lambda: retrieve("small", None, SMALL)),
    ("inventory", inventory),
    ("delete", delete),
]
folder = tempfile.mkdtemp()
results = []
try:
    for name, data in (("big", BIG), ("small", SMALL)):
        with open(local(name), "wb") as file:
            file.write(data)
    client = {"official": Official, "modern": Modern}[form]()
    for name, step in steps:
        try:
            result = step()
        except Exception as error:
            result = told(error)
        results.append([name, result])
finally:
    shutil.rmtree(folder)
print(json.dumps(results))
