// GCC 12's static unwinder asks the C library for _dl_find_object (GLIBC 2.35). The library must load
// from 2.34 on, so it carries a hidden one of its own over dl_iterate_phdr. Exceptions are the failure path:
// its speed does not matter.
#include <dlfcn.h>
#include <link.h>

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
