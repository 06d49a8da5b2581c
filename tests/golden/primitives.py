# SPDX-License-Identifier: Apache-2.0
"""Primitives, standard types and structs of docs/wire-format.md, on values as JSON has them.

A codec has read(reader) -> value, write(writer, value), bottom() and id, the type id.
"""
import struct as packing

M64 = (1 << 64) - 1
MAX_COUNT = (1 << 63) - 1


class Refused(Exception):
    pass


def require(condition, why):
    if not condition:
        raise Refused(why)


class Reader:
    def __init__(self, data):
        self.data, self.at, self.end = data, 0, len(data)

    def left(self):
        return self.end - self.at

    def raw(self, n):
        require(n <= self.left(), "truncated")
        self.at += n
        return self.data[self.at - n:self.at]

    def u8(self):
        return self.raw(1)[0]

    def fixed(self, width):
        return int.from_bytes(self.raw(width), "little")

    def varint(self):
        value = 0
        for shift in range(0, 64, 7):
            byte = self.u8()
            require(not (byte == 0 and shift > 0) and not (shift == 63 and byte > 1), "overlong")
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Refused("overlong")

    def svarint(self):
        bits = self.varint()
        return bits >> 1 if bits % 2 == 0 else -(bits >> 1) - 1

    def count(self, least=1):
        n = self.varint()
        require(n <= 1 << 24, "too many")
        require(n <= self.left() // least, "truncated")
        return n


class Writer:
    def __init__(self):
        self.out = bytearray()

    def raw(self, data):
        self.out += data

    def u8(self, value):
        self.out.append(value)

    def fixed(self, value, width):
        self.out += value.to_bytes(width, "little")

    def varint(self, value):
        while value >= 0x80:
            self.out.append(value & 0x7F | 0x80)
            value >>= 7
        self.out.append(value)

    def svarint(self, value):
        self.varint(value << 1 if value >= 0 else (-value << 1) - 1)


def encoded(codec, value):
    w = Writer()
    codec.write(w, value)
    return bytes(w.out)


def fnv1a(text, start=2166136261):
    for byte in text.encode():
        start = (start ^ byte) * 16777619 & 0xFFFFFFFF
    return start


def combined(start, *parts):
    for part in parts:
        for byte in part.to_bytes(4, "little"):
            start = (start ^ byte) * 16777619 & 0xFFFFFFFF
    return start


def ascending(keys):
    require(all(a < b for a, b in zip(keys, keys[1:])), "not canonical: keys do not ascend")


class Integer:
    least = 1

    def __init__(self, bits, signed):
        self.bits, self.signed = bits, signed
        self.id = fnv1a(f"{'i' if signed else 'u'}{bits}")

    def bottom(self):
        return 0

    def key(self, value):
        return value

    def read(self, r):
        if self.bits == 8:
            return int.from_bytes(r.raw(1), "little", signed=self.signed)
        value = r.svarint() if self.signed else r.varint()
        low = -(1 << (self.bits - 1)) if self.signed else 0
        require(low <= value < low + (1 << self.bits), "bad value: integer out of range")
        return value

    def write(self, w, value):
        if self.bits == 8:
            w.raw(value.to_bytes(1, "little", signed=self.signed))
        elif self.signed:
            w.svarint(value)
        else:
            w.varint(value)

    def read_column(self, r, n):
        return [int.from_bytes(r.raw(self.bits // 8), "little", signed=self.signed)
                for _ in range(n)]

    def write_column(self, w, values):
        for value in values:
            w.raw(value.to_bytes(self.bits // 8, "little", signed=self.signed))


class Plain:
    """Columns of all but integers are the elements one by one."""
    least = 1

    def key(self, value):
        return value

    def read_column(self, r, n):
        return [self.read(r) for _ in range(n)]

    def write_column(self, w, values):
        for value in values:
            self.write(w, value)


class Bool(Plain):
    id = fnv1a("bool")

    def bottom(self):
        return False

    def read(self, r):
        byte = r.u8()
        require(byte < 2, "bad value: bool")
        return byte == 1

    def write(self, w, value):
        w.u8(1 if value else 0)


class Float(Plain):
    def __init__(self, bits):
        self.form = "<f" if bits == 32 else "<d"
        self.least = bits // 8
        self.id = fnv1a(f"f{bits}")

    def bottom(self):
        return 0.0

    def read(self, r):
        value = packing.unpack(self.form, r.raw(self.least))[0]
        require(value == value and packing.pack(self.form, value) !=
                packing.pack(self.form, -0.0), "not canonical: NaN or -0.0")
        return ("inf" if value > 0 else "-inf") if value in (float("inf"), -float("inf")) else value

    def write(self, w, value):
        w.raw(packing.pack(self.form, float(value)))


class String(Plain):
    id = fnv1a("string")

    def bottom(self):
        return ""

    def key(self, value):
        return value.encode()

    def read(self, r):
        return r.raw(r.varint()).decode()

    def write(self, w, value):
        w.varint(len(value.encode()))
        w.raw(value.encode())


class Bytes(Plain):
    """list<u8>, and the byte sequences inside messages; hexadecimal in JSON."""
    id = combined(fnv1a("list"), fnv1a("u8"))

    def bottom(self):
        return ""

    def read(self, r):
        return r.raw(r.varint()).hex()

    def write(self, w, value):
        data = bytes.fromhex(value)
        w.varint(len(data))
        w.raw(data)


class List(Plain):
    def __init__(self, element):
        self.element = element
        self.id = combined(fnv1a("list"), element.id)

    def bottom(self):
        return []

    def key(self, value):
        return [self.element.key(each) for each in value]

    def read(self, r):
        return self.element.read_column(r, r.count())

    def write(self, w, value):
        w.varint(len(value))
        self.element.write_column(w, value)


class Set(Plain):
    def __init__(self, element):
        self.element = element
        self.id = combined(fnv1a("set"), element.id)

    def bottom(self):
        return []

    def read(self, r):
        values = [self.element.read(r) for _ in range(r.count())]
        ascending([self.element.key(each) for each in values])
        return values

    def write(self, w, value):
        w.varint(len(value))
        for each in value:
            self.element.write(w, each)


class Map(Plain):
    def __init__(self, key, value):
        self.keys, self.values = key, value
        self.id = combined(fnv1a("map"), key.id, value.id)

    def bottom(self):
        return []

    def read(self, r):
        pairs = [[self.keys.read(r), self.values.read(r)] for _ in range(r.count())]
        ascending([self.keys.key(k) for k, _ in pairs])
        return pairs

    def write(self, w, value):
        w.varint(len(value))
        for k, v in value:
            self.keys.write(w, k)
            self.values.write(w, v)


class Array(Plain):
    def __init__(self, length, element):
        self.length, self.element = length, element
        self.id = combined(fnv1a("array"), length, element.id)

    def bottom(self):
        return [self.element.bottom()] * self.length

    def read(self, r):
        return self.element.read_column(r, self.length)

    def write(self, w, value):
        self.element.write_column(w, value)


class Tuple(Plain):
    def __init__(self, *elements):
        self.elements = elements
        self.id = combined(fnv1a("tuple"), *(e.id for e in elements))

    def bottom(self):
        return [e.bottom() for e in self.elements]

    def key(self, value):
        return [e.key(v) for e, v in zip(self.elements, value)]

    def read(self, r):
        return [e.read(r) for e in self.elements]

    def write(self, w, value):
        for e, v in zip(self.elements, value):
            e.write(w, v)


class Optional(Plain):
    """null, or the value in a list of one."""

    def __init__(self, element):
        self.element = element
        self.id = combined(fnv1a("optional"), element.id)

    def bottom(self):
        return None

    def read(self, r):
        return [self.element.read(r)] if Bool().read(r) else None

    def write(self, w, value):
        w.u8(0 if value is None else 1)
        if value is not None:
            self.element.write(w, value[0])


class Struct(Plain):
    """Fields by ascending id, those at their bottom left out."""

    def __init__(self, name, fields):
        self.fields = {fnv1a(field): (field, codec) for field, codec in fields}
        self.id = schema_id(name) if name else fnv1a("struct")

    def bottom(self):
        return {}

    def read(self, r):
        value, previous = {}, -1
        for _ in range(r.count(5)):
            id = r.fixed(4)
            require(id > previous, "not canonical: field ids do not ascend")
            require(id in self.fields, "unknown field")
            previous = id
            name, codec = self.fields[id]
            inner = Reader(r.raw(r.varint()))
            value[name] = codec.read(inner)
            require(inner.left() == 0, "trailing bytes in a field")
            require(value[name] != codec.bottom(), "not canonical: bottom field")
        return value

    def write(self, w, value):
        w.varint(len(value))
        for id, (name, codec) in sorted(self.fields.items()):
            if name in value:
                part = encoded(codec, value[name])
                w.fixed(id, 4)
                w.varint(len(part))
                w.raw(part)


def schema_id(name, *parameters):
    """`name` may end in @major."""
    name, _, major = name.partition("@")
    start = fnv1a(name)
    if major and major != "1":
        start = combined(start, int(major))
    return combined(start, *(p.id for p in parameters))
