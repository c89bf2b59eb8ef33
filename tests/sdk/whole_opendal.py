"""Everything that OpenDAL's Python package offers of COS, against cos-emu: python whole_opendal.py <url>.

Called with a Python that opendal and cos-python-sdk-v5 are installed for: the SDK makes the buckets, which OpenDAL has no call for.
Requests reach the emulator as the proxy of the environment. Prints `ok`, or the expectation that failed.

What this package has no call for: ACLs, tags, storage classes, restoration, symbolic links, encryption, a copy in parts, every
configuration of a bucket, resumption, anonymous requests, and a look at uploads that are under way.
"""

import asyncio
import http.client
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, urlsplit

url = sys.argv[1]
for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[name]
# It is read once, when the first request is sent.
os.environ["http_proxy"] = url

import opendal
from opendal import exceptions, layers
from qcloud_cos import CosConfig, CosS3Client

MIB = 1024 * 1024
REGION = "ap-guangzhou"
sdk = CosS3Client(CosConfig(Region=REGION, SecretId="AKIDcosemu", SecretKey="cosemu", Scheme="http", Timeout=20), retry=0)


def check(condition, what):
    if not condition:
        sys.exit("failed: " + what)


def same(actual, expected, what):
    check(actual == expected, "%s: %.1000r instead of %.1000r" % (what, actual, expected))


def fails(action, kind, code, what):
    """Expects an exception of this kind, with the code of the service in its text."""
    try:
        action()
    except kind as error:
        check(code in str(error), "%s: %s" % (what, error))
    else:
        sys.exit("failed: %s succeeded, but should have failed with %s" % (what, kind))


def name_of(step):
    return "opendal-%s-1250000000" % step


def operator(step, **options):
    given = dict(bucket=name_of(step), endpoint="http://cos.%s.myqcloud.com" % REGION, root="/", disable_config_load="true")
    given.update(dict(secret_id="AKIDcosemu", secret_key="cosemu"), **options)
    return opendal.Operator("cos", **given)


def bucket_for(step):
    sdk.create_bucket(Bucket=name_of(step))
    return operator(step)


def bytes_of(size):
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def plain(method, address, body=None, headers=None):
    """A plain HTTP request without OpenDAL; the address names the host, the emulator gets the request."""
    target = urlsplit(address)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    query = "?" + target.query if target.query else ""
    connection.request(method, target.path + query, body, dict(headers or {}, Host=target.netloc))
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def journal(operation, key):
    """What the emulator's journal says of an operation on a key."""
    address = "%s/_cos-emu/v1/scenarios/default/journal?op=%s&key=%s" % (url, operation, quote(key, safe=""))
    return json.loads(plain("GET", address)[1])["exchanges"]


def pieces():
    op = bucket_for("pieces")
    op.check()
    path = "folder/文件 one+two&three%.txt"
    content = bytes_of(100000)
    metadata = dict(
        content_type="text/x-own", cache_control="max-age=5", content_disposition="inline", user_metadata={"colour": "blue"}
    )
    op.write(path, content, **metadata)
    stat = op.stat(path)
    same(
        [stat.content_length, stat.content_type, stat.content_disposition, stat.user_metadata, stat.is_file],
        [100000, "text/x-own", "inline", {"colour": "blue"}, True],
        "stat",
    )
    same([sdk.head_object(name_of("pieces"), path)["Cache-Control"], len(stat.etag)], ["max-age=5", 34], "the headers of write")
    check(abs(stat.last_modified - datetime.now(timezone.utc)) < timedelta(minutes=1), "the time of stat")
    same(op.read(path), content, "read")
    same(op.read(path, offset=10, size=10), content[10:20], "a range")
    same(op.read(path, concurrent=3, chunk=30000), content, "read in ranges")
    same(op.read(path, if_match=stat.etag, if_none_match='"other"'), content, "conditions that hold")
    mismatch = exceptions.ConditionNotMatch
    hour = timedelta(hours=1)
    for unmet in [dict(if_match='"other"'), dict(if_none_match=stat.etag), dict(if_unmodified_since=stat.last_modified - hour)]:
        fails(lambda: op.read(path, **unmet), mismatch, "", "read under %s" % unmet)
    fails(lambda: op.read(path, if_modified_since=stat.last_modified), mismatch, "", "read of what was not modified")
    fails(lambda: op.stat(path, if_match='"other"'), mismatch, "", "stat under a condition")
    fails(lambda: op.write(path, b"x", if_not_exists=True), mismatch, "FileAlreadyExists", "write of what is there")
    op.write("new", b"new", if_not_exists=True)
    op.write("empty", b"")
    same([op.read("new"), op.read("empty")], [b"new", b""], "small objects")
    op.copy(path, "copy 中")
    same(op.read("copy 中"), content, "copy")
    fails(lambda: op.copy("none", "x"), exceptions.NotFound, "404", "copy of nothing")
    same([op.exists(path), op.exists("none")], [True, False], "exists")
    op.delete(path)
    op.delete("none")
    same(op.exists(path), False, "delete")
    guessing = op.layer(layers.MimeGuessLayer()).layer(layers.RetryLayer(max_times=1)).layer(layers.TimeoutLayer(timeout=20))
    guessing.write("guessed.html", b"<p>")
    same(op.stat("guessed.html").content_type, "text/html", "a guessed type")


