"""A program on the filesystem cosfs that knows nothing of cos-emu: it uploads in parts, reads back, and prints `ok`."""

import os
import tempfile

import fsspec

MIB = 1024 * 1024
content = os.urandom(3 * MIB + 17)
place = os.environ["COS_BUCKET"] + "/cosfs"
files = fsspec.filesystem(
    "cosn",
    region=os.environ["COS_REGION"],
    secret_id=os.environ["COS_SECRET_ID"],
    secret_key=os.environ["COS_SECRET_KEY"],
    multipart_size=MIB,
    multipart_threshold=MIB,
)
with tempfile.NamedTemporaryFile() as file:
    file.write(content)
    file.flush()
    files.put(file.name, place)
assert files.cat_file(place) == content
print("ok")
