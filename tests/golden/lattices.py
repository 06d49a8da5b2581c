# SPDX-License-Identifier: Apache-2.0
"""The replicated types of docs/wire-format.md, on the JSON shapes given there."""
from primitives import MAX_COUNT, Bool, Integer, Optional, Plain, ascending, require, schema_id

U8, U32, U64 = Integer(8, False), Integer(32, False), Integer(64, False)


class Fixed64(Plain):
    """A 64-bit word of fixed width."""
    id = U64.id
    least = 8

    def bottom(self):
        return 0

    def read(self, r):
        return r.fixed(8)

    def write(self, w, value):
        w.fixed(value, 8)


class ReplicaId(Fixed64):
    id = schema_id("replica_id")


class Digest(Plain):
    """32 hexadecimal digits: the upper word, then the lower one."""
    id = schema_id("digest")

    def bottom(self):
        return "0" * 32

    def read(self, r):
        return f"{r.fixed(8):016x}{r.fixed(8):016x}"

    def write(self, w, value):
        w.fixed(int(value[:16], 16), 8)
        w.fixed(int(value[16:], 16), 8)


class Record(Plain):
    """Members one after the other, without names on the wire."""

    def __init__(self, name, members, check=None):
        self.members, self.check = members, check
        self.id = schema_id(name)

    def bottom(self):
        return {name: codec.bottom() for name, codec in self.members}

    def read(self, r):
        value = {name: codec.read(r) for name, codec in self.members}
        if self.check:
            self.check(value)
        return value

    def write(self, w, value):
        for name, codec in self.members:
            codec.write(w, value[name])


class Dot(Plain):
    id = schema_id("dot")

    def bottom(self):
        return [0, 0]

    def read(self, r):
        dot = [r.fixed(8), r.varint()]
        require(1 <= dot[1] <= MAX_COUNT, "bad value: dot")
        return dot

    def write(self, w, value):
        w.fixed(value[0], 8)
        w.varint(value[1])


class Slots(Plain):
    """One or more ids -> one or more counts: a column of ids, then the counts."""

    def __init__(self, name, counts=1, ids=1):
        self.counts, self.ids = counts, ids
        self.id = schema_id(name)

    def bottom(self):
        return []

    def read(self, r):
        slots = [[r.fixed(8) for _ in range(self.ids)]
                 for _ in range(r.count(8 * self.ids + self.counts))]
        ascending(slots)
        for slot in slots:
            counts = [r.varint() for _ in range(self.counts)]
            require(any(counts) and max(counts) <= MAX_COUNT, "bad value: count")
            slot += counts
        return slots

    def write(self, w, value):
        w.varint(len(value))
        for slot in value:
            for id in slot[:self.ids]:
                w.fixed(id, 8)
        for slot in value:
            for count in slot[self.ids:]:
                w.varint(count)


def by_replica(rows):
    """Groups rows [replica, ...] that ascend by replica."""
    groups = []
    for row in rows:
        if not groups or groups[-1][0] != row[0]:
            groups.append((row[0], []))
        groups[-1][1].append(row[1:])
    return groups


class Context(Plain):
    """[[replica, first, last], ...]"""
    id = schema_id("causal_context")

    def bottom(self):
        return []

    def read(self, r):
        rows, seen = [], []
        for _ in range(r.count(11)):
            seen.append(r.fixed(8))
            runs, floor = r.count(2), 1
            require(runs > 0, "not canonical: replica without an interval")
            for _ in range(runs):
                first = floor + r.varint()
                last = first + r.varint()
                require(last <= MAX_COUNT, "bad value: counter")
                rows.append([seen[-1], first, last])
                floor = last + 2
        ascending(seen)
        return rows

    def write(self, w, value):
        groups = by_replica(value)
        w.varint(len(groups))
        for replica, runs in groups:
            w.fixed(replica, 8)
            w.varint(len(runs))
            floor = 1
            for first, last in runs:
                w.varint(first - floor)
                w.varint(last - first)
                floor = last + 2


