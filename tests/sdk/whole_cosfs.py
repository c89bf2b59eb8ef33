"""Everything that cosfs, the filesystem of fsspec, offers, against cos-emu: python whole_cosfs.py <url>.

Called with the Python that cosfs is installed for. Works in the bucket `demo-1250000000`, below `cosfs/`, for it makes no buckets;
requests reach the emulator as the proxy of the environment. Prints `ok`, or the expectation that failed.

What this filesystem has no call for: versions, ACLs, tags, storage classes, restoration, symbolic links, encryption, presigned PUT,
every configuration of a bucket, and resumption. It copies in parts what is larger than 5 GiB alone.
"""

import http.client
import json
import logging
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, urlsplit

url = sys.argv[1]
for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[name]
os.environ["http_proxy"] = url

import fsspec

logging.disable(logging.CRITICAL)
MIB = 1024 * 1024
BUCKET = "demo-1250000000"
TOP = BUCKET + "/cosfs"
account = dict(region="ap-guangzhou", secret_id="AKIDcosemu", secret_key="cosemu", scheme="http", max_retry_num=0)


def filesystem(**options):
    return fsspec.filesystem("cosn", **dict(account, multipart_size=MIB, multipart_threshold=2 * MIB, **options))


fs = filesystem()


def check(condition, what):
    if not condition:
        sys.exit("failed: " + what)


def same(actual, expected, what):
    check(actual == expected, "%s: %.1000r instead of %.1000r" % (what, actual, expected))


def fails(action, kind, code, what):
    """Expects an exception of exactly this kind, with the code of the service in its text."""
    try:
        action()
    except Exception as error:
        check(type(error) is kind and code in str(error), "%s: %r" % (what, error))
    else:
        sys.exit("failed: %s succeeded, but should have failed with %s" % (what, kind))


def bytes_of(size):
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def plain(method, address):
    """A plain HTTP request without the filesystem; the address names the host, the emulator gets the request."""
    target = urlsplit(address)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    query = "?" + target.query if target.query else ""
    connection.request(method, target.path + query, headers={"Host": target.netloc})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def journal(operation, path):
    """The exchanges of an operation on a path, as the emulator's journal tells them."""
    key = quote(path.split("/", 1)[1], safe="")
    return json.loads(plain("GET", "%s/_cos-emu/v1/scenarios/default/journal?op=%s&key=%s" % (url, operation, key))[1])["exchanges"]


def pieces(folder):
    path = TOP + "/pieces/文件 one+two%.bin"
    content = bytes_of(100000)
    fs.pipe_file(path, content)
    same(fs.cat_file(path), content, "cat_file")
    same(fs.cat_file(path, 10, 20), content[10:20], "a range")
    same(fs.cat_ranges([path] * 2, [0, 99990], [5, 100000]), [content[:5], content[99990:]], "cat_ranges")
    same([fs.head(path, 7), fs.tail(path, 7)], [content[:7], content[-7:]], "head and tail")
    info = fs.info("cosn://" + path)
    same([info["name"], info["size"], info["type"], info["StorageClass"]], [path, 100000, "file", "STANDARD"], "info")
    check(info["ETag"].startswith('"') and fs.size(path) == 100000 and fs.checksum(path), "the ETag of info")
    age = datetime.now(timezone.utc) - fs.modified(path).replace(tzinfo=timezone.utc)
    check(abs(age) < timedelta(minutes=1) and fs.created(path) == fs.modified(path), "modified")
    same([fs.exists(path), fs.isfile(path), fs.isdir(path)], [True, True, False], "what the path is")
    signed = fs.sign(path, expiration=60)
    same(plain("GET", signed), (200, content), "sign")
    same(plain("GET", signed.split("?")[0])[0], 403, "the URL without its signature")

    local = os.path.join(folder, "local.txt")
    fs.get_file(path, local)
    with open(local, "rb") as file:
        same(file.read(), content, "get_file")
    fs.put_file(local, TOP + "/pieces/put.txt")
    same(
        [fs.cat_file(TOP + "/pieces/put.txt"), fs.info(TOP + "/pieces/put.txt")["ContentType"]], [content, "text/plain"], "put_file"
    )
    fs.touch(TOP + "/pieces/empty")
    same(fs.cat_file(TOP + "/pieces/empty"), b"", "touch")
    fs.cp_file(path, TOP + "/pieces/copy")
    same(fs.cat_file(TOP + "/pieces/copy"), content, "cp_file")
    fs.mv(TOP + "/pieces/copy", TOP + "/pieces/moved")
    same([fs.exists(TOP + "/pieces/copy"), fs.cat_file(TOP + "/pieces/moved")], [False, content], "mv")
    fs.rm_file(path)
    same(fs.exists(path), False, "rm_file")


