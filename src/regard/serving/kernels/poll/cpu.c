/* poll(2) that spins first.

   A process that sleeps in poll is woken tens of microseconds after its message came, twice that
   in a virtual machine; a decode step waits some sixty times. `pause` leaves the core's other
   thread its share while this one spins.

   Who spins looks busy to the scheduler, and loses the core to others that want it for whole time
   slices, where a sleeper would be woken at once. So spinning stops for a while when the clock
   jumps between two looks: somebody else has run here. */
#define _GNU_SOURCE
#include <immintrin.h>
#include <poll.h>
#include <stdint.h>
#include <time.h>

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static const int64_t JUMP_NS = 100000;
static const int64_t REST_NS = 50000000;
static _Thread_local int64_t rest_until = 0;

int regard_poll(struct pollfd *fds, int count, int64_t spin_ns, int64_t timeout_ns) {
  const int64_t start = now_ns();
  const int64_t spin_end = start + (timeout_ns >= 0 && timeout_ns < spin_ns ? timeout_ns : spin_ns);
  int64_t last = start;
  do {
    const int ready = poll(fds, (nfds_t)count, 0);
    if (ready) return ready;
    for (int i = 0; i < 100; i++) _mm_pause();
    const int64_t now = now_ns();
    if (now - last > JUMP_NS) rest_until = now + REST_NS;
    last = now;
  } while (last < spin_end && last > rest_until);
  if (timeout_ns < 0) return poll(fds, (nfds_t)count, -1);
  const int64_t left = start + timeout_ns - now_ns();
  if (left <= 0) return 0;
  /* poll counts whole milliseconds, which are many layers of a small model. */
  const struct timespec rest = {left / 1000000000LL, left % 1000000000LL};
  return ppoll(fds, (nfds_t)count, &rest, NULL);
}
