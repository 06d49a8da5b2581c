# SPDX-License-Identifier: Apache-2.0
"""The digests of docs/wire-format.md."""
import xxh3
from primitives import M64


def mix(x):
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & M64
    x = (x ^ x >> 27) * 0x94D049BB133111EB & M64
    return x ^ x >> 31


def mix2(a, b):
    return mix(mix(a + 0x9E3779B97F4A7C15 & M64) + 0xD1B54A32D192ED03 + b & M64)


def words(*values):
    return b"".join(v.to_bytes(8, "little") for v in values)


CONTENT_SECRET = words(*(mix(0x4A6F696E65727931 + (i + 1) * 0x9E3779B97F4A7C15 & M64)
                         for i in range(24)))


def text(pair):
    return f"{pair[0]:016x}{pair[1]:016x}"


def pair(digits):
    return int(digits[:16], 16), int(digits[16:], 16)


def content(data):
    return text(xxh3.hash128(data, CONTENT_SECRET))


def content64(data):
    return xxh3.hash64(data, CONTENT_SECRET)


def keyed_secret(cluster_secret):
    secret = b""
    for i in range(12):
        high, low = xxh3.seeded128(cluster_secret, mix2(0x636C75737465724B, i))
        secret += words(low, high)
    return secret


def replica_id(name, incarnation):
    data = name.encode()
    length, prefix = len(data), b""
    while length >= 0x80:
        prefix += bytes([length & 0x7F | 0x80])
        length >>= 7
    return content64(prefix + bytes([length]) + data + words(incarnation))


def truncated(digest, salt):
    return mix2(mix2(digest[0], salt), digest[1]) or 1


def node(tag, *fields):
    return pair(content(bytes([tag]) + words(*fields)))


def chunk_leaf(chunk):
    return node(0, *pair(content(chunk)), len(chunk), 0)


def chunk_root(total, chunk_size, leaves):
    level = list(leaves) or [node(2, 0, 0, 0, 0)]
    while len(level) > 1:
        paired = [node(1, *level[i], *level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) // 2 * 2:]
    return text(node(3, total, chunk_size, *level[0]))


def chunks_of(data, chunk_size=4096):
    leaves = [chunk_leaf(data[i:i + chunk_size]) for i in range(0, len(data), chunk_size)]
    return chunk_root(len(data), chunk_size, leaves)