def opened():
    path = TOP + "/opened/file"
    content = bytes_of(3 * MIB + 5)
    for size, parts in [(10, 0), (len(content), 4)]:
        with fs.open(path, "wb", block_size=MIB) as file:
            for start in range(0, size, 700000):
                file.write(content[start : min(start + 700000, size)])
        same(fs.cat_file(path), content[:size], "a file of %d bytes" % size)
        check(len(journal("UploadPart", path)) in ([0] if parts == 0 else [parts - 1, parts]), "the parts of %d bytes" % size)
    with fs.open(path, "rb", block_size=MIB) as file:
        same(file.read(5), content[:5], "the start")
        file.seek(2 * MIB + 1)
        same([file.tell(), file.read(9)], [2 * MIB + 1, content[2 * MIB + 1 : 2 * MIB + 10]], "a seek")
        file.seek(-5, 2)
        same([file.read(), file.size], [content[-5:], len(content)], "the end")
    with fsspec.open("cosn://%s/opened/text" % TOP, "wt", encoding="utf-8", **account) as file:
        file.write("eins\nzwei\n中文")
    with fsspec.open("cos://%s/opened/text" % TOP, "rt", encoding="utf-8", **account) as file:
        same(file.readlines(), ["eins\n", "zwei\n", "中文"], "a text")

    for data in [b"one,", b"two,", b"three"]:
        with fs.open(TOP + "/opened/log", "ab") as file:
            file.write(data)
    same(fs.cat_file(TOP + "/opened/log"), b"one,two,three", "appending")

    # Nothing is there before the transaction is at its end, and nothing if it fails.
    with fs.transaction:
        with fs.open(TOP + "/opened/late", "wb", block_size=MIB) as file:
            file.write(content)
        same(fs.exists(TOP + "/opened/late"), False, "within a transaction")
    same(fs.cat_file(TOP + "/opened/late"), content, "after a transaction")
    try:
        with fs.transaction, fs.open(TOP + "/opened/never", "wb", block_size=MIB) as file:
            file.write(content)
            raise KeyError
    except KeyError:
        pass
    same([fs.exists(TOP + "/opened/never"), len(journal("AbortMultipartUpload", TOP + "/opened/never"))], [False, 1], "a rollback")


def in_parts(folder):
    path = TOP + "/parts/large"
    content = bytes_of(5 * MIB + 7)
    local = os.path.join(folder, "large")
    with open(local, "wb") as file:
        file.write(content)
    fs.put_file(local, path)
    same([one["part"] for one in journal("UploadPart", path)], [1, 2, 3, 4, 5, 6], "the parts of put_file")
    check(fs.info(path)["ETag"].endswith('-6"'), "the ETag of an object made of parts")
    fs.get_file(path, local + ".back")
    with open(local + ".back", "rb") as file:
        check(file.read() == content, "put_file in parts")


