# SPDX-License-Identifier: Apache-2.0
"""The causal types, logs and sketches of docs/wire-format.md, on the JSON shapes given there."""
from lattices import U8, U64, Context, GMap, LwwRegister, Record, Slots, read_dots, write_dots
from primitives import M64, Array, Bool, Plain, String, ascending, require, schema_id


class DotSet:
    """Dots without payload."""
    width = 0

    def read(self, r, n):
        return [[] for _ in range(n)]

    def write(self, w, rows):
        pass


class DotFun:
    """A payload for each dot."""
    width = 1

    def __init__(self, payload):
        self.payload = payload

    def read(self, r, n):
        return [[each] for each in self.payload.read_column(r, n)]

    def write(self, w, rows):
        self.payload.write_column(w, [row[0] for row in rows])


class DotMap:
    """A key for each dot: a column above dots without payload, otherwise a table and indices."""

    def __init__(self, key, below):
        self.key, self.below = key, below

    def read(self, r, n):
        if isinstance(self.below, DotSet):
            return [[key] for key in self.key.read_column(r, n)]
        size = r.count()
        require(size <= n, "not canonical: keys without a dot")
        keys = self.key.read_column(r, size)
        ascending([self.key.key(key) for key in keys])
        chosen = [r.varint() for _ in range(n)]
        require(all(i < size for i in chosen), "bad value: key index")
        require(len(set(chosen)) == size, "not canonical: keys without a dot")
        return [[keys[i]] + row for i, row in zip(chosen, self.below.read(r, n))]

    def write(self, w, rows):
        if isinstance(self.below, DotSet):
            return self.key.write_column(w, [row[0] for row in rows])
        keys = []
        for row in sorted(rows, key=lambda row: self.key.key(row[0])):
            if not keys or keys[-1] != row[0]:
                keys.append(row[0])
        w.varint(len(keys))
        self.key.write_column(w, keys)
        for row in rows:
            w.varint(keys.index(row[0]))
        self.below.write(w, [row[1:] for row in rows])


class Causal(Plain):
    """{"context": [...], "dots": [[replica, counter, keys and payload...], ...]}"""

    def __init__(self, id, store):
        self.id, self.store = id, store
        self.bitmaps = not isinstance(store, DotSet)

    def bottom(self):
        return {"context": [], "dots": []}

    def read(self, r):
        context = Context().read(r)
        dots = read_dots(r, self.bitmaps)
        for replica, counter in dots:
            require(any(c[0] == replica and c[1] <= counter <= c[2] for c in context),
                    "bad value: dot outside the context")
        rows = self.store.read(r, len(dots))
        return {"context": context, "dots": [d + row for d, row in zip(dots, rows)]}

    def write(self, w, value):
        Context().write(w, value["context"])
        write_dots(w, [row[:2] for row in value["dots"]], self.bitmaps)
        self.store.write(w, [row[2:] for row in value["dots"]])


class Amount(Plain):
    def read(self, r):
        value = r.svarint()
        require(value != 0 and -(1 << 63) < value, "bad value: amount")
        return value

    def write(self, w, value):
        w.svarint(value)


def vote(element):
    return Record("vote", [("confidence", U64), ("stamp", U64), ("value", element)])


def or_set(element):
    return Causal(schema_id("or_set", element), DotMap(element, DotSet()))


def rw_set(element):
    return Causal(schema_id("rw_set", element), DotMap(element, DotFun(Bool())))


def mv_register(element):
    return Causal(schema_id("mv_register", element), DotFun(element))


def voted_register(element):
    return Causal(schema_id("voted_register", element), DotFun(vote(element)))


def or_map(key, value):
    return Causal(schema_id("or_map", key, value), DotMap(key, value.store))


