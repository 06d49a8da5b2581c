// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../cluster/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nats/nats.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace broker {

using cluster::failure;

inline failure nats_failure(const std::string& what, natsStatus status) {
    return failure(what + ": " + natsStatus_GetText(status));
}
inline void check(natsStatus status, const std::string& what) {
    if (status != NATS_OK) throw nats_failure(what, status);
}

// Owns what the NATS library gives out by pointer.
template <class T, auto destroy>
struct destroyer {
    void operator()(T* owned) const { destroy(owned); }
};
template <class T, auto destroy>
using owned = std::unique_ptr<T, destroyer<T, destroy>>;

// One message as it came.
class message {
public:
    explicit message(natsMsg* received) : received_(received) {}

    std::string_view subject() const { return natsMsg_GetSubject(received_.get()); }
    // Where an answer goes; empty if none is asked for.
    std::string_view reply() const {
        const char* subject = natsMsg_GetReply(received_.get());
        return subject == nullptr ? std::string_view() : subject;
    }
    std::string_view text() const {
        return {natsMsg_GetData(received_.get()),
                static_cast<std::size_t>(natsMsg_GetDataLength(received_.get()))};
    }
    std::span<const std::byte> bytes() const { return std::as_bytes(std::span(text())); }
    // Its place in the stream that it was read from, from 1 on. Throws failure if it has none.
    std::uint64_t sequence() const {
        jsMsgMetaData* found = nullptr;
        check(natsMsg_GetMetaData(&found, received_.get()), "a message without its sequence");
        const owned<jsMsgMetaData, jsMsgMetaData_Destroy> kept(found);
        return kept->Sequence.Stream;
    }

private:
    owned<natsMsg, natsMsg_Destroy> received_;
};

// What came on a subject and was not taken yet.
class subscription {
public:
    subscription() = default;
    explicit subscription(natsSubscription* made) : made_(made) {}

    std::optional<message> next() const {
        natsMsg* received = nullptr;
        const natsStatus status = natsSubscription_NextMsg(&received, made_.get(), 0);
        if (status == NATS_OK) return message(received);
        // A reader that fell behind has lost messages: gossip and requests are repeated anyway.
        if (status == NATS_TIMEOUT || status == NATS_SLOW_CONSUMER ||
            status == NATS_NO_RESPONDERS) {
            return std::nullopt;
        }
        throw nats_failure("cannot receive", status);
    }
    natsSubscription* get() const { return made_.get(); }

private:
    owned<natsSubscription, natsSubscription_Destroy> made_;
};

// A connection to the broker. It comes back by itself when the broker does; what is published
// meanwhile waits for that.
class nats_client {
public:
    explicit nats_client(const std::string& url) {
        natsOptions* made = nullptr;
        check(natsOptions_Create(&made), "cannot make options");
        const owned<natsOptions, natsOptions_Destroy> options(made);
        const auto set = [](natsStatus status) { check(status, "cannot set an option"); };
        set(natsOptions_SetURL(options.get(), url.c_str()));
        set(natsOptions_SetReconnectWait(options.get(), 50));
        set(natsOptions_SetMaxReconnect(options.get(), 1200));
        natsConnection* connection = nullptr;
        check(natsConnection_Connect(&connection, options.get()), "cannot connect to " + url);
        connection_.reset(connection);
        jsCtx* streams = nullptr;
        check(natsConnection_JetStream(&streams, connection, nullptr), "no JetStream");
        streams_.reset(streams);
    }

    void publish(const std::string& subject, std::span<const std::byte> bytes,
                 const std::string& reply = {}) {
        const auto* data = bytes.data();
        const auto size = static_cast<int>(bytes.size());
        const natsStatus status =
            reply.empty() ? natsConnection_Publish(connection_.get(), subject.c_str(), data, size)
                          : natsConnection_PublishRequest(connection_.get(), subject.c_str(),
                                                          reply.c_str(), data, size);
        // What a broken connection swallows is lost, as with any network.
        if (status != NATS_IO_ERROR && status != NATS_INSUFFICIENT_BUFFER &&
            status != NATS_CONNECTION_DISCONNECTED) {
            check(status, "cannot publish to " + subject);
        }
    }
    subscription subscribe(const std::string& subject) {
        natsSubscription* made = nullptr;
        check(natsConnection_SubscribeSync(&made, connection_.get(), subject.c_str()),
              "cannot subscribe to " + subject);
        return subscription(made);
    }
    // A subject that nobody else uses.
    static std::string new_inbox() {
        natsInbox* made = nullptr;
        check(natsInbox_Create(&made), "cannot make an inbox");
        const owned<natsInbox, natsInbox_Destroy> kept(made);
        return kept.get();
    }
    jsCtx* streams() { return streams_.get(); }

private:
    owned<natsConnection, natsConnection_Destroy> connection_;
    owned<jsCtx, jsCtx_Destroy> streams_;
};

} // namespace broker
