"""Makes cassdk 1.0.2, which is for Python 2 alone, run on Python 3: python convert_cas.py <unpacked sources> <target folder>.

The sources stay as they are; `cas/` and `cascmd.py` are copied into the target folder and changed there. First come fixes of the
text, which no tool makes; then lib2to3, or `fissix` from the package index where Python has no lib2to3 any more. A fix that does
not find its text as often as expected ends the conversion: the sources are not those that the fixes were written for.
"""

import importlib
import logging
import os
import shutil
import sys
import warnings

# Of each file: the text, what takes its place, and how often the text occurs.
FIXES = {
    "cas/utils/http_utils.py": [
        ("hmac.new(sk, time_range, ", "hmac.new(sk, time_range.encode('utf8'), ", 1),
        ("hashlib.sha1(format_string)", "hashlib.sha1(format_string.encode('utf8'))", 1),
        ("hmac.new(sign_key, string_to_sign, ", "hmac.new(sign_key.encode('utf8'), string_to_sign.encode('utf8'), ", 1),
        ("ak.encode('utf8')", "ak", 1),
        # A value that was made bytes would stand in the query as b'...'.
        ("        if isinstance(v, unicode):\n            v = v.encode('utf-8')\n", "", 1),
        ("http_response.status / 100", "http_response.status // 100", 1),
        ("http_response.read(1024)", "http_response.read(1024).decode('utf8')", 1),
    ],
    "cas/utils/merkle.py": [
        ("binascii.hexlify(hashes[0])", "binascii.hexlify(hashes[0]).decode('ascii')", 1),
    ],
    "cas/api.py": [
        ("response.status / 100", "response.status // 100", 1),
    ],
    "cas/client.py": [
        ("string.find(error_info, bpipe_error)", "error_info.find(bpipe_error)", 2),
        ("e.message", "str(e)", 3),
    ],
    "cas/response.py": [
        ("yaml.load(body)", "yaml.safe_load(body)", 1),
        ("e.message", "str(e)", 1),
    ],
    "cas/job.py": [
        ("yaml.dump(self.parts, default_flow_style=True)", "yaml.dump(self.parts, default_flow_style=True).encode('utf8')", 1),
        ("yaml.load(f)", "yaml.unsafe_load(f)", 1),
    ],
    "cas/cas_cmd/cas_ops.py": [
        ("json.loads(res.read(), 'UTF8')", "json.loads(res.read())", 8),
        # The size of a part would become a fraction.
        ("partsize /= 2", "partsize //= 2", 1),
    ],
    "cascmd.py": [
        (", verbose=False)", ")", 1),
    ],
}


def translator():
    """The entry of lib2to3 or of its successor, and the name of the package with the fixes."""
    # Neither that lib2to3 is to go some day nor each file that it looks at is worth a line.
    warnings.simplefilter("ignore")
    logging.disable(logging.INFO)
    for package in ("lib2to3", "fissix"):
        try:
            return importlib.import_module(package + ".main").main, package + ".fixes"
        except ImportError:
            pass
    sys.exit("failed: there is neither lib2to3 nor fissix")


def fixed(path, fixes):
    """The text of a file with its fixes."""
    with open(path, encoding="utf8", newline="") as file:
        text = file.read()
    for old, new, times in fixes:
        found = text.count(old)
        if found != times:
            sys.exit("failed: %r stands in %s %d times, not %d times" % (old, path, found, times))
        text = text.replace(old, new)
    return text


def convert(sources, target):
    main, package = translator()
    # Nothing is written before all texts were found.
    texts = {name: fixed(os.path.join(sources, name), fixes) for name, fixes in FIXES.items()}
    shutil.copytree(os.path.join(sources, "cas"), os.path.join(target, "cas"))
    for name, text in texts.items():
        with open(os.path.join(target, name), "w", encoding="utf8", newline="") as file:
            file.write(text)
    written = [os.path.join(target, "cas"), os.path.join(target, "cascmd.py")]
    if main(package, ["--write", "--nobackups", "--no-diffs"] + written):
        sys.exit("failed: %s could not convert the sources" % package)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    convert(sys.argv[1], sys.argv[2])
    print("ok")
