# SPDX-License-Identifier: Apache-2.0
"""The stream types of docs/wire-format.md, on the JSON shapes given there."""
import digests
from lattices import (U8, U32, U64, Digest, GMap, MaxRegister, Record, ReplicaId, Slots)
from primitives import (Bytes, Integer, List, Map, Optional, Plain, String, Struct, Writer,
                        ascending, encoded, require, schema_id)

I64 = Integer(64, True)


class Chunks(Plain):
    """The root follows from the rest and is not on the wire."""
    id = schema_id("chunks")

    def bottom(self):
        return {"total_bytes": 0, "chunk_size": 4096, "leaves": [],
                "root": digests.chunk_root(0, 4096, [])}

    def read(self, r):
        total, size = r.varint(), r.varint()
        leaves = [Digest().read(r) for _ in range(r.count(16))]
        require(size > 0 and -(-total // size) == len(leaves), "bad value: number of chunks")
        root = digests.chunk_root(total, size, [digests.pair(leaf) for leaf in leaves])
        return {"total_bytes": total, "chunk_size": size, "leaves": leaves, "root": root}

    def write(self, w, value):
        w.varint(value["total_bytes"])
        w.varint(value["chunk_size"])
        w.varint(len(value["leaves"]))
        for leaf in value["leaves"]:
            Digest().write(w, leaf)


class Row(Plain):
    """Members one after the other, a list in JSON."""
    id = 0

    def __init__(self, *members):
        self.members = members

    def read(self, r):
        return [m.read(r) for m in self.members]

    def write(self, w, value):
        for m, v in zip(self.members, value):
            m.write(w, v)


class Each(Plain):
    """A count and then the elements one by one, integers included; `key` ascends."""

    def __init__(self, element, key=None):
        self.element, self.key_of = element, key

    def read(self, r):
        values = [self.element.read(r) for _ in range(r.count())]
        if self.key_of:
            ascending([self.key_of(each) for each in values])
        return values

    def write(self, w, value):
        w.varint(len(value))
        for each in value:
            self.element.write(w, each)


class Plan(Plain):
    """The id follows from the rest and is not on the wire."""
    id = schema_id("plan")
    body = Record("", [("generation", U64), ("from", U64), ("members", List(String())),
                       ("owners", Each(U64)), ("acks", U8)])

    def read(self, r):
        value = self.body.read(r)
        members = value["members"]
        ascending([name.encode() for name in members])
        require(members and value["acks"] <= 2, "bad value: plan")
        require(all(owner < len(members) for owner in value["owners"]), "bad value: owner")
        return dict(value, id=digests.content(encoded(self.body, value)))

    def write(self, w, value):
        self.body.write(w, value)


class Offsets(Row):
    def read(self, r):
        value = super().read(r)
        require(value[0] <= value[1], "bad value: offsets")
        return value


def increment_fits(value):
    require(1 <= value["length"] <= 8, "bad value: chain of increments")


INCREMENT = Record("", [("base_epoch", U64), ("base_root", Digest()), ("root", Digest()),
                        ("bytes", U64), ("length", U64)], increment_fits)
CLAIM = [("root", Digest()), ("bytes", U64),
         ("groups", Each(Row(U32, Digest(), U64), key=lambda g: g[0])),
         ("offsets", Map(String(), Offsets(U64, U64))), ("records", U64),
         ("watermark", Optional(I64)), ("base", Optional(INCREMENT))]
WITNESS = [("worker", String()), ("incarnation", U64)]
SAID = Record("", CLAIM + WITNESS)
NAMED_CLAIM = Record("", [("member", String())] + CLAIM)


def digest_of(epoch, plan, member, claim):
    head = Record("", [("epoch", U64), ("plan", Digest()), ("member", String())] + CLAIM)
    return digests.content(encoded(head, dict(claim, epoch=epoch, plan=plan, member=member)))


def base_is_earlier(claim, epoch):
    require(not claim["base"] or claim["base"][0]["base_epoch"] < epoch, "bad value: base")


class Submission(Plain):
    """The digest follows from the rest and is not on the wire."""
    id = schema_id("submission")
    body = Record("", [("epoch", U64), ("plan", Digest()), ("member", String())] + CLAIM + WITNESS)

    def read(self, r):
        value = self.body.read(r)
        base_is_earlier(value, value["epoch"])
        return dict(value, digest=digest_of(value["epoch"], value["plan"], value["member"], value))

    def write(self, w, value):
        self.body.write(w, value)


def roots(epoch, plan, submissions):
    """The global root and the state root of submissions."""
    combined = Writer()
    combined.varint(epoch)
    Digest().write(combined, plan)
    for each in submissions:
        Digest().write(combined, digest_of(epoch, plan, each["member"], each))
    groups = sorted(group for each in submissions for group in each["groups"])
    state = Writer()
    for root in [g[1] for g in groups] or [each["root"] for each in submissions]:
        Digest().write(state, root)
    return digests.chunks_of(bytes(combined.out)), digests.chunks_of(bytes(state.out))


class Certificate(Plain):
    """The state root follows from the rest and is not on the wire."""
    id = schema_id("certificate")
    submissions = Each(Record("", [("member", String())] + CLAIM + WITNESS),
                       key=lambda s: s["member"].encode())
    body = Record("", [("epoch", U64), ("generation", U64), ("plan_id", Digest()),
                       ("global_root", Digest()), ("submissions", submissions)])

    def read(self, r):
        value = self.body.read(r)
        groups = sorted(g[0] for s in value["submissions"] for g in s["groups"])
        require(groups == list(range(len(groups))), "bad value: key groups")
        for each in value["submissions"]:
            base_is_earlier(each, value["epoch"])
        top, state = roots(value["epoch"], value["plan_id"], value["submissions"])
        require(top == value["global_root"], "bad value: root")
        return dict(value, state_root=state)

    def write(self, w, value):
        self.body.write(w, value)


class Signers(Plain):
    """A bit for each member that signed, the lowest bit first; indices in JSON."""

    def read(self, r):
        data = bytes.fromhex(Bytes().read(r))
        require(not data or data[-1], "not canonical: trailing zero")
        return [i for i in range(8 * len(data)) if data[i // 8] >> i % 8 & 1]

    def write(self, w, value):
        data = bytearray(value[-1] // 8 + 1 if value else 0)
        for i in value:
            data[i // 8] |= 1 << i % 8
        Bytes().write(w, data.hex())


UNDER = [("epoch", U64), ("generation", U64), ("plan", Digest())]


class Cells(Plain):
    """u8 number and then that many submissions, at most two."""

    def read(self, r):
        n = r.u8()
        require(1 <= n <= 2, "bad value: submissions in a cell")
        return [SAID.read(r) for _ in range(n)]

    def write(self, w, value):
        w.u8(len(value))
        for each in value:
            SAID.write(w, each)


def cell_key(cell):
    return (cell["epoch"], cell["generation"], cell["plan"], cell["member"].encode())


def cell_fits(cell):
    ids = [digest_of(cell["epoch"], cell["plan"], cell["member"], said) for said in cell["said"]]
    ascending(ids)


def ack_fits(ack):
    ascending([each["member"].encode() for each in ack["list"]])
    require(ack["list"] or ack["signers"], "not canonical: empty")
    if ack["list"]:
        found = roots(ack["epoch"], ack["plan"], ack["list"])[0]
        require(found == ack["root"], "bad value: root")


class KeyedPlan(Plain):
    """The plan's key comes first: its generation and its id."""

    def read(self, r):
        generation, id = r.varint(), Digest().read(r)
        value = Plan().read(r)
        require((generation, id) == (value["generation"], value["id"]), "bad value: plan key")
        return value

    def write(self, w, value):
        w.varint(value["generation"])
        Digest().write(w, value["id"])
        Plan().write(w, value)


class Checkpoint(Plain):
    id = schema_id("checkpoint@2")
    body = Record("", [
        ("floor", U64), ("oldest_generation", U64), ("proof", Optional(Certificate())),
        ("plans", Each(KeyedPlan(), key=lambda p: (p["generation"], p["id"]))),
        ("cells", Each(Record("", UNDER + [("member", String()), ("said", Cells())], cell_fits),
                       key=cell_key)),
        ("acks", Each(Record("", UNDER + [("root", Digest()),
                                          ("list", Each(NAMED_CLAIM)),
                                          ("signers", Signers())], ack_fits),
                      key=lambda a: (a["epoch"], a["generation"], a["plan"], a["root"])))])

    def bottom(self):
        return self.body.bottom()

    def read(self, r):
        value = self.body.read(r)
        kept = value["cells"] + value["acks"]
        require(all(each["epoch"] >= value["floor"] for each in kept), "bad value: below the floor")
        require(all(each["generation"] >= value["oldest_generation"]
                    for each in kept + value["plans"]), "bad value: below the floor")
        bare = not value["floor"] and not value["oldest_generation"]
        require(bare or value["proof"], "bad value: a floor without its certificate")
        for proof in value["proof"] or []:
            require(proof["epoch"] >= value["floor"], "bad value: certificate")
            require(all(not s["worker"] and not s["incarnation"] for s in proof["submissions"]),
                    "bad value: witness")
        return value

    def write(self, w, value):
        self.body.write(w, value)


class MemberTime(Plain):
    id = schema_id("member_time")

    def bottom(self):
        return {"incarnation": 0, "idle": False, "time": None}

    def read(self, r):
        incarnation, kind = r.varint(), r.u8()
        require(kind <= 2, "bad value: kind")
        time = [r.svarint()] if kind == 1 else None
        return {"incarnation": incarnation, "idle": kind == 2, "time": time}

    def write(self, w, value):
        w.varint(value["incarnation"])
        w.u8(2 if value["idle"] else 1 if value["time"] else 0)
        if value["time"]:
            w.svarint(value["time"][0])


class OffsetRanges(Plain):
    """[[begin, end], ...] that neither touch nor overlap."""
    id = schema_id("offset_ranges")

    def bottom(self):
        return []

    def read(self, r):
        rows, last = [], 0
        for _ in range(r.count(2)):
            begin = last + r.varint()
            last = begin + r.varint()
            require(begin < last and (not rows or rows[-1][1] < begin), "not canonical: ranges")
            rows.append([begin, last])
        return rows

    def write(self, w, value):
        w.varint(len(value))
        last = 0
        for begin, end in value:
            w.varint(begin - last)
            w.varint(end - begin)
            last = end


def parametric(name, state, members):
    codec = Record(name, members)
    codec.id = schema_id(name, state)
    return codec


def accumulator(state):
    return parametric("accumulator", state,
                      [("partition", String()), ("next", U64), ("state", state)])


def windowed(state):
    return parametric("windowed", state,
                      [("floor", MaxRegister(I64)), ("emitted", MaxRegister(I64)),
                       ("late", Slots("g_counter")), ("windows", GMap(I64, state))])


def source_keyed(total):
    contribution = parametric("contribution", total, [("version", U64), ("sum", total)])
    codec = Struct("", [("sources", GMap(ReplicaId(), contribution))])
    codec.id = schema_id("source_keyed", total)
    return codec


PLAIN = {"chunks": Chunks(), "plan": Plan(), "submission": Submission(),
         "certificate": Certificate(), "checkpoint@2": Checkpoint(),
         "frontier": Struct("frontier", [("members", GMap(String(), MemberTime())),
                                         ("held", MaxRegister(I64))]),
         "offset_filter": Struct("offset_filter", [("admitted", GMap(String(), OffsetRanges()))]),
         "total": Record("total", [("count", U64), ("sum", I64)])}
GENERIC = {"accumulator": accumulator, "windowed": windowed, "source_keyed": source_keyed}
