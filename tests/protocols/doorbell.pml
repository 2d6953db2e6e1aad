/* The doorbell with more than one sleeper: the writer publishes versions and rings, two threads wait for a version. The
 * doorbell of the write queue, with several ringers and one sleeper, is in queue.pml.
 *
 * What stands for what
 *   writer()       BufferManager::publish() (src/storage/buffer_manager.cpp), as far as version_ goes; publish_batch() of
 *                  Engine (src/txn/engine.cpp), BasicDoorbell::ring() (src/queue/doorbell.h).
 *   waiter()       Engine::wait_for_version(), BasicDoorbell::wait().
 *   lander()       the store buffer of one thread, see memory.pml. There is also the futex.
 *
 * Claims
 *   Who waits for a version that is published wakes. Another may sleep on, waiting for one that never comes.
 *
 * Simplified
 *   Looks of a spinning waiter are left out: each is as the one look before the sleep. So are deadlines, and a futex that
 *   wakes for no reason: both lead to a look that nobody asked for.
 *
 * Cases
 *   (none)            two versions, and a third that never comes.
 *
 * Weakened
 *   WEAK_READ_LATE    the sleeper reads the word after its last look: what was served before may be it.
 *   WEAK_SERVED_ALL   ring() says that all are served who have announced by then, not only those that it saw.
 *   WEAK_NO_CHANGE    ring() wakes, but does not change the word.
 *   WEAK_PUBLISH      the version is stored with release: the writer looks for sleepers before it is visible.
 *   WEAK_RING_FIRST   the writer rings, and then publishes.
 *   WEAK_ANNOUNCE     the announcement is a load and a store with release, not a full barrier before the look.
 *   WEAK_LOOK_FIRST   the sleeper looks, and then announces.
 *   WEAK_SLEEP        the futex does not compare the word.
 */

#define VERSIONS 2

/* Threads: 0 and 1 wait. */
#define WRITER 2
#define THREADS 3
#define BUFFER_SIZE 2

/* Cells. */
#define VERSION 1
#define ANNOUNCED 2
#define SERVED 3
#define RUNG 4
#define CELLS 5

#include "memory.pml"

/* BasicDoorbell::ring() */
inline ring() {
  load(WRITER, ANNOUNCED, announced);
  load(WRITER, SERVED, served);
  if
  :: served < announced ->
#ifndef WEAK_NO_CHANGE
     atomic { passes(WRITER, RUNG); memory[RUNG]++ };
#endif
     futex_wake_all(WRITER, RUNG);
#ifdef WEAK_SERVED_ALL
     load(WRITER, ANNOUNCED, announced);
#endif
     store(WRITER, SERVED, announced, RELAXED)
  :: else
  fi;
  atomic { announced = 0; served = 0 }
}

proctype writer() {
  byte version, announced, served;
  do
  :: version < VERSIONS ->
     version++;
#if defined(WEAK_RING_FIRST)
     ring();
     atomic { drained(WRITER); memory[VERSION] = version }
#elif defined(WEAK_PUBLISH)
     store(WRITER, VERSION, version, RELEASE);
     ring()
#else
     atomic { drained(WRITER); memory[VERSION] = version };
     ring()
#endif
  :: else -> break
  od
}

inline announce(me) {
  atomic {
#ifdef WEAK_ANNOUNCE
    load(me, ANNOUNCED, announced);
    store(me, ANNOUNCED, announced + 1, RELEASE);
    announced = 0
#else
    drained(me);
    memory[ANNOUNCED]++
#endif
  }
}

/* BasicDoorbell::wait() */
proctype waiter(byte me) {
  byte version, seen, rung;
#ifdef WEAK_ANNOUNCE
  byte announced;
#endif
  select(version : 1 .. VERSIONS + 1);  /* the last of these never comes */
  load(me, VERSION, seen);
  do
  :: seen >= version -> break
  :: else ->
     load(me, RUNG, rung);
#ifdef WEAK_LOOK_FIRST
     load(me, VERSION, seen);
     announce(me);
#else
     announce(me);
     load(me, VERSION, seen);
#endif
     if
     :: seen >= version -> break
     :: else
     fi;
#ifdef WEAK_READ_LATE
     load(me, RUNG, rung);
#endif
#ifdef WEAK_SLEEP
     atomic { drained(me); asleep[me] = RUNG };
#else
     futex_sleep(me, RUNG, rung);
#endif
     if
     :: asleep[me] == 0
     :: version > VERSIONS && asleep[me] != 0 -> goto end_in_vain
     fi
  od;
end_in_vain:
  skip
}

init {
  atomic {
    run lander(0);
    run lander(1);
    run lander(WRITER);
    run waiter(0);
    run waiter(1);
    run writer()
  }
}
