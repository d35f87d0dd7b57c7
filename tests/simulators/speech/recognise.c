/* Recognises utterances with pocketsphinx: reads {u32 LE sample count, s16le
 * samples at 16 kHz} from standard input until it ends, and answers each with
 * one line of text (empty when nothing was understood).
 *
 *   recognise HMM_FOLDER LM_FILE DICTIONARY */
#include <pocketsphinx.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Two minutes; a longer utterance is a fault of the caller. */
#define MAX_SAMPLES (16000u * 120u)

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  err_set_logfp(NULL);
  cmd_ln_t* config = cmd_ln_init(
      NULL, ps_args(), TRUE, "-hmm", argv[1], "-lm", argv[2], "-dict", argv[3],
      "-samprate", "16000", "-logfn", "/dev/null", NULL);
  ps_decoder_t* decoder = config == NULL ? NULL : ps_init(config);
  if (decoder == NULL) return 1;
  int16_t* samples = malloc(MAX_SAMPLES * sizeof *samples);
  uint32_t count = 0;
  puts("ready");
  fflush(stdout);
  while (fread(&count, sizeof count, 1, stdin) == 1) {
    if (count > MAX_SAMPLES) return 1;
    if (fread(samples, sizeof *samples, count, stdin) != count) return 1;
    ps_start_utt(decoder);
    ps_process_raw(decoder, samples, count, FALSE, TRUE);
    ps_end_utt(decoder);
    int32 score = 0;
    const char* text = ps_get_hyp(decoder, &score);
    puts(text == NULL ? "" : text);
    fflush(stdout);
  }
  free(samples);
  ps_free(decoder);
  cmd_ln_free_r(config);
  return 0;
}
