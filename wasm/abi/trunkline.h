/* trunkline.h - the one boundary of the core. C11, no dependencies.
 *
 * (1) Handles are u32 slot+generation; 0 is never valid.
 * (2) Buffers are pointer+length, owned by the core, valid until the next
 *     tl_ call.
 * (3) A negative tl_status means that nothing changed.
 * (4) Time is u64 microseconds, monotonic, any epoch.
 * (5) Fields are little-endian.
 * (6) Tags and codes are append-only; any other change bumps TL_ABI_VERSION.
 *
 * Contract: one input -> drain every effect -> next input. An input that
 * arrives while effects of the former one wait is refused with
 * TL_ERR_UNDRAINED.
 *
 * docs/boundary.md documents the JSON that crosses here: configuration,
 * commands, events and the summary. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TL_ABI_VERSION 1u

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
#define TL_ERR_INPUT (-3)     /* unknown tag or port, or a body that is short */
#define TL_ERR_ENDED (-4)     /* the session has emitted ENDED; it is over    */

/* The longest body that one input may have, bytes. A peer's frame above it is
 * not delivered but reported as TL_INPUT_SOCKET_OVERSIZE. 1 MiB is twenty
 * times the longest message an agent has been seen to send. */
#define TL_MAX_INPUT_BYTES 1048576u

/* Sessions that one module can hold. The shim keeps one a module; native tools
 * hold more. */
#define TL_MAX_SESSIONS 64u

/* Ports: who is at the other end of a socket. */
#define TL_PORT_LEG 0u   /* the caller's side */
#define TL_PORT_AGENT 1u /* the AI side       */
#define TL_PORT_COUNT 2u

/* Inputs. The low 16 bits of `tag` are one of these, the high 16 bits the port
 * (0 where an input has none). */
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
#define TL_INPUT_COMMAND 7u    /* body: JSON, docs/boundary.md           */
#define TL_INPUT_AUTHORIZED 8u /* body: u8 TL_VERDICT_*                  */

#define TL_VERDICT_GRANTED 0u
#define TL_VERDICT_FOREIGN 1u /* not signed by us, or made for another call */
#define TL_VERDICT_EXPIRED 2u
#define TL_VERDICT_USED 3u
#define TL_VERDICT_MISSING 4u /* the stream brought no token */

/* Effects. A record is 8-aligned:
 *   u16 tag | u16 flags | u32 body_len | u64 arg | body | zero pad to 8
 * `flags` is 0 unless said otherwise. Tag 0: the rest is padding. */
#define TL_EFFECT_SEND_TEXT 1u   /* arg: port; body: UTF-8                    */
#define TL_EFFECT_SEND_BINARY 2u /* arg: port; body: bytes */
/* arg: port; body: JSON {"upstream","path","protocols":[]}. Answered by
 * SOCKET_OPENED or SOCKET_CLOSED on the same port. */
#define TL_EFFECT_CONNECT 3u
#define TL_EFFECT_CLOSE 4u /* arg: port | close code << 32; body: reason  */
#define TL_EFFECT_DEADLINE                  \
  5u /* arg: instant us, UINT64_MAX = none. \
        Replaces the former; TIMER is due then      */
#define TL_EFFECT_AUTHORIZE                                               \
  6u                       /* body: JSON {"token","callSid","streamSid"}. \
                              Answered by AUTHORIZED                      */
#define TL_EFFECT_EVENT 7u /* body: JSON, docs/boundary.md                */
#define TL_EFFECT_ENDED 8u /* body: JSON summary; exactly once, last      */
/* arg: granule position at the end of the body, samples at 48 kHz; body: one or
 * more whole Ogg pages of the call's recording, in order, about a second's
 * worth. The first has the stream's headers, unless the session goes on with a
 * former one's recording; the last carries EOS and comes before ENDED. */
#define TL_EFFECT_RECORD 9u

/* Returns TL_ABI_VERSION of the build. */
TL_EXPORT(tl_abi_version) uint32_t tl_abi_version(void);

/* Returns where to write the next `len` bytes of input; NULL if `len` exceeds
 * TL_MAX_INPUT_BYTES. One buffer for the module: the next call reuses it. */
TL_EXPORT(tl_inbox) uint8_t* tl_inbox(uint32_t len);

/* Opens a call at `now_us` from the JSON configuration in the inbox. Returns 0
 * if it is refused: not valid, or TL_MAX_SESSIONS are open. Drain effects
 * before the first input. */
TL_EXPORT(tl_session_create)
tl_handle tl_session_create(uint64_t now_us, uint32_t config_len);

/* Frees the session without effects. An unknown handle is ignored. */
TL_EXPORT(tl_session_destroy) void tl_session_destroy(tl_handle session);

/* Feeds one input whose body is the first `len` bytes of the inbox. A `now_us`
 * before the former one counts as the former one. */
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
