#include "speech/recognizer/memory_files.h"

#include <array>
#include <cstdio>
#include <string>

#include "base/check.h"

namespace trunkline::speech {
namespace {

struct MemoryFile {
  std::string name;
  std::span<const uint8_t> bytes;
};

using Files = std::array<MemoryFile, kMaxMemoryFiles>;

// The library opens files by name, from anywhere: this is the module's own.
Files& TheFiles() {
  static Files* const kFiles = new Files;
  return *kFiles;
}

MemoryFile* Find(std::string_view name) {
  for (MemoryFile& file : TheFiles()) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

}  // namespace

void PutMemoryFile(std::string_view name, std::span<const uint8_t> bytes) {
  TL_CHECK(!name.empty() && name.size() <= kMaxMemoryFileName);
  TL_CHECK(!bytes.empty());
  MemoryFile* file = Find(name);
  if (file == nullptr) file = Find("");
  TL_CHECK(file != nullptr);
  file->name = name;
  file->bytes = bytes;
}

void RemoveMemoryFile(std::string_view name) {
  if (MemoryFile* const file = Find(name); file != nullptr) *file = {};
}

}  // namespace trunkline::speech

using trunkline::speech::Find;

extern "C" {

// Declared in cmake/shims/speech_host.h.
FILE* tl_speech_open(const char* name, const char* mode) {
  if (name == nullptr || *name == 0 || mode[0] != 'r') return nullptr;
  const auto* const file = Find(name);
  if (file == nullptr) return nullptr;
  // Opened to be read: it is not written to.
  return fmemopen(const_cast<uint8_t*>(file->bytes.data()), file->bytes.size(),
                  "r");
}

// sphinxbase's mmio.h: a map of a file is the file.
// NOLINTNEXTLINE(readability-identifier-naming): the library names it.
struct mmio_file_s {
  void* bytes;
};

mmio_file_s* mmio_file_read(const char* name) {
  const auto* const file = Find(name);
  if (file == nullptr) return nullptr;
  return new mmio_file_s{const_cast<uint8_t*>(file->bytes.data())};
}

void mmio_file_unmap(mmio_file_s* map) { delete map; }

void* mmio_file_ptr(mmio_file_s* map) { return map->bytes; }

}  // extern "C"