def trees(folder):
    files = {"a.txt": b"a", "sub/b.txt": b"bb", "sub/deep/中 c+%.bin": b"ccc"}
    source = os.path.join(folder, "tree")
    for name, content in files.items():
        os.makedirs(os.path.dirname(os.path.join(source, name)), exist_ok=True)
        with open(os.path.join(source, name), "wb") as file:
            file.write(content)
    top = TOP + "/trees/one"
    names = [top + "/" + name for name in files]
    fs.pipe(dict(zip(names, files.values())))
    same(fs.find(top), names, "pipe and find")
    same(fs.ls(top), [top + "/a.txt", top + "/sub"], "ls")
    same([(entry["type"], entry["size"]) for entry in fs.ls(top, detail=True)], [("file", 1), ("directory", 0)], "ls in detail")
    same(fs.glob(top + "/**/*.txt"), names[:2], "glob")
    expected = [(top, ["sub"], ["a.txt"]), (top + "/sub", ["deep"], ["b.txt"]), (top + "/sub/deep", [], ["中 c+%.bin"])]
    same(list(fs.walk(top)), expected, "walk")
    same([fs.du(top), fs.isdir(top + "/sub"), fs.isfile(top + "/sub")], [6, True, False], "du")
    same(fs.cat(names), dict(zip(names, files.values())), "cat")
    # The folder has to be there, or cosfs looks for an object of its name.
    target = os.path.join(folder, "back")
    os.makedirs(target)
    fs.get(top + "/", target, recursive=True)
    for name, content in files.items():
        with open(os.path.join(target, name), "rb") as file:
            same(file.read(), content, "get of " + name)
    fs.copy(top + "/", TOP + "/trees/two", recursive=True)
    same(sorted(fs.find(TOP + "/trees/two")), [TOP + "/trees/two/" + name for name in files], "copy")
    fs.rm(TOP + "/trees/two", recursive=True)
    same(fs.exists(TOP + "/trees/two"), False, "rm")

    # A folder that is put becomes an object too, which cosfs lists within itself.
    put = TOP + "/trees/put"
    fs.put(source + "/", put, recursive=True)
    same(fs.find(put), [put + "/" + name for name in files], "put")
    same(fs.ls(put), [put, put + "/a.txt", put + "/sub"], "ls of what was put")

    fs.makedirs(TOP + "/trees/empty/inner")
    same([fs.isdir(TOP + "/trees/empty"), fs.ls(TOP + "/trees/empty/inner")], [True, [TOP + "/trees/empty/inner"]], "makedirs")
    fails(lambda: fs.makedirs(TOP + "/trees/empty"), FileExistsError, "empty", "makedirs of what is there")
    fs.rmdir(TOP + "/trees/empty/inner")
    same(fs.exists(TOP + "/trees/empty/inner"), False, "rmdir")


def many():
    names = [TOP + "/many/%04d" % number for number in range(2500)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fs.touch, names))
    same(fs.find(TOP + "/many"), names, "find of 2500 keys")
    same(fs.ls(TOP + "/many"), names, "ls of 2500 keys")
    fs.rm(TOP + "/many", recursive=True)
    same(fs.exists(TOP + "/many"), False, "rm of 2500 keys")


def refusals():
    path = TOP + "/refusals/secret"
    fs.pipe_file(path, b"secret")
    check(BUCKET in fs.ls("") and fs.info(BUCKET)["type"] == "directory", "the buckets")
    same([fs.exists("nowhere-1250000000"), fs.exists(path + "/none"), fs.isdir(TOP + "/none")], [False] * 3, "what is not there")
    for missing in [TOP + "/none", "nowhere-1250000000/key"]:
        code = "NoSuchKey" if missing.startswith(TOP) else "NoSuchBucket"
        fails(lambda: fs.cat_file(missing), FileNotFoundError, code, "cat_file of nothing")
    for action in [fs.info, fs.ls, fs.rm]:
        fails(lambda: action(TOP + "/none"), FileNotFoundError, "none", action.__name__ + " of nothing")
    wrong = fsspec.filesystem("cosn", **dict(account, secret_key="wrong"))
    fails(lambda: wrong.cat_file(path), PermissionError, "SignatureDoesNotMatch", "a wrong secret key")
    fails(lambda: wrong.pipe_file(path, b"x"), PermissionError, "SignatureDoesNotMatch", "an upload with a wrong key")
    # cosfs sends a request without a signature when it is told to be anonymous.
    nobody = fsspec.filesystem("cosn", region="ap-guangzhou", scheme="http", anonymous=True, max_retry_num=0)
    fails(lambda: nobody.cat_file(path), PermissionError, "AccessDenied", "an anonymous cat_file")
    fails(lambda: nobody.pipe_file(path, b"x"), PermissionError, "AccessDenied", "an anonymous pipe_file")
    same(fs.cat_file(path), b"secret", "what was refused to be overwritten")
    fails(lambda: fs.cat_file(path, 100, 200), OSError, "InvalidRange", "a range beyond the end")
    fs.pipe_file(path + ".plain", b"x")

    def append():
        with fs.open(path + ".plain", "ab") as file:
            file.write(b"y")

    fails(append, OSError, "ObjectNotAppendable", "appending to a plain object")


folder = tempfile.mkdtemp(prefix="cos-emu-")
try:
    pieces(folder)
    opened()
    in_parts(folder)
    trees(folder)
    many()
    refusals()
    fs.rm(TOP, recursive=True)
    same(fs.find(TOP), [], "everything is deleted")
finally:
    shutil.rmtree(folder)
print("ok")
