/* What sphinxbase's err.c and profile.c would do: no log but the last error,
 * and no clock. */
#include "sphinx_host.h"

#include <stdarg.h>
#include <string.h>

#include "sphinxbase/err.h"
#include "sphinxbase/profile.h"

static char last_error[200];

const char* tl_sphinx_error(void) { return last_error; }
void tl_sphinx_clear_error(void) { last_error[0] = 0; }

static void keep(err_lvl_t level, const char* format, va_list arguments) {
  /* The first one says why; those that follow, what it led to. */
  if (level < ERR_ERROR || last_error[0] != 0) return;
  vsnprintf(last_error, sizeof last_error, format, arguments);
  last_error[strcspn(last_error, "\n")] = 0;
}

void err_msg(err_lvl_t level, const char* path, long line, const char* format,
             ...) {
  va_list arguments;
  va_start(arguments, format);
  keep(level, format, arguments);
  va_end(arguments);
}

void err_msg_system(err_lvl_t level, const char* path, long line,
                    const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  keep(level, format, arguments);
  va_end(arguments);
}

FILE* err_get_logfp(void) { return NULL; }
int err_set_logfile(const char* path) { return 0; }
int err_set_debug_level(int level) { return 0; }
int err_get_debug_level(void) { return 0; }

void ptmr_init(ptmr_t* timer) {}
void ptmr_start(ptmr_t* timer) {}
void ptmr_stop(ptmr_t* timer) {}
void ptmr_reset(ptmr_t* timer) {}
