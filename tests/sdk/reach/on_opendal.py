"""A program on OpenDAL that knows nothing of cos-emu: it uploads in parts, reads back, and prints `ok`."""

import os

import opendal

content = os.urandom(3 * 1024 * 1024 + 17)
operator = opendal.Operator(
    "cos",
    bucket=os.environ["COS_BUCKET"],
    endpoint="https://cos.%s.myqcloud.com" % os.environ["COS_REGION"],
    secret_id=os.environ["COS_SECRET_ID"],
    secret_key=os.environ["COS_SECRET_KEY"],
).layer(opendal.layers.RetryLayer())
with operator.open("opendal", "wb", chunk=1024 * 1024) as file:
    file.write(content)
assert operator.read("opendal") == content
print("ok")
