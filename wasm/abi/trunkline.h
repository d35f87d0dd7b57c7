/* trunkline.h - the one boundary of the core. C11, no dependencies.
 *
 * (1) Handles are u32 slot+generation; 0 is never valid.
 * (2) Buffers are pointer+length, owned by the core, valid until the next
 *     tl_ call.
 * (3) A negative tl_status means that nothing changed; others are no error.
 * (4) Time is u64 microseconds, monotonic, any epoch.
 * (5) Fields are little-endian.
 * (6) Tags and codes are append-only; any other change bumps TL_ABI_VERSION.
 *
 * Contract: one input -> drain every effect -> next input. An input that
 * arrives while effects of the former one wait is refused with
 * TL_ERR_UNDRAINED.
 *
 * docs/boundary.md documents the JSON that crosses here: configuration,
 * requests, commands, events and the summary. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TL_ABI_VERSION 3u

#if defined(__wasm__)
#define TL_EXPORT(name) \
  __attribute__((export_name(#name), visibility("default")))
#else
#define TL_EXPORT(name) __attribute__((visibility("default")))
#endif

typedef uint32_t tl_handle;
typedef int32_t tl_status;

#define TL_OK 0
#define TL_ERR_HANDLE (-1)    /* no live session behind the handle            */
#define TL_ERR_UNDRAINED (-2) /* effects of the former input still wait */
#define TL_ERR_INPUT (-3)     /* unknown tag, or a body that is not its own   */
#define TL_ERR_ENDED (-4)     /* the session has emitted ENDED; it is over    */

/* The longest body that one input may have, bytes. A peer's frame above it is
 * not delivered but reported as TL_INPUT_SOCKET_OVERSIZE. 1 MiB is twenty
 * times the longest message an agent has been seen to send. */
#define TL_MAX_INPUT_BYTES 1048576u

/* Sessions that one module can hold. The shim keeps one a module; native tools
 * hold more. */
#define TL_MAX_SESSIONS 64u

/* Channels: one socket or one HTTP exchange each. The leg's socket is number 0;
 * it comes by itself, or never. The core numbers the others, from 1 up, by the
 * effect that asks for one; a number is never in use twice at a time. */
#define TL_CHANNEL_LEG 0u

/* Channels that are open at a time beside the leg's. The core asks for no more:
 * whatever in it wants another one is refused there. */
#define TL_MAX_CHANNELS 16u

/* Inputs. The low 16 bits of `tag` are one of these, the high 16 bits the
 * channel (0 where an input has none). One for a channel that is not open is
 * TL_OK and changes nothing: it has crossed with the channel's end. */
#define TL_INPUT_SOCKET_OPENED 1u /* body: chosen subprotocol, may be empty */
#define TL_INPUT_SOCKET_TEXT 2u   /* body: UTF-8, not yet validated           */
#define TL_INPUT_SOCKET_BINARY 3u /* body: bytes */
/* Body: u16 close code (1006 without a close frame), u16 HTTP status (0 unless
 * an upgrade that a CONNECT asked for was refused), UTF-8 reason. */
#define TL_INPUT_SOCKET_CLOSED 4u
#define TL_INPUT_SOCKET_OVERSIZE                                        \
  5u                           /* body: u64 length of the dropped frame \
                                */
#define TL_INPUT_TIMER 6u      /* no body; early and late are harmless   */
#define TL_INPUT_COMMAND 7u    /* body: JSON {"id","source","command"}   */
#define TL_INPUT_AUTHORIZED 8u /* body: u8 TL_VERDICT_*                  */
/* Body: u16 status, u16 0, JSON object of the response headers that FETCH asked
 * for and that are there, by their lower-case names. */
#define TL_INPUT_HTTP_HEADERS 9u
#define TL_INPUT_HTTP_CHUNK 10u /* body: bytes of the response, in order */
#define TL_INPUT_HTTP_DONE 11u  /* no body; the response is whole        */
/* Body: u8 TL_HTTP_FAILED_*, UTF-8 reason. No more comes of the exchange. */
#define TL_INPUT_HTTP_FAILED 12u
/* Body: u8 1 if it was found, else 0; u8 0; u16 length of the name; the name;
 * the bytes. */
#define TL_INPUT_RESOURCE 13u

#define TL_VERDICT_GRANTED 0u
#define TL_VERDICT_FOREIGN 1u /* not signed by us, or made for another call */
#define TL_VERDICT_EXPIRED 2u
#define TL_VERDICT_USED 3u
#define TL_VERDICT_MISSING 4u /* the stream brought no token */

#define TL_HTTP_FAILED_UPSTREAM 0u  /* unknown, or not configured           */
#define TL_HTTP_FAILED_NETWORK 1u   /* not reached, or broken off           */
#define TL_HTTP_FAILED_TIMEOUT 2u   /* no headers, or no next chunk in time */
#define TL_HTTP_FAILED_TOO_LARGE 3u /* longer than the bound of the FETCH   */
#define TL_HTTP_FAILED_REFUSED 4u   /* not sent: the reason says why        */

