# SPDX-License-Identifier: Apache-2.0
"""XXH3 with a given secret (64 and 128 bits) and XXH3-128 with a seed, in pure Python."""

M32 = (1 << 32) - 1
M64 = (1 << 64) - 1
P32_1, P32_2, P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P64_1, P64_2, P64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P64_4, P64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5

DEFAULT_SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")


def r32(b, i):
    return int.from_bytes(b[i:i + 4], "little")


def r64(b, i):
    return int.from_bytes(b[i:i + 8], "little")


def swap32(x):
    return int.from_bytes(x.to_bytes(4, "little"), "big")


def swap64(x):
    return int.from_bytes(x.to_bytes(8, "little"), "big")


def fold(a, b):
    p = a * b
    return (p & M64) ^ (p >> 64)


def avalanche(h):
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & M64
    return h ^ (h >> 32)


def xxh64_avalanche(h):
    h ^= h >> 33
    h = h * P64_2 & M64
    h ^= h >> 29
    h = h * P64_3 & M64
    return h ^ (h >> 32)


def mix16(b, i, s, j, seed):
    return fold(r64(b, i) ^ (r64(s, j) + seed & M64), r64(b, i + 8) ^ (r64(s, j + 8) - seed & M64))


def mix32(low, high, b, i, j, s, k, seed):
    low = low + mix16(b, i, s, k, seed) & M64
    low ^= r64(b, j) + r64(b, j + 8) & M64
    high = high + mix16(b, j, s, k + 16, seed) & M64
    high ^= r64(b, i) + r64(b, i + 8) & M64
    return low, high


