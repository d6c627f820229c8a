#pragma once
#include "base/error.hpp"

#include <asio/ssl/context.hpp>

#include <array>
#include <memory>
#include <string>

namespace railhead {

/// TLS 1.3 with an external pre-shared key and nothing else: no certificate, no file, no name is looked up.
/// RFC 8446 section 2.2; SSL_CTX_set_psk_server_callback(3), SSL_CTX_set_psk_client_callback(3).
using PresharedKey = std::array<unsigned char, 32>;

/// 32 bytes from the kernel's generator, as 64 hex digits. Error (internal) when it cannot be read.
Result<std::string> make_key_text();
Result<PresharedKey> key_from(const std::string& text);

/// A context holds its key; it must outlive the streams made from it.
class TlsContext {
  public:
    enum class Side { server, client };
    TlsContext(Side side, const PresharedKey& key);
    asio::ssl::context& native() { return context_; }

  private:
    std::unique_ptr<PresharedKey> key_;
    asio::ssl::context context_;
};

} // namespace railhead
