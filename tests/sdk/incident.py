"""A program that knows of no faults, on the official Python SDK: python incident.py <proxy|address> <url> <id> <key> [token].

With FIXTURE_KEYS in the environment it only puts those keys of the bucket of sdk-retry-fixture. Prints one JSON object: for each step what came of it, "ok" or the error as the SDK tells it.
"""

import hashlib
import json
import logging
import os
import sys
import tempfile

from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosClientError, CosServiceError

logging.disable(logging.CRITICAL)
mode, url, secret_id, secret_key = sys.argv[1:5]
token = sys.argv[5] if len(sys.argv) > 5 else None
address, port = url.split("//")[1].split(":")
bucket = "demo-1250000000"
place = {"Proxies": {"http": url}} if mode == "proxy" else {"IP": address, "Port": int(port)}
client = CosS3Client(CosConfig(Region="ap-guangzhou", SecretId=secret_id, SecretKey=secret_key, Token=token,
                               Scheme="http", Timeout=3, **place))
content = (hashlib.sha256(b"content").digest() * 131072)[:3 * 1024 * 1024 + 7]
path = os.path.join(tempfile.mkdtemp(), "content")
with open(path, "wb") as file:
    file.write(content)


def read(key, expected, **options):
    got = client.get_object(Bucket=bucket, Key=key, **options)["Body"].get_raw_stream().read()
    return "ok" if got == expected else "took %d wrong bytes for success" % len(got)


def append():
    client.append_object(Bucket=bucket, Key="log", Position=0, Data=b"one,")
    client.append_object(Bucket=bucket, Key="log", Position=4, Data=b"two")
    return read("log", b"one,two")


def listed():
    keys, marker = [], ""
    for _ in range(20):
        page = client.list_objects(Bucket=bucket, Marker=marker)
        keys += [entry["Key"] for entry in page.get("Contents", [])]
        if page.get("IsTruncated") != "true":
            return "ok" if "big" in keys and "small" in keys else "sees only %s" % sorted(set(keys))
        marker = page.get("NextMarker", "")
    return "lists the same page for ever"


def upload():
    client.upload_file(Bucket=bucket, Key="big", LocalFilePath=path, PartSize=1, MAXThread=2)
    return "ok"


def put(key, body):
    client.put_object(Bucket=bucket, Key=key, Body=body)
    return "ok"


def fixture(key):
    client.put_object(Bucket="cos-sdk-err-retry-1250000000", Key=key, Body=b"body")
    return "ok"


steps = [(key, lambda key=key: fixture(key)) for key in os.environ.get("FIXTURE_KEYS", "").split()] or [
    ("upload in parts", upload),
    ("read back", lambda: read("big", content)),
    ("put", lambda: put("small", b"hello")),
    ("read", lambda: read("small", b"hello")),
    ("read a range", lambda: read("small", b"he", Range="bytes=0-1")),
    ("put nothing", lambda: put("empty", b"")),
    ("append", append),
    ("list", listed),
    ("read on", lambda: [read("small", b"hello") for _ in range(10)][-1]),
]
results = []
for name, step in steps:
    try:
        result = step()
    except CosServiceError as error:
        result = "error %s %s" % (error.get_status_code(), error.get_error_code())
    except CosClientError as error:
        result = "client error"
    except Exception as error:
        result = "exception %s" % type(error).__name__
    results.append([name, result])
print(json.dumps(results))
