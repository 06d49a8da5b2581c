// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "descriptor.hpp"
#include "failure.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace cluster {

// A process whose lines of output are read and to which lines are written, through pipes. Its
// errors go where ours go. A process that is still running when this ends is killed.
class child_process {
public:
    explicit child_process(const std::vector<std::string>& command) {
        auto input = make_pipe();
        auto output = make_pipe();
        process_ = ::fork();
        if (process_ < 0) throw system_failure("cannot start a process");
        if (process_ == 0) run(command, input.first.get(), output.second.get());
        input_ = std::move(input.second);
        output_ = std::move(output.first);
        output_.set_nonblocking();
    }
    child_process(child_process&& other) noexcept
        : process_(std::exchange(other.process_, -1)),
          input_(std::move(other.input_)),
          output_(std::move(other.output_)),
          partial_(std::move(other.partial_)),
          lines_(std::move(other.lines_)),
          status_(other.status_) {}
    child_process& operator=(child_process&& other) noexcept {
        if (this != &other) {
            end();
            process_ = std::exchange(other.process_, -1);
            input_ = std::move(other.input_);
            output_ = std::move(other.output_);
            partial_ = std::move(other.partial_);
            lines_ = std::move(other.lines_);
            status_ = other.status_;
        }
        return *this;
    }
    ~child_process() { end(); }

    int output_fd() const { return output_.get(); }
    bool running() const { return process_ > 0 && !status_; }

    // A line to a process that has just died is lost. Precondition: SIGPIPE is ignored.
    void write_line(const std::string& line) {
        const std::string text = line + "\n";
        [[maybe_unused]] const auto written = ::write(input_.get(), text.data(), text.size());
    }

    // The next whole line that the process has written, if there is one yet.
    std::optional<std::string> read_line() {
        fill();
        if (lines_.empty()) return std::nullopt;
        std::string line = std::move(lines_.front());
        lines_.pop_front();
        return line;
    }

    // The exit status, 128 + signal if killed; nothing while it runs.
    std::optional<int> status() {
        if (running()) {
            int raw = 0;
            if (::waitpid(process_, &raw, WNOHANG) == process_) note(raw);
        }
        return status_;
    }
    int wait() {
        int raw = 0;
        while (running()) {
            const pid_t ended = ::waitpid(process_, &raw, 0);
            if (ended == process_) note(raw);
            if (ended < 0 && errno != EINTR) status_ = 255;
        }
        return status_.value_or(255);
    }
    void kill() {
        if (running()) ::kill(process_, SIGKILL);
    }

private:
    static std::pair<descriptor, descriptor> make_pipe() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw system_failure("cannot make a pipe");
        return {descriptor(ends[0]), descriptor(ends[1])};
    }

    [[noreturn]] static void run(const std::vector<std::string>& command, int input, int output) {
        std::vector<char*> arguments;
        for (const std::string& each : command)
            arguments.push_back(const_cast<char*>(each.c_str()));
        arguments.push_back(nullptr);
        ::dup2(input, STDIN_FILENO);
        ::dup2(output, STDOUT_FILENO);
        ::signal(SIGPIPE, SIG_DFL);
        ::execv(arguments[0], arguments.data());
        const std::string message = "cannot run " + command.front() + "\n";
        [[maybe_unused]] const auto ignored = ::write(2, message.data(), message.size());
        ::_exit(127);
    }

    void fill() {
        std::array<char, 4096> buffer{};
        for (;;) {
            const ssize_t got = ::read(output_.get(), buffer.data(), buffer.size());
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return;
            for (const char each : std::string_view(buffer.data(), static_cast<std::size_t>(got))) {
                if (each == '\n') {
                    lines_.push_back(std::exchange(partial_, {}));
                } else {
                    partial_.push_back(each);
                }
            }
        }
    }

    void note(int raw) { status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw); }
    void end() {
        kill();
        if (running()) wait();
    }

    pid_t process_ = -1;
    descriptor input_;
    descriptor output_;
    std::string partial_;
    std::deque<std::string> lines_;
    std::optional<int> status_;
};

} // namespace cluster
