/* The memory that the models of this folder run on: cells of one byte, and a store buffer for each thread.
 *
 * The includer defines THREADS, CELLS and BUFFER_SIZE (1 to 4). Cell 0 is not used. Thread numbers are 0 to THREADS - 1.
 *
 * A store goes into the buffer of its thread and lands in memory at some later time. A load sees the youngest store to
 * its cell in the own buffer, or else memory. A read-modify-write acts on memory at once. What C++ says becomes:
 *
 *   load, any order                      load()
 *   plain or relaxed store               store(.., RELAXED)
 *   release store                        store(.., RELEASE)
 *   seq_cst store                        atomic { drained(me); memory[cell] = value }
 *   read-modify-write that releases      atomic { drained(me); ...memory[cell]... }   (release, acq_rel, seq_cst)
 *   read-modify-write that does not      atomic { passes(me, cell); ...memory[cell]... }   (relaxed, acquire)
 *
 * Without NON_FIFO this is TSO, what x86 does: a buffer is first in, first out, and every read-modify-write waits until
 * its thread's buffer is empty. There, RELAXED and RELEASE are the same.
 *
 * With NON_FIFO a store may land before an older one, unless both are to the same cell or the younger one is RELEASE;
 * and a read-modify-write that does not release waits only for stores to its own cell. This is how weaker machines
 * reorder stores.
 *
 * Loads are taken in program order in both. A machine that moves a load is not modelled; where an order is there to stop
 * a load from moving, a WEAK_ variant moves it by hand.
 */

#define RELAXED 0
#define RELEASE 1

typedef StoreBuffer {
  byte cell[BUFFER_SIZE];  /* oldest first; 0 where there is none */
  byte value[BUFFER_SIZE];
#ifdef NON_FIFO
  bit release[BUFFER_SIZE];
#endif
  byte count
};

byte memory[CELLS];
StoreBuffer buffer[THREADS];

/* Scratch of the steps below. No part of the state: written before it is read, and within one step. */
hidden byte memory_at;
hidden byte memory_found;

#define drained(me) (buffer[me].count == 0)

#if BUFFER_SIZE == 1
#define buffers_none(me, c) (buffer[me].cell[0] != (c))
#elif BUFFER_SIZE == 2
#define buffers_none(me, c) (buffer[me].cell[0] != (c) && buffer[me].cell[1] != (c))
#elif BUFFER_SIZE == 3
#define buffers_none(me, c) (buffer[me].cell[0] != (c) && buffer[me].cell[1] != (c) && buffer[me].cell[2] != (c))
#else
#define buffers_none(me, c) \
  (buffer[me].cell[0] != (c) && buffer[me].cell[1] != (c) && buffer[me].cell[2] != (c) && buffer[me].cell[3] != (c))
#endif

#ifdef NON_FIFO
#define passes(me, c) buffers_none(me, c)
#else
#define passes(me, c) drained(me)
#endif

inline load(me, c, into) {
  d_step {
    memory_found = memory[c];
    memory_at = 0;
    do
    :: memory_at < buffer[me].count ->
       if
       :: buffer[me].cell[memory_at] == (c) -> memory_found = buffer[me].value[memory_at]
       :: else
       fi;
       memory_at++
    :: else -> break
    od;
    into = memory_found
  }
}

/* Waits while the buffer is full. */
inline store(me, c, v, order) {
  d_step {
    buffer[me].count < BUFFER_SIZE;
    buffer[me].cell[buffer[me].count] = c;
    buffer[me].value[buffer[me].count] = v;
#ifdef NON_FIFO
    buffer[me].release[buffer[me].count] = order;
#endif
    buffer[me].count++
  }
}

/* The store at place `at` of the buffer lands; those behind it close up. */
inline land(me, at) {
  memory[buffer[me].cell[at]] = buffer[me].value[at];
  memory_at = at;
  do
  :: memory_at + 1 < buffer[me].count ->
     buffer[me].cell[memory_at] = buffer[me].cell[memory_at + 1];
     buffer[me].value[memory_at] = buffer[me].value[memory_at + 1];
#ifdef NON_FIFO
     buffer[me].release[memory_at] = buffer[me].release[memory_at + 1];
#endif
     memory_at++
  :: else -> break
  od;
  buffer[me].cell[memory_at] = 0;
  buffer[me].value[memory_at] = 0;
#ifdef NON_FIFO
  buffer[me].release[memory_at] = 0;
#endif
  buffer[me].count--
}

/* Lets the stores of thread `me` land, each at any time. It may rest for ever once there are none. */
proctype lander(byte me) {
end:
  do
  :: d_step { buffer[me].count > 0 -> land(me, 0) }
#ifdef NON_FIFO
#define overtakes_first(me, at) (!buffer[me].release[at] && buffer[me].cell[at] != buffer[me].cell[0])
#if BUFFER_SIZE > 1
  :: d_step { buffer[me].count > 1 && overtakes_first(me, 1) -> land(me, 1) }
#endif
#if BUFFER_SIZE > 2
  :: d_step {
       buffer[me].count > 2 && overtakes_first(me, 2) && buffer[me].cell[2] != buffer[me].cell[1] -> land(me, 2)
     }
#endif
#if BUFFER_SIZE > 3
  :: d_step {
       buffer[me].count > 3 && overtakes_first(me, 3) && buffer[me].cell[3] != buffer[me].cell[1] &&
       buffer[me].cell[3] != buffer[me].cell[2] -> land(me, 3)
     }
#endif
#endif
  od
}

/* Linux's futex, as SystemSync of src/queue/sync.h uses it: the cell that each thread sleeps on, or 0. Both calls enter
 * the kernel, which is a full barrier; it compares and falls asleep, and wakes, in one step. */
byte asleep[THREADS];

inline futex_sleep(me, c, expected) {
  atomic {
    drained(me);
    if
    :: memory[c] == (expected) -> asleep[me] = c
    :: else
    fi
  }
}

inline futex_wake_all(me, c) {
  d_step {
    drained(me);
    memory_at = 0;
    do
    :: memory_at < THREADS ->
       if
       :: asleep[memory_at] == (c) -> asleep[memory_at] = 0
       :: else
       fi;
       memory_at++
    :: else -> break
    od
  }
}
