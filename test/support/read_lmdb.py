"""Reads a database by Python's lmdb, then changes it, and says what is in it."""

import hashlib
import json
import random
import sys

import lmdb

folder = sys.argv[1]


def digest(value):
    return hashlib.sha256(value).hexdigest()


with lmdb.open(folder, readonly=True, lock=False) as env:
    stat = env.stat()
    with env.begin() as transaction:
        records = [(key.hex(), digest(value)) for key, value in transaction.cursor()]

choose = random.Random(1)
expected = dict(records)
with lmdb.open(folder, map_size=2**30) as env:
    with env.begin(write=True) as transaction:
        for number in range(300):
            key = b"%08d new" % choose.randrange(10**8)
            value = choose.randbytes(choose.randrange(6000))
            transaction.put(key, value)
            expected[key.hex()] = digest(value)
        for key in choose.sample(sorted(expected), len(expected) // 3):
            transaction.delete(bytes.fromhex(key))
            del expected[key]
    with env.begin() as transaction:
        rest = {key.hex(): digest(value) for key, value in transaction.cursor()}
        sound = rest == expected and all(
            digest(transaction.get(bytes.fromhex(key))) == value for key, value in expected.items()
        )
print(json.dumps({"stat": stat, "records": records, "changed": {"entries": len(rest), "sound": sound}}))
