// Stand-ins for what GCC's static C++ runtime asks of a C library newer than 2.34, from which on this library
// must load. They are hidden, and left out or unused where the runtime does not ask for them.
// - _dl_find_object (2.35), GCC 12's unwinder: over dl_iterate_phdr. Exceptions are the failure path, so its
//   speed does not matter.
// - __isoc23_strtoul (2.38), GCC 13's exception pool: the strtoul of old, which lacks the 0b prefix only.
#include <dlfcn.h>
#include <link.h>

extern "C" {

// By its assembler name, as newer headers turn a plain call into one of __isoc23_strtoul.
unsigned long c99_strtoul(const char* text, char** end, int base) noexcept __asm__("strtoul");

__attribute__((visibility("hidden"))) unsigned long __isoc23_strtoul(const char* text, char** end,
                                                                     int base) noexcept {
  return c99_strtoul(text, end, base);
}

}  // extern "C"

#if defined(DLFO_STRUCT_HAS_EH_DBASE)

namespace {

struct Search {
  uintptr_t address;
  dl_find_object* found;
};

int visit(dl_phdr_info* info, size_t, void* data) {
  auto* search = static_cast<Search*>(data);
  bool inside = false;
  const ElfW(Phdr)* frame = nullptr;
  uintptr_t low = UINTPTR_MAX, high = 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type == PT_GNU_EH_FRAME) frame = &header;
    if (header.p_type != PT_LOAD) continue;
    const uintptr_t start = info->dlpi_addr + header.p_vaddr;
    const uintptr_t end = start + header.p_memsz;
    low = start < low ? start : low;
    high = end > high ? end : high;
    inside |= search->address >= start && search->address < end;
  }
  if (!inside) return 0;
  if (frame == nullptr) return -1;
  search->found->dlfo_map_start = reinterpret_cast<void*>(low);
  search->found->dlfo_map_end = reinterpret_cast<void*>(high);
  search->found->dlfo_eh_frame = reinterpret_cast<void*>(info->dlpi_addr + frame->p_vaddr);
  return 1;
}

}  // namespace

extern "C" __attribute__((visibility("hidden"))) int _dl_find_object(void* address,
                                                                     dl_find_object* result) noexcept {
  *result = dl_find_object{};
  Search search{reinterpret_cast<uintptr_t>(address), result};
  return dl_iterate_phdr(visit, &search) == 1 ? 0 : -1;
}

#endif