def files():
    op = bucket_for("files")
    content = bytes_of(5 * MIB + 7)
    op.write("large", content, chunk=MIB, concurrent=2, content_type="text/x-parts", user_metadata={"made": "in parts"})
    same(sorted(one["part"] for one in journal("UploadPart", "large")), [1, 2, 3, 4, 5, 6], "the parts of write")
    stat = op.stat("large")
    same([stat.etag[-3:], stat.content_type, stat.user_metadata], ['-6"', "text/x-parts", {"made": "in parts"}], "made of parts")
    check(op.read("large", chunk=MIB, concurrent=3) == content, "write in parts")
    with op.open("written", "wb", chunk=MIB) as file:
        for start in range(0, len(content), 700000):
            file.write(content[start : start + 700000])
    check(op.read("written") == content, "open for writing")
    with op.open("written", "rb") as file:
        same(file.read(5), content[:5], "the start")
        file.seek(3 * MIB)
        same([file.tell(), file.read(9)], [3 * MIB, content[3 * MIB : 3 * MIB + 9]], "a seek")
        file.seek(-5, 2)
        same(file.read(), content[-5:], "the end")
    for data in [b"one,", b"two,", b"three"]:
        op.write("log", data, append=True)
    same(op.read("log"), b"one,two,three", "append")
    op.write("plain", b"x")
    fails(lambda: op.write("plain", b"y", append=True), Exception, "ObjectNotAppendable", "appending to a plain object")


def folders():
    op = bucket_for("folders")
    paths = ["top/a.txt", "top/sub/b.txt", "top/sub/deep/中 c+%.bin", "top.txt"]
    for path in paths:
        op.write(path, path.encode())
    listed = lambda *arguments, **options: sorted(entry.path for entry in op.list(*arguments, **options))
    same(listed("/"), ["top.txt", "top/"], "list")
    same(listed("top/"), ["top/a.txt", "top/sub/"], "list of a folder")
    same(listed("top/", recursive=True), paths[:3], "list of all below")
    same(sorted(entry.path for entry in op.scan("top/")), paths[:3], "scan")
    found = {entry.name: (entry.metadata.content_length, entry.metadata.is_dir) for entry in op.list("top/")}
    same(found, {"a.txt": (9, False), "sub/": (0, True)}, "the entries")
    op.create_dir("made/inner/")
    same([op.stat("made/inner/").is_dir, op.stat("top/").is_dir], [True, True], "folders")
    below = operator("folders", root="/top/sub")
    same([below.read("b.txt"), sorted(one.path for one in below.list("/"))], [b"top/sub/b.txt", ["b.txt", "deep/"]], "a root")
    op.remove_all("top/")
    same(listed("/"), ["made/", "top.txt"], "remove_all")
    op.delete("made/", recursive=True)
    same(listed("/"), ["top.txt"], "delete of all below")


def many():
    op = bucket_for("many")
    names = ["many/%04d" % number for number in range(2500)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: op.write(name, b""), names))
    same([entry.path for entry in op.list("many/")], names, "list of 2500 keys")
    # `limit` is the size of a page; a key to start after is not passed on for COS.
    check(len(list(op.list("many/", limit=100))) == 2500, "list in small pages")
    op.remove_all("many/")
    same(list(op.list("many/")), [], "remove_all of 2500 keys")


