#pragma once

/* The one piece of POSIX threads that WebRTC's spl_init.c asks for, for a
 * module that has one thread. Without it clang's wasi target takes the header
 * of the host. */
typedef int pthread_once_t;
#define PTHREAD_ONCE_INIT 0

static inline int pthread_once(pthread_once_t* once, void (*init)(void)) {
  if (*once == 0) {
    *once = 1;
    init();
  }
  return 0;
}
