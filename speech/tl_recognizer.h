/* tl_recognizer.h - the boundary of the module that listens. C11, no
 * dependencies.
 *
 * (1) A module hears one utterance at a time; whoever listens to two callers
 *     has two instances.
 * (2) Pointers are the module's, valid until the next call.
 * (3) Fields are little-endian; a negative result is one of the errors below,
 *     and nothing has changed but what a function says.
 * (4) Nothing takes longer than its input: audio comes in slices, and so does
 *     the dictionary.
 *
 * file... -> open -> language -> dictionary... -> use -> (start -> feed... ->
 * finish)... ; another language may be given between utterances. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TL_RECOGNIZER_ABI_VERSION 1u

#if defined(__wasm__)
#define TL_RECOGNIZER_EXPORT(name) \
  __attribute__((export_name(#name), visibility("default")))
#else
#define TL_RECOGNIZER_EXPORT(name) __attribute__((visibility("default")))
#endif

#define TL_RECOGNIZER_ERR_ORDER (-1)  /* not the turn of this function       */
#define TL_RECOGNIZER_ERR_INPUT (-2)  /* too long, or out of range           */
#define TL_RECOGNIZER_ERR_MODEL (-3)  /* the model is not one: see _error    */
#define TL_RECOGNIZER_ERR_EMPTY (-4)  /* no word of the language is known    */
#define TL_RECOGNIZER_ERR_FULL (-5)   /* the utterance is as long as may be  */
#define TL_RECOGNIZER_ERR_SEARCH (-6) /* recognition failed: see _error */

/* The files of the acoustic model, by which they are handed over. */
#define TL_RECOGNIZER_FILE_MDEF 0u
#define TL_RECOGNIZER_FILE_MEANS 1u
#define TL_RECOGNIZER_FILE_VARIANCES 2u
#define TL_RECOGNIZER_FILE_TRANSITIONS 3u
#define TL_RECOGNIZER_FILE_SENDUMP 4u
#define TL_RECOGNIZER_FILE_FEATURES 5u /* feat.params */
#define TL_RECOGNIZER_FILE_NOISES 6u   /* noisedict   */
#define TL_RECOGNIZER_FILES 7u
/* All of them together, bytes. */
#define TL_RECOGNIZER_MAX_MODEL_BYTES 8388608u

/* What one call takes from the inbox, bytes: half a second at 16 kHz would be
 * 16000, a slice of the dictionary may be more. */
#define TL_RECOGNIZER_MAX_INBOX_BYTES 65536u
/* Samples of one feed. */
#define TL_RECOGNIZER_MAX_FEED_SAMPLES 8000u
/* Different words of a language, and all words of its sentences. */
#define TL_RECOGNIZER_MAX_WORDS 1000u
#define TL_RECOGNIZER_MAX_RUNNING_WORDS 10000u
/* The longest utterance: finishing it takes about a thirtieth of its time. */
#define TL_RECOGNIZER_MAX_UTTERANCE_MS 20000u

/* What is expected to be said. */
/* Words of the sentences, in their order or another: pairs of the sentences are
 * likely, all others possible. A list of words is sentences of one word. */
#define TL_RECOGNIZER_LANGUAGE_WORDS 0u
/* One of the sentences, or its beginning, and nothing else: it always answers
 * with one of them. Several times cheaper. */
#define TL_RECOGNIZER_LANGUAGE_SENTENCES 1u

typedef struct {
  uint32_t text_begin; /* bytes of the result's text, [begin, end) */
  uint32_t text_end;
  uint32_t from_ms; /* of the utterance, [from, to), to within 10 ms */
  uint32_t to_ms;
  uint32_t confidence; /* per mille; 0 in a partial result: not known yet */
} tl_recognizer_word;

TL_RECOGNIZER_EXPORT(tl_recognizer_abi_version)
uint32_t tl_recognizer_abi_version(void);