def accumulate(b, s):
    """The eight accumulators after all stripes of an input above 240 bytes."""
    n = len(b)
    acc = [P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1]

    def stripe(at, key):
        for i in range(8):
            value = r64(b, at + 8 * i)
            mixed = value ^ r64(s, key + 8 * i)
            acc[i ^ 1] = acc[i ^ 1] + value & M64
            acc[i] = acc[i] + (mixed & M32) * (mixed >> 32) & M64

    per_block = (len(s) - 64) // 8
    block = 64 * per_block
    blocks = (n - 1) // block
    for k in range(blocks):
        for i in range(per_block):
            stripe(k * block + 64 * i, 8 * i)
        for i in range(8):
            acc[i] = ((acc[i] ^ (acc[i] >> 47)) ^ r64(s, len(s) - 64 + 8 * i)) * P32_1 & M64
    for i in range((n - 1 - block * blocks) // 64):
        stripe(blocks * block + 64 * i, 8 * i)
    stripe(n - 64, len(s) - 64 - 7)
    return acc


def merge(acc, s, at, start):
    for i in range(4):
        start += fold(acc[2 * i] ^ r64(s, at + 16 * i), acc[2 * i + 1] ^ r64(s, at + 16 * i + 8))
    return avalanche(start & M64)


def short64(b, s):
    n = len(b)
    if n == 0:
        return xxh64_avalanche(r64(s, 56) ^ r64(s, 64))
    if n <= 3:
        combined = b[0] << 16 | b[n >> 1] << 24 | b[n - 1] | n << 8
        return xxh64_avalanche(combined ^ (r32(s, 0) ^ r32(s, 4)))
    if n <= 8:
        h = (r64(s, 8) ^ r64(s, 16)) ^ (r32(b, n - 4) + (r32(b, 0) << 32))
        h ^= ((h << 49 | h >> 15) ^ (h << 24 | h >> 40)) & M64
        h = h * 0x9FB21C651E98DF25 & M64
        h ^= (h >> 35) + n & M64
        h = h * 0x9FB21C651E98DF25 & M64
        return h ^ (h >> 28)
    low = r64(b, 0) ^ (r64(s, 24) ^ r64(s, 32))
    high = r64(b, n - 8) ^ (r64(s, 40) ^ r64(s, 48))
    return avalanche(n + swap64(low) + high + fold(low, high) & M64)


def hash64(b, s):
    n = len(b)
    if n <= 16:
        return short64(b, s)
    h = n * P64_1 & M64
    if n <= 128:
        for i in range((n - 1) // 32 + 1):
            h += mix16(b, 16 * i, s, 32 * i, 0) + mix16(b, n - 16 * (i + 1), s, 32 * i + 16, 0)
        return avalanche(h & M64)
    if n <= 240:
        for i in range(8):
            h += mix16(b, 16 * i, s, 16 * i, 0)
        h = avalanche(h & M64)
        for i in range(8, n // 16):
            h += mix16(b, 16 * i, s, 16 * (i - 8) + 3, 0)
        return avalanche(h + mix16(b, n - 16, s, 136 - 17, 0) & M64)
    return merge(accumulate(b, s), s, 11, h)


def short128(b, s, seed):
    n = len(b)
    if n == 0:
        return (xxh64_avalanche(seed ^ r64(s, 80) ^ r64(s, 88)),
                xxh64_avalanche(seed ^ r64(s, 64) ^ r64(s, 72)))
    if n <= 3:
        low = b[0] << 16 | b[n >> 1] << 24 | b[n - 1] | n << 8
        turned = swap32(low)
        high = (turned << 13 | turned >> 19) & M32
        return (xxh64_avalanche(high ^ ((r32(s, 8) ^ r32(s, 12)) - seed & M64)),
                xxh64_avalanche(low ^ ((r32(s, 0) ^ r32(s, 4)) + seed & M64)))
    if n <= 8:
        seed ^= swap32(seed & M32) << 32
        keyed = r32(b, 0) + (r32(b, n - 4) << 32) ^ ((r64(s, 16) ^ r64(s, 24)) + seed & M64)
        product = keyed * (P64_1 + (n << 2))
        low, high = product & M64, product >> 64 & M64
        high = high + (low << 1) & M64
        low ^= high >> 3
        low ^= low >> 35
        low = low * 0x9FB21C651E98DF25 & M64
        return avalanche(high), low ^ (low >> 28)
    flip_low = (r64(s, 32) ^ r64(s, 40)) - seed & M64
    flip_high = (r64(s, 48) ^ r64(s, 56)) + seed & M64
    first, last = r64(b, 0), r64(b, n - 8)
    product = (first ^ last ^ flip_low) * P64_1
    low, high = product & M64, product >> 64
    low = low + ((n - 1) << 54) & M64
    last ^= flip_high
    high = high + last + (last & M32) * (P32_2 - 1) & M64
    low ^= swap64(high)
    product = low * P64_2
    return avalanche((product >> 64) + high * P64_2 & M64), avalanche(product & M64)


def finish128(low, high, n, seed):
    total = low + high & M64
    rest = low * P64_1 + high * P64_4 + (n - seed & M64) * P64_2 & M64
    return -avalanche(rest) & M64, avalanche(total)


def hash128(b, s, seed=0):
    """(high, low). With a seed, only for inputs up to 240 bytes and the default secret."""
    n = len(b)
    if n <= 16:
        return short128(b, s, seed)
    low, high = n * P64_1 & M64, 0
    if n <= 128:
        for i in reversed(range((n - 1) // 32 + 1)):
            low, high = mix32(low, high, b, 16 * i, n - 16 * (i + 1), s, 32 * i, seed)
        return finish128(low, high, n, seed)
    if n <= 240:
        for i in range(4):
            low, high = mix32(low, high, b, 32 * i, 32 * i + 16, s, 32 * i, seed)
        low, high = avalanche(low), avalanche(high)
        for i in range(4, n // 32):
            low, high = mix32(low, high, b, 32 * i, 32 * i + 16, s, 3 + 32 * (i - 4), seed)
        low, high = mix32(low, high, b, n - 16, n - 32, s, 136 - 17 - 16, -seed & M64)
        return finish128(low, high, n, seed)
    acc = accumulate(b, s)
    return (merge(acc, s, len(s) - 64 - 11, ~(n * P64_2) & M64), merge(acc, s, 11, low))


def seeded128(b, seed):
    """XXH3_128bits_withSeed: long inputs take a secret that the seed was added to."""
    if len(b) <= 240:
        return hash128(b, DEFAULT_SECRET, seed)
    words = [r64(DEFAULT_SECRET, 8 * i) for i in range(24)]
    turned = [(w + seed if i % 2 == 0 else w - seed) & M64 for i, w in enumerate(words)]
    return hash128(b, b"".join(w.to_bytes(8, "little") for w in turned))
