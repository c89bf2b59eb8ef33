"""Everything that the command-line program coscmd offers, against cos-emu: python whole_coscmd.py <url>.

Called with the Python that coscmd is installed for. Runs the program as a user would, each command in a process of its own, with a
configuration file and a home directory; the processes are forked from one that has loaded the program already, which saves half of
the time. Requests reach the emulator as their proxy. Each step works in a bucket of its own, and the steps run side by side, since
the program waits at least a second in each call. Prints `ok`, or the expectation that failed.

What this program has no command for: presigned PUT, appending, tags, symbolic links, SSE-C (its HEAD bears no key), and every
configuration of a bucket but its ACL and its versioning.
"""

import http.client
import json
import multiprocessing
import multiprocessing.connection
import os
import shutil
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

url = sys.argv[1]
MIB = 1024 * 1024
APPID = "1250000000"
REGION = "ap-guangzhou"
OWNER = "qcs::cam::uin/100000000001:uin/100000000001"
READER = "qcs::cam::uin/100000000002:uin/100000000002"
processes = multiprocessing.get_context("forkserver")
# Starting a process looks at all others too, and a status can be read once: whoever comes second is told 255.
looking = threading.Lock()
# The least size that the program can be told to send in parts is beyond 20 MiB.
LARGE = 20 * MIB + 7
PART = 4 * MIB
EVERY_PART = [1, 2, 3, 4, 5, 6]


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def same(actual, expected, what):
    check(actual == expected, "%s: %.1000r instead of %.1000r" % (what, actual, expected))


def host_of(bucket):
    return "%s.cos.%s.myqcloud.com" % (bucket, REGION)


def local(*names):
    path = os.path.join(home, *names)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)
    return path


def content_of(path):
    with open(path, "rb") as file:
        return file.read()


