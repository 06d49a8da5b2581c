# SPDX-License-Identifier: Apache-2.0
"""The engine's messages and datagrams of docs/wire-format.md."""
import digests
from lattices import U8, U64, Digest, Fixed64, Record, ReplicaId
from primitives import Bytes, List, Plain, Reader, String, Writer, require


class Fixed32(Plain):
    def read(self, r):
        return r.fixed(4)

    def write(self, w, value):
        w.fixed(value, 4)


class Ranges(Plain):
    """[replica, lo, hi]; on the wire hi is told by its distance."""
    least = 10

    def read(self, r):
        replica, low = r.fixed(8), r.varint()
        high = low + r.varint()
        require(high < 1 << 64, "bad value: range")
        return [replica, low, high]

    def write(self, w, value):
        w.fixed(value[0], 8)
        w.varint(value[1])
        w.varint(value[2] - value[1])


class Row(Plain):
    """Members one after the other, a list in JSON."""

    def __init__(self, *members):
        self.members = members

    def read(self, r):
        return [m.read(r) for m in self.members]

    def write(self, w, value):
        for m, v in zip(self.members, value):
            m.write(w, v)


class Rows(Plain):
    """A number and then the elements one by one, integers included."""

    def __init__(self, element):
        self.element = element

    def read(self, r):
        return [self.element.read(r) for _ in range(r.count())]

    def write(self, w, value):
        w.varint(len(value))
        for each in value:
            self.element.write(w, each)


class Name(String):
    """A string of at most 255 bytes."""

    def read(self, r):
        text = super().read(r)
        require(len(text.encode()) <= 255, "too large: text")
        return text


class Message:
    def __init__(self, kind, *members):
        self.kind = kind
        self.body = Record("", list(members))

    def decode(self, data):
        r = Reader(data)
        require(r.u8() == self.kind, "wrong kind")
        value = self.body.read(r)
        require(r.left() == 0, "trailing bytes")
        return value

    def encode(self, value):
        w = Writer()
        w.u8(self.kind)
        self.body.write(w, value)
        return bytes(w.out)


VERSION = Row(Fixed64(), Fixed32())


class MemberRecord(Plain):
    """Preceded by its length; what is left of it when all is read is from a later version."""

    def read(self, r):
        inner = Reader(r.raw(r.varint()))
        value = {"name": Name().read(inner), "version": inner.fixed(8), "status": inner.u8()}
        require(value["name"] and value["status"] <= 3, "bad value: record")
        for name, codec in self.rest(value):
            value[name] = codec.read(inner)
        return value

    def write(self, w, value):
        inner = Writer()
        Name().write(inner, value["name"])
        inner.fixed(value["version"], 8)
        inner.u8(value["status"])
        for name, codec in self.rest(value):
            codec.write(inner, value[name])
        w.varint(len(inner.out))
        w.raw(inner.out)

    @staticmethod
    def rest(value):
        if value["status"]:
            return [("accuser", Fixed64())]
        return [("boot", Fixed64()), ("incarnation", U64), ("address", Name()), ("zone", Name()),
                ("metadata", Bytes())]


class Sums(Plain):
    def read(self, r):
        return [r.fixed(4) for _ in range(32)]

    def write(self, w, value):
        for each in value:
            w.fixed(each, 4)


RECORDS = ("records", Rows(MemberRecord()))
MESSAGES = {
    "digest": Message(1, ("nonce", Fixed64()), ("flags", U8), ("schema", Fixed64()),
                      ("root", Digest()), ("context", Digest()), ("entries", U64),
                      ("adverts", Rows(Ranges()))),
    "pull": Message(2, ("nonce", Fixed64()), ("tries", U8), ("ranges", Rows(Ranges()))),
    "items": Message(3, ("items", Rows(Row(ReplicaId(), U64, Bytes())))),
    "question": Message(4, ("field", Fixed32()), ("frame", Bytes())),
    "reply": Message(5, ("field", Fixed32()), ("frame", Bytes())),
    "differences": Message(6, ("field", Fixed32()), ("salt", Fixed64()),
                           ("entries", Rows(VERSION))),
    "ask": Message(7, ("ids", Rows(Fixed64())), ("held", Bytes())),
    "answer": Message(8, ("part", Bytes())),
    "context": Message(9, ("field", Fixed32()), ("root", Digest()), ("part", Bytes())),
    "offer": Message(10, ("digest", Digest()), ("length", U64)),
    "want": Message(11, ("digest", Digest()), ("ranges", Rows(Row(U64, U64)))),
    "piece": Message(12, ("digest", Digest()), ("offset", U64), ("bytes", Bytes())),
    "ping_for": Message(15, ("nonce", Fixed64()), ("name", Name()), ("address", Name()), RECORDS),
    "nack": Message(16, ("nonce", Fixed64())),
    "rumors": Message(17, RECORDS),
    "sync": Message(18, ("from", U8), ("after", Name()), ("sums", Sums())),
    "fields": Message(21, ("salt", Fixed64()),
                      ("fields", Rows(Row(Fixed32(), Fixed64(), Fixed64())))),
    "page": Message(19, ("next", U8), ("after", Name()), RECORDS),
}


class Datagram:
    """Magic, version, cluster, checksum, sender, message; the cluster's secret is in the JSON."""

    def __init__(self, cluster, secret):
        self.known = {"cluster": cluster, "secret": secret}
        hasher = digests.content64(digests.keyed_secret(bytes.fromhex(secret)))
        self.cluster = digests.mix2(digests.content64(cluster.encode()), hasher)
        self.sender = [("name", Name()), ("incarnation", U64), ("address", Name())]

    def decode(self, data):
        r = Reader(data)
        require(r.raw(3) == b"JG\x01", "bad magic or version")
        require(r.fixed(8) == self.cluster, "foreign cluster")
        require(r.fixed(8) == digests.content64(data[r.at:]), "wrong checksum")
        value = dict(self.known, **{name: codec.read(r) for name, codec in self.sender})
        require(r.left() > 0, "no message")
        return dict(value, message=r.raw(r.left()).hex())

    def encode(self, value):
        w = Writer()
        for name, codec in self.sender:
            codec.write(w, value[name])
        w.raw(bytes.fromhex(value["message"]))
        head = b"JG\x01" + self.cluster.to_bytes(8, "little")
        return head + digests.content64(bytes(w.out)).to_bytes(8, "little") + bytes(w.out)


DATAGRAM = Datagram("golden", "010203")
