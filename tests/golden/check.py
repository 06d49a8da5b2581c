# SPDX-License-Identifier: Apache-2.0
"""Decodes and encodes every golden vector by docs/wire-format.md alone.

usage: check.py FOLDER        the folder of the vectors; the standard library is enough
"""
import json
import pathlib
import sys

import causals
import digests
import lattices
import messages
import primitives
import streams
from primitives import Integer, Reader, Refused, Writer, require

PLAIN = {"bool": primitives.Bool(), "f32": primitives.Float(32), "f64": primitives.Float(64),
         "string": primitives.String(), "digest": lattices.Digest(),
         "replica_id": lattices.ReplicaId(), "lease": lattices.LEASE, "dot": lattices.Dot(),
         "g_counter": lattices.Slots("g_counter"),
         "version_vector": lattices.Slots("version_vector"),
         "causal_context": lattices.Context(), **causals.PLAIN, **streams.PLAIN}
PLAIN.update({f"{sign}{bits}": Integer(bits, sign == "i")
              for sign in "ui" for bits in (8, 16, 32, 64)})

GENERIC = {"set": primitives.Set, "map": primitives.Map, "tuple": primitives.Tuple,
           "optional": primitives.Optional, "array": primitives.Array,
           "g_set": lattices.GSet, "two_p_set": lattices.TwoPSet, "g_map": lattices.GMap,
           "lww_map": lattices.LwwMap, "lww_register": lattices.LwwRegister,
           "max_register": lattices.MaxRegister, "min_register": lattices.MinRegister,
           "gossip_snapshot": lattices.snapshot, **causals.GENERIC, **streams.GENERIC}


class Parser:
    """type = name ["<" type {"," type} ">"] | [name] "{" [field ":" type {"," ...}] "}"."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def accept(self, char):
        found = self.text[self.at:self.at + 1] == char
        self.at += found
        return found

    def expect(self, char):
        require(self.accept(char), f"{char} expected in {self.text} at {self.at}")

    def name(self):
        start = self.at
        while self.at < len(self.text) and (self.text[self.at].isalnum() or
                                            self.text[self.at] in "_@"):
            self.at += 1
        return self.text[start:self.at]

    def type(self):
        name = self.name()
        if self.accept("{"):
            return self.struct(name)
        if not self.accept("<"):
            return int(name) if name.isdigit() else PLAIN[name]
        arguments = [self.type()]
        while self.accept(","):
            arguments.append(self.type())
        self.expect(">")
        if name == "list":
            byte = isinstance(arguments[0], Integer) and arguments[0].bits == 8
            return primitives.Bytes() if byte else primitives.List(*arguments)
        return GENERIC[name](*arguments)

    def struct(self, name):
        fields = []
        while not self.accept("}"):
            field = self.name()
            self.expect(":")
            fields.append((field, self.type()))
            self.accept(",")
        return primitives.Struct(name, fields)


class Framed:
    """Magic, format version and type id before the value."""

    def __init__(self, codec):
        self.codec = codec
        self.head = b"JN\x01" + codec.id.to_bytes(4, "little")

    def decode(self, data):
        require(data[:7] == self.head, "wrong frame")
        r = Reader(data[7:])
        value = self.codec.read(r)
        require(r.left() == 0, "trailing bytes")
        return value

    def encode(self, value):
        w = Writer()
        self.codec.write(w, value)
        return self.head + bytes(w.out)


def codec_of(type):
    if type == "datagram":
        return messages.DATAGRAM
    if type.startswith("message."):
        return messages.MESSAGES[type.removeprefix("message.")]
    parser = Parser(type)
    return Framed(parser.type())


def check_vector(vector):
    codec = codec_of(vector["type"])
    data = bytes.fromhex(vector["bytes"])
    value = codec.decode(data)
    require(value == vector["value"], f"decoded to {json.dumps(value)}")
    again = codec.encode(vector["value"])
    require(again == data, f"encoded to {again.hex()}")


def sample(length):
    return bytes((131 * i + i // 251) % 256 for i in range(length))


def check_digest(line):
    kind = line["kind"]
    if kind == "content":
        data = sample(line["length"])
        require(digests.content(data) == line["digest"], "digest")
        require(digests.content64(data) == line["hash64"], "hash64")
    elif kind == "keyed":
        secret = digests.keyed_secret(sample(line["secret_length"]))
        leaf = digests.words(7, 8)
        require(digests.content64(secret) == line["id"], "id")
        hashed = [digests.text(digests.xxh3.hash128(d, secret)) for d in (sample(24), leaf)]
        require(hashed == [line["digest"], line["leaf"]], "keyed digest")
    elif kind == "replica_id":
        require(digests.replica_id(line["name"], line["incarnation"]) == line["id"], "id")
    elif kind == "mix":
        a = line["a"]
        found = [digests.mix(a), digests.mix2(a, 3), digests.truncated((a, 5), 3)]
        require(found == [line["mix"], line["mix_with_3"], line["truncated"]], "mix")
    else:
        root = digests.chunks_of(sample(line["length"]), line["chunk_size"])
        require(kind == "chunks" and root == line["root"], "root")


def main(folder):
    checked, wrong = 0, 0
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        for number, item in enumerate(json.loads(path.read_text()), 2):
            try:
                (check_digest if path.stem == "digests" else check_vector)(item)
            except (Refused, KeyError, ValueError, IndexError, OverflowError) as e:
                print(f"{path.name}:{number}: {item.get('type', '')}: {e!r}")
                wrong += 1
            checked += 1
    print(f"{checked} vectors, {wrong} wrong")
    return 0 if checked >= 200 and wrong == 0 else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
