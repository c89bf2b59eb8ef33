"""Two small clients for each check of the verdict: python checks.py <V01 ... V10> <good|bad>.

Both meet the same fault; the bad one does what its check is there to catch. They run under `cos-emu exec`.
"""

import base64
import hashlib
import http.client
import os
import sys

check, kind = sys.argv[1:]
good = kind == "good"
address = os.environ["COS_EMU_URL"].split("//")[1]
bucket = os.environ["COS_BUCKET"]
body = bytes(range(256)) * 40


def connect():
    return http.client.HTTPConnection(address, timeout=10)


def send(method, key, content=None, headers=None, connection=None):
    """The status, the headers and what came of the body; None when there was no answer."""
    connection = connection or connect()
    try:
        connection.request(method, "/%s/%s" % (bucket, key), content, headers or {})
        answer = connection.getresponse()
    except (ConnectionError, http.client.BadStatusLine):
        return None
    try:
        content = answer.read()
    except http.client.IncompleteRead as error:
        content = error.partial
    return answer.status, answer.headers, content


def element(document, name):
    return document.decode().split("<%s>" % name)[1].split("</%s>" % name)[0]


def upload(parts):
    identity = element(send("POST", "key?uploads")[2], "UploadId")
    tags = [send("PUT", "key?partNumber=%d&uploadId=%s" % (number, identity), part)[1]["ETag"]
            for number, part in enumerate(parts, 1)]
    return identity, tags


def complete(identity, tags):
    parts = "".join("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>" % (number, tag)
                    for number, tag in enumerate(tags, 1))
    document = "<CompleteMultipartUpload>%s</CompleteMultipartUpload>" % parts
    return send("POST", "key?uploadId=%s" % identity, document.encode())


def v01():
    """The first attempt is refused after its body was read."""
    assert send("PUT", "key", body)[0] == 503
    # The bad one sends what its half-read stream still gives, filled up.
    assert send("PUT", "key", body if good else body[100:] + bytes(100))[0] == 200


def v02():
    """The first write is answered with success and does not take place."""
    assert send("PUT", "key", body)[0] == 200
    if good and send("HEAD", "key")[0] == 404:
        assert send("PUT", "key", body)[0] == 200


def v03():
    """Nothing is disturbed; the bad one forgets its second part."""
    identity, tags = upload([bytes(1 << 20), body])
    assert complete(identity, tags if good else tags[:1])[0] == 200


def v04():
    """The completion is refused for ever."""
    identity, tags = upload([body])
    assert complete(identity, tags)[0] == 500
    if good:
        assert send("DELETE", "key?uploadId=%s" % identity)[0] == 204


def v05():
    """The answer announces the end of the connection, which stays open."""
    connection = connect()
    connection.auto_open = False
    connection.connect()
    raw = connection.sock.dup()
    assert send("PUT", "key", body, connection=connection)[0] == 200
    if good:
        assert send("HEAD", "key")[0] == 200
    else:
        raw.sendall(("HEAD /%s/key HTTP/1.1\r\nHost: h\r\n\r\n" % bucket).encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 200")


def v06():
    """A download is cut in its middle."""
    assert send("PUT", "key", body)[0] == 200
    have = send("GET", "key")[2]
    assert len(have) == len(body) // 2
    start = len(have) if good else len(have) + 1
    assert send("GET", "key", headers={"Range": "bytes=%d-" % start})[0] == 206


def v07():
    """Nothing is disturbed; the bad one first sends the MD5 of something else."""
    digest = lambda content: base64.b64encode(hashlib.md5(content).digest()).decode()
    if not good:
        assert send("PUT", "key", body, {"Content-MD5": digest(b"else")})[0] == 400
    assert send("PUT", "key", body, {"Content-MD5": digest(body)})[0] == 200


def v08():
    """A byte of a download is spoilt under an honest ETag."""
    assert send("PUT", "key", body)[0] == 200
    status, headers, content = send("GET", "key")
    assert content != body
    if good and hashlib.md5(content).hexdigest() != headers["ETag"].strip('"'):
        assert send("GET", "key")[2] == body


def v09():
    """An append takes place, and its answer is lost."""
    assert send("POST", "key?append&position=0", body) is None
    if good and send("HEAD", "key")[1]["Content-Length"] == str(len(body)):
        return
    assert send("POST", "key?append&position=0", body)[0] == 409


def v10():
    """The service sends clients elsewhere for ever."""
    for _ in range(2 if good else 8):
        assert send("GET", "key")[0] == 307


globals()[check.lower()]()
