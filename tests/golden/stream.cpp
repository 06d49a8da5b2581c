// SPDX-License-Identifier: Apache-2.0
#include <merkle/chunks.hpp>
#include <stream/accumulator.hpp>
#include <stream/certificate.hpp>
#include <stream/checkpoint.hpp>
#include <stream/frontier.hpp>
#include <stream/offset_filter.hpp>
#include <stream/plan.hpp>
#include <stream/source_keyed.hpp>
#include <stream/submission.hpp>
#include <stream/windowed.hpp>

#include "causal_types.hpp"
#include "family.hpp"

namespace golden {

namespace merkle = joinery::merkle;
namespace stream = joinery::stream;

template <>
struct show_type<merkle::chunks> {
    static std::string of(const merkle::chunks& c) {
        std::vector<std::string> leaves;
        for (std::size_t i = 0; i < c.size(); ++i) leaves.push_back(show(c.leaf(i)));
        return object({{"total_bytes", show(c.total_bytes())},
                       {"chunk_size", show(c.chunk_size())},
                       {"leaves", listed(leaves)},
                       {"root", show(c.root())}});
    }
};

template <>
struct show_type<stream::plan> {
    static std::string of(const stream::plan& p) {
        return object({{"generation", show(p.generation)},
                       {"from", show(p.from)},
                       {"members", show(p.members)},
                       {"owners", show(p.owners)},
                       {"acks", show(p.acks)},
                       {"id", show(p.id())}});
    }
};

template <>
struct show_type<stream::increment> {
    static std::string of(const stream::increment& i) {
        return object({{"base_epoch", show(i.base_epoch)},
                       {"base_root", show(i.base_root)},
                       {"root", show(i.root)},
                       {"bytes", show(i.bytes)},
                       {"length", show(i.length)}});
    }
};

template <>
struct show_type<stream::offset_range> {
    static std::string of(const stream::offset_range& o) {
        return listed({show(o.begin), show(o.end)});
    }
};

namespace {

template <class Range, class F>
std::string each_of(const Range& all, F f) {
    std::vector<std::string> parts;
    for (const auto& each : all) parts.push_back(f(each));
    return listed(parts);
}

void add_claim(std::vector<member>& all, const stream::submission& s) {
    all.insert(all.end(),
               {{"root", show(s.root)},
                {"bytes", show(s.bytes)},
                {"groups", each_of(s.groups,
                                   [](const auto& g) {
                                       return listed({show(g.group), show(g.root), show(g.bytes)});
                                   })},
                {"offsets", show(s.offsets)},
                {"records", show(s.records)},
                {"watermark", show(s.watermark)},
                {"base", show(s.base)}});
}
void add_witness(std::vector<member>& all, const stream::submission& s) {
    all.insert(all.end(), {{"worker", show(s.worker)}, {"incarnation", show(s.incarnation)}});
}

std::string said_by(const stream::submission& s) {
    std::vector<member> all{{"member", show(s.member)}};
    add_claim(all, s);
    add_witness(all, s);
    return object(all);
}

} // namespace

template <>
struct show_type<stream::submission> {
    static std::string of(const stream::submission& s) {
        std::vector<member> all{
            {"epoch", show(s.epoch)}, {"plan", show(s.plan)}, {"member", show(s.member)}};
        add_claim(all, s);
        add_witness(all, s);
        all.emplace_back("digest", show(s.digest()));
        return object(all);
    }
};

template <>
struct show_type<stream::certificate> {
    static std::string of(const stream::certificate& c) {
        return object({{"epoch", show(c.epoch)},
                       {"generation", show(c.generation)},
                       {"plan_id", show(c.plan_id)},
                       {"global_root", show(c.global_root)},
                       {"state_root", show(c.state_root)},
                       {"submissions", each_of(c.submissions, said_by)}});
    }
};

// The records below it are read off its bytes: the type shows only what they mean.
template <>
struct show_type<stream::checkpoint> {
    static std::string of(const stream::checkpoint& c) {
        const auto encoded = wire::encode_nested(c);
        wire::reader r(encoded);
        stream::detail::records all;
        all.read(r);
        return object({{"floor", show(all.floor.epoch)},
                       {"oldest_generation", show(all.floor.generation)},
                       {"proof", show(all.floor.proof)},
                       {"plans", each_of(all.plans, [](const auto& e) { return show_plan(e); })},
                       {"cells", each_of(all.cells, [](const auto& e) { return show_cell(e); })},
                       {"acks", each_of(all.acks, [](const auto& e) { return show_ack(e); })}});
    }

private:
    template <class Key>
    static std::vector<member> under(const Key& key) {
        return {{"epoch", show(key.epoch)},
                {"generation", show(key.under.generation)},
                {"plan", show(key.under.id)}};
    }
    static std::string show_plan(const auto& entry) { return show(entry.second.what); }
    static std::string show_cell(const auto& entry) {
        auto all = under(entry.first);
        all.emplace_back("member", show(entry.first.member));
        all.emplace_back("said", each_of(entry.second.kept(), [](const auto& item) {
                             std::vector<member> one;
                             add_claim(one, item.what);
                             add_witness(one, item.what);
                             return object(one);
                         }));
        return object(all);
    }
    static std::string show_ack(const auto& entry) {
        std::vector<std::string> signers;
        for (std::size_t i = 0; i < 2048; ++i)
            if (entry.second.signed_by(i)) signers.push_back(show(i));
        auto all = under(entry.first);
        all.emplace_back("root", show(entry.first.root));
        all.emplace_back("list", each_of(entry.second.list(), [](const auto& each) {
                             std::vector<member> one{{"member", show(each.member)}};
                             add_claim(one, each);
                             return object(one);
                         }));
        all.emplace_back("signers", listed(signers));
        return object(all);
    }
};

template <>
struct show_type<stream::member_time> {
    static std::string of(const stream::member_time& t) {
        return object(
            {{"incarnation", show(t.incarnation)}, {"idle", show(t.idle)}, {"time", show(t.time)}});
    }
};

template <>
struct show_type<stream::detail::offset_ranges> {
    static std::string of(const stream::detail::offset_ranges& o) {
        return each_of(o.ranges(), [](const auto& each) {
            return listed({show(each.begin), show(each.end)});
        });
    }
};

template <class M>
struct show_type<stream::contribution<M>> {
    static std::string of(const stream::contribution<M>& c) {
        return object({{"version", show(c.version)}, {"sum", show(c.sum)}});
    }
};

// Its marks and late updates are read off its bytes.
template <class L>
struct show_type<stream::windowed<L>> {
    static std::string of(const stream::windowed<L>& w) {
        const auto encoded = wire::encode_nested(w);
        wire::reader r(encoded);
        crdt::max_register<std::int64_t> floor, emitted;
        crdt::g_counter late;
        crdt::g_map<std::int64_t, L> windows;
        floor.read(r);
        emitted.read(r);
        late.read(r);
        windows.read(r);
        return object({{"floor", show(floor)},
                       {"emitted", show(emitted)},
                       {"late", show(late)},
                       {"windows", show(windows)}});
    }
};

template <class L>
struct show_type<stream::accumulator<L>> {
    static std::string of(const stream::accumulator<L>& a) {
        return object({{"partition", show(a.partition())},
                       {"next", show(a.next())},
                       {"state", show(a.state())}});
    }
};

namespace {

bytes text(std::size_t length) {
    bytes made;
    for (std::size_t i = 0; i < length; ++i) made.push_back(static_cast<std::byte>(i * 7 % 251));
    return made;
}

stream::submission said(std::uint64_t epoch, const std::string& who, const std::string& worker) {
    stream::submission s;
    s.epoch = epoch;
    s.member = who;
    s.root = merkle::chunks::of(text(epoch * 100 + who.size())).root();
    s.bytes = epoch * 100 + who.size();
    s.offsets["in-" + who] = {epoch * 1000, epoch * 1000 + 1000};
    s.records = 990;
    s.watermark = -5;
    s.worker = worker;
    s.incarnation = 3;
    return s;
}

stream::submission with_groups() {
    auto s = said(300, "w", "");
    s.groups = {{0, {1, 2}, 10}, {70000, {3, 4}, 0}};
    s.base = stream::increment{299, {5, 6}, {7, 8}, 90, 2};
    s.offsets["second"] = {0, 0};
    s.watermark.reset();
    return s;
}

std::vector<stream::plan> plans() {
    stream::plan partitions{1, {"p0", "p1"}, 0, {}, stream::ack_policy::nobody};
    stream::plan workers{300, {"b", "a"}, 70000, {}, stream::ack_policy::majority};
    workers.spread(5);
    return {partitions, workers};
}

std::vector<stream::certificate> certificates() {
    auto low = said(7, "w0", "x"), high = said(7, "w1", "y");
    low.plan = high.plan = {5, 6};
    const auto plain = stream::certificate::of(7, 2, {5, 6}, {low, high});
    low.groups = {{1, {1, 1}, 4}};
    high.groups = {{0, {2, 2}, 5}, {2, {3, 3}, 6}};
    return {stream::certificate::of(0, 0, {}, {}), plain,
            stream::certificate::of(7, 2, {5, 6}, {low, high})};
}

// Pending, complete, stable, conflicted and retired epochs; two plans.
std::vector<stream::checkpoint> checkpoints() {
    stream::checkpoint planned, complete, stable, conflicted, retired;
    planned.set_plan({1, {"p1", "p0"}, 0, {}, stream::ack_policy::majority});
    complete = planned;
    complete.submit(said(1, "p0", "w1"));
    complete.submit(said(1, "p1", "w2"));
    stable = complete;
    const auto under = stable.latest(stream::restore_policy::complete)->plan_id;
    for (const char* who : {"p0", "p1"}) stable.acknowledge(1, under, who);
    conflicted = stable;
    conflicted.submit(said(2, "p1", "w2"));
    auto other = said(2, "p1", "w3");
    other.records = 1;
    conflicted.submit(other);
    retired = stable;
    const auto delta = retired.raise_floor(*stable.latest(stream::restore_policy::stable_only));
    retired.set_plan({2, {"p0", "p1", "p2"}, 3, {}, stream::ack_policy::all});
    return {{}, planned, complete, stable, conflicted, retired, delta};
}

stream::frontier advanced() {
    stream::frontier f;
    f.advance("p0", 1, -70000);
    f.advance("p1", 2, 5);
    f.idle("p2", 3);
    const std::vector<std::string> members{"p0", "p1"};
    f.hold(members);
    return f;
}

stream::offset_filter admitted() {
    stream::offset_filter f;
    for (const std::uint64_t offset : {0U, 1U, 5U, 300U, 4U}) f.admit("p0", offset);
    f.admit("p1", 7);
    return f;
}

std::vector<stream::windowed<crdt::g_counter>> windows() {
    stream::windowed<crdt::g_counter> open;
    const auto count = [](auto& c, auto self) { return c.increment(self, 2); };
    for (const std::int64_t start : {-60, 0, 60}) open.update(ada, start, count);
    auto closed = open;
    closed.expire(0);
    closed.update(bob, -60, count);
    return {{}, open, closed};
}

// Any commutative monoid.
struct total {
    std::uint64_t count = 0;
    std::int64_t sum = 0;
    static constexpr std::string_view schema_name = "total";
    bool operator==(const total&) const = default;
    void combine(const total& other) {
        count += other.count;
        sum += other.sum;
    }
    void write(wire::writer& w) const {
        w.varint(count);
        w.svarint(sum);
    }
    void read(wire::reader& r) {
        count = r.varint();
        sum = r.svarint();
    }
};

} // namespace

template <>
struct show_type<total> {
    static std::string of(const total& t) {
        return object({{"count", show(t.count)}, {"sum", show(t.sum)}});
    }
};

namespace {

stream::source_keyed<total> contributed() {
    stream::source_keyed<total> s;
    s.update(ada, [](total& t) { t.combine({1, -5}); });
    s.update(ada, [](total& t) { t.combine({1, 7}); });
    s.update(eve, [](total& t) { t.combine({300, 70000}); });
    return s;
}

template <class L, class F>
stream::accumulator<L> processed(const std::string& partition, std::uint64_t records, F f) {
    stream::accumulator<L> made(partition);
    for (std::uint64_t n = 0; n < records; ++n) made.process(n, f);
    return made;
}

} // namespace

family stream_family() {
    family all("stream");
    all.memory_multiple = 100;
    all.add<merkle::chunks>("chunks", {{},
                                       merkle::chunks::of(text(1)),
                                       merkle::chunks::of(text(4097)),
                                       merkle::chunks::of(text(70), 10),
                                       merkle::chunks::of(text(33), 8)});
    all.add<stream::plan>("plan", plans());
    all.add<stream::submission>("submission", {{}, said(1, "p0", "w1"), with_groups()});
    all.add<stream::certificate>("certificate", certificates());
    all.add_lattice<stream::checkpoint>("checkpoint@2", checkpoints());
    all.add_lattice<stream::frontier>("frontier", {{}, advanced()});
    all.add_lattice<stream::offset_filter>("offset_filter", {{}, admitted()});
    all.add_lattice<stream::windowed<crdt::g_counter>>("windowed<g_counter>", windows());
    all.add_lattice<stream::source_keyed<total>>("source_keyed<total>", {{}, contributed()});
    using counting = stream::accumulator<crdt::g_counter>;
    const auto count = [](auto& s, auto self) { return s.increment(self, 2); };
    all.add<counting>("accumulator<g_counter>", {{}, processed<crdt::g_counter>("p0", 3, count)});
    using tagging = stream::accumulator<crdt::or_set<std::string>>;
    const auto tag = [](auto& s, auto self) { return s.add(self, "tag"); };
    all.add<tagging>("accumulator<or_set<string>>",
                     {processed<crdt::or_set<std::string>>("p1", 40, tag)});
    return all;
}

} // namespace golden
