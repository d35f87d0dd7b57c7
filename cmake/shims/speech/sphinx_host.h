/* The first error that the recogniser's library has met since it was cleared;
 * "" for none. One line, at most 199 bytes. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

const char* tl_sphinx_error(void);
void tl_sphinx_clear_error(void);

#ifdef __cplusplus
}
#endif