def coscmd(arguments, output):
    """What the script `coscmd` does, in a process of its own."""
    from coscmd import cos_cmd

    descriptor = os.open(output, os.O_CREAT | os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(descriptor, stream.fileno())
    os.chdir(os.environ["HOME"])
    sys.argv = ["coscmd", *arguments]
    sys.exit(cos_cmd._main())


class Bucket:
    """The program, as it is called for one bucket."""

    def __init__(self, step, config="config"):
        self.name = "coscmd-%s-%s" % (step, APPID)
        self.config = config

    def start(self, *arguments):
        """A process of the program, and the file that it writes its output to."""
        options = ["-b", self.name, "-c", local(self.config), "-l", local("log-" + self.name)]
        output = os.path.join(tempfile.mkdtemp(dir=home), "output")
        process = processes.Process(target=coscmd, args=([*options, *arguments], output))
        with looking:
            process.start()
        return process, output

    def __call__(self, *arguments, status=0):
        """Runs a command to its end; answers what it printed."""
        process, output = self.start(*arguments)
        multiprocessing.connection.wait([process.sentinel], 60)
        with looking:
            process.join(0)
        printed = content_of(output).decode()
        same(process.exitcode, status, "the status of %s (%s)" % (arguments, printed))
        return printed

    def fails(self, *arguments, because):
        """The program ends with -1, and says the code of the service."""
        output = self(*arguments, status=255)
        check(because in output, "%s does not say %s: %s" % (arguments, because, output))

    def killed_when(self, condition, *arguments):
        """Starts a command, and kills it as soon as the condition holds."""
        process, _ = self.start(*arguments)
        until = time.monotonic() + 20
        while not condition():
            with looking:
                is_alive = process.is_alive()
            check(is_alive and time.monotonic() < until, "%s ended before it was killed" % (arguments,))
            time.sleep(0.05)
        process.kill()
        multiprocessing.connection.wait([process.sentinel], 20)

    def listed(self, *arguments):
        """The first and the second column of a listing."""
        lines = [line.split("   ") for line in self("list", *arguments).splitlines()]
        columns = [[cell.strip() for cell in line if cell.strip()] for line in lines]
        return [(cells[0], cells[1]) for cells in columns if len(cells) > 1]

    def head(self, key):
        """What `info` says of an object, as a dict."""
        lines = [line.strip().split("   ", 1) for line in self("info", key).splitlines()]
        return {line[0].strip(): line[1].strip() for line in lines if len(line) == 2}


def bucket_for(step):
    bucket = Bucket(step)
    bucket("createbucket")
    return bucket


def plain(method, address):
    """A plain HTTP request without the program; the address names the host, the emulator gets the request."""
    target = urlsplit(address)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    query = "?" + target.query if target.query else ""
    connection.request(method, target.path + query, headers={"Host": target.netloc})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def journal(operation, key):
    """What the emulator's journal says of an operation on a key that was carried out."""
    address = "%s/_cos-emu/v1/scenarios/default/journal?op=%s&key=%s" % (url, operation, quote(key, safe=""))
    exchanges = json.loads(plain("GET", address)[1])["exchanges"]
    return [one for one in exchanges if one["answer"] and one["answer"]["status"] in (200, 206)]


def configure():
    """Two configuration files, of which one holds a wrong secret key."""
    for name, key in [("config", "cosemu"), ("wrong", "wrong")]:
        account = ["-a", "AKIDcosemu", "-s", key, "-b", "demo-" + APPID, "-r", REGION]
        Bucket("any", name)("config", *account, "--do-not-use-ssl", "-m", "1", "-p", str(PART // MIB), "--retry", "1")
    written = content_of(local("config"))
    check(b"secret_id = AKIDcosemu" in written and b"schema = http" in written, "the configuration file")
    # The `config` command does not know these, they are to be written by hand.
    write(local("config"), written.strip() + b"\nmultiupload_threshold = 20\nmultidownload_threshold = 20\n")


def files():
    bucket = bucket_for("files")
    content = b"content of a file" * 1000
    path = write(local("files", "one.txt"), content)
    key = "folder/文件 one+two.txt"
    headers = '{"Content-Type": "text/x-own", "Cache-Control": "max-age=5", "x-cos-meta-colour": "blue"}'
    bucket("upload", "-H", headers, path, key)
    head = bucket.head(key)
    expected = {
        "Key": key,
        "Content-Length": "17000",
        "Content-Type": "text/x-own",
        "Cache-Control": "max-age=5",
        "x-cos-meta-colour": "blue",
    }
    same({name: head.get(name) for name in expected}, expected, "info")
    same(len(head["x-cos-meta-md5"]), 32, "the hash that the program stores")
    check(head["ETag"].strip('"') == head["x-cos-meta-md5"], "the ETag is the MD5")
    target = local("files", "downloaded")
    bucket("download", key, target)
    check(content_of(target) == content, "download")
    check("already exists" in bucket("download", key, target, status=255), "a second download needs -f")
    bucket("download", "-f", "-H", '{"Range": "bytes=3-9"}', key, target)
    same(content_of(target), content[3:10], "a range")
    # A file that is the same is skipped, which ends with -2.
    bucket("upload", "-s", path, key, status=254)
    same(len(journal("PutObject", key)), 1, "the same file is sent once")
    bucket("upload", path, "folder/")
    same(bucket.listed("folder/"), [("folder/one.txt", "17000"), (key, "17000")], "list of a folder")
    same(bucket.listed(), [("folder/", "DIR")], "list")
    signed = bucket("signurl", "-t", "60", key).strip()[2:-1]
    same(plain("GET", signed), (200, content), "signurl")
    same(plain("GET", signed.split("?")[0])[0], 403, "the URL without its signature")
    bucket("delete", "-y", key)
    bucket.fails("info", key, because="NoSuchResource")
    bucket.fails("download", key, target, because="NoSuchResource")


def probed():
    bucket = bucket_for("probed")
    bucket.fails("createbucket", because="BucketAlreadyOwnedByYou")
    bucket("probe", "-n", "2", "-s", "1")
    same([one["received"]["bytes"] for one in journal("PutObject", "tmp_test_1M")], [MIB, MIB], "what the probe sends")
    bucket("delete", "-f", "none")
    bucket.fails("deletebucket", because="BucketNotEmpty")
    bucket("delete", "-f", "tmp_test_1M")
    bucket("deletebucket")
    bucket.fails("deletebucket", because="NoSuchBucket")


def folders():
    bucket = bucket_for("folders")
    tree = {"a.txt": b"a", "b.bin": b"", "sub/c.txt": b"c" * 5000, "sub/deep/文 件+%.txt": "中".encode(), "skipped.log": b"log"}
    for name, content in tree.items():
        write(local("tree", name), content)
    kept = sorted(name for name in tree if not name.endswith(".log"))
    output = bucket("upload", "-r", "--ignore", "*.log", local("tree", ""), "top/")
    check("4 files uploaded, 1 files skipped, 0 files failed" in output, "upload -r: " + output)
    keys = lambda *arguments: sorted(key for key, _ in bucket.listed("-r", "-a", *arguments))
    same(keys("top/"), ["top/" + name for name in kept], "list -r")
    same(bucket.listed("top/"), [("top/sub/", "DIR"), ("top/a.txt", "1"), ("top/b.bin", "0")], "list of a folder")
    check("Files num: 4" in bucket("list", "-r", "--human", "top/"), "the sum of list")

    bucket("download", "-r", "top/", local("copy", ""))
    same({name: content_of(local("copy", name)) for name in kept}, {name: tree[name] for name in kept}, "download -r")
    output = bucket("download", "-r", "-s", "top/", local("copy", ""))
    check("0 files failed" in output and len(journal("GetObject", "top/a.txt")) == 1, "download -r -s reads nothing twice")
    write(local("tree", "a.txt"), b"changed")
    os.remove(local("tree", "b.bin"))
    output = bucket("upload", "-r", "-s", "--delete", "-f", local("tree", ""), "top/")
    check("2 files uploaded, 2 files skipped" in output and "1 files sync deleted" in output, "upload -r -s --delete: " + output)
    now = ["a.txt", "skipped.log", "sub/c.txt", "sub/deep/文 件+%.txt"]
    same(keys("top/"), ["top/" + name for name in now], "what is left")
    check("4 files successful, 0 files failed" in bucket("delete", "-r", "-f", "top/"), "delete -r")
    bucket("deletebucket")


def copies():
    bucket = bucket_for("copies")
    names = ["a.txt", "sub/b.txt", "sub/deep/文 件+%.txt"]
    for name in names:
        write(local("copies", name), name.encode())
    bucket("upload", "-r", local("copies", ""), "top/")
    origin = host_of(bucket.name)
    headers = '{"x-cos-meta-a": "b", "x-cos-storage-class": "STANDARD_IA"}'
    bucket("copy", "-d", "Replaced", "-H", headers, origin + "/top/" + quote("sub/b.txt"), "copied.txt")
    head = bucket.head("copied.txt")
    same([head["Content-Length"], head["x-cos-meta-a"], head["x-cos-storage-class"]], ["9", "b", "STANDARD_IA"], "copy")
    bucket.fails("copy", origin + "/none", "x", because="NoSuchResource")
    output = bucket("copy", "-r", origin + "/top/", "second/")
    check("3 files copied, 0 files skipped, 0 files failed" in output, "copy -r: " + output)
    bucket("move", origin + "/copied.txt", "moved.txt")
    check("3 files moved" in bucket("move", "-r", origin + "/second/", "third/"), "move -r")
    found = sorted(key for key, _ in bucket.listed("-r", "-a"))
    same(found, ["moved.txt"] + [top + name for top in ("third/", "top/") for name in names], "after move")
    bucket("download", "-r", "third/", local("moved", ""))
    same([content_of(local("moved", name)) for name in names], [name.encode() for name in names], "what was moved")


def many():
    bucket = bucket_for("many")
    # The program itself would upload for half a minute.
    bucket("putbucketacl", "--grant-read", "anyone", "--grant-write", "anyone")
    check("anyone: WRITE" in bucket("getbucketacl"), "getbucketacl")
    names = ["many/%04d" % number for number in range(2500)]
    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(lambda name: plain("PUT", "http://%s/%s" % (host_of(bucket.name), name))[0], names))
    same(answers, {200}, "anonymous PUTs into a public bucket")
    same([key for key, _ in bucket.listed("-r", "-a")], names, "all keys")
    same(len(bucket.listed("-r", "-n", "7")), 7, "a few keys")
    check("2500 files successful" in bucket("delete", "-r", "-f", "many/"), "delete -r of 2500 keys")
    same(bucket.listed("-r", "-a"), [], "everything is deleted")


def parts():
    bucket = bucket_for("parts")
    content = b"0123456789abcdef" * (LARGE // 16 + 1)
    content = content[:LARGE]
    path = write(local("parts", "large"), content)
    # Eight MiB in a second: half a second for each part, in which the program is killed.
    slowly = ["-H", '{"x-cos-traffic-limit": "67108864"}']
    sent = lambda: [one["part"] for one in journal("UploadPart", "large")]
    bucket.killed_when(lambda: len(sent()) >= 2, "upload", *slowly, path, "large")
    before = sent()
    check(before[:2] == [1, 2] and 6 not in before, "the parts before the kill: %s" % before)
    output = bucket("listparts")
    check("Key:large, UploadId:" in output and "Parts num: 1" in output, "listparts: " + output)
    bucket("upload", path, "large")
    same(sorted(sent()), EVERY_PART, "every part is sent once")
    check("Parts num: 0" in bucket("listparts"), "no upload is left")
    same(bucket.head("large")["Content-Length"], str(LARGE), "the resumed object")

    target = local("parts", "target")
    ranges = lambda: [dict(one["headers"])["range"] for one in journal("GetObject", "large")]
    bucket.killed_when(lambda: len(ranges()) >= 2, "download", *slowly, "large", target)
    same(len(os.listdir(local(".cos_download_tmp_file", ""))), 1, "the program remembers the download")
    check(len(ranges()) < 6 and not os.path.exists(target), "the ranges before the kill")
    bucket("download", "large", target)
    check(content_of(target) == content, "a resumed download")
    check(len(set(ranges())) == 6 and len(ranges()) <= 7, "the ranges that were done are not read again: %s" % ranges())

    bucket("copy", "-H", '{"x-cos-storage-class": "STANDARD_IA"}', host_of(bucket.name) + "/large", "copy")
    same(bucket.head("copy")["Content-Length"], str(LARGE), "copy of a large object")
    bucket.killed_when(lambda: journal("UploadPart", "other"), "upload", *slowly, path, "other")
    check("1 files successful, 0 files failed" in bucket("abort", "oth"), "abort")
    check("Parts num: 0" in bucket("listparts"), "no upload is left after abort")


def versions():
    bucket = bucket_for("versions")
    check("Not configured" in bucket("getbucketversioning"), "versioning that was never set")
    bucket("putbucketversioning", "Enabled")
    check("Enabled" in bucket("getbucketversioning"), "getbucketversioning")
    for content in [b"one", b"two!"]:
        bucket("upload", write(local("versions", "file"), content), "key")
    rows = [line.split() for line in bucket("list", "-v").splitlines() if line.strip().startswith("key")]
    same([row[1] for row in rows], ["4", "3"], "list -v")
    target = local("versions", "target")
    bucket("download", "--versionId", rows[1][-1], "key", target)
    same(content_of(target), b"one", "an old version")
    bucket("delete", "-f", "key")
    bucket.fails("info", "key", because="NoSuchResource")
    rows = [line.split() for line in bucket("list", "-v").splitlines() if line.strip().startswith("key")]
    same(len(rows), 3, "two versions and a delete marker")
    bucket("delete", "-f", "--versionId", rows[0][-1], "key")
    same(bucket.head("key")["Content-Length"], "4", "the key without its marker")
    bucket("delete", "-r", "-f", "--versions", "/")
    check("key" not in bucket("list", "-v"), "no version is left")


def cleared():
    """A bucket with versions and an open upload is deleted with all that is in it."""
    bucket = bucket_for("cleared")
    bucket("putbucketversioning", "Enabled")
    path = write(local("cleared", "file"), b"x")
    bucket("upload", path, "key")
    bucket("upload", path, "key")
    bucket("delete", "-f", "key")
    bucket("putbucketversioning", "Suspended")
    check("Suspended" in bucket("getbucketversioning"), "suspended versioning")
    bucket("deletebucket", "-f")
    bucket.fails("list", because="NoSuchBucket")


def access():
    bucket = bucket_for("access")
    bucket("upload", write(local("access", "file"), b"secret"), "key")
    address = "http://%s/key" % host_of(bucket.name)
    same(plain("GET", address)[0], 403, "an anonymous GET of a private object")
    wrong = Bucket("access", "wrong")
    wrong.fails("list", because="SignatureDoesNotMatch")
    wrong.fails("upload", local("access", "file"), "key", because="SignatureDoesNotMatch")
    # The answer to a HEAD has no body: the program prints its headers.
    wrong.fails("download", "key", local("access", "target"), because="x-cos-request-id")
    check("%s: FULL_CONTROL" % OWNER in bucket("getobjectacl", "key"), "getobjectacl")
    bucket("putobjectacl", "--grant-read", "anyone,100000000002", "--grant-full-control", "100000000003/100000000004", "key")
    same(plain("GET", address), (200, b"secret"), "an anonymous GET of a public object")
    output = bucket("getobjectacl", "key")
    for grant in ["anyone: READ", READER + ": READ", "qcs::cam::uin/100000000003:uin/100000000004: FULL_CONTROL"]:
        check(grant in output, "getobjectacl: %s in %s" % (grant, output))
    bucket("putobjectacl", "--grant-read", "100000000002", "key")
    same(plain("GET", address)[0], 403, "the object is private again")
    same(plain("PUT", "http://%s/new" % host_of(bucket.name))[0], 403, "an anonymous PUT")


def archived():
    bucket = bucket_for("archived")
    path = write(local("archived", "file"), b"cold")
    for key in ["cold/1", "cold/2", "frozen"]:
        bucket("upload", "-H", '{"x-cos-storage-class": "ARCHIVE"}', path, key)
    same(bucket.head("frozen")["x-cos-storage-class"], "ARCHIVE", "the storage class")
    bucket.fails("download", "frozen", local("archived", "target"), because="InvalidObjectState")
    bucket("restore", "-d", "1", "-t", "Expedited", "frozen")
    check("already in pogress" in bucket("restore", "frozen", status=255), "restore again")
    check("2 files successful, 0 files have in progress" in bucket("restore", "-r", "-t", "Expedited", "cold/"), "restore -r")
    check("0 files successful, 2 files have in progress" in bucket("restore", "-r", "cold/"), "restore -r again")
    same(bucket.head("cold/1")["x-cos-restore"], 'ongoing-request="true"', "the restoration")


def whole():
    configure()
    steps = [parts, folders, many, copies, files, probed, versions, cleared, access, archived]
    with ThreadPoolExecutor(len(steps)) as pool:
        for step, done in [(step, pool.submit(step)) for step in steps]:
            try:
                done.result()
            except AssertionError as error:
                sys.exit("failed: %s: %s" % (step.__name__, error))
    print("ok")


if __name__ == "__main__":
    home = tempfile.mkdtemp(prefix="cos-emu-")
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    # Killed commands leave semaphores behind, which is warned of otherwise.
    os.environ.update(HOME=home, http_proxy=url, PYTHONIOENCODING="utf-8", PYTHONWARNINGS="ignore")
    processes.set_forkserver_preload(["coscmd.cos_cmd"])
    try:
        whole()
    finally:
        shutil.rmtree(home)
