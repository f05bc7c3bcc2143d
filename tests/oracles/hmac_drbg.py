"""HMAC-DRBG over SHA3-512 (NIST SP 800-90A revision 1, 10.1.2) from the standard library alone.

Written from the standard and not from our code, so that the two can disagree. Reads scripts as a JSON
list from standard input, writes the outputs of each as a JSON list of lists of hex strings.
"""

import hmac
import json
import sys


class Drbg:
    def __init__(self, entropy, nonce, personalisation):
        self.k = bytes(64)
        self.v = b"\x01" * 64
        self.update(entropy + nonce + personalisation)

    def mac(self, data):
        return hmac.new(self.k, data, "sha3_512").digest()

    def update(self, data):
        self.k = self.mac(self.v + b"\x00" + data)
        self.v = self.mac(self.v)
        if data:
            self.k = self.mac(self.v + b"\x01" + data)
            self.v = self.mac(self.v)

    def reseed(self, entropy, additional):
        self.update(entropy + additional)

    def generate(self, length, additional):
        if additional:
            self.update(additional)
        out = b""
        while len(out) < length:
            self.v = self.mac(self.v)
            out += self.v
        self.update(additional)
        return out[:length]


def run(script):
    drbg = Drbg(*(bytes.fromhex(script[key]) for key in ("entropy", "nonce", "pers")))
    outputs = []
    for step in script["steps"]:
        additional = bytes.fromhex(step["addl"])
        if step["op"] == "reseed":
            drbg.reseed(bytes.fromhex(step["entropy"]), additional)
            continue
        if "pr_entropy" in step:
            drbg.reseed(bytes.fromhex(step["pr_entropy"]), additional)
            additional = b""
        outputs.append(drbg.generate(step["n"], additional).hex())
    return outputs


json.dump([run(script) for script in json.load(sys.stdin)], sys.stdout)
