// What the simulated machine is and what goes wrong on it. Text of "key=value" with ';' between, in the
// environment variable DMOE_SIMULATED_CUDA or given by a test:
//
//   devices=2              number of devices (1)
//   capability=70          compute capability times ten (80); of several devices "70/86"
//   driver=12020           CUDA version of the driver (12020); it takes PTX up to that version's
//   memory=1048576         bytes of device memory (1 GiB)
//   multiprocessors=4      (2); of several devices "4/8"
//   pools=0                no memory pools (1)
//   compute_mode=2         (0)
//   fail=NAME:CODE:AFTER:TIMES   the function NAME returns CODE after AFTER good calls, TIMES times (0 good
//   calls, once; TIMES 0 = for ever) break=NAME:CODE:AFTER  the work that function or kernel NAME puts on a
//   stream ends with CODE, after AFTER good ones: as on a device
//                          it shows in a later call, and the context is lost
#ifndef DYNAMICMOE_TESTS_CUDA_DRIVER_SETTINGS_HPP_
#define DYNAMICMOE_TESTS_CUDA_DRIVER_SETTINGS_HPP_

#include <cstddef>
#include <string>
#include <vector>

namespace dmoe::simulated {

/** Counts calls of one name. */
struct Fault {
  std::string name;
  int code = 0;
  long after = 0, times = 1;
};

struct Settings {
  int devices = 1;
  std::vector<int> capabilities{80};
  int driver = 12020;
  size_t memory = size_t{1} << 30;
  std::vector<int> multiprocessors{2};
  int pools = 1;
  int compute_mode = 0;
  std::vector<Fault> failures, breaks;

  int capability(int device) const { return of(capabilities, device); }
  int multiprocessors_of(int device) const { return of(multiprocessors, device); }

 private:
  static int of(const std::vector<int>& values, int device) {
    return values[static_cast<size_t>(device) < values.size() ? static_cast<size_t>(device) : 0];
  }
};

/** False when the text is not as above; `out` starts from the defaults. */
bool parse_settings(const std::string& text, Settings& out);
/** The code of a fault for this call of `name`, which counts; 0 for none. */
int strike(std::vector<Fault>& faults, const std::string& name);

}  // namespace dmoe::simulated

#endif  // DYNAMICMOE_TESTS_CUDA_DRIVER_SETTINGS_HPP_
