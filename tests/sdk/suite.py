"""The official Python SDK against cos-emu: python suite.py <url> <proxy|address|domain> <scenario|none>."""

import hashlib
import logging
import os
import sys
import tempfile

from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosClientError, CosServiceError

logging.disable(logging.CRITICAL)
url, mode, scenario = sys.argv[1:4]
address, port = url.split("//")[1].split(":")
bucket = "python-%s-1250000000" % mode if mode != "domain" else "demo-1250000000"
options = dict(Region="ap-guangzhou", SecretId="AKIDcosemu", SecretKey="cosemu", Scheme="http", Timeout=20)
if mode == "proxy":
    options["Proxies"] = {"http": url, "https": url}
elif mode == "address":
    # The list of buckets goes to a host of its own, which IP and Port do not cover.
    options.update(IP=address, Port=int(port), ServiceDomain="%s:%s" % (address, port))
else:
    options["Domain"] = "%s:%s" % (address, port)
client = CosS3Client(CosConfig(**options))
folder = tempfile.mkdtemp()
LARGE = 40 * 1024 * 1024 + 7


def file_of(size):
    path = os.path.join(folder, "file-%d" % size)
    with open(path, "wb") as file:
        block = hashlib.sha256(str(size).encode()).digest() * 32768
        file.write((block * (size // len(block) + 1))[:size])
    return path


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def upload(key, size):
    return client.upload_file(Bucket=bucket, Key=key, LocalFilePath=file_of(size), PartSize=1, MAXThread=5)


def download(key):
    return client.get_object(Bucket=bucket, Key=key)["Body"].get_raw_stream().read()


def keys():
    return [entry["Key"] for entry in client.list_objects(Bucket=bucket).get("Contents", [])]


def check(condition, what):
    if not condition:
        sys.exit("failed: " + what)


def fails(action, *codes):
    """The code that the action fails with."""
    try:
        action()
    except CosServiceError as error:
        check(error.get_error_code() in codes, "%s instead of %s" % (error.get_error_code(), codes))
    except CosClientError as error:
        check(any(code in str(error) for code in codes + ("some upload_part fail",)), str(error))
    else:
        sys.exit("failed: it succeeded, but should have failed with %s" % (codes,))


def undisturbed():
    if mode != "domain":
        client.create_bucket(Bucket=bucket)
        check(bucket in [entry["Name"] for entry in client.list_buckets()["Buckets"]["Bucket"]], "list_buckets")
    sizes = [0, 1, 5 * 1024 * 1024, LARGE]
    names = ["size/%d bytes+中文.bin" % size for size in sizes]
    for key, size in zip(names, sizes):
        upload(key, size)
    check(sorted(keys()) == sorted(names), "list_objects: %s" % keys())
    for key, size in zip(names, sizes):
        expected = bytes_of(file_of(size))
        check(download(key) == expected, "get_object of %d bytes" % size)
        check(int(client.head_object(Bucket=bucket, Key=key)["Content-Length"]) == size, "head_object")
    copy = os.path.join(folder, "copy")
    client.download_file(Bucket=bucket, Key=names[3], DestFilePath=copy, PartSize=1, MAXThread=5, EnableCRC=True)
    check(bytes_of(copy) == bytes_of(file_of(LARGE)), "download_file")
    if mode != "domain":
        presigned = client.get_presigned_url(Method="GET", Bucket=bucket, Key=names[1], Expired=300)
        check("q-signature=" in presigned, "get_presigned_url")
    fails(lambda: client.get_object(Bucket=bucket, Key="none"), "NoSuchKey")
    objects = {"Object": [{"Key": key} for key in names[:2]], "Quiet": "false"}
    check(len(client.delete_objects(Bucket=bucket, Delete=objects)["Deleted"]) == 2, "delete_objects")
    for key in names[2:]:
        client.delete_object(Bucket=bucket, Key=key)
    check(keys() == [], "everything is deleted")
    if mode != "domain":
        client.delete_bucket(Bucket=bucket)


def disturbed():
    make_bucket = lambda: client.create_bucket(Bucket=bucket)
    make_bucket()
    if scenario == "flaky":
        upload("large", LARGE)
    elif scenario == "content-length-mismatch":
        # This SDK takes a 400 for final.
        fails(lambda: upload("large", LARGE), "EntitySizeNotMatch")
        check(keys() == [], "no object comes into being")
        return
    elif scenario == "hash-mismatch":
        fails(lambda: upload("large", LARGE), "BadDigest", "InvalidPart")
        check(keys() == [], "no object comes into being")
        return
    elif scenario == "no-such-upload":
        fails(lambda: upload("large", LARGE), "NoSuchUpload")
        fails(lambda: upload("large", LARGE), "NoSuchUpload")
        check(keys() == [], "no object comes into being")
        upload("large", LARGE)
    elif scenario == "misaligned-content-range":
        upload("large", LARGE)
    else:
        sys.exit("unknown scenario " + scenario)
    check(keys() == ["large"], "the object is there")
    for _ in range(10):
        # A cut answer is told by an exception, and this SDK does not read again by itself.
        try:
            content = download("large")
        except Exception:
            continue
        if len(content) == LARGE:
            break
    check(content == bytes_of(file_of(LARGE)), "every byte is right")


disturbed() if scenario != "none" else undisturbed()
print("ok")
