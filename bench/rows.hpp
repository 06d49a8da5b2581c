// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "measure.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::bench {

/// What a row must reach, and what it would ideally reach.
struct aim {
    double bar = 0;
    double goal = 0;
};

enum class better { less, more };

struct row {
    std::string name;
    std::string unit;
    double value = 0;
    aim to;
    better wanted = better::less;
    double spread = 0;
    bool measured = true;

    bool reaches(double mark) const {
        return measured && (wanted == better::less ? value <= mark : value >= mark);
    }
    bool holds() const { return reaches(to.bar); }
};

/// The rows of a subject, printed as they come, written as JSON at the end.
class rows {
public:
    rows(std::string subject, const options& given) : subject_(std::move(subject)), given_(given) {
        std::printf("%-62s %12s %12s %12s  %s\n", subject_.c_str(), "value", "bar", "goal",
                    "spread");
    }

    bool wanted(std::string_view name) const { return given_.wants(name); }

    /// Runs f(*this) if one of its rows is wanted. A name of which f makes no row is a row that
    /// could not be measured.
    void section(std::initializer_list<std::string> names, const std::function<void(rows&)>& f) {
        if (std::none_of(names.begin(), names.end(),
                         [&](const std::string& each) { return wanted(each); }))
            return;
        f(*this);
        for (const std::string& each : names)
            if (!has(each)) add({each, "", 0, {}, better::less, 0, false});
    }

    /// How many times faster than the baseline.
    void faster(const std::string& name, const timing& base, const timing& ours, const aim& to) {
        tell(name, ours, base);
        ratio(name, "x", over(base.rounds, ours.rounds), 1, to, better::more);
    }
    /// How many times the time of what bounds it.
    void times(const std::string& name, const timing& ours, const timing& bound, const aim& to) {
        tell(name, ours, bound);
        ratio(name, "x", over(ours.rounds, bound.rounds), 1, to, better::less);
    }
    /// Nanoseconds on the reference machine, where the anchor takes `reference_ns`.
    void scaled(const std::string& name, const timing& ours, const timing& anchor,
                double reference_ns, const aim& to) {
        tell(name, ours, anchor);
        ratio(name, "ns", over(ours.rounds, anchor.rounds), reference_ns, to, better::less);
    }
    /// A figure that does not depend on the clock.
    void figure(const std::string& name, const std::string& unit, double value, const aim& to,
                better way = better::less, double spread_of = 0) {
        add({name, unit, value, to, way, spread_of, true});
    }

    /// Says which rows fall short and writes the file; what main returns.
    int finish() const {
        std::size_t below = 0, between = 0;
        for (const row& each : rows_) {
            if (each.holds()) {
                between += each.reaches(each.to.goal) ? 0U : 1U;
                continue;
            }
            ++below;
            std::printf("BELOW BAR   %s: %s%s\n", each.name.c_str(), value_of(each).c_str(),
                        each.measured ? "" : " (cannot be measured yet)");
        }
        std::printf("%s: %zu rows, %zu below the bar, %zu between bar and goal\n", subject_.c_str(),
                    rows_.size(), below, between);
        if (!given_.json.empty()) write_json();
        return 0;
    }

private:
    /// The times here and now, from which the row is made.
    void tell(const std::string& name, const timing& ours, const timing& other) const {
        if (wanted(name))
            std::printf("  %s %.4g ns, %s %.4g ns\n", ours.name.c_str(), ours.ns(),
                        other.name.c_str(), other.ns());
    }

    void ratio(const std::string& name, const std::string& unit, std::vector<double> rounds,
               double by, const aim& to, better way) {
        for (double& each : rounds) each *= by;
        add({name, unit, rounds.empty() ? 0 : median(rounds), to, way,
             rounds.empty() ? 0 : bench::spread(rounds), !rounds.empty()});
    }

    void add(row made) {
        if (!wanted(made.name)) return;
        const char* word = !made.holds()                 ? "  BELOW BAR"
                           : !made.reaches(made.to.goal) ? "  below goal"
                                                         : "";
        std::printf("%-62s %12s %12.4g %12.4g  %3.0f%%%s\n", made.name.c_str(),
                    value_of(made).c_str(), made.to.bar, made.to.goal, 100 * made.spread, word);
        std::fflush(stdout);
        rows_.push_back(std::move(made));
    }

    bool has(std::string_view name) const {
        return !wanted(name) || std::any_of(rows_.begin(), rows_.end(),
                                            [&](const row& each) { return each.name == name; });
    }

    static std::string value_of(const row& of) {
        char text[64];
        std::snprintf(text, sizeof text, "%.4g %s", of.value, of.unit.c_str());
        return text;
    }

    static std::string quoted(const std::string& text) {
        std::string made = "\"";
        for (const char each : text) {
            if (each == '"' || each == '\\') made += '\\';
            made += each;
        }
        return made + '"';
    }

    static std::string number(double value) {
        char text[32];
        std::snprintf(text, sizeof text, "%.6g", value);
        return text;
    }

    void write_json() const {
        std::ofstream out(given_.json);
        out << "[\n";
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const row& each = rows_[i];
            out << "  {\"subject\": " << quoted(subject_) << ", \"name\": " << quoted(each.name)
                << ", \"value\": " << number(each.value) << ", \"unit\": " << quoted(each.unit)
                << ", \"bar\": " << number(each.to.bar)
                << ", \"better\": " << (each.wanted == better::less ? "\"less\"" : "\"more\"")
                << ", \"holds\": " << (each.holds() ? "true" : "false")
                << (i + 1 < rows_.size() ? "},\n" : "}\n");
        }
        out << "]\n";
    }

    std::string subject_;
    options given_;
    std::vector<row> rows_;
};

} // namespace joinery::bench