def read_dots(r, bitmaps):
    """The dots of a store: per replica chunks of 512 counters, each a list or a bitmap."""
    dots = []
    for _ in range(r.count(11)):
        replica, chunks, floor = r.fixed(8), r.count(3), 0
        require(not dots or dots[-1][0] < replica, "not canonical: replicas do not ascend")
        require(chunks > 0, "not canonical: replica without a chunk")
        for _ in range(chunks):
            chunk, alive, offsets = floor + r.varint(), r.varint(), []
            require(chunk <= MAX_COUNT >> 9 and 1 <= alive <= 512, "bad value: chunk")
            if alive < 32 or not bitmaps:
                least = 0
                for _ in range(alive):
                    offsets.append(least + r.varint())
                    least = offsets[-1] + 1
                require(offsets[-1] < 512, "bad value: offset")
            else:
                bits = r.fixed(64)
                offsets = [i for i in range(512) if bits >> i & 1]
                require(len(offsets) == alive, "not canonical: bitmap")
            dots += [[replica, chunk * 512 + offset] for offset in offsets]
            floor = chunk + 1
    return dots


def write_dots(w, dots, bitmaps):
    groups = by_replica(dots)
    w.varint(len(groups))
    for replica, counters in groups:
        chunks = {}
        for counter, in counters:
            chunks.setdefault(counter >> 9, []).append(counter & 511)
        w.fixed(replica, 8)
        w.varint(len(chunks))
        floor = 0
        for chunk, offsets in chunks.items():
            w.varint(chunk - floor)
            w.varint(len(offsets))
            floor = chunk + 1
            if len(offsets) < 32 or not bitmaps:
                least = 0
                for offset in offsets:
                    w.varint(offset - least)
                    least = offset + 1
            else:
                w.fixed(sum(1 << offset for offset in offsets), 64)


class GSet(Plain):
    def __init__(self, element):
        self.element = element
        self.id = schema_id("g_set", element)

    def bottom(self):
        return []

    def read(self, r):
        values = self.element.read_column(r, r.count())
        ascending([self.element.key(each) for each in values])
        return values

    def write(self, w, value):
        w.varint(len(value))
        self.element.write_column(w, value)


class GMap(Plain):
    def __init__(self, key, value):
        self.keys, self.values = key, value
        self.id = schema_id("g_map", key, value)

    def bottom(self):
        return []

    def read(self, r):
        pairs = [[self.keys.read(r), self.values.read(r)] for _ in range(r.count(2))]
        ascending([self.keys.key(k) for k, _ in pairs])
        require(all(v != self.values.bottom() for _, v in pairs), "not canonical: bottom value")
        return pairs

    def write(self, w, value):
        w.varint(len(value))
        for k, v in value:
            self.keys.write(w, k)
            self.values.write(w, v)


class LwwRegister(Plain):
    def __init__(self, element):
        self.element = element
        self.id = schema_id("lww_register", element)

    def bottom(self):
        return None

    def read(self, r):
        if not Bool().read(r):
            return None
        return {"stamp": r.varint(), "replica": r.fixed(8), "value": self.element.read(r)}

    def write(self, w, value):
        w.u8(0 if value is None else 1)
        if value is not None:
            w.varint(value["stamp"])
            w.fixed(value["replica"], 8)
            self.element.write(w, value["value"])


class MaxRegister(Optional):
    def __init__(self, element):
        super().__init__(element)
        self.id = schema_id("max_register", element)


class MinRegister(Optional):
    def __init__(self, element):
        super().__init__(element)
        self.id = schema_id("min_register", element)


class TwoPSet(GMap):
    """[[element, 1 for present or 2 for removed], ...]"""

    def __init__(self, element):
        super().__init__(element, U8)
        self.id = schema_id("two_p_set", element)

    def read(self, r):
        pairs = super().read(r)
        require(all(stage in (1, 2) for _, stage in pairs), "bad value: stage")
        return pairs


class LwwMap(GMap):
    """A register of an optional value for each key; none is a tombstone."""

    def __init__(self, key, value):
        super().__init__(key, LwwRegister(Optional(value)))
        self.id = schema_id("lww_map", key, value)


LEASE = Record("lease", [("incarnation", Fixed64()), ("clean", Bool()), ("last_dot", U64)])


def snapshot(state):
    codec = Record("gossip_snapshot",
                   [("origin", ReplicaId()), ("next_sequence", U64), ("state", state)])
    codec.id = schema_id("gossip_snapshot", state)
    return codec
