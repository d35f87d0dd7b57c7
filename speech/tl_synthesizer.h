/* tl_synthesizer.h - the boundary of the module that speaks. C11, no
 * dependencies.
 *
 * (1) A module speaks one text at a time; whoever wants two at once has two
 *     instances.
 * (2) Pointers are the module's, valid until the next call.
 * (3) Fields are little-endian; a negative result is one of the errors below.
 * (4) It does nothing by itself: each call of tl_synthesizer_next makes the
 *     next stretch of speech, of a bounded length, and costs as much as that.
 *
 * begin -> next, samples, words -> next, ... -> 0. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TL_SYNTHESIZER_ABI_VERSION 1u

#if defined(__wasm__)
#define TL_SYNTHESIZER_EXPORT(name) \
  __attribute__((export_name(#name), visibility("default")))
#else
#define TL_SYNTHESIZER_EXPORT(name) __attribute__((visibility("default")))
#endif

/* The longest text, bytes: more than ten minutes of speech. */
#define TL_SYNTHESIZER_MAX_TEXT_BYTES 16384u
/* The pace, percent of the voice's own. */
#define TL_SYNTHESIZER_MIN_PACE 50u
#define TL_SYNTHESIZER_MAX_PACE 200u

#define TL_SYNTHESIZER_ERR_TEXT (-1) /* too long, or a pace out of range */

/* A word that a stretch says. Words are what white space separates; `index`
 * counts all of them from 0, those that are not spoken (a dash) as well, which
 * have no entry. One that is cut over two stretches (a number of forty digits)
 * has an entry in each. Positions in samples count from the beginning of the
 * text. */
typedef struct {
  uint32_t index;
  uint32_t text_begin; /* bytes of the text, UTF-8: [begin, end) */
  uint32_t text_end;
  uint32_t from_sample; /* [from, to) */
  uint32_t to_sample;
} tl_synthesizer_word;

TL_SYNTHESIZER_EXPORT(tl_synthesizer_abi_version)
uint32_t tl_synthesizer_abi_version(void);

/* Samples a second of what it makes: 8000 or 16000, constant. */
TL_SYNTHESIZER_EXPORT(tl_synthesizer_rate_hz)
uint32_t tl_synthesizer_rate_hz(void);

/* Where to write a text of `len` bytes; NULL if it is too long. What was there
 * is gone, and what is left of the text before it will not be spoken. */
TL_SYNTHESIZER_EXPORT(tl_synthesizer_inbox)
uint8_t* tl_synthesizer_inbox(uint32_t len);

/* Takes the text of `len` bytes in the inbox, UTF-8; what is malformed is
 * passed over. `pace` is in percent, 100 the voice's own. Returns the number
 * of its words. Costs nothing worth mentioning: nothing is spoken yet. */
TL_SYNTHESIZER_EXPORT(tl_synthesizer_begin)
int32_t tl_synthesizer_begin(uint32_t len, uint32_t pace);

/* Speaks the next stretch: a sentence, or a part of one that is long. Returns
 * how many samples it has, 0 after the last. */
TL_SYNTHESIZER_EXPORT(tl_synthesizer_next)
int32_t tl_synthesizer_next(void);

/* Of the last stretch: its samples, and the words in it, ascending. */
TL_SYNTHESIZER_EXPORT(tl_synthesizer_samples)
const int16_t* tl_synthesizer_samples(void);
TL_SYNTHESIZER_EXPORT(tl_synthesizer_words)
const tl_synthesizer_word* tl_synthesizer_words(void);
TL_SYNTHESIZER_EXPORT(tl_synthesizer_word_count)
uint32_t tl_synthesizer_word_count(void);

#ifdef __cplusplus
} /* extern "C" */
#endif
