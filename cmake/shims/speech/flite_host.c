/* What flite asks of files, sockets, audio devices and markup, which the module
 * has none of. Its voices are tables in the module. */
#include <stdarg.h>
#include <stdint.h>

#include "cst_error.h"
#include "cst_file.h"
#include "cst_val.h"
#include "flite.h"

cst_file cst_fopen(const char* path, int mode) { return NULL; }
long cst_fwrite(cst_file file, const void* bytes, long size, long count) {
  return 0;
}
long cst_fread(cst_file file, void* bytes, long size, long count) { return 0; }
int cst_fprintf(cst_file file, const char* format, ...) { return 0; }
int cst_sprintf(char* text, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = vsprintf(text, format, arguments);
  va_end(arguments);
  return length;
}
int cst_fclose(cst_file file) { return 0; }
int cst_fgetc(cst_file file) { return -1; }
long cst_ftell(cst_file file) { return 0; }
long cst_fseek(cst_file file, long position, int whence) { return -1; }
long cst_filesize(cst_file file) { return 0; }
cst_filemap* cst_mmap_file(const char* path) { return NULL; }
int cst_munmap_file(cst_filemap* map) { return -1; }

int cst_errmsg(const char* format, ...) { return 0; }
int cst_urlp(const char* url) { return 0; }
int play_wave(cst_wave* wave) { return -1; }
void delete_audio_streaming_info(cst_audio_streaming_info* info) {}
CST_VAL_REGISTER_TYPE(audio_streaming_info, cst_audio_streaming_info)

cst_voice* cst_cg_load_voice(const char* filename, const cst_lang* table) {
  return NULL;
}
int cst_cg_dump_voice(const cst_voice* voice, const cst_string* filename) {
  return 0;
}

/* Numerical Recipes' linear congruence. Seeded anew for each utterance, so that
 * none depends on what was spoken before. */
static uint32_t state = 1;
void tl_speech_seed(void) { state = 1; }
int tl_speech_rand(void) {
  state = state * 1664525u + 1013904223u;
  return (int)(state >> 1);
}