/* Where to write `len` bytes of text, dictionary or samples; NULL above
 * TL_RECOGNIZER_MAX_INBOX_BYTES. Always the same place. */
TL_RECOGNIZER_EXPORT(tl_recognizer_inbox)
uint8_t* tl_recognizer_inbox(uint32_t len);

/* Where to write file `file` of `len` bytes, before open; NULL if it is none,
 * was there already, or is too long. Stays the module's. */
TL_RECOGNIZER_EXPORT(tl_recognizer_file)
uint8_t* tl_recognizer_file(uint32_t file, uint32_t len);

/* Makes the acoustic model of its files. 0 or ERR_MODEL, after which the
 * instance is of no use. Files that are not those of the model may trap as
 * well: whoever hands them over has compared their hashes. */
TL_RECOGNIZER_EXPORT(tl_recognizer_open)
int32_t tl_recognizer_open(void);

/* Takes the sentences in the inbox, `len` bytes of UTF-8, a line each. Begins
 * with `first` != 0, which forgets those that were given before; more may
 * follow. Words are cut at everything but letters, digits and apostrophes, and
 * are in lower case. Returns how many different words there are now. ERR_INPUT
 * if there would be too many; then none of these lines is taken. */
TL_RECOGNIZER_EXPORT(tl_recognizer_language)
int32_t tl_recognizer_language(uint32_t kind, uint32_t first, uint32_t len);

/* Takes the next `len` bytes of the pronouncing dictionary from the inbox:
 * lines of a word and its sounds ("hello HH AH L OW"; "hello(2)" says it
 * otherwise), cut anywhere. Remembers those of the language's words. Returns
 * how many words have a pronunciation by now. */
TL_RECOGNIZER_EXPORT(tl_recognizer_dictionary)
int32_t tl_recognizer_dictionary(uint32_t len);

/* Makes the language of what was given, in the place of the one before. Returns
 * how many words have no pronunciation, which cannot be heard:
 * tl_recognizer_text names them, a space between two. The pairs of a sentence
 * end at such a word, and as a sentence by itself it is left out. */
TL_RECOGNIZER_EXPORT(tl_recognizer_use)
int32_t tl_recognizer_use(void);

/* Begins an utterance of samples at 8000 or 16000 Hz. `fresh` != 0 forgets what
 * was learnt of the caller's line from the utterances before: another caller.
 * An utterance that was not finished is dropped. */
TL_RECOGNIZER_EXPORT(tl_recognizer_start)
int32_t tl_recognizer_start(uint32_t rate_hz, uint32_t fresh);

/* Hears `samples` (16 bit, signed) in the inbox. Returns how many milliseconds
 * were heard. ERR_FULL when the utterance would be too long: finish it. */
TL_RECOGNIZER_EXPORT(tl_recognizer_feed)
int32_t tl_recognizer_feed(uint32_t samples);

/* What was understood so far; may change with more audio. Returns the number of
 * words. */
TL_RECOGNIZER_EXPORT(tl_recognizer_partial)
int32_t tl_recognizer_partial(void);

/* Ends the utterance: what was understood of it. Returns the number of words.
 */
TL_RECOGNIZER_EXPORT(tl_recognizer_finish)
int32_t tl_recognizer_finish(void);

/* Of the last result (or of use): its text, UTF-8, and its words. */
TL_RECOGNIZER_EXPORT(tl_recognizer_text)
const char* tl_recognizer_text(void);
TL_RECOGNIZER_EXPORT(tl_recognizer_text_len)
uint32_t tl_recognizer_text_len(void);
TL_RECOGNIZER_EXPORT(tl_recognizer_words)
const tl_recognizer_word* tl_recognizer_words(void);

/* Why the last call failed, for a log: one line, ends with 0; may be empty. */
TL_RECOGNIZER_EXPORT(tl_recognizer_error)
const char* tl_recognizer_error(void);

#ifdef __cplusplus
} /* extern "C" */
#endif