class EventBlocks(Plain):
    """Per origin blocks of 64 sequences: rows [origin, sequence, stamp, removal, payload]."""

    def __init__(self, payload):
        self.payload = payload

    def read(self, r):
        rows, seen = [], []
        for _ in range(r.count(13)):
            seen.append(r.fixed(8))
            blocks, floor = r.count(5), 0
            require(blocks > 0, "not canonical: origin without a block")
            for _ in range(blocks):
                block = floor + r.varint()
                rows += self.read_block(r, seen[-1], block)
                floor = block + 1
        ascending(seen)
        return rows

    def read_block(self, r, origin, block):
        n = r.u8()
        require(1 <= n <= 64, "bad value: events in a block")
        if n < 8:
            bits = [r.u8() for _ in range(n)]
            ascending(bits)
            require(bits[-1] < 64, "not canonical: offset")
        else:
            mask = r.fixed(8)
            bits = [i for i in range(64) if mask >> i & 1]
            require(len(bits) == n, "not canonical: bitmap")
        flag = Bool().read(r)
        removals = r.fixed(8) if flag else 0
        require(flag == (removals != 0), "not canonical: no removals")
        require(all(i in bits for i in range(64) if removals >> i & 1), "bad value: removal")
        stamps, stamp = [], 0
        for _ in range(n):
            stamp = stamp + r.svarint() & M64
            stamps.append(stamp)
        payloads = self.payload.read_column(r, n)
        return [[origin, block * 64 + bit + 1, stamp, bool(removals >> bit & 1), payload]
                for bit, stamp, payload in zip(bits, stamps, payloads)]

    def write(self, w, rows):
        origins = {}
        for row in rows:
            blocks = origins.setdefault(row[0], {})
            blocks.setdefault((row[1] - 1) // 64, []).append(row)
        w.varint(len(origins))
        for origin, blocks in origins.items():
            w.fixed(origin, 8)
            w.varint(len(blocks))
            floor = 0
            for block, held in blocks.items():
                w.varint(block - floor)
                self.write_block(w, held)
                floor = block + 1

    def write_block(self, w, rows):
        bits = [(row[1] - 1) % 64 for row in rows]
        w.u8(len(rows))
        if len(rows) < 8:
            w.raw(bytes(bits))
        else:
            w.fixed(sum(1 << bit for bit in bits), 8)
        removals = sum(1 << bit for bit, row in zip(bits, rows) if row[3])
        w.u8(1 if removals else 0)
        if removals:
            w.fixed(removals, 8)
        previous = 0
        for row in rows:
            step = row[2] - previous & M64
            w.svarint(step if step < 1 << 63 else step - (1 << 64))
            previous = row[2]
        self.payload.write_column(w, [row[4] for row in rows])


class EventLog(Plain):
    def __init__(self, payload, register):
        self.id = schema_id("event_log", payload, register)
        self.parts = [("context", Context()), ("events", EventBlocks(payload)),
                      ("removals", Slots("")),
                      ("registers", GMap(String(), LwwRegister(register)))]

    def bottom(self):
        return {name: [] for name, _ in self.parts}

    def read(self, r):
        value = {name: codec.read(r) for name, codec in self.parts}
        for row in value["events"]:
            require(any(c[0] == row[0] and c[1] <= row[1] <= c[2] for c in value["context"]),
                    "bad value: event outside the context")
        return value

    def write(self, w, value):
        for name, codec in self.parts:
            codec.write(w, value[name])


class HyperLogLog(Plain):
    """[[register, rank], ...] of those that are not 0."""

    def __init__(self, element, precision):
        self.blocks, self.most = 2 ** precision // 64, 65 - precision
        self.id = schema_id("hyperloglog", element, Array(precision, U8))

    def bottom(self):
        return []

    def read(self, r):
        rows, floor = [], 0
        for _ in range(r.count(4)):
            block, n = floor + r.varint(), r.varint()
            require(block < self.blocks and 1 <= n <= 64, "bad value: block")
            if n < 24:
                items = [r.fixed(2) for _ in range(n)]
                ascending([item >> 6 for item in items])
                ranks = {item >> 6: item & 63 for item in items}
            else:
                planes = [r.fixed(8) for _ in range(6)]
                ranks = {i: sum((planes[p] >> i & 1) << p for p in range(6)) for i in range(64)}
                ranks = {i: rank for i, rank in ranks.items() if rank}
            require(len(ranks) == n and all(0 < k <= self.most and i < 64
                                            for i, k in ranks.items()), "bad value: rank")
            rows += [[block * 64 + i, rank] for i, rank in ranks.items()]
            floor = block + 1
        return rows

    def write(self, w, value):
        blocks = {}
        for register, rank in value:
            blocks.setdefault(register // 64, []).append((register % 64, rank))
        w.varint(len(blocks))
        floor = 0
        for block, ranks in blocks.items():
            w.varint(block - floor)
            w.varint(len(ranks))
            floor = block + 1
            if len(ranks) < 24:
                for i, rank in ranks:
                    w.fixed(i << 6 | rank, 2)
            else:
                for plane in range(6):
                    w.fixed(sum((rank >> plane & 1) << i for i, rank in ranks), 8)


PLAIN = {"ew_flag": Causal(schema_id("ew_flag"), DotSet()),
         "dw_flag": Causal(schema_id("dw_flag"), DotFun(Bool())),
         "causal_counter": Causal(schema_id("causal_counter"), DotFun(Amount())),
         "pn_counter": Slots("pn_counter", counts=2),
         "bounded_counter": Slots("bounded_counter", counts=2, ids=2)}
GENERIC = {"or_set": or_set, "rw_set": rw_set, "mv_register": mv_register,
           "voted_register": voted_register, "or_map": or_map, "event_log": EventLog,
           "hyperloglog": HyperLogLog}
