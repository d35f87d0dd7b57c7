#pragma once

#include <cstddef>
#include <string_view>

// How keys and their names are written, and the words around them that are
// none: what secrets.cc goes by. In small letters but for kKeyId.

namespace trunkline::session::secrets {

inline constexpr std::string_view kPrefixes[] = {
    "sk-",  "sk_",  "ek_",  "eyj",  "whsec_", "sb_secret_",  "ghp_",  "gho_",
    "ghu_", "ghs_", "ghr_", "gsk_", "glpat-", "github_pat_", "xoxb-", "xoxp-"};
// The identifiers of a cloud's keys, in capitals and digits.
inline constexpr std::string_view kKeyId = "AKIA";
inline constexpr size_t kKeyIdBytes = 20;
inline constexpr std::string_view kSchemes[] = {"basic", "digest", "token",
                                                "apikey", "negotiate"};
// How the names of keys end, without hyphens and underscores.
inline constexpr std::string_view kNames[] = {
    "apikey",     "secretkey",    "accesskey",  "accesskeyid",
    "privatekey", "authkey",      "sessionkey", "subscriptionkey",
    "token",      "secret",       "password",   "passwd",
    "passphrase", "pwd",          "credential", "credentials",
    "signature",  "jwt",          "cookie",     "nonce",
    "signingkey", "encryptionkey"};
// What a key is of, as a word before it.
inline constexpr std::string_view kKinds[] = {"api", "secret", "access",
                                              "private"};
// Those of a key only if the value looks like one.
inline constexpr std::string_view kWeakNames[] = {"key", "auth", "sig"};
inline constexpr std::string_view kDigestNames[] = {"username", "response",
                                                    "opaque"};
// The parameters that a scheme may have first.
inline constexpr std::string_view kParameters[] = {
    "username", "realm", "nonce", "uri",     "response", "algorithm",
    "qop",      "nc",    "error", "charset", "scope",    "opaque"};
// Between a name and its value.
inline constexpr std::string_view kParticiples[] = {
    "provided", "supplied", "given", "received", "is", "was"};
// What stands behind a name or a scheme and is no value.
inline constexpr std::string_view kWords[] = {"a",
                                              "access",
                                              "an",
                                              "and",
                                              "are",
                                              "array",
                                              "auth",
                                              "authentication",
                                              "authorization",
                                              "boolean",
                                              "cannot",
                                              "challenge",
                                              "credential",
                                              "credentials",
                                              "empty",
                                              "error",
                                              "expired",
                                              "failed",
                                              "false",
                                              "field",
                                              "for",
                                              "format",
                                              "from",
                                              "has",
                                              "header",
                                              "headers",
                                              "in",
                                              "incorrect",
                                              "invalid",
                                              "is",
                                              "key",
                                              "keys",
                                              "malformed",
                                              "missing",
                                              "must",
                                              "no",
                                              "none",
                                              "not",
                                              "null",
                                              "number",
                                              "object",
                                              "of",
                                              "only",
                                              "or",
                                              "prefix",
                                              "realm",
                                              "rejected",
                                              "required",
                                              "revoked",
                                              "scheme",
                                              "schemes",
                                              "string",
                                              "the",
                                              "to",
                                              "token",
                                              "tokens",
                                              "true",
                                              "type",
                                              "undefined",
                                              "unknown",
                                              "value",
                                              "was",
                                              "with",
                                              "wrong"};

}  // namespace trunkline::session::secrets