/* Effects. A record is 8-aligned:
 *   u16 tag | u16 flags | u32 body_len | u64 arg | body | zero pad to 8
 * `flags` is 0 unless said otherwise. Tag 0: the rest is padding. */
#define TL_EFFECT_SEND_TEXT 1u   /* arg: channel; body: UTF-8                 */
#define TL_EFFECT_SEND_BINARY 2u /* arg: channel; body: bytes */
/* arg: channel, a new one; body: JSON {"upstream","path","protocols":[]}.
 * Answered by SOCKET_OPENED or SOCKET_CLOSED. */
#define TL_EFFECT_CONNECT 3u
/* arg: channel | close code << 32; body: reason. Nothing more is wanted of the
 * socket, or of the attempt to open it. */
#define TL_EFFECT_CLOSE 4u
#define TL_EFFECT_DEADLINE                  \
  5u /* arg: instant us, UINT64_MAX = none. \
        Replaces the former; TIMER is due then      */
#define TL_EFFECT_AUTHORIZE                                         \
  6u                       /* body: JSON                            \
                              {"token","carrierCallId","streamId"}. \
                              Answered by AUTHORIZED                       */
#define TL_EFFECT_EVENT 7u /* body: JSON, docs/boundary.md                */
#define TL_EFFECT_ENDED 8u /* body: JSON summary; exactly once, last      */
/* arg: granule position at the end of the body, samples at 48 kHz; body: one or
 * more whole Ogg pages of the call's recording, in order, about a second's
 * worth. The first has the stream's headers, unless the session goes on with a
 * former one's recording; the last carries EOS and comes before ENDED. */
#define TL_EFFECT_RECORD 9u
/* arg: channel, a new one; body: u32 length of the JSON, the JSON
 * (docs/boundary.md), the request's body or its parts one behind the other.
 * Answered by HTTP_HEADERS, HTTP_CHUNKs and HTTP_DONE, any of which
 * HTTP_FAILED may replace. */
#define TL_EFFECT_FETCH 10u
#define TL_EFFECT_FETCH_ABORT                       \
  11u /* arg: channel; nothing more is wanted of it \
       */
/* arg: channel | bytes << 32: so many bytes of the response have been used up,
 * as many more may be delivered. */
#define TL_EFFECT_FETCH_CREDIT 12u
#define TL_EFFECT_LOAD_RESOURCE 13u /* body: a name. Answered by RESOURCE */
/* Body: JSON {"id","status"}. Exactly one for each COMMAND, before ENDED. */
#define TL_EFFECT_COMMAND_RESULT 14u
/* Body: a text that only the core reads; replaces the former one. A session
 * that follows a lost object gets it back in its configuration. */
#define TL_EFFECT_SNAPSHOT 15u

/* Returns TL_ABI_VERSION of the build. */
TL_EXPORT(tl_abi_version) uint32_t tl_abi_version(void);

/* Returns where to write the next `len` bytes of input; NULL if `len` exceeds
 * TL_MAX_INPUT_BYTES. One buffer for the module: the same place each time, so
 * that a host that has asked once need not again. */
TL_EXPORT(tl_inbox) uint8_t* tl_inbox(uint32_t len);

/* Opens a call at `now_us` from the JSON configuration in the inbox. Returns 0
 * if it is refused: not valid, or TL_MAX_SESSIONS are open. Drain effects
 * before the first input. */
TL_EXPORT(tl_session_create)
tl_handle tl_session_create(uint64_t now_us, uint32_t config_len);

/* Frees the session without effects. An unknown handle is ignored. */
TL_EXPORT(tl_session_destroy) void tl_session_destroy(tl_handle session);

/* Feeds one input whose body is the first `len` bytes of the inbox. A `now_us`
 * before the former one counts as the former one. Returns how many bytes of
 * effects it has left, as tl_effects_len would: TL_OK if there are none, as for
 * most frames of a caller who is not answered. */
TL_EXPORT(tl_session_input)
tl_status tl_session_input(tl_handle session, uint64_t now_us, uint32_t tag,
                           uint32_t len);

/* Whole records, in order, that have not been consumed. */
TL_EXPORT(tl_effects) const uint8_t* tl_effects(tl_handle session);
TL_EXPORT(tl_effects_len) uint32_t tl_effects_len(tl_handle session);

/* Drops the first `len` bytes; `len` must end on a record, else nothing is
 * dropped. */
TL_EXPORT(tl_effects_consume)
void tl_effects_consume(tl_handle session, uint32_t len);

#ifdef __cplusplus
} /* extern "C" */
#endif
