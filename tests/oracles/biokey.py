"""The derivation of a biokey from the standard library alone.

Written from the text of the format and RFC 5869 and not from our code, so that the two can disagree. Reads
a JSON list of cases from standard input, writes what each leads to as a JSON list. Without input on a
terminal it prints the case that the unit tests hold.
"""

import hashlib
import hmac
import json
import struct
import sys


def mac(key, data):
    return hmac.new(key, data, hashlib.sha3_512).digest()


def expand(prk, info, length):
    out, block, number = b"", b"", 1
    while len(out) < length:
        block = mac(prk, block + info + bytes([number]))
        out, number = out + block, number + 1
    return out[:length]


def tag(name):
    return b"QRATUM/biokey/" + name + b"/v1\0"


def encode(build, loci):
    out = tag(b"panel") + struct.pack("<BI", build, len(loci))
    for chromosome, position, reference, alternative, dosage in loci:
        out += struct.pack("<BI", chromosome, position)
        out += reference.encode() + alternative.encode() + bytes([dosage])
    return out


def derive(case):
    panel = encode(case["build"], case["loci"])
    salt, secret = bytes.fromhex(case["salt"]), bytes.fromhex(case["secret"])
    framed = struct.pack("<Q", len(panel)) + panel + struct.pack("<Q", len(secret)) + secret
    prk = mac(salt, framed)
    purpose = bytes.fromhex(case["credential"]) + struct.pack("<Q", case["version"])
    biokey = expand(prk, tag(b"key") + purpose, 64)
    return {
        "panel": hashlib.sha3_256(panel).hexdigest(),
        "biokey": biokey.hex(),
        "check": expand(prk, tag(b"check") + purpose, 32).hex(),
        "ed25519": expand(biokey, tag(b"ed25519"), 32).hex(),
        "ml_dsa": expand(biokey, tag(b"ml-dsa-65"), 32).hex(),
    }


FIXED = {
    "build": 38,
    "loci": [(1 + i // 100, 1000 + i, "A", "GC"[i % 2], i % 3) for i in range(256)],
    "salt": bytes(range(64)).hex(),
    "secret": bytes(range(32, 64)).hex(),
    "credential": bytes([7] * 32).hex(),
    "version": 1,
}

if sys.stdin.isatty():
    print(json.dumps(derive(FIXED), indent=2))
else:
    json.dump([derive(case) for case in json.load(sys.stdin)], sys.stdout)