def versions():
    op = bucket_for("versions")
    sdk.put_bucket_versioning(name_of("versions"), "Enabled")
    for content in [b"one", b"two!"]:
        op.write("key", content)
    same(op.read("key"), b"two!", "the latest version")
    found = [(entry.metadata.version, entry.metadata.content_length) for entry in op.list("key", versions=True)]
    same([size for _, size in found], [4, 3], "list of versions")
    latest, first = [version for version, _ in found]
    same([op.read("key", version=first), op.stat("key", version=first).content_length], [b"one", 3], "an old version")
    same(op.stat("key").version, latest, "the version of stat")
    op.delete("key")
    same(op.exists("key"), False, "a deleted key")
    fails(lambda: op.read("key"), exceptions.NotFound, "NoSuchKey", "read of a deleted key")
    same(len(list(op.list("key", versions=True))), 2, "the versions are still there")
    with_marker = [entry.metadata.version for entry in op.list("key", versions=True, deleted=True)]
    same([len(with_marker), set(with_marker) > {latest, first}], [3, True], "the versions and the delete marker")
    marker = (set(with_marker) - {latest, first}).pop()
    op.delete("key", version=marker)
    same(op.read("key"), b"two!", "the key without its marker")
    op.delete("key", version=latest)
    same(op.read("key"), b"one", "the version that is left")
    fails(lambda: op.read("key", version=latest), exceptions.NotFound, "NoSuchVersion", "read of a deleted version")


async def presigned():
    op = bucket_for("presigned").to_async_operator()
    path = "folder/signed 中+.txt"

    async def use(signing, *arguments, **options):
        request = await signing(path, 60, **options)
        return plain(request.method, request.url, *arguments, headers=request.headers)

    same((await use(op.presign_write, b"signed", content_type="text/x-own"))[0], 200, "a presigned PUT")
    same(await use(op.presign_read), (200, b"signed"), "a presigned GET")
    same((await use(op.presign_stat))[0], 200, "a presigned HEAD")
    same([await op.read(path), (await op.stat(path)).content_type], [b"signed", "text/x-own"], "what was put by a URL")
    request = await op.presign_read(path, 60)
    status, body = plain("GET", request.url.replace("signed", "other"), headers=request.headers)
    same([status, b"<Code>SignatureDoesNotMatch</Code>" in body], [403, True], "a URL of another key")
    await op.write("async", b"async")
    same([await op.exists("async"), {entry.path async for entry in await op.list("/")}], [True, {"async", "folder/"}], "async")


def refusals():
    op = bucket_for("refusals")
    op.write("secret", b"secret")
    fails(lambda: op.read("none"), exceptions.NotFound, "NoSuchKey", "read of nothing")
    fails(lambda: op.stat("none"), exceptions.NotFound, "404", "stat of nothing")
    fails(lambda: operator("nowhere").read("key"), exceptions.NotFound, "NoSuchBucket", "read from no bucket")
    wrong = operator("refusals", secret_key="wrong")
    refused = exceptions.PermissionDenied
    fails(lambda: wrong.read("secret"), refused, "SignatureDoesNotMatch", "a wrong secret key")
    fails(lambda: wrong.write("secret", b"x"), refused, "SignatureDoesNotMatch", "an upload with a wrong key")
    fails(lambda: wrong.stat("secret"), refused, "403", "stat with a wrong key")
    fails(lambda: operator("refusals", secret_id="AKIDstranger").read("secret"), refused, "InvalidAccessKeyId", "an unknown key id")
    same(op.read("secret"), b"secret", "what was refused to be overwritten")
    address = "http://%s.cos.%s.myqcloud.com/secret" % (name_of("refusals"), REGION)
    same(plain("GET", address)[0], 403, "an anonymous GET of a private object")
    fails(lambda: op.read("secret", offset=100, size=5), exceptions.Unexpected, "InvalidRange", "a range beyond the end")


pieces()
files()
folders()
many()
versions()
asyncio.run(presigned())
refusals()
print("ok")
