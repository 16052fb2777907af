// The turn of a call: no more calls of medium length run at a time than there are cores for them.
//
// Left to the kernel, callers beyond the cores share these in slices of milliseconds; a call of 1 ms that is
// interrupted waits for the slices of all the others, so that one call in a few takes ten times as long as
// the rest. Here the calls that find every core taken wait, about in the order of arrival.
#ifndef DYNAMICMOE_CORE_CALLS_HPP_
#define DYNAMICMOE_CORE_CALLS_HPP_

#include <cstdint>
#include <type_traits>

namespace dmoe {

/** Runs run(context) and passes on what it throws: on this thread when fewer than call_slots() calls run and
 * none waits, else on a thread of ours when its turn has come, while this one sleeps. A call within a call
 * has its turn already.
 * @param microseconds what it takes on one core, about. Short calls do not wait: a thread that sleeps costs
 * more than they do. Nor do long ones, which the kernel's slices do not harm, and behind which others would
 * have to wait. */
void in_turn(double microseconds, void (*run)(void* context), void* context);

/** The same for a callable body(), kept on the caller's stack. */
template <typename Body>
void in_turn(double microseconds, Body&& body) {
  using Plain = std::remove_reference_t<Body>;
  in_turn(
      microseconds, [](void* context) { (*static_cast<Plain*>(context))(); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

/** Tells how many physical cores this process may use (engine/cpu does, once); until then 1. Where fewer
 * calls run at a time, as under a quota, calls must be longer to wait. */
void set_call_cores(int cores) noexcept;

/** @return an estimate for in_turn(): whichever takes longer, to read the weights or to do the products.
 * @param from_memory whether the weights are too many to stay in cache from one call to the next */
double call_microseconds(double weight_bytes, bool from_memory, double multiply_adds) noexcept;

/** Calls that have their turn, those of servers about to sleep included, and calls that wait. */
struct CallCounts {
  int64_t running = 0;
  int64_t waiting = 0;
};
CallCounts call_counts() noexcept;

}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_CALLS_HPP_
