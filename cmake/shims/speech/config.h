/* What sphinxbase's and pocketsphinx's configure would find of our host: no
 * threads, pipes, compressed files or linear algebra library. */
#pragma once

#define HAVE_LONG_LONG 1
#define HAVE_SNPRINTF 1
#define HAVE_UNISTD_H 1
#define STDC_HEADERS 1
#define SIZEOF_LONG_LONG 8
