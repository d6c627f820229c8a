#include "launcher/channel/tls.hpp"

#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <fmt/core.h>

#include <cstring>
#include <string_view>

namespace railhead {
namespace {

// Asio keeps its own object in the context's application data, so the key has an index of its own.
int key_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

unsigned copy_key(SSL* ssl, unsigned char* out, unsigned room) {
    auto* key = static_cast<PresharedKey*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), key_index()));
    if (!key || room < key->size()) return 0;
    std::memcpy(out, key->data(), key->size());
    return key->size();
}

unsigned server_key(SSL* ssl, const char*, unsigned char* out, unsigned room) {
    return copy_key(ssl, out, room);
}

unsigned client_key(SSL* ssl, const char*, char* identity, unsigned identity_room, unsigned char* out,
                    unsigned room) {
    constexpr std::string_view name = "railhead";
    if (identity_room <= name.size()) return 0;
    std::memcpy(identity, name.data(), name.size());
    identity[name.size()] = '\0';
    return copy_key(ssl, out, room);
}

int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
}

} // namespace

Result<std::string> make_key_text() {
    PresharedKey key{};
    if (RAND_bytes(key.data(), key.size()) != 1)
        return fail(ErrorKind::internal, {.id = "random",
                                          .thing = "the random generator of OpenSSL",
                                          .seen = "gave no key",
                                          .next = "check that /dev/urandom can be read"});
    std::string text;
    for (auto byte : key) text += fmt::format("{:02x}", byte);
    return text;
}

Result<PresharedKey> key_from(const std::string& text) {
    PresharedKey key{};
    bool good = text.size() == 2 * key.size();
    for (std::size_t i = 0; good && i < key.size(); ++i) {
        int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
        good = high >= 0 && low >= 0;
        key[i] = static_cast<unsigned char>(16 * high + low);
    }
    if (good) return key;
    return fail(ErrorKind::internal,
                {.id = "channel-key",
                 .thing = "the key of the control channel",
                 .seen = fmt::format("has {} characters that are not 64 hex digits", text.size()),
                 .next = "check that the same railhead is installed on every node"});
}

TlsContext::TlsContext(Side side, const PresharedKey& key)
    : key_(std::make_unique<PresharedKey>(key)),
      context_(side == Side::server ? asio::ssl::context::tls_server : asio::ssl::context::tls_client) {
    auto* native = context_.native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION);
    SSL_CTX_set_num_tickets(native, 0);
    SSL_CTX_set_ex_data(native, key_index(), key_.get());
    if (side == Side::server)
        SSL_CTX_set_psk_server_callback(native, server_key);
    else
        SSL_CTX_set_psk_client_callback(native, client_key);
}

} // namespace railhead
